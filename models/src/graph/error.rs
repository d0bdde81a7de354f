//! Why a step could not be laid out.

/// A batch or a split that makes no step, or a graph that makes no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A step needs at least one sequence.
    #[error("a step needs at least one sequence, found none")]
    EmptyBatch,
    /// Every sequence of a step processes at least one token.
    #[error("every sequence of a step needs at least one new token, sequence {sequence} has none")]
    NoNewTokens {
        /// Index of the sequence in the batch, from 0.
        sequence: usize,
    },
    /// A dimension does not split evenly over the devices.
    #[error(
        "a tensor-parallel degree must divide the {size} {dimension}, found {tensor_parallel}\n\
         the nearest degree that divides all split dimensions is {nearest}"
    )]
    Split {
        /// What is split: "query heads", "KV heads" or "feed-forward channels".
        dimension: &'static str,
        /// How many of them the model has.
        size: u64,
        /// The degree asked for.
        tensor_parallel: u64,
        /// The nearest degree that the model allows; the smaller of two equally near.
        nearest: u64,
    },
    /// Given loads are not those of the step.
    #[error(
        "loads must be given for {layers} layers of {experts} experts, {per_token} of which take each of {tokens} tokens"
    )]
    Loads {
        /// Layers of the model.
        layers: u64,
        /// Experts of a layer.
        experts: u64,
        /// New tokens of the step.
        tokens: u64,
        /// Experts of a token.
        per_token: u64,
    },
    /// Work or bytes of the step exceed 64 bits.
    #[error("the step is too large: its operations or bytes do not fit 64 bits")]
    TooLarge,
    /// The graph has a cycle, so its operators have no order.
    #[error("the operator graph has a cycle that `{operator}` waits for")]
    Cycle {
        /// The first operator, by index, that can never run.
        operator: &'static str,
    },
}

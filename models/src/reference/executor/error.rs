//! Why a step could not be computed.

/// A batch that the reference refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// A step needs at least one sequence.
    #[error("a step needs at least one sequence, found none")]
    EmptyBatch,
    /// Every sequence of a step processes at least one token.
    #[error("every sequence of a step needs at least one new token, sequence {sequence} has none")]
    NoNewTokens {
        /// Index of the sequence in the batch, from 0.
        sequence: usize,
    },
    /// A token that the model does not know.
    #[error("sequence {sequence}: a token must be below the vocabulary ({vocab}), found {token}")]
    Token {
        /// Index of the sequence in the batch, from 0.
        sequence: usize,
        /// The token.
        token: u32,
        /// Tokens of the vocabulary.
        vocab: usize,
    },
    /// A position that the learned table does not have.
    #[error(
        "sequence {sequence}: a position must be below those of the table ({positions}), found {position}"
    )]
    Position {
        /// Index of the sequence in the batch, from 0.
        sequence: usize,
        /// The last position of the step.
        position: u64,
        /// Positions of the table.
        positions: u64,
    },
}

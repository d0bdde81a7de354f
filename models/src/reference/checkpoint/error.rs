//! Why weights could not be read.

/// A checkpoint that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("{file}: cannot be read: {found}")]
    Read {
        /// Name of the file.
        file: String,
        /// What the system says.
        found: String,
    },
    /// A file is not safetensors, or contradicts itself.
    #[error("{file}: not a safetensors file: {found}")]
    Format {
        /// Name of the file.
        file: String,
        /// What the parser says.
        found: String,
    },
    /// The index of a sharded checkpoint is not one.
    #[error("{file}: must map tensors to files under `weight_map`: {found}")]
    Index {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        found: String,
    },
    /// Elements of a type that is not read.
    #[error("{file}: tensor `{tensor}` must hold F32, F16 or BF16, found {found}")]
    Dtype {
        /// Name of the file.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Its element type.
        found: String,
    },
    /// A tensor that the model needs is not there.
    #[error("{file}: tensor `{tensor}` of shape {expected:?} is missing{}", suggestion(nearest.as_deref()))]
    Missing {
        /// Name of the file or of the source.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// The shape it must have.
        expected: Vec<usize>,
        /// The nearest name among those that are there and not expected.
        nearest: Option<String>,
    },
    /// A tensor that the model does not have.
    #[error("{file}: tensor `{tensor}` of shape {found:?} is none of this model's{}", suggestion(nearest.as_deref()))]
    Extra {
        /// Name of the file or of the source.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The nearest name that the model has.
        nearest: Option<String>,
    },
    /// A tensor of another shape.
    #[error("{file}: tensor `{tensor}` must have shape {expected:?}, found {found:?}")]
    Shape {
        /// Name of the file or of the source.
        file: String,
        /// Name of the tensor.
        tensor: String,
        /// The shape it must have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
}

impl CheckpointError {
    pub(super) fn read(file: &str, error: &std::io::Error) -> Self {
        Self::Read {
            file: file.to_owned(),
            found: error.to_string(),
        }
    }
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("\nnearest name: `{name}`"))
}

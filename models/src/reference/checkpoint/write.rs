//! Writes tensors in the field's format, so that tests and tools can make checkpoints.

use half::{bf16, f16};
use safetensors::tensor::{Dtype as FileDtype, TensorView};

use super::{CheckpointError, Tensors};
use crate::dtype::Dtype;

/// The bytes of a safetensors file that holds `tensors` as `dtype`, rounded to nearest, ties
/// to even. The same tensors give the same bytes.
///
/// # Errors
/// The format refuses the tensors; `file` names them in the message.
pub fn write(file: &str, tensors: &Tensors, dtype: Dtype) -> Result<Vec<u8>, CheckpointError> {
    let fault = |error: safetensors::SafeTensorError| CheckpointError::Format {
        file: file.to_owned(),
        found: error.to_string(),
    };
    let kind = match dtype {
        Dtype::F32 => FileDtype::F32,
        Dtype::F16 => FileDtype::F16,
        Dtype::Bf16 => FileDtype::BF16,
    };
    let encoded: Vec<(&String, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let values = tensor.iter();
            let bytes = match dtype {
                Dtype::F32 => values.flat_map(|value| value.to_le_bytes()).collect(),
                Dtype::F16 => values
                    .flat_map(|value| f16::from_f32(*value).to_le_bytes())
                    .collect(),
                Dtype::Bf16 => values
                    .flat_map(|value| bf16::from_f32(*value).to_le_bytes())
                    .collect(),
            };
            (name, tensor.shape(), bytes)
        })
        .collect();
    let mut views = Vec::with_capacity(encoded.len());
    for (name, shape, bytes) in &encoded {
        let view = TensorView::new(kind, shape.to_vec(), bytes).map_err(fault)?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, None).map_err(fault)
}

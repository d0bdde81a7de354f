//! Seeded models of any size, for runs that need values but no checkpoint.
//!
//! Elements are uniform: no logarithm or cosine of the platform enters the stream. A matrix is
//! scaled by its inputs and, where its result joins the residual stream, by the number of
//! blocks, so that activations stay of order one at any depth and width.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::checkpoint::Tensors;
use super::naming::{Role, slots};
use crate::model::Model;

/// Half-width of a uniform distribution of deviation one.
const UNIT: f64 = 1.732_050_807_568_877_2;

/// Draws every tensor that a checkpoint of `model` holds. The same seed gives the same tensors
/// on every machine: element by element, tensor by tensor in the order of [`slots`].
#[must_use]
pub fn synthetic(model: &Model, seed: u64) -> Tensors {
    let mut random = Pcg64::seed_from_u64(seed);
    let blocks = 2.0 * model.layers as f64;
    let mut tensors = BTreeMap::new();
    for slot in slots(model) {
        let (center, deviation) = match slot.role {
            // A tied table is also the head, which reads `hidden` channels of order one.
            Role::Table if model.tied_embeddings => (0.0, 2.0 / (model.hidden as f64).sqrt()),
            Role::Table => (0.0, 1.0),
            Role::Matrix { inputs, residual } => {
                let terms = inputs as f64 * if residual { blocks } else { 1.0 };
                (0.0, terms.sqrt().recip())
            }
            Role::Scale => (1.0, 0.1),
            Role::Offset => (0.0, 0.1),
        };
        let elements = ArrayD::from_shape_simple_fn(IxDyn(&slot.shape), || {
            let uniform: f64 = random.random();
            (center + deviation * UNIT * (2.0 * uniform - 1.0)) as f32
        });
        tensors.insert(slot.name, elements);
    }
    tensors
}

#[cfg(test)]
mod tests {
    use super::synthetic;
    use crate::registry;

    #[test]
    fn the_stream_is_pinned() {
        let mut model = registry::get("llama-2-7b").expect("registered");
        model.hidden = 8;
        model.heads = 2;
        model.kv_heads = 1;
        model.head_dim = 4;
        model.ffn_width = 16;
        model.layers = 1;
        model.vocab = 5;
        let tensors = synthetic(&model, 1);
        assert_eq!(tensors.len(), 12);
        let table = &tensors["model.embed_tokens.weight"];
        let first: Vec<f32> = table.iter().take(3).copied().collect();
        assert_eq!(first, PINNED);
        assert_eq!(synthetic(&model, 1), tensors);
        assert_ne!(synthetic(&model, 2), tensors);
    }

    const PINNED: [f32; 3] = [1.177_356_8, -1.672_126_4, -1.337_483_8];
}

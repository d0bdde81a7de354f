//! Transformer shapes and operator graphs, from the configuration files that models are
//! published with.
//!
//! A simulator needs two things of a model: how many bytes it occupies, and which operators
//! of which shapes one step consists of. Both follow from the handful of integers in a
//! checkpoint's `config.json`. This crate reads those integers, refuses what it cannot
//! represent, and lays the operators out as graphs. It knows nothing of devices, of time or
//! of the file system: the caller passes text in and gets plain data out.
//!
//! ```
//! use memwall_models::{Sequence, StepGraph, registry};
//!
//! let model = registry::get("llama-3.1-8b")?;
//! assert_eq!(model.parameters().total(), 8_030_261_248);
//! assert_eq!(model.kv_bytes_per_token(), 131_072);
//!
//! // One decode step: one new token against 1023 tokens already in the KV cache.
//! let decode = Sequence { new_tokens: 1, context: 1023 };
//! let step = StepGraph::build(&model, 1, &[decode])?;
//! assert_eq!(step.layers[0].count, 32);
//! assert_eq!(step.total_bytes().kv_read, 1024 * 131_072);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod architecture;
mod arithmetic;
mod config;
mod dtype;
mod error;
mod fields;
pub mod graph;
mod locate;
mod model;
mod parameters;
pub mod reference;
pub mod registry;
mod schema;
pub mod spelling;

pub use architecture::Architecture;
pub use dtype::Dtype;
pub use error::{FieldError, ModelError};
pub use graph::{
    AttentionShape, ExpertLoad, GraphError, Layers, Operator, OperatorGraph, OperatorKind, Routing,
    Sequence, Shape, StepGraph, TensorBytes,
};
pub use model::{Activation, Experts, Model, Norm, Positions};
pub use parameters::Parameters;

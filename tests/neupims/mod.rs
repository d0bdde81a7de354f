//! The NeuPIMs artifact above its channels.

mod recorded;
mod steady;
mod suite;

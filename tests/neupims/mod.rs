//! The NeuPIMs artifact above its channels.

mod steady;

//! The channel of the NeuPIMs artifact.

mod streams;
mod timeline;

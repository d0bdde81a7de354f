//! The channel of the NeuPIMs artifact.

mod distances;
mod pace;
mod streams;
mod timeline;

//! The channel of the NeuPIMs artifact.

mod timeline;

//! The event queue and the resource timelines that the layers above the channels share. Knows
//! nothing of devices.
#![deny(clippy::float_arithmetic)]

mod queue;
mod timeline;

pub use queue::EventQueue;
pub use timeline::Pool;

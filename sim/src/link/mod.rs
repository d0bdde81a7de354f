//! Links between devices, hosts and drives: what is joined to what ([`topology`]), transfers that
//! share it ([`network`]), and the collectives of a group ([`collective`]).
//!
//! Bytes flow along a whole route at once at the rate that its narrowest place leaves; latency
//! follows the last byte. Packets are not simulated one by one: a transfer occupies whole
//! packets, and less urgent ones give way at chunk boundaries.
#![deny(clippy::float_arithmetic)]

pub mod collective;
mod error;
mod fabric;
mod measured;
pub mod network;
mod ring;
mod route;
mod share;
mod standard;
pub mod topology;

pub use error::LinkError;
pub use fabric::{Fabric, Link, Overlap};
pub use measured::Measured;
pub use ring::Ring;
pub use route::Route;
pub use share::fill;
pub use standard::{Framing, Standard};

//! The channel of the NeuPIMs artifact (NewtonSim, casys-kaist/NeuPIMs): transactions and PIM
//! commands on the same banks, with one row buffer a bank (Newton) or two (NeuPIMs).

mod answers;
mod bus;
mod candidates;
mod channel;
mod flights;
mod gates;
mod issue;
mod moves;
mod parameters;
mod pim;
pub mod port;
mod queues;
mod refresh;
mod tables;
mod tiles;
mod waiting;

pub use channel::Newton;
pub use parameters::Parameters;
pub use tables::{MAX_BANKS, Refused};
pub use tiles::{Pace, Tiles};

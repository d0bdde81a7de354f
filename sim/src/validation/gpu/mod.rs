//! Recorded times of GPU kernels: tables of them, the times of a machine beside them, and what
//! models fitted to one half of the rows say of the other.

mod block;
mod compare;
mod groups;
mod halves;
mod tables;

pub use block::{block, operators};
pub use compare::{Machines, compare};
pub use groups::groups;
pub use halves::{Half, half};
pub use tables::{BlockRow, Kernels, Phase, Recorded, RowsWork, samples};

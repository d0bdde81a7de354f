//! Device models.
pub mod dram;
pub mod pim;
pub mod time;

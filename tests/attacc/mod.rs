//! AttAcc: against its published results, against a controller that goes through every tick, and
//! against what no run can beat.

mod bounds;
mod recorded;
mod sharing;
mod suite;
mod twin;

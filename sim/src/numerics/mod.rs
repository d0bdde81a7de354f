//! Executes what is timed. A schedule may lose a tile, read a row of another head or leave out a
//! partial sum and still take a plausible time; here every load, block, fold and bank program that the
//! simulator times is carried out on numbers, in its order, and each operator's result is held against
//! [`memwall_models::reference`]. It only listens ([`crate::exec::watch`]): whether it runs changes no
//! tick.
//!
//! What a schedule decides is executed as it is decided: tiles of products through scratchpads and
//! accumulators, by address; attention fold by fold on the arrays, row by row in the banks; rows dealt
//! to the pipes of the vector unit. What has no schedule of its own, the arithmetic of one row of a
//! norm or of one activation, is the reference's.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a view is a reference with a shape; passing it by value is how ndarray is used"
)]

mod arrays;
mod attention;
mod banks;
mod difference;
mod execution;
mod fault;
mod layout;
mod ledger;
mod machine;
mod mixture;
mod product;
mod report;
mod unit;
mod values;

pub use difference::{BINS, Difference, Tolerance, Wrong};
pub use fault::{Chance, Fault};
pub use machine::{Executed, NumericsError, StepCheck};
pub use report::{Moved, OperatorCheck, Touched};

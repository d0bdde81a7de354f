//! Shows result records: tables for a terminal, plots for a paper. It knows records and nothing
//! else, so that what is shown can be drawn again from a stored record, on any machine, without a
//! simulation.
//!
//! No metric is computed here: a figure is a field of a record in another unit, a sum of shares a
//! record holds, or a ratio between two records that are both shown.

pub mod figures;
pub mod perfetto;
pub mod plot;
pub mod table;

mod records;

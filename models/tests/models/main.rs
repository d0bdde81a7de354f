//! Tests of the crate through its public API, one module a theme, linked once.

mod errors;
mod fields;
mod graph;
mod random;
mod split;
mod totals;

//! Tests of the readers from outside, one module a theme.
//!
//! One binary, so that there is one link step.

#![cfg(test)]

mod broken_rows;
mod bundled;
mod faults;
mod files;
mod hostile;
mod memory;
mod published;
mod support;

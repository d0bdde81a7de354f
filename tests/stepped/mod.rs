//! Controllers that tick: slow twins of the ones that jump.

pub mod window;

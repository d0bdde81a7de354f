//! GEMV.

//! One test program: a binary a file would link the drawing library several times over.

mod look;
mod plots;
mod records;
mod tables;

//! AttAcc against its published results.

mod recorded;

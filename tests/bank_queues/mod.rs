//! The bank-queue controller against recorded runs of DRAMsim3 and against its stepped twin.

mod parts;
mod recorded;
mod twin;

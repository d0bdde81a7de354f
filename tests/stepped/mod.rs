//! Plain twins of the fast controllers: every tick is looked at, every rule walked through, nothing
//! shared with the engines but the data.

pub mod bank_queues;
pub mod window;

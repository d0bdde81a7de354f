//! Controllers that tick every cycle: slow, plain, and written apart from the engines that jump
//! from decision to decision. What both say of a random load must be the same, command by command.

pub mod bank_queues;
pub mod newton;
pub mod window;

//! One integration binary, a module a theme.

mod channel_constraints;
mod channel_leases;
mod closed_forms;
mod command_line;
mod concurrency;
mod configuration;
mod determinism;
mod fidelity;
mod house;
mod samples;
mod streams;
mod support;

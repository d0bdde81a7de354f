//! One integration binary, a module a theme.

// `allow-expect-in-tests` does not reach helper functions.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]
#![allow(clippy::print_stdout, clippy::print_stderr, unreachable_pub)]

mod attacc;
mod bank_queues;
mod channel_constraints;
mod channel_leases;
mod closed_forms;
mod command_line;
mod concurrency;
mod configuration;
mod determinism;
mod fidelity;
mod fused;
mod gemm;
mod gemm_command;
mod gpu_machines;
mod gpu_validation;
mod hbm_pim;
mod house;
mod legality;
mod links;
mod memory;
mod memory_channels;
mod memory_timeline;
mod neupims;
mod new_standard;
mod newton;
mod npu_twin;
mod npu_validation;
mod numerics;
mod onnxim;
mod pim_command;
mod pim_gemv;
mod pim_programs;
mod ramulator;
mod regression;
mod samples;
mod standard_streams;
mod standards;
mod stepped;
mod streams;
mod support;
mod tuning;
mod validation;
mod vector_unit;
mod verify_command;
mod window;
mod window_mixes;

//! Device models, lowering, serving and result records. Reads no file and no clock: equal inputs
//! give equal bytes, on any number of threads.
//!
//! Order of data, never backwards: a batch becomes an operator graph (`memwall_models`), which
//! [`lower`] turns into tasks of a [`machine`], which [`exec`] runs on the devices ([`npu`],
//! [`pim`], [`dram`], [`gpu`], [`link`]); [`serving`] forms batches over time; [`record`] is what
//! comes out.

pub mod dram;
pub mod engine;
pub mod exec;
pub mod gpu;
pub mod link;
pub mod lower;
pub mod machine;
pub mod memory;
pub mod metrics;
pub mod npu;
pub mod pim;
pub mod record;
pub mod serving;
pub mod statistics;
pub mod time;

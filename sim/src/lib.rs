//! Device models, lowering, serving and result records. Reads no file and no clock: equal inputs
//! give equal bytes, on any number of threads.
//!
//! Order of data, never backwards: a batch becomes an operator graph (`memwall_models`), which
//! [`lower`] turns into tasks of a [`machine`], which [`exec`] runs on the devices ([`npu`],
//! [`pim`], [`dram`], [`gpu`], [`link`]); [`serving`] forms batches over time; [`record`] is what
//! comes out.
//!
//! # A channel by hand
//!
//! Two streams on a channel of two banks: a page of eight bursts, and one burst of another row of
//! the same bank, which waits for the row cycle.
//!
//! ```
//! use memwall_sim::dram::{
//!     Channel, Controller, Descriptor, Digit, Direction, NoObserver, Organisation, PagePolicy,
//!     Standard, Stop, Timing, Watch,
//! };
//! use memwall_sim::time::{Clock, Tick};
//! use std::sync::Arc;
//!
//! let organisation = Organisation {
//!     channels: 1,
//!     pseudo_channels: 1,
//!     ranks: 1,
//!     bank_groups: 1,
//!     banks_per_group: 2,
//!     rows: 1024,
//!     row_bytes: 512,
//!     burst_bytes: 64,
//!     mapping: [Digit::Row, Digit::Rank, Digit::PseudoChannel, Digit::BankGroup, Digit::Bank, Digit::Channel, Digit::Column],
//!     xor: Vec::new(),
//! };
//! let timing = Timing {
//!     cl: 14, cwl: 4, burst: 2, rcd_rd: 14, rcd_wr: 14, rp: 14, ras: 34, rc: 48,
//!     rrd_s: 4, rrd_l: 6, faw: 30, ccd_s: 1, ccd_l: 2, wtr_s: 6, wtr_l: 8, wr: 16,
//!     rtp: 6, rtrs: 2, rfc: 260, refi: 3900,
//! };
//! let controller = Controller {
//!     bank_queue_bursts: 64,
//!     write_high: 32,
//!     write_low: 8,
//!     page_policy: PagePolicy::Open,
//!     refresh_together: false,
//!     max_lease: u64::MAX,
//! };
//! let clock = Clock::new(1_000_000_000).ok_or("a clock ticks")?;
//! let name = ("two banks".to_owned(), String::new());
//! let standard = Arc::new(Standard::new(name, clock, organisation, timing, controller, None));
//!
//! let mut channel = Channel::new(standard);
//! let page = channel.push(0, Descriptor::sequential(Direction::Read, 0, 8), Watch::Record);
//! let other_row = channel.push(0, Descriptor::sequential(Direction::Read, 16, 1), Watch::Record);
//! assert_eq!(channel.advance(Tick::MAX, &mut NoObserver), Stop::Idle);
//! // tRCD + CL + eight bursts; then tRAS + tRP, tRCD + CL and one burst.
//! assert_eq!(channel.completed(page), Some(14 + 14 + 8 * 2));
//! assert_eq!(channel.completed(other_row), Some(34 + 14 + 14 + 14 + 2));
//! # Ok::<(), &'static str>(())
//! ```

pub mod dram;
pub mod energy;
pub mod engine;
pub mod exec;
pub mod gpu;
pub mod link;
pub mod lower;
pub mod machine;
pub mod memory;
pub mod metrics;
pub mod neupims;
pub mod npu;
pub mod numerics;
pub mod onnxim;
pub mod pim;
pub mod record;
pub mod scale_sim;
pub mod serving;
pub mod statistics;
pub mod time;
pub mod validation;

//! Reads recorded request traces one row at a time.
//!
//! A serving simulation is only as good as the load it is given, and the recorded loads come in
//! formats that differ in units, in columns and in what a row is. This crate turns them into
//! three kinds of row: a [`Request`] that arrives, a request [`InFlight`] in one batch, and a
//! [`MemoryRequest`] of a memory simulator's trace. It reads
//! files of any length in bounded memory, plain or gzip, and recognises the format by what the
//! file holds and never by its name.
//!
//! ```
//! use memwall_traces::{Format, TraceError, samples};
//!
//! let reader = samples::open_sample("azure-like-arrivals")?;
//! assert_eq!(reader.format(), Format::AzureLlm);
//! let mut tokens = 0;
//! for request in reader.requests()? {
//!     tokens += request?.output_tokens;
//! }
//! assert!(tokens > 0);
//! # Ok::<(), TraceError>(())
//! ```
//!
//! # What a row may hold
//!
//! Token counts are whole numbers from 0 to [`MAX_TOKENS`]. Zeros occur in recorded traces (failed
//! and empty requests) and pass through as they are: dropping, clamping or refusing them changes
//! the load, so that is for the caller to decide and to state.

mod columns;
mod error;
mod fault;
mod format;
mod in_flight;
mod lines;
mod memory;
mod mooncake;
mod nearest;
mod number;
mod reader;
mod requests;
mod rows;
pub mod samples;
pub mod scale_sim;
mod source;
mod stamp;

pub use error::TraceError;
pub use format::{Content, Format};
pub use in_flight::{InFlight, InFlightRows, MAX_CHANNEL};
pub use lines::MAX_LINE_BYTES;
pub use memory::{Coordinates, MAX_COORDINATES, MAX_CYCLE, MemoryRequest, MemoryRequests, Target};
pub use number::MAX_TOKENS;
pub use reader::TraceReader;
pub use requests::{Request, Requests};

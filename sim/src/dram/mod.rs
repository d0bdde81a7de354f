//! Memory channels: standards as data, a reservation table with decision instants, described
//! streams in and completion times out. Knows nothing of models, tensors or requests.
#![deny(clippy::float_arithmetic)]

pub mod bank_queues;
pub mod channel;
mod choice;
pub mod command;
pub mod constraint;
pub mod distances;
pub mod drive;
pub mod energy;
pub mod gates;
mod hold;
mod host;
pub mod interface;
pub mod mapper;
pub mod observer;
pub mod organisation;
pub mod policy;
pub mod recurrence;
mod refresh;
pub mod request;
pub mod rows;
pub mod rules;
pub mod standard;
pub mod stream;
pub mod timeline;
pub mod timing;
pub mod traffic;
pub mod tuning;
pub mod window;
pub mod workload;

pub use channel::{Channel, Counters, Stop};
pub use command::Command;
pub use constraint::{Constraint, Scope};
pub use distances::{Distances, Window};
pub use drive::{Engine, drive};
pub use energy::Energy;
pub use interface::Interface;
pub use observer::{CommandLog, Issued, NoObserver, Observer};
pub use organisation::{Digit, Fold, Organisation};
pub use policy::{Policy, PolicyError};
pub use request::{Latencies, Outcome, Period, Request, Source};
pub use standard::{Controller, Description, PagePolicy, Refreshes, Standard};
pub use stream::{BlockId, Completion, Descriptor, Direction, Watch};
pub use timing::Timing;
pub use traffic::{Offered, TraceTraffic, Traffic, TrafficError};
pub use tuning::Tuning;
pub use workload::{Requests, Workload};

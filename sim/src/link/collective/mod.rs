//! Collectives as the messages they consist of: each message waits for those whose data it sends
//! on. One schedule serves the network that executes it, the closed form that replaces it where
//! all steps are alike, and the test that runs it on values.

mod closed;
mod execute;
mod library;
mod schedule;

pub use closed::closed_form;
pub use execute::execute;
pub use library::{Plan, Planned, Protocol, choose, plan, plans};
pub use schedule::{After, Message, Schedule};

use serde::{Deserialize, Serialize};

/// What the devices of a group do together. `bytes` is what one device holds before, of an
/// all-gather what each holds after (its share is that over the devices), of a broadcast what the first
/// device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Collective {
    /// Sum everywhere.
    AllReduce,
    /// Each keeps its share of the sum.
    ReduceScatter,
    /// Each share everywhere.
    AllGather,
    /// Each sends a share to each other.
    AllToAll,
    /// One device's data everywhere.
    Broadcast,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Shares round a ring.
    Ring,
    /// Everything up and down a binomial tree.
    Tree,
    /// Every share straight to where it belongs.
    Direct,
}

impl Algorithm {
    /// All.
    pub const ALL: [Algorithm; 3] = [Algorithm::Ring, Algorithm::Tree, Algorithm::Direct];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Ring => "ring",
            Algorithm::Tree => "tree",
            Algorithm::Direct => "direct",
        }
    }
}

impl Collective {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Collective::AllReduce => "all-reduce",
            Collective::ReduceScatter => "reduce-scatter",
            Collective::AllGather => "all-gather",
            Collective::AllToAll => "all-to-all",
            Collective::Broadcast => "broadcast",
        }
    }
}

//! What a window controller may be told: every number and every habit in which controllers of this
//! kind differ. Two presets: the published simulator's, and our own.

use crate::dram::command::Command;
use crate::dram::constraint::Constraint;
use crate::dram::standard::Standard;
use crate::time::Tick;

/// Which precharges a request for another row may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheduling {
    /// The oldest request whose next command is ready, hits and misses alike.
    FrFcfs,
    /// The same, but no precharge while a hit that arrived no later waits in the same buffer.
    RowHit,
}

/// When a row is closed that no request asks to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pages {
    /// Never.
    Open,
    /// As soon as no hit is queued.
    Closed,
    /// When no hit is queued and this many ticks have passed since the row was last used.
    Timeout(Tick),
}

/// Which refresh commands are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefreshKind {
    /// None.
    None,
    /// All banks of a refresh unit (rank or pseudo-channel) at once.
    AllBank,
    /// One bank at a time, in order.
    PerBank,
    /// One bank of every bank group of a rank at a time, in order.
    SameBank,
}

/// What waits for a refresh that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blocking {
    /// Every request of the channel that has not yet opened its row.
    Channel,
    /// Requests of the banks that will be refreshed.
    Target,
}

/// How refresh is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefreshPolicy {
    /// Commands.
    pub kind: RefreshKind,
    /// What a refresh that is due holds up.
    pub blocking: Blocking,
    /// Spreads the refreshes of the units over the interval instead of asking for all at once.
    pub stagger: bool,
}

/// How a read is answered whose burst waits to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// It is not: the read is queued.
    Off,
    /// After this many ticks.
    After(Tick),
    /// In the tick of acceptance, yet not before the data of any read issued so far: the answers
    /// leave a single queue in order.
    InOrder,
}

/// Parameters of a window controller.
#[allow(clippy::struct_excessive_bools)] // four habits, each on or off by itself
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Reads that may wait.
    pub read_buffer: usize,
    /// Writes that may wait.
    pub write_buffer: usize,
    /// Writes are served from this many on.
    pub write_high: usize,
    /// Reads are served again when no more than this many writes are left.
    pub write_low: usize,
    /// An empty read buffer turns to writes even if there are none.
    pub idle_turns_to_writes: bool,
    /// Order of requests.
    pub scheduling: Scheduling,
    /// Column commands after which an open row is given up for an older request to another row.
    pub hit_cap: Option<u32>,
    /// Page policy.
    pub pages: Pages,
    /// Refresh.
    pub refresh: RefreshPolicy,
    /// A request whose row has been opened for it leaves its buffer and is served first.
    pub active_buffer: bool,
    /// Reads of a burst that waits to be written.
    pub forwarding: Forwarding,
    /// A write to a burst that waits to be written takes no entry.
    pub coalescing: bool,
    /// A read of a burst that waits to be read shares its column command.
    pub merging: bool,
}

/// Most entries of a buffer: entries are numbered in sixteen bits.
const MOST_ENTRIES: usize = 4096;

impl Parameters {
    /// Ramulator 2.1's controllers with `FRFCFS-RowHit`, open pages and all-bank refresh: watermarks
    /// are 0.8 and 0.2 of the buffer, exclusive.
    pub const RAMULATOR: Parameters = Parameters {
        read_buffer: 32,
        write_buffer: 32,
        write_high: 26,
        write_low: 6,
        idle_turns_to_writes: true,
        scheduling: Scheduling::RowHit,
        hit_cap: None,
        pages: Pages::Open,
        refresh: RefreshPolicy {
            kind: RefreshKind::AllBank,
            blocking: Blocking::Channel,
            stagger: false,
        },
        active_buffer: true,
        forwarding: Forwarding::InOrder,
        coalescing: true,
        merging: false,
    };

    /// Ours: what a present-day controller does. The cap bounds how long a stream can keep other
    /// rows of its bank waiting; a refresh holds up no more than it must. Per-bank or same-bank
    /// refresh is for standards that have it: see [`Parameters::of`].
    pub const DEFAULT: Parameters = Parameters {
        read_buffer: 64,
        write_buffer: 64,
        write_high: 48,
        write_low: 16,
        idle_turns_to_writes: false,
        scheduling: Scheduling::RowHit,
        hit_cap: Some(16),
        pages: Pages::Open,
        refresh: RefreshPolicy {
            kind: RefreshKind::AllBank,
            blocking: Blocking::Target,
            stagger: true,
        },
        active_buffer: true,
        forwarding: Forwarding::After(1),
        coalescing: true,
        merging: true,
    };

    /// Ours for a standard: refreshes one bank, or one bank of every group, where it can.
    pub fn of(standard: &Standard) -> Parameters {
        let refreshes = |command| {
            let follows = |c: &Constraint| c.first == command && c.then == Command::Act;
            standard.constraints.iter().any(follows)
        };
        let kind = if refreshes(Command::RefBank) {
            RefreshKind::PerBank
        } else if refreshes(Command::RefSame) {
            RefreshKind::SameBank
        } else {
            RefreshKind::AllBank
        };
        let mut parameters = Parameters::DEFAULT;
        parameters.refresh.kind = kind;
        parameters
    }

    /// What is wrong with these parameters, if anything.
    pub fn check(&self) -> Result<(), WindowError> {
        let size = |entries: usize| (1..=MOST_ENTRIES).contains(&entries);
        if !size(self.read_buffer) || !size(self.write_buffer) {
            return Err(WindowError::Buffers);
        }
        if self.write_low >= self.write_high || self.write_high > self.write_buffer {
            return Err(WindowError::Watermarks);
        }
        if self.hit_cap == Some(0) {
            return Err(WindowError::Cap);
        }
        Ok(())
    }
}

/// Why no controller can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WindowError {
    /// Sizes.
    #[error("buffers hold 1 to {MOST_ENTRIES} requests")]
    Buffers,
    /// Watermarks.
    #[error("the low watermark lies below the high one, and the high one within the buffer")]
    Watermarks,
    /// Cap.
    #[error("a hit cap is at least 1")]
    Cap,
    /// Banks.
    #[error("a channel has 1 to 128 banks, ranks, groups and rows at least 1")]
    Banks,
    /// Refresh interval too short for the units or banks to be refreshed.
    #[error("the refresh interval is shorter than the number of its refreshes")]
    Interval,
    /// The standard has no such refresh.
    #[error("the standard has no {0} command with a distance to activation")]
    Refresh(&'static str),
    /// A window over another command than activation, or of no length.
    #[error("a window constrains activations after activations, of 1 or more")]
    Windows,
    /// Siblings narrower than ranks.
    #[error("only ranks and pseudo-channels have constraints between siblings")]
    Siblings,
    /// Reads must take time.
    #[error("read data returns at least one tick after its command")]
    Latency,
    /// Two-phase activation with two command buses.
    #[error(
        "two-phase activation and a data clock go with one command a tick and an active buffer, \
         and constrain nothing beyond the next tick"
    )]
    TwoPhase,
    /// Reach of all-bank commands.
    #[error("all-bank commands reach a rank or a pseudo-channel")]
    Reach,
    /// Half-clock rule without two buses.
    #[error("rising edges go with two commands a tick")]
    Edges,
}

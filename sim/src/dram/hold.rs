//! What a PIM read-out under way keeps from the host: ticks in which no column command may be issued,
//! because its data would meet the results on the bus or the bus could not turn round. A composite
//! command reads out long after its issue, so no distance from its issue says this.
#![deny(clippy::float_arithmetic)]

use super::stream::Direction;
use super::timing::Timing;
use crate::time::Tick;

/// First closed tick, and the first open one behind it.
type Span = (Tick, Tick);

/// Closed ticks of one read-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hold {
    read: Span,
    write: Span,
}

impl Hold {
    /// Of a read-out at tick `at` (a READRES, or the last step of a composite command) whose results
    /// take `data` ticks on the bus. It is a read to commands of the host: a write before it keeps
    /// tWTR, a write behind it the turn of the bus, a read the change of ranks.
    pub(super) fn new(t: &Timing, at: Tick, data: Tick) -> Hold {
        let from = |distance: Tick| (at + 1).saturating_sub(distance);
        let behind = at + data + t.rtrs;
        Hold {
            read: (from(t.burst + t.rtrs), behind),
            write: (
                from(t.write_done() + t.wtr_s),
                (behind + t.cl).saturating_sub(t.cwl),
            ),
        }
    }

    /// The closed ticks of a direction.
    pub(super) fn closed(&self, direction: Direction) -> Span {
        match direction {
            Direction::Read => self.read,
            Direction::Write => self.write,
        }
    }

    /// Whether nothing is closed any more from `now` on.
    pub(super) fn over(&self, now: Tick) -> bool {
        self.read.1 <= now && self.write.1 <= now
    }
}

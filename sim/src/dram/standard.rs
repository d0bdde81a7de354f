//! A memory part, resolved: everything a channel needs, immutable and shared by all channels.

use super::gates::Place;
use super::organisation::Organisation;
use super::rules::Rules;
use super::timing::Timing;
use crate::pim::PimTiming;
use crate::time::Clock;

/// What a channel does with open rows when no request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PagePolicy {
    /// Rows stay open until another row of the bank, or a refresh, needs them closed.
    Open,
    /// Rows are closed as soon as the channel has nothing else to do.
    CloseOnIdle,
}

/// Queues and watermarks of the host side of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Bursts that the queue of one bank holds, reads and writes counted apart.
    pub bank_queue_bursts: u64,
    /// Queued write bursts at which the channel turns to writes although reads wait.
    pub write_high: u64,
    /// Queued write bursts at which it turns back to waiting reads.
    pub write_low: u64,
    /// Treatment of idle open rows.
    pub page_policy: PagePolicy,
    /// Longest run of column commands granted at once; a bound below the natural length changes
    /// speed, never the command trace (tested).
    pub max_lease: u64,
}

/// A memory part ready to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    /// Name of the part.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Command clock.
    pub clock: Clock,
    /// Shape and address mapping.
    pub organisation: Organisation,
    /// Core timing.
    pub timing: Timing,
    /// Host-side controller.
    pub controller: Controller,
    /// PIM side, where the part has one.
    pub pim: Option<PimTiming>,
    /// Rank and group of every bank, by bank index.
    pub places: Vec<Place>,
    /// The constraint table built from `timing` and `pim`.
    pub rules: Rules,
}

impl Standard {
    /// Assembles a part and builds its constraint table.
    pub fn new(
        (name, description): (String, String),
        clock: Clock,
        organisation: Organisation,
        timing: Timing,
        controller: Controller,
        pim: Option<PimTiming>,
    ) -> Standard {
        let rules = Rules::build(&timing, pim.as_ref());
        let places = (0..organisation.banks())
            .map(|bank| organisation.place(bank))
            .collect();
        Standard {
            name,
            description,
            clock,
            organisation,
            timing,
            controller,
            pim,
            places,
            rules,
        }
    }

    /// Bytes per second at the pins of all channels together.
    pub fn peak_bytes_per_s(&self) -> u64 {
        self.organisation.burst_bytes * self.organisation.channels as u64 * self.clock.hz()
            / self.timing.burst
    }
}

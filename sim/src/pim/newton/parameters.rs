//! What can be set about the controller: its sizes, and each behaviour of the published one that is
//! a choice of its authors or that a die could not have.

use crate::dram::bank_queues::RefreshOrder;

/// Queues and rules of the controller. The defaults are those of the published one.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Entries of the read, of the write and, with two row buffers, of the PIM transaction queue,
    /// 1 to 255 each.
    pub transactions: usize,
    /// Entries of the command queue of a bank, 1 to 128.
    pub bank_queue: usize,
    /// Entries of the PIM command queue.
    pub pim_queue: usize,
    /// With two row buffers: PIM transactions move before reads while fewer than this many PIM
    /// commands are queued.
    pub pim_ahead: usize,
    /// Column commands of a row after which its queued hits no longer keep it open.
    pub hit_cap: u32,
    /// A write drain starts when the write queue is full, or holds more than this many while every
    /// bank queue is empty.
    pub drain_above: usize,
    /// With two row buffers: while a PIM command waits and less slack than this is left to the
    /// refresh, host commands wait too. Ticks.
    pub least_slack: u64,
    /// When the ranks are refreshed.
    pub refresh: RefreshOrder,
    /// A GWRITE or a header starts only if it is expected to end before the next refresh; otherwise
    /// PIM waits until that refresh is over.
    pub deadline: bool,
    /// That expectation counts a read-to-precharge time for every PIM row to be closed; off, a
    /// command slot.
    pub coarse_estimate: bool,
    /// Host precharges and activations beside a waiting PIM command use up the slack that the last
    /// deadline test found, and need some.
    pub slack_rule: bool,
    /// PIM rows may be closed a read-to-precharge time after the issue of a COMPS_READRES; off, when
    /// its steps are over.
    pub early_precharge: bool,
    /// One slot closes the PIM rows of one bank; off, those of every bank that is ready.
    pub precharge_by_bank: bool,
    /// A header takes a command slot.
    pub header_slot: bool,
    /// No other PIM command is issued while a GWRITE is under way.
    pub gwrite_stalls: bool,
    /// A result is there a read latency after the issue of its COMPS_READRES; off, after its last
    /// step.
    pub early_result: bool,
    /// The burst of a result takes no time on the data bus.
    pub result_off_bus: bool,
    /// A G_ACT goes out when one bank of its group can be opened; off, when all can.
    pub gact_by_one_bank: bool,
    /// A G_ACT is not counted in the four-activate window and does not wait for it; off, it counts
    /// as the four activations that it is.
    pub gact_outside_window: bool,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters {
            transactions: 32,
            bank_queue: 128,
            pim_queue: 128,
            pim_ahead: 2,
            hit_cap: 4,
            drain_above: 8,
            least_slack: 10,
            refresh: RefreshOrder::Staggered,
            deadline: true,
            coarse_estimate: true,
            slack_rule: true,
            early_precharge: true,
            precharge_by_bank: true,
            header_slot: true,
            gwrite_stalls: true,
            early_result: true,
            result_off_bus: true,
            gact_by_one_bank: true,
            gact_outside_window: true,
        }
    }
}

impl Parameters {
    /// Within the bounds of the controller's tables.
    pub(super) fn bounded(self) -> Parameters {
        Parameters {
            transactions: self.transactions.clamp(1, 255),
            bank_queue: self.bank_queue.clamp(1, 128),
            pim_queue: self.pim_queue.max(1),
            ..self
        }
    }
}

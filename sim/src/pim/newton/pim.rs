//! The PIM side: its command queue, of which only the head is looked at, its row buffers, and what
//! decides whether the head may start.

use super::super::RowBuffers;
use super::candidates::Rows;
use super::channel::Newton;
use super::gates::Gate;
use super::port::Ask;
use super::tables::MAX_BANKS;
use crate::time::Tick;
use std::collections::VecDeque;

/// A PIM transaction, and later the command that it becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    pub(super) ask: Ask,
    pub(super) row: u32,
    pub(super) bank: usize,
    /// Its address: writes to it wait.
    pub(super) key: u64,
    pub(super) tag: u32,
    pub(super) accepted: Tick,
    /// Of all transactions in order of acceptance.
    pub(super) number: u64,
    /// Of a header, ticks from the first step to the end of the tile.
    pub(super) steps: Tick,
}

/// State of the PIM side. Its flags are those of the published controller, and independent.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone)]
pub(super) struct Pim {
    /// Transactions.
    pub(super) asked: VecDeque<Order>,
    /// Commands.
    pub(super) queue: VecDeque<Order>,
    /// Banks with an open PIM row, with two row buffers, and the rows.
    pub(super) open: u64,
    row: [u32; MAX_BANKS],
    /// Row of the header looked at last.
    target: Option<u32>,
    /// Banks whose PIM row is another than that, and whose normal row is that.
    away: u64,
    clash: u64,
    /// Row of the last header that passed its deadline test: host requests to it wait.
    pub(super) reserved: Option<u32>,
    /// Bank of the GWRITE under way, from its deadline test to its answer.
    pub(super) gwriting: Option<usize>,
    /// Ticks in which GWRITEs under way end.
    pub(super) gwrites: VecDeque<Tick>,
    /// A deadline test failed: PIM waits for the refresh.
    pub(super) skip: bool,
    /// Ticks that the last deadline test left to the host's row commands.
    pub(super) slack: Tick,
    /// With one buffer: from a header that may start to the last READRES of its tile.
    pub(super) mode: bool,
    /// The next COMP is the first of its run.
    pub(super) first_comp: bool,
    /// The header at the head has passed its test, which is repeated every tick.
    pub(super) tested: bool,
    /// Transactions without an answer by a hash of their address.
    pending: [u16; HASHES],
}

const HASHES: usize = 256;

#[inline]
fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - HASHES.trailing_zeros())) as usize
}

impl Pim {
    pub(super) fn new() -> Pim {
        Pim {
            asked: VecDeque::new(),
            queue: VecDeque::new(),
            open: 0,
            row: [0; MAX_BANKS],
            target: None,
            away: 0,
            clash: 0,
            reserved: None,
            gwriting: None,
            gwrites: VecDeque::new(),
            skip: false,
            slack: 0,
            mode: false,
            first_comp: true,
            tested: false,
            pending: [0; HASHES],
        }
    }

    /// Whether the order waits for an answer of its own.
    fn is_pending(order: &Order) -> bool {
        !matches!(order.ask, Ask::Header { .. })
    }

    /// Enters a transaction.
    pub(super) fn ask(&mut self, order: Order) {
        if Pim::is_pending(&order) {
            self.pending[hash(order.key)] += 1;
        }
        self.asked.push_back(order);
    }

    /// Takes the head out of the command queue.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.tested = false;
        if let Some(order) = self.queue.pop_front()
            && Pim::is_pending(&order)
        {
            self.pending[hash(order.key)] -= 1;
        }
    }

    /// Whether an unanswered transaction to this address was accepted before tick `t`.
    #[inline]
    pub(super) fn older(&self, key: u64, t: Tick) -> bool {
        if self.pending[hash(key)] == 0 {
            return false;
        }
        let mut orders = self.queue.iter().chain(&self.asked);
        let oldest = orders.find(|order| order.key == key && Pim::is_pending(order));
        oldest.is_some_and(|order| order.accepted < t)
    }

    /// What the refresh of a rank resets.
    pub(super) fn after_refresh(&mut self) {
        self.skip = false;
        self.slack = 0;
        self.tested = false;
    }

    /// PIM row of a bank, with two row buffers.
    #[inline]
    pub(super) fn row(&self, bank: usize) -> Option<u32> {
        (self.open >> bank & 1 != 0).then_some(self.row[bank % MAX_BANKS])
    }

    /// Opens a PIM row.
    #[inline]
    pub(super) fn open_bank(&mut self, bank: usize, row: u32) {
        self.open |= 1 << bank;
        self.row[bank % MAX_BANKS] = row;
    }
}

#[inline]
fn put(mask: &mut u64, bit: u64, on: bool) {
    *mask = if on { *mask | bit } else { *mask & !bit };
}

impl Newton {
    /// Banks that steps find open, whatever the row.
    #[inline]
    pub(super) fn open_for_steps(&self) -> u64 {
        match self.tables.buffers {
            RowBuffers::Dual => self.pim.open,
            RowBuffers::Blocked => self.queues.open,
        }
    }

    /// Banks to be closed for the header at the head, in their PIM and in their normal buffer.
    #[inline]
    pub(super) fn in_the_way(&self) -> (u64, u64) {
        match self.tables.buffers {
            RowBuffers::Dual => (self.pim.away, self.pim.clash & !self.pim.open),
            RowBuffers::Blocked => (0, self.pim.away),
        }
    }

    /// Makes `row` the one that banks are compared with.
    #[inline]
    pub(super) fn aim(&mut self, row: u32) {
        if self.pim.target != Some(row) {
            self.pim.target = Some(row);
            for bank in 0..self.tables.banks {
                self.compare(bank);
            }
        }
    }

    /// Compares the rows of a bank with that of the header.
    #[inline]
    pub(super) fn compare(&mut self, bank: usize) {
        let Some(target) = self.pim.target else {
            return;
        };
        let bit = 1 << bank;
        let normal = self.queues.open_row(bank);
        let (away, clash) = match self.tables.buffers {
            RowBuffers::Dual => {
                let away = self.pim.row(bank).is_some_and(|row| row != target);
                (away, normal == Some(target))
            }
            RowBuffers::Blocked => (normal.is_some_and(|row| row != target), false),
        };
        put(&mut self.pim.away, bit, away);
        put(&mut self.pim.clash, bit, clash);
    }

    /// Derives the host candidates of a bank again.
    #[inline]
    pub(super) fn update(&mut self, bank: usize) {
        let rows = Rows {
            reserved: self.pim.reserved,
            pim: self.pim.row(bank),
        };
        self.candidates
            .update(&self.queues, bank, rows, self.parameters.hit_cap);
    }

    /// Keeps host requests to a row waiting.
    #[inline]
    pub(super) fn reserve(&mut self, row: Option<u32>) {
        if self.pim.reserved == row {
            return;
        }
        self.pim.reserved = row;
        let mut filled = self.queues.filled;
        while filled != 0 {
            let bank = filled.trailing_zeros() as usize;
            filled &= filled - 1;
            self.update(bank);
        }
    }

    /// Ticks that the tile of a header is expected to take. Negative where nothing is to be opened
    /// and few steps are to be done, as the controller counts.
    #[inline]
    pub(super) fn tile_estimate(&self, order: &Order) -> i64 {
        let e = &self.tables.estimate;
        let (open, away) = (self.open_for_steps(), self.pim.away);
        let right = open & !away;
        let groups = self.tables.banks / self.tables.group_banks;
        let (mut precharges, mut activations) = (away.count_ones(), groups);
        if right != 0 {
            (precharges, activations) = (0, 0);
            for group in 0..groups {
                let banks = self.tables.group_mask(group * self.tables.group_banks);
                if right & banks != banks {
                    precharges += (away & banks).count_ones();
                    activations += 1;
                }
            }
        }
        let rounds = (activations / self.tables.ranks.max(1)) as Tick;
        let ticks = Tick::from(precharges) * e.precharge + rounds * e.activations;
        (ticks + e.to_step + order.steps).cast_signed() - e.activations.cast_signed()
    }

    /// Ticks that a GWRITE is expected to take.
    pub(super) fn gwrite_estimate(&self, order: &Order) -> i64 {
        let e = &self.tables.estimate;
        let open = match self.queues.open_row(order.bank) {
            Some(row) if row == order.row => 0,
            Some(_) => e.close + e.open,
            None => e.open,
        };
        (open + self.tables.gwrite).cast_signed()
    }

    /// Slack of tick `t` before an operation of `estimate` ticks.
    #[inline]
    pub(super) fn slack_at(&self, t: Tick, estimate: i64) -> i64 {
        self.refreshes.ahead(t).min(1 << 40).cast_signed() - estimate
    }

    /// The deadline test of tick `t`.
    #[inline]
    pub(super) fn in_time(&mut self, t: Tick, estimate: i64) -> bool {
        let slack = self.slack_at(t, estimate);
        self.pim.slack = slack.max(0).cast_unsigned();
        let passes = slack > 0 || !self.parameters.deadline;
        self.pim.skip |= !passes;
        passes
    }

    /// Whether the group of a closed bank can be opened in tick `t`; else when.
    #[inline]
    pub(super) fn g_act_at(&self, bank: usize) -> Tick {
        let gate = |bank| self.gates.of(&self.tables, Gate::G_ACT, bank);
        if self.parameters.gact_by_one_bank {
            return gate(bank);
        }
        let first = bank - bank % self.tables.group_banks;
        let group = first..first + self.tables.group_banks;
        group.map(gate).max().unwrap_or(0)
    }

    /// Earliest tick, `soon` or later, in which the head of the PIM queue gives a command or fails
    /// its deadline test, as things stand.
    #[inline]
    pub(super) fn head_at(&self, soon: Tick) -> Tick {
        let Some(head) = self.pim.queue.front() else {
            return Tick::MAX;
        };
        let gate = |gate, bank| self.gates.of(&self.tables, gate, bank);
        let gwrite = head.ask == Ask::Gwrite;
        if self.pim.gwriting.is_some() {
            if gwrite {
                return gate(self.gwrite_step(head).0, head.bank);
            }
            if self.parameters.gwrite_stalls {
                return Tick::MAX;
            }
        } else if gwrite {
            return soon;
        }
        match head.ask {
            Ask::Header { .. } => {
                let (pim, normal) = self.in_the_way();
                if !self.pim.tested || pim | normal == 0 {
                    return soon;
                }
                let left = self.slack_at(soon, self.tile_estimate(head));
                let mut at = match left {
                    _ if !self.parameters.deadline => Tick::MAX,
                    ..=0 => soon,
                    left => soon + left.cast_unsigned(),
                };
                let earliest = |mut rest: u64, which| {
                    let mut at = Tick::MAX;
                    while rest != 0 {
                        at = at.min(gate(which, rest.trailing_zeros() as usize));
                        rest &= rest - 1;
                        if at <= soon {
                            break;
                        }
                    }
                    at
                };
                at = at.min(earliest(pim, Gate::PIM_PRE));
                at.min(earliest(normal, Gate::PRE))
            }
            Ask::CompsReadres { .. } | Ask::Comp | Ask::Readres { .. } => {
                let mut closed = self.tables.all() & !self.open_for_steps();
                if closed == 0 {
                    return self.gates.of_channel(Newton::gate_of(head.ask));
                }
                let mut at = Tick::MAX;
                while closed != 0 && at > soon {
                    at = at.min(self.g_act_at(closed.trailing_zeros() as usize));
                    closed &= closed - 1;
                }
                at
            }
            Ask::Read | Ask::Write | Ask::Gwrite => soon,
        }
    }

    /// The gate of a command on the rows of all banks.
    #[inline]
    pub(super) fn gate_of(ask: Ask) -> Gate {
        match ask {
            Ask::Comp => Gate::COMP,
            Ask::Readres { .. } => Gate::READRES,
            _ => Gate::COMPS_READRES,
        }
    }
}

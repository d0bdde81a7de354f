//! What a channel may do next: the candidate of every stream and bank, and the choice among them.
#![deny(clippy::float_arithmetic)]

use super::PagePolicy;
use super::channel::Channel;
use super::command::Command;
use super::rows::bits;
use super::stream::Direction;
use crate::pim::sequencer::Candidate;
use crate::pim::{Arbitration, RowBuffers};
use crate::time::Tick;

/// The command chosen at a decision instant. Ties in time go to the lower class, then to the lower
/// order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub at: Tick,
    pub class: Class,
    pub order: u64,
    pub action: Action,
}

/// Priority of a stream's command, highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Refresh,
    Pim,
    Column,
    Row,
    Idle,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Refresh { unit: usize },
    Close { bank: usize, pim: bool },
    CloseRank { rank: usize },
    Pim(Candidate),
    Column { bank: usize, direction: Direction },
    Activate { bank: usize, row: u32 },
}

/// The best candidate so far, and the earliest tick of all others: the end of a lease.
struct Best {
    choice: Option<Choice>,
    runner_up: Tick,
    floor: Tick,
}

/// The column commands on offer. Of those that are ready within one turnaround of the earliest, the
/// oldest is taken: a rank switch alone does not let younger hits overtake, which would hold up the
/// older run for as long as the other rank has hits.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// Tick, age and bank of each.
    hits: Vec<(Tick, u64, usize)>,
}

impl Columns {
    fn push(&mut self, at: Tick, order: u64, bank: usize) {
        self.hits.push((at, order, bank));
    }

    /// The chosen hit, and the tick at which another would be chosen instead of its next burst.
    fn pick(&self, grace: Tick, in_order: bool) -> Option<((Tick, u64, usize), Tick)> {
        let earliest = self.hits.iter().map(|hit| hit.0).min()?;
        let ready = |hit: &&(Tick, u64, usize)| hit.0 <= earliest + grace;
        let &chosen = self.hits.iter().filter(ready).min_by_key(|hit| hit.1)?;
        let end = self
            .hits
            .iter()
            // Once a burst is on its way, the hits of other banks are at least as far off as the
            // run's own next one, unless its bank group holds that longer: so only older runs can
            // take over, or any where bank groups do.
            .filter(|hit| hit.1 < chosen.1 || (!in_order && hit.1 != chosen.1))
            .map(|hit| hit.0.saturating_sub(grace))
            .min();
        Some((chosen, end.unwrap_or(Tick::MAX)))
    }
}

impl Best {
    #[inline]
    fn offer(&mut self, at: Tick, class: Class, order: u64, action: impl FnOnce() -> Action) {
        let at = at.max(self.floor);
        match &self.choice {
            Some(held) if (held.at, held.class, held.order) <= (at, class, order) => {
                self.runner_up = self.runner_up.min(at);
                return;
            }
            Some(held) => self.runner_up = self.runner_up.min(held.at),
            None => {}
        }
        self.choice = Some(Choice {
            at,
            class,
            order,
            action: action(),
        });
    }
}

impl Channel {
    /// The best candidate, and the end of its lease: the earliest tick at which another could act
    /// in its stead.
    pub(super) fn choose(&mut self, direction: Direction) -> (Option<Choice>, Tick) {
        let mut best = Best {
            choice: None,
            runner_up: Tick::MAX,
            floor: self.slot.max(self.now),
        };
        let pending = self.refresh.pending();
        if let Some(unit) = pending
            && !self.pim.busy()
        {
            self.offer_refresh(unit, &mut best);
        }
        if !self.pim.is_empty()
            && let Some(candidate) = self.pim_candidate(pending.is_some())
        {
            best.offer(candidate.at, Class::Pim, 0, || Action::Pim(candidate));
        }
        if self.host.queue(direction).active != 0 {
            // The list is kept only to be filled again without a new allocation.
            let mut columns = std::mem::take(&mut self.columns);
            columns.hits.clear();
            self.offer_host(direction, &mut best, &mut columns);
            self.columns = columns;
        } else if self.std.controller.page_policy == PagePolicy::CloseOnIdle && self.is_drained() {
            for bank in bits(self.rows.host_open | self.rows.pim_open) {
                self.offer_close(bank, Class::Idle, bank as u64, &mut best);
            }
        }
        (best.choice, best.runner_up)
    }

    pub(super) fn pim_candidate(&mut self, refresh_pending: bool) -> Option<Candidate> {
        let waiting = self.host.reads.total + self.host.writes.total > 0;
        let host_first = match self.arbitration() {
            Arbitration::MemoryFirst => true,
            Arbitration::PimFirst => self.has_one_buffer(),
            Arbitration::TimeSliced { .. } => false,
        };
        if waiting && host_first && !self.pim.busy() {
            return None;
        }
        let guard = (!refresh_pending).then(|| self.refresh.next_due());
        let now = self.slot.max(self.now);
        self.pim.candidate(
            &self.std,
            &self.rows,
            &self.gates,
            self.now,
            now,
            guard,
            waiting,
        )
    }

    pub(super) fn arbitration(&self) -> Arbitration {
        let pim = self.std.pim.as_ref();
        pim.map_or(Arbitration::PimFirst, |pim| pim.arbitration)
    }

    /// Whether the time slice is the host's and PIM work waits, or the other way round.
    fn slice(&self) -> Option<(bool, Tick)> {
        let Arbitration::TimeSliced { pim, host } = self.arbitration() else {
            return None;
        };
        let phase = self.now % (pim + host);
        let start = self.now - phase;
        Some(if phase < pim {
            (false, start + pim)
        } else {
            (true, start + pim + host)
        })
    }

    /// Where both kinds of work are there: the end of the slice.
    pub(super) fn next_slice(&self) -> Option<Tick> {
        if self.pim.is_empty() || self.host.is_empty() {
            return None;
        }
        self.slice().map(|(_, end)| end)
    }

    /// Whether host and PIM rows share one row buffer a bank.
    pub(super) fn has_one_buffer(&self) -> bool {
        let pim = self.std.pim.as_ref();
        pim.is_some_and(|pim| pim.row_buffers == RowBuffers::Blocked)
    }

    pub(super) fn gact_outside_window(&self) -> bool {
        let pim = self.std.pim.as_ref();
        pim.is_some_and(|pim| pim.quirks.gact_outside_window)
    }

    fn offer_refresh(&self, unit: usize, best: &mut Best) {
        let mask = self.std.refresh_units[unit];
        let open = (self.rows.host_open | self.rows.pim_open) & mask;
        if open == 0 {
            let place = self.std.places[mask.trailing_zeros() as usize];
            let at = self.gates.ready(Command::Ref, place);
            best.offer(at, Class::Refresh, 0, || Action::Refresh { unit });
        }
        let at_once = self.offer_close_ranks(mask, best);
        for bank in bits(open & !at_once) {
            self.offer_close(bank, Class::Refresh, bank as u64, best);
        }
    }

    /// Closing the PIM rows of whole ranks for a refresh; returns the banks that this leaves nothing
    /// to be closed one by one in.
    fn offer_close_ranks(&self, mask: u64, best: &mut Best) -> u64 {
        let Some(pim) = self.std.pim.as_ref() else {
            return 0;
        };
        if pim.quirks.per_bank_precharge {
            return 0;
        }
        let mut at_once = 0;
        for rank in 0..self.std.organisation.units() {
            let banks = self.std.rank_banks(rank);
            if banks & mask == 0 || self.rows.pim_open & banks == 0 {
                continue;
            }
            let first = banks.trailing_zeros() as usize;
            let command = pim.row_buffers.close_all_command();
            let at = self.gates.ready(command, self.std.places[first]);
            best.offer(at, Class::Refresh, first as u64, || Action::CloseRank {
                rank,
            });
            // Host rows of a dual buffer are closed apart.
            at_once |= match pim.row_buffers {
                RowBuffers::Blocked => banks,
                RowBuffers::Dual => banks & !self.rows.host_open,
            };
        }
        at_once
    }

    /// Closing whatever row buffer of a bank is open, the normal one first.
    fn offer_close(&self, bank: usize, class: Class, order: u64, best: &mut Best) {
        let pim = self.rows.host_open >> bank & 1 == 0;
        let command = self.close_command(pim);
        let at = self.gates.ready(command, self.std.places[bank]);
        best.offer(at, class, order, || Action::Close { bank, pim });
    }

    pub(super) fn close_command(&self, pim: bool) -> Command {
        match &self.std.pim {
            Some(timing) if pim => timing.row_buffers.close_command(),
            _ => Command::Pre,
        }
    }

    /// The next command of every bank's oldest run: its column command if its row is open, else
    /// what opens that row.
    fn offer_host(&self, direction: Direction, best: &mut Best, columns: &mut Columns) {
        let one_buffer = self.has_one_buffer();
        if one_buffer && self.pim.busy() {
            return;
        }
        // A PIM slice keeps host requests waiting as long as there is PIM work to fill it.
        let pim_slice = matches!(self.slice(), Some((false, _)));
        if pim_slice && self.pim.has_work(self.now) {
            return;
        }
        let column = column(direction);
        let queue = self.host.queue(direction);
        let banks = queue.active & !self.pim.held_banks(self.now);
        let reserved = self.pim.reserved_row(self.now);
        // A host activation would push a waiting G_ACT a whole activation window back.
        let may_open = !self.pim.opening() || self.gact_outside_window();
        for rank in 0..self.std.organisation.units() {
            let of_rank = banks & self.std.rank_banks(rank);
            if of_rank == 0 || self.refresh.owes(self.std.refresh_unit_of[rank]) {
                continue;
            }
            let column_floor = self.gates.rank_ready(column, rank).max(best.floor);
            let window = self.gates.window(rank, 1);
            let open_floor = self.gates.rank_ready(Command::Act, rank).max(window);
            for bank in bits(of_rank) {
                let place = self.std.places[bank];
                let head = queue.head(bank);
                if reserved == Some(head.row) {
                    continue;
                }
                let pim_open = self.rows.pim_open >> bank & 1 == 1;
                if pim_open && (one_buffer || self.rows.pim(bank) == Some(head.row)) {
                    let at = self.gates.ready(self.close_command(true), place);
                    best.offer(at, Class::Row, head.order, || Action::Close {
                        bank,
                        pim: true,
                    });
                    continue;
                }
                match self.rows.host(bank) {
                    Some(row) if row == head.row => {
                        let at = self.gates.bank_ready(column, place, column_floor);
                        columns.push(self.off_the_holds(at, direction), head.order, bank);
                    }
                    Some(_) => {
                        let at = self.gates.ready(Command::Pre, place);
                        best.offer(at, Class::Row, head.order, || Action::Close {
                            bank,
                            pim: false,
                        });
                    }
                    None if may_open => {
                        let at = self.gates.bank_ready(Command::Act, place, open_floor);
                        let row = head.row;
                        best.offer(at, Class::Row, head.order, || Action::Activate {
                            bank,
                            row,
                        });
                    }
                    None => {}
                }
            }
        }
        let timing = &self.std.timing;
        let in_order = self.std.column_stride(direction) <= timing.ccd_s.max(timing.burst);
        let grace = if in_order { timing.rtrs } else { 0 };
        if let Some(((at, order, bank), end)) = columns.pick(grace, in_order) {
            best.offer(at, Class::Column, order, || Action::Column {
                bank,
                direction,
            });
            // Another column ends a lease as any other command does, at the tick of its turn.
            best.runner_up = best.runner_up.min(end);
        }
    }

    /// First tick from `at` on at which PIM read-outs leave the bus to a column command.
    fn off_the_holds(&self, at: Tick, direction: Direction) -> Tick {
        let closed = self.holds.iter().map(|hold| hold.closed(direction));
        closed.fold(
            at,
            |at, (from, to)| {
                if (from..to).contains(&at) { to } else { at }
            },
        )
    }
}

fn column(direction: Direction) -> Command {
    match direction {
        Direction::Read => Command::Rd,
        Direction::Write => Command::Wr,
    }
}

//! What the host's queues could have issued next, and when: candidates by kind as one bit a bank,
//! for each kind the earliest tick at which one of them is allowed, and the banks allowed then.

use super::bus::Bus;
use super::gates::{Gate, Gates};
use super::queues::Queues;
use super::tables::{MAX_BANKS, Tables};
use crate::dram::command::Command;
use crate::time::Tick;

/// The earliest candidates of a kind.
#[derive(Debug, Clone, Copy, Default)]
struct Earliest {
    at: Tick,
    banks: u64,
}

/// Kinds of commands that the slack to the refresh treats alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Column commands.
    Column,
    /// Activations.
    Act,
    /// Precharges of normal rows.
    Pre,
    /// Precharges of PIM rows that a host request needs.
    PimPre,
}

const KINDS: usize = 4;

const ALL_KINDS: u8 = (1 << KINDS) - 1;

impl Kind {
    pub(super) const ALL: [Kind; KINDS] = [Kind::Column, Kind::Act, Kind::Pre, Kind::PimPre];

    /// The kinds, one bit each, whose gate that of `command` is.
    pub(super) fn gated_by(command: Command) -> u8 {
        match command {
            Command::Rd | Command::Wr => 1 << Kind::Column as u8,
            Command::Act => 1 << Kind::Act as u8,
            Command::Pre => 1 << Kind::Pre as u8,
            Command::PimPre => 1 << Kind::PimPre as u8,
            _ => 0,
        }
    }
}

/// Candidates of every bank.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    /// Banks with reads, and with writes, of the open row.
    reads: u64,
    writes: u64,
    /// Banks by [`Kind`]; columns are reads or writes.
    banks: [u64; KINDS],
    /// Entry of a closed bank that wants an ACT, and that wants a PIM precharge.
    act_of: [u8; MAX_BANKS],
    pim_pre_of: [u8; MAX_BANKS],
    earliest: [Earliest; KINDS],
    /// Kinds, one bit each, of which the earliest is not known.
    stale: u8,
}

/// Rows that decide what a bank's entries want.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// That of the tile announced last: its entries wait.
    pub(super) reserved: Option<u32>,
    /// In the PIM row buffer of the bank.
    pub(super) pim: Option<u32>,
}

#[inline]
fn put(mask: &mut u64, bit: u64, on: bool) -> bool {
    let before = *mask;
    *mask = if on { before | bit } else { before & !bit };
    *mask != before
}

impl Candidates {
    pub(super) fn new() -> Candidates {
        Candidates {
            reads: 0,
            writes: 0,
            banks: [0; KINDS],
            act_of: [0; MAX_BANKS],
            pim_pre_of: [0; MAX_BANKS],
            earliest: [Earliest::default(); KINDS],
            stale: ALL_KINDS,
        }
    }

    /// Entry of a bank that wants an ACT or a PIM precharge.
    #[inline]
    pub(super) fn entry(&self, kind: Kind, bank: usize) -> u32 {
        let of = if kind == Kind::Act {
            &self.act_of
        } else {
            &self.pim_pre_of
        };
        u32::from(of[bank % MAX_BANKS])
    }

    /// Derives the candidates of a bank after its queue or one of its rows changed.
    #[inline]
    pub(super) fn update(&mut self, queues: &Queues, bank: usize, rows: Rows, hit_cap: u32) {
        let queue = &queues.of[bank % MAX_BANKS];
        let bit = 1u64 << bank;
        let (mut reads, mut writes, mut pres) = (false, false, false);
        let (mut acts, mut pim_pres) = (false, false);
        if queue.len > 0 {
            if queues.open & bit == 0 {
                (acts, pim_pres) = self.closed(queues, bank, rows);
            } else {
                let served = rows.reserved != Some(queue.open);
                reads = served && queue.hits & !queue.writes != 0;
                writes = served && queue.hits & queue.writes != 0;
                let kept = queue.hits & 1 != 0 || (queue.hits != 0 && queue.served < hit_cap);
                pres = !kept && rows.reserved != Some(queues.row(bank, 0));
            }
        }
        let columns = put(&mut self.reads, bit, reads) | put(&mut self.writes, bit, writes);
        self.banks[Kind::Column as usize] = self.reads | self.writes;
        let mut stale = u8::from(columns) << Kind::Column as u8;
        for (kind, on) in [
            (Kind::Act, acts),
            (Kind::Pre, pres),
            (Kind::PimPre, pim_pres),
        ] {
            let changed = put(&mut self.banks[kind as usize], bit, on);
            stale |= u8::from(changed) << kind as u8;
        }
        self.stale |= stale;
    }

    /// The first entries of a closed bank that want an ACT and a PIM precharge.
    #[inline]
    fn closed(&mut self, queues: &Queues, bank: usize, rows: Rows) -> (bool, bool) {
        // Mostly no entry is of either row.
        let absent = |row: Option<u32>| row.is_none_or(|row| !queues.may_hold(bank, row));
        if absent(rows.reserved) && absent(rows.pim) {
            self.act_of[bank % MAX_BANKS] = 0;
            return (true, false);
        }
        let (mut act, mut pim_pre) = (None, None);
        for position in 0..queues.of[bank].len {
            let row = Some(queues.row(bank, position));
            if row == rows.reserved {
                continue;
            }
            if row == rows.pim {
                pim_pre = pim_pre.or(Some(position));
            } else {
                act = act.or(Some(position));
            }
            if act.is_some() && (pim_pre.is_some() || rows.pim.is_none()) {
                break;
            }
        }
        if let Some(position) = act {
            self.act_of[bank % MAX_BANKS] = position as u8;
        }
        if let Some(position) = pim_pre {
            self.pim_pre_of[bank % MAX_BANKS] = position as u8;
        }
        (act.is_some(), pim_pre.is_some())
    }

    /// Gates of these kinds changed, one bit each.
    #[inline]
    pub(super) fn raised(&mut self, kinds: u8) {
        self.stale |= kinds;
    }

    /// Gates of every kind changed, or the banks that are served.
    #[inline]
    pub(super) fn all_changed(&mut self) {
        self.stale = ALL_KINDS;
    }

    /// Earliest tick, `soon` or later, of a command of this kind outside `blocked`, and its banks.
    #[inline]
    pub(super) fn earliest(
        &mut self,
        kind: Kind,
        tables: &Tables,
        (gates, bus): (&Gates, &Bus),
        blocked: u64,
        soon: Tick,
    ) -> (Tick, u64) {
        let known = self.earliest[kind as usize];
        let bit = 1 << kind as u8;
        if self.stale & bit == 0 && known.at >= soon {
            return (known.at, known.banks);
        }
        let (mut best, mut banks) = (Tick::MAX, 0);
        let mut scan = |mut rest: u64, gate: Gate| {
            while rest != 0 {
                let bank = rest.trailing_zeros() as usize % MAX_BANKS;
                rest &= rest - 1;
                let mut at = gates.of(tables, gate, bank).max(soon);
                if kind == Kind::Column {
                    at = bus.free_from(gate == Gate::WR, at);
                }
                if at < best {
                    (best, banks) = (at, 0);
                }
                banks |= u64::from(at == best) << bank;
            }
        };
        match kind {
            Kind::Column => {
                scan(self.reads & !blocked, Gate::RD);
                scan(self.writes & !blocked, Gate::WR);
            }
            Kind::Act => scan(self.banks[kind as usize] & !blocked, Gate::ACT),
            Kind::Pre => scan(self.banks[kind as usize] & !blocked, Gate::PRE),
            Kind::PimPre => scan(self.banks[kind as usize] & !blocked, Gate::PIM_PRE),
        }
        self.earliest[kind as usize] = Earliest { at: best, banks };
        self.stale &= !bit;
        (best, banks)
    }
}

/// First bank of `banks`, which has one, after the bank `pointer`, round robin.
#[inline]
pub(super) fn after(pointer: usize, banks: u64) -> usize {
    // Twice, because a shift by 64 is none.
    let behind = banks & (u64::MAX << pointer << 1);
    let found = if behind == 0 { banks } else { behind };
    found.trailing_zeros() as usize % MAX_BANKS
}

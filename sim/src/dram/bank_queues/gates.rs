//! Earliest ticks, 32 bits counted from an epoch. ACT and PRE have one lane a bank that holds every
//! scope at once, because they are looked at for all banks together; RD and WR keep bank, group and
//! rank apart, because few banks have hits at a time.

use super::tables::{AfterColumn, MAX_BANKS, MAX_WINDOW, Tables};
use crate::time::Tick;

/// A tick relative to the epoch.
pub(super) type Rel = u32;

/// Later than every tick.
pub(super) const NEVER: Rel = Rel::MAX;

#[derive(Debug, Clone, Copy)]
struct Ring {
    /// Ends of the windows of the last activations.
    ends: [Rel; MAX_WINDOW],
    next: usize,
}

/// The gates of a channel.
#[derive(Debug, Clone)]
pub(super) struct Gates {
    pub(super) act: [Rel; MAX_BANKS],
    pub(super) pre: [Rel; MAX_BANKS],
    /// Bank, group and rank gates of RD, then of WR.
    bank: [[Rel; MAX_BANKS]; 2],
    group: [[Rel; MAX_BANKS]; 2],
    rank: [[Rel; MAX_BANKS]; 2],
    pub(super) refresh: [Rel; MAX_BANKS],
    /// By rank, then window.
    windows: Vec<Ring>,
}

#[inline]
fn raise(gate: &mut Rel, at: Rel) {
    *gate = (*gate).max(at);
}

impl Gates {
    pub(super) fn new(tables: &Tables) -> Gates {
        let ring = Ring {
            ends: [0; MAX_WINDOW],
            next: 0,
        };
        Gates {
            act: [0; MAX_BANKS],
            pre: [0; MAX_BANKS],
            bank: [[0; MAX_BANKS]; 2],
            group: [[0; MAX_BANKS]; 2],
            rank: [[0; MAX_BANKS]; 2],
            refresh: [0; MAX_BANKS],
            windows: vec![ring; tables.ranks * tables.windows.len()],
        }
    }

    /// Earliest RD (`write` 0) or WR (1) of a bank.
    #[inline]
    pub(super) fn column(&self, tables: &Tables, bank: usize, write: usize) -> Rel {
        let bank = bank % MAX_BANKS;
        let group = usize::from(tables.group_of[bank]) % MAX_BANKS;
        let rank = usize::from(tables.rank_of[bank]) % MAX_BANKS;
        let own = self.bank[write][bank].max(self.group[write][group]);
        own.max(self.rank[write][rank])
    }

    #[inline]
    pub(super) fn activated(&mut self, tables: &Tables, bank: usize, t: Rel) {
        let after = &tables.act;
        let rank = usize::from(tables.rank_of[bank]);
        let mut gate = t + after.rank_act;
        let count = tables.windows.len();
        for (window, ring) in tables.windows.iter().zip(&mut self.windows[rank * count..]) {
            ring.ends[ring.next % MAX_WINDOW] = t + window.ticks;
            ring.next = if ring.next + 1 == window.count {
                0
            } else {
                ring.next + 1
            };
            // The oldest one counted now.
            gate = gate.max(ring.ends[ring.next % MAX_WINDOW]);
        }
        let first = rank * tables.rank_banks;
        for lane in &mut self.act[first..first + tables.rank_banks] {
            raise(lane, gate);
        }
        let group = usize::from(tables.group_of[bank]) * tables.group_banks;
        let near = t + after.group_act;
        for lane in &mut self.act[group..group + tables.group_banks] {
            raise(lane, near);
        }
        raise(&mut self.act[bank], t + after.bank_act);
        raise(&mut self.pre[bank], t + after.pre);
        raise(&mut self.bank[0][bank], t + after.read);
        raise(&mut self.bank[1][bank], t + after.write);
    }

    #[inline]
    pub(super) fn precharged(&mut self, tables: &Tables, bank: usize, t: Rel) {
        let rank = usize::from(tables.rank_of[bank]);
        raise(&mut self.act[bank], t + tables.pre_act);
        raise(&mut self.refresh[rank], t + tables.pre_ref);
        if tables.rank_pre > 0 {
            let first = rank * tables.rank_banks;
            for lane in &mut self.pre[first..first + tables.rank_banks] {
                raise(lane, t + tables.rank_pre);
            }
        }
    }

    #[inline]
    pub(super) fn column_issued(&mut self, tables: &Tables, bank: usize, write: usize, t: Rel) {
        let after: &AfterColumn = if write == 0 {
            &tables.read
        } else {
            &tables.write
        };
        let bank = bank % MAX_BANKS;
        let group = usize::from(tables.group_of[bank]) % MAX_BANKS;
        let rank = usize::from(tables.rank_of[bank]) % MAX_BANKS;
        raise(&mut self.pre[bank], t + after.pre);
        raise(&mut self.group[0][group], t + after.group_read);
        raise(&mut self.group[1][group], t + after.group_write);
        raise(&mut self.rank[0][rank], t + after.rank_read);
        raise(&mut self.rank[1][rank], t + after.rank_write);
        if tables.ranks > 1 {
            for other in (0..tables.ranks).filter(|other| *other != rank) {
                let across = &tables.across[rank * tables.ranks + other][write];
                raise(&mut self.rank[0][other], t + across.read);
                raise(&mut self.rank[1][other], t + across.write);
            }
        }
    }

    #[inline]
    pub(super) fn refreshed(&mut self, tables: &Tables, rank: usize, t: Rel) {
        let first = rank * tables.rank_banks;
        for lane in &mut self.act[first..first + tables.rank_banks] {
            raise(lane, t + tables.ref_act);
        }
        raise(&mut self.refresh[rank], t + tables.ref_ref);
    }

    /// Ticks from `present` to every gate, zero for those passed.
    pub(super) fn words(&self, tables: &Tables, present: Tick, words: &mut Vec<u64>) {
        let ahead = |gate: &Rel| Tick::from(*gate).saturating_sub(present);
        let gates = [&self.act, &self.pre, &self.refresh];
        let columns = [&self.bank, &self.group, &self.rank];
        let columns = columns.into_iter().flatten();
        for lanes in gates.into_iter().chain(columns) {
            words.extend(lanes[..tables.banks].iter().map(ahead));
        }
        for (index, ring) in self.windows.iter().enumerate() {
            let count = tables.windows[index % tables.windows.len()].count;
            let oldest_first = (0..count).map(|i| &ring.ends[(ring.next + i) % count]);
            words.extend(oldest_first.map(ahead));
        }
    }

    /// Moves the epoch on by `by` ticks: what lies before it no longer constrains anything.
    pub(super) fn rebase(&mut self, by: Rel) {
        let gates = [&mut self.act, &mut self.pre, &mut self.refresh];
        let columns = [&mut self.bank, &mut self.group, &mut self.rank];
        let columns = columns.into_iter().flatten();
        let rings = self.windows.iter_mut().map(|ring| &mut ring.ends);
        for gate in gates.into_iter().chain(columns).flatten() {
            *gate = gate.saturating_sub(by);
        }
        for gate in rings.flatten() {
            *gate = gate.saturating_sub(by);
        }
    }
}

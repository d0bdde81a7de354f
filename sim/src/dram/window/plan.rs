//! Plans: the earliest tick at which some candidate of a kind is ready, and the oldest of those
//! ready at that tick. Issuing commands only ever makes candidates later, and candidates that
//! appear are compared at once, so a plan stays right as long as its own candidate is as early as
//! it says; that is looked up when its tick comes.

use super::bits::Banks;
use super::gates::Kind;
use super::queue::NONE;
use super::{Phase, Window};
use crate::time::Tick;

/// A candidate, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) at: Tick,
    /// Age: smaller goes first.
    key: (u64, u64),
    bank: usize,
}

impl Plan {
    /// Nothing to wait for.
    pub(super) const NONE: Plan = Plan {
        at: Tick::MAX,
        key: (u64::MAX, u64::MAX),
        bank: usize::MAX,
    };

    /// Unknown: to be made at `at`. Older than any candidate, so that none of that tick takes its
    /// place and hides others.
    pub(super) fn stale(at: Tick) -> Plan {
        Plan {
            at,
            key: (0, 0),
            bank: usize::MAX,
        }
    }

    #[inline]
    fn improve(&mut self, at: Tick, key: (u64, u64), bank: usize) {
        if at < self.at || at == self.at && key < self.key {
            *self = Plan { at, key, bank };
        }
    }
}

/// The search for a plan: tick, age and bank in one word, so that the comparison has no branch.
/// Ages are good for 2^37 requests; a tick too far ahead only makes a plan that turns out wrong.
struct Earliest {
    floor: Tick,
    best: u64,
}

const AGE_BITS: u32 = 37;
const BANK_BITS: u32 = 7;
const FARTHEST: Tick = (1 << (64 - AGE_BITS - BANK_BITS)) - 2;

impl Earliest {
    #[inline]
    fn new(floor: Tick) -> Earliest {
        Earliest {
            floor,
            best: u64::MAX,
        }
    }

    #[inline]
    fn offer(&mut self, at: Tick, id: u64, bank: usize) {
        let ahead = (at - self.floor).min(FARTHEST) << AGE_BITS;
        let age = id & ((1 << AGE_BITS) - 1);
        self.best = self.best.min((ahead | age) << BANK_BITS | bank as u64);
    }

    #[inline]
    fn plan(self) -> Plan {
        if self.best == u64::MAX {
            return Plan::NONE;
        }
        Plan {
            at: self.floor + (self.best >> (AGE_BITS + BANK_BITS)),
            key: (self.best >> BANK_BITS & ((1 << AGE_BITS) - 1), 0),
            bank: (self.best & ((1 << BANK_BITS) - 1)) as usize,
        }
    }
}

/// Candidates of one direction by bank.
#[derive(Debug, Clone)]
pub(super) struct Side {
    hits: Banks,
    /// Banks that would open or close a row.
    rows: Banks,
    hit_ids: Vec<u64>,
    row_ids: Vec<u64>,
}

impl Side {
    pub(super) fn new(banks: usize) -> Side {
        Side {
            hits: Banks::default(),
            rows: Banks::default(),
            hit_ids: vec![0; banks],
            row_ids: vec![0; banks],
        }
    }
}

impl Window {
    #[inline]
    fn even(&self, at: Tick) -> Tick {
        at + (at & u64::from(self.protocol.rising_edges))
    }

    #[inline]
    fn column_at(&self, bank: usize, side: usize) -> Tick {
        let kind = if side == 0 { Kind::Rd } else { Kind::Wr };
        self.even(self.gates.ready(kind, bank).max(self.column_floor))
    }

    fn active_at(&self, bank: usize) -> Tick {
        let entry = self.pool.get(self.banks[bank].active);
        self.column_at(bank, usize::from(entry.side))
    }

    #[inline]
    pub(super) fn precharge_at(&self, bank: usize) -> Tick {
        let at = self.gates.ready(Kind::Pre, bank).max(self.row_floor);
        if at == self.barred.0 {
            let barred = self.is_barred(Some(bank), self.gates.pseudo_channel_of(bank));
            return at + u64::from(barred);
        }
        at
    }

    /// Whether a precharge (of one bank or all) may not be next to the last row command.
    pub(super) fn is_barred(&self, bank: Option<usize>, pseudo_channel: usize) -> bool {
        let (_, barred_channel, barred) = self.barred;
        let overlap = bank.is_none() || barred.is_none() || bank == barred;
        pseudo_channel == barred_channel && overlap
    }

    /// Earliest tick of a single-bank refresh or of an activation.
    #[inline]
    pub(super) fn rising_at(&self, kind: Kind, bank: usize) -> Tick {
        self.even(self.gates.ready(kind, bank).max(self.row_floor))
    }

    pub(super) fn rising(&self, at: Tick) -> Tick {
        self.even(at.max(self.row_floor))
    }

    #[inline]
    fn row_at(&self, bank: usize) -> Tick {
        if self.banks[bank].phase == Phase::Open {
            self.precharge_at(bank)
        } else {
            self.rising_at(Kind::Act, bank)
        }
    }

    fn close_at(&self, bank: usize) -> Tick {
        let wait = self.wait_before_close.unwrap_or(0);
        self.precharge_at(bank).max(self.banks[bank].used + wait)
    }

    fn active_key(&self, bank: usize) -> (u64, u64) {
        let at = self.pool.get(self.banks[bank].active).at;
        (at, self.active_turns[bank])
    }

    fn hits(&self) -> Banks {
        self.sides[self.serving].hits.without(self.blocked)
    }

    fn rows(&self) -> Banks {
        self.sides[self.serving].rows.without(self.blocked)
    }

    /// The bank to serve from the active buffer at `t`, if there is one.
    #[inline]
    pub(super) fn due_active(&mut self, t: Tick) -> Option<usize> {
        let plan = self.active_plan;
        if plan.at > t {
            return None;
        }
        let known = plan.bank < self.banks.len() && self.active.has(plan.bank);
        if !(known
            && plan.at == t
            && plan.key == self.active_key(plan.bank)
            && self.active_at(plan.bank) == t)
        {
            self.plan_active();
        }
        (self.active_plan.at == t).then_some(self.active_plan.bank)
    }

    pub(super) fn plan_active(&mut self) {
        let mut plan = Plan::NONE;
        for bank in self.active.iter() {
            plan.improve(self.active_at(bank), self.active_key(bank), bank);
        }
        self.active_plan = plan;
    }

    /// The bank whose oldest hit goes at `t`, if there is one.
    #[inline]
    pub(super) fn due_hit(&mut self, t: Tick) -> Option<usize> {
        let plan = self.hit_plan;
        if plan.at > t {
            return None;
        }
        let bank = plan.bank;
        let known = bank < self.banks.len() && self.hits().has(bank);
        if !(known
            && plan.at == t
            && plan.key.0 == self.sides[self.serving].hit_ids[bank]
            && self.column_at(bank, self.serving) == t)
        {
            self.plan_hits();
        }
        (self.hit_plan.at == t).then_some(self.hit_plan.bank)
    }

    #[inline]
    pub(super) fn plan_hits(&mut self) {
        let mut earliest = Earliest::new(self.column_floor);
        let ids = &self.sides[self.serving].hit_ids;
        for bank in self.hits().iter() {
            earliest.offer(self.column_at(bank, self.serving), ids[bank], bank);
        }
        self.hit_plan = earliest.plan();
    }

    /// The bank whose row is opened or closed at `t`, if there is one.
    #[inline]
    pub(super) fn due_row(&mut self, t: Tick) -> Option<usize> {
        let plan = self.row_plan;
        if plan.at > t {
            return None;
        }
        let bank = plan.bank;
        let known = bank < self.banks.len() && self.rows().has(bank);
        if !(known
            && plan.at == t
            && plan.key.0 == self.sides[self.serving].row_ids[bank]
            && self.may_open_or_close(bank)
            && self.row_at(bank) == t)
        {
            self.plan_rows();
        }
        (self.row_plan.at == t).then_some(self.row_plan.bank)
    }

    /// One activation is under way at most.
    fn may_open_or_close(&self, bank: usize) -> bool {
        self.activating.is_none() || self.banks[bank].phase == Phase::Open
    }

    pub(super) fn plan_rows(&mut self) {
        let mut earliest = Earliest::new(self.row_floor);
        let ids = &self.sides[self.serving].row_ids;
        let rows = self.rows();
        for bank in rows.and(self.open).iter() {
            earliest.offer(self.precharge_at(bank), ids[bank], bank);
        }
        if self.activating.is_none() {
            for bank in rows.without(self.open).iter() {
                earliest.offer(self.rising_at(Kind::Act, bank), ids[bank], bank);
            }
        }
        self.row_plan = earliest.plan();
    }

    /// Age of the planned hit and of the planned row command: for controllers with one slot.
    pub(super) fn hit_is_older(&self) -> bool {
        self.hit_plan.key < self.row_plan.key
    }

    fn may_close(&self, bank: usize) -> bool {
        let b = &self.banks[bank];
        let queued = b.lists[0].hit != NONE || b.lists[1].hit != NONE;
        b.phase == Phase::Open && b.active == NONE && b.served > 0 && !queued
    }

    /// The idle bank to close at `t`, if there is one.
    pub(super) fn due_close(&mut self, t: Tick) -> Option<usize> {
        if self.close_plan.at > t {
            return None;
        }
        let mut plan = Plan::NONE;
        for bank in 0..self.banks.len() {
            if self.may_close(bank) && !self.blocked.has(bank) {
                plan.improve(self.close_at(bank), (bank as u64, 0), bank);
            }
        }
        self.close_plan = plan;
        (plan.at == t).then_some(plan.bank)
    }

    /// Lets every plan be made anew: other banks may be chosen now.
    pub(super) fn forget_plans(&mut self) {
        self.hit_plan = Plan::stale(self.column_floor);
        self.row_plan = Plan::stale(self.row_floor);
        if self.wait_before_close.is_some() {
            self.close_plan = Plan::stale(self.row_floor);
        }
    }

    /// Takes a request into the active plan.
    pub(super) fn offer_active(&mut self, bank: usize) {
        let (at, key) = (self.active_at(bank), self.active_key(bank));
        self.active_plan.improve(at, key, bank);
    }

    /// Says anew which requests of a bank can be chosen in one direction.
    #[inline]
    pub(super) fn publish(&mut self, bank: usize, side: usize) {
        let b = &self.banks[bank];
        let list = b.lists[side];
        let (mut hit, mut row) = (NONE, NONE);
        match b.phase {
            Phase::Closed => row = list.head,
            Phase::Activating => {}
            Phase::Open if list.miss == NONE => hit = list.hit,
            Phase::Open if list.hit == NONE => {
                if b.active == NONE {
                    row = list.miss;
                }
            }
            Phase::Open => {
                let (h, m) = (self.pool.get(list.hit), self.pool.get(list.miss));
                let spent = self.parameters.hit_cap.is_some_and(|cap| b.served >= cap);
                if !(spent && m.at < h.at) {
                    hit = list.hit;
                }
                let protected = self.protects_hits && h.at <= m.at;
                if b.active == NONE && !protected {
                    row = list.miss;
                }
            }
        }
        self.sides[side].hits.set(bank, hit != NONE);
        self.sides[side].rows.set(bank, row != NONE);
        let served = side == self.serving && !self.blocked.has(bank);
        if hit != NONE {
            let id = self.pool.get(hit).id;
            self.sides[side].hit_ids[bank] = id;
            if served {
                let at = self.column_at(bank, side);
                self.hit_plan.improve(at, (id, 0), bank);
            }
        }
        if row != NONE {
            let id = self.pool.get(row).id;
            self.sides[side].row_ids[bank] = id;
            if served && self.may_open_or_close(bank) {
                let at = self.row_at(bank);
                self.row_plan.improve(at, (id, 0), bank);
            }
        }
    }

    /// Looks whether a bank has become idle.
    pub(super) fn publish_idle(&mut self, bank: usize) {
        if self.wait_before_close.is_some() && self.may_close(bank) && !self.blocked.has(bank) {
            let at = self.close_at(bank);
            self.close_plan.improve(at, (bank as u64, 0), bank);
        }
    }
}

//! What comes next: the earliest command of any kind, the bank whose turn it is, and the
//! transaction that moves.

use super::engine::{BankQueues, Next};
use super::tables::{ACT, PRE, RD, REF, WR};
use crate::dram::observer::Observer;
use crate::time::Tick;

impl BankQueues {
    /// Finds the next command with the queues as they are.
    #[inline]
    pub(super) fn look(&mut self) {
        self.changed = false;
        let now = self.now;
        let blocked = self.blocked();
        let mut next = Next {
            at: match self.due.front() {
                Some(&rank) => self.refresh_ready(rank).max(now),
                None => Tick::MAX,
            },
            ..Next::default()
        };
        let mut columns = self.columns & !blocked;
        while columns != 0 {
            let bank = columns.trailing_zeros() as usize;
            columns &= columns - 1;
            let (read, write) = self.column_ready(bank);
            let at = read.min(write).max(now);
            if at < next.at {
                next.at = at;
                next.columns = 0;
            }
            if at == next.at {
                next.columns |= 1 << bank;
            }
        }
        if self.rows_changed {
            self.rows_changed = false;
            self.row_at = Tick::MAX;
            for (index, rank) in self.ranks.iter().enumerate() {
                if blocked >> (index * self.per_rank) & 1 == 0 {
                    let banks = index * self.per_rank..(index + 1) * self.per_rank;
                    let first = self.lanes.first(banks, rank.gate[ACT], rank.gate[PRE]);
                    self.row_at = self.row_at.min(first);
                }
            }
        }
        if self.row_at <= next.at {
            let at = self.row_at.max(now);
            if at < next.at {
                next.at = at;
                next.columns = 0;
            }
            next.rows = self.ready_rows(at, blocked);
        }
        self.next = next;
    }

    /// Banks outside `blocked` with a row command ready at `at`.
    fn ready_rows(&self, at: Tick, blocked: u64) -> u64 {
        let mut rows = 0;
        for (index, rank) in self.ranks.iter().enumerate() {
            let (act, pre) = (rank.gate[ACT] <= at, rank.gate[PRE] <= at);
            if act || pre {
                let banks = index * self.per_rank..(index + 1) * self.per_rank;
                rows |= self.lanes.ready(banks, at, act, pre);
            }
        }
        rows & !blocked
    }

    /// Banks of the rank that waits for its refresh.
    fn blocked(&self) -> u64 {
        match self.due.front() {
            Some(rank) => u64::MAX >> (64 - self.per_rank) << (rank * self.per_rank),
            None => 0,
        }
    }

    /// Earliest ticks of the oldest read hit and the oldest write hit of a bank.
    #[inline]
    fn column_ready(&self, bank: usize) -> (Tick, Tick) {
        let state = &self.banks[bank];
        let (group, rank) = (&self.groups[state.group], &self.ranks[state.rank].gate);
        let at = |command: usize| state.gate[command].max(group[command]).max(rank[command]);
        let (hits, writes) = (state.queue.hits, state.queue.hits & state.queue.writes);
        if writes == 0 {
            return (at(RD), Tick::MAX);
        }
        (if hits == writes { Tick::MAX } else { at(RD) }, at(WR))
    }

    fn gate(&self, bank: usize, command: usize) -> Tick {
        let state = &self.banks[bank];
        state.gate[command]
            .max(self.groups[state.group][command])
            .max(self.ranks[state.rank].gate[command])
    }

    /// Earliest command of a pending refresh: of the open banks the first that can be closed, with
    /// none open the refresh itself.
    fn refresh_ready(&self, rank: usize) -> Tick {
        let banks = rank * self.per_rank..(rank + 1) * self.per_rank;
        if self.ranks[rank].open == 0 {
            let ready = banks.map(|bank| self.gate(bank, REF));
            return ready.max().unwrap_or(0);
        }
        let open = banks.filter(|&bank| self.banks[bank].open.is_some());
        open.map(|bank| self.gate(bank, PRE)).min().unwrap_or(0)
    }

    /// Issues what is ready now: a refresh's command, else that of the bank whose turn it is; then
    /// perhaps a second one.
    #[inline]
    pub(super) fn issue_commands(&mut self, observer: &mut impl Observer) {
        let first = match self.due.front() {
            Some(&rank) if self.refresh_ready(rank) <= self.now => {
                Some(self.issue_refresh(rank, observer))
            }
            _ => self.turn(self.next, None, observer),
        };
        let Some(column) = first else {
            return;
        };
        if !self.two_slots || column && !self.rows_wait() {
            return;
        }
        self.look();
        if self.next.at == self.now {
            self.turn(self.next, Some(column), observer);
        }
    }

    /// Whether there may be a row command in this tick after a column command; there is no second
    /// column, because a rank's columns are at least a tick apart.
    fn rows_wait(&self) -> bool {
        self.rows_changed || self.row_at <= self.now || self.ranks.len() > 1
    }

    /// Always a row command.
    fn issue_refresh(&mut self, rank: usize, observer: &mut impl Observer) -> bool {
        let first = rank * self.per_rank;
        if self.ranks[rank].open == 0 {
            self.issue(REF, first, 0, observer);
            self.due.pop_front();
            for bank in first..first + self.per_rank {
                self.refresh_lane(bank);
            }
            return false;
        }
        for bank in first..first + self.per_rank {
            if let Some(row) = self.banks[bank].open
                && self.gate(bank, PRE) <= self.now
            {
                self.close(bank, row, observer);
                break;
            }
        }
        false
    }

    /// Serves the next bank in turn of those that are ready. With `second`, which says whether the
    /// first command of the tick was a column, a command of the same kind is dropped, and yet the
    /// bank has had its turn. Returns whether the command was a column; none if none was ready.
    #[inline]
    fn turn(
        &mut self,
        next: Next,
        second: Option<bool>,
        observer: &mut impl Observer,
    ) -> Option<bool> {
        let rows = next.rows;
        let ready = rows | next.columns;
        if ready == 0 {
            return None;
        }
        let after = ready & (u64::MAX << self.pointer << 1);
        let bank = if after == 0 { ready } else { after }.trailing_zeros() as usize;
        self.pointer = bank;
        // The head's precharge comes before younger hits.
        let column = rows >> bank & 1 == 0;
        if second == Some(column) {
            return None;
        }
        if column {
            self.issue_column(bank, observer);
        } else {
            match self.banks[bank].open {
                Some(row) => self.close(bank, row, observer),
                None => self.open(bank, observer),
            }
        }
        Some(column)
    }

    fn open(&mut self, bank: usize, observer: &mut impl Observer) {
        let row = self.banks[bank].queue.get(0).row();
        self.issue(ACT, bank, row, observer);
        self.columns |= 1 << bank;
        // The other banks of the group wait too.
        let group = self.banks[bank].group;
        let per_group = self.banks.len() / self.groups.len();
        for bank in group * per_group..(group + 1) * per_group {
            self.refresh_lane(bank);
        }
    }

    fn close(&mut self, bank: usize, row: u32, observer: &mut impl Observer) {
        self.issue(PRE, bank, row, observer);
        self.columns &= !(1 << bank);
        self.refresh_lane(bank);
    }

    #[inline]
    fn issue_column(&mut self, bank: usize, observer: &mut impl Observer) {
        let now = self.now;
        let (read_at, write_at) = self.column_ready(bank);
        let (read, write) = self.banks[bank].queue.oldest_hits();
        let index = match (read, write) {
            (Some(read), Some(write)) if read_at <= now && write_at <= now => read.min(write),
            (Some(read), _) if read_at <= now => read,
            (_, Some(write)) => write,
            _ => return,
        };
        let is_write = write == Some(index);
        let entry = self.banks[bank].queue.remove(index);
        if self.banks[bank].queue.hits == 0 {
            self.columns &= !(1 << bank);
        }
        self.full &= !(1 << bank);
        if self.banks[bank].queue.len == 0 {
            self.filled &= !(1 << bank);
        }
        if is_write {
            self.pending_writes.remove(bank, entry.key);
            self.issue(WR, bank, entry.row(), observer);
        } else {
            self.pending_reads.remove(bank, entry.key);
            self.issue(RD, bank, entry.row(), observer);
            let done = now + self.read_latency;
            self.last = self.last.max(done);
            self.unserved -= 1;
            self.outcome.latencies.add(done - entry.accepted);
            if !self.shared.is_empty() {
                let (unserved, latencies) = (&mut self.unserved, &mut self.outcome.latencies);
                self.shared.retain(|(other, read)| {
                    let same = *other == bank && read.key == entry.key;
                    if same {
                        *unserved -= 1;
                        latencies.add(done - read.accepted);
                    }
                    !same
                });
            }
        }
        self.refresh_lane(bank);
    }

    /// Sets the row candidate of a bank after its state, queue or gates have changed.
    #[inline]
    pub(super) fn refresh_lane(&mut self, bank: usize) {
        let state = &self.banks[bank];
        // The common case of a stream: the head is a hit, before and after.
        if state.queue.hits & 1 == 1 && self.lanes.is_empty(bank) {
            return;
        }
        let (mut act, mut pre) = (None, None);
        if state.queue.len > 0 {
            let group = &self.groups[state.group];
            if state.open.is_none() {
                act = Some(state.gate[ACT].max(group[ACT]));
            } else if state.queue.hits & 1 == 0
                && (state.queue.hits == 0 || state.hits >= self.parameters.hit_cap)
            {
                pre = Some(state.gate[PRE].max(group[PRE]));
            }
        }
        self.rows_changed |= self.lanes.set(bank, act, pre);
    }

    pub(super) fn restart_lanes(&mut self) {
        self.lanes.restart(self.now);
        for bank in 0..self.banks.len() {
            self.refresh_lane(bank);
        }
    }

    /// Whether a drain would begin.
    #[inline]
    fn drain_begins(&self) -> bool {
        self.draining == 0
            && (self.writes.is_full()
                || self.writes.len > self.parameters.drain_above && self.filled == 0)
    }

    /// Whether the end of this tick changes anything.
    #[inline]
    pub(super) fn moves(&self) -> bool {
        if self.drain_begins() {
            return true;
        }
        let queue = if self.draining > 0 {
            &self.writes
        } else {
            &self.reads
        };
        queue.waiting & !self.full != 0
    }

    /// Moves the oldest transaction whose bank has room, of writes while draining, else of reads.
    #[inline]
    pub(super) fn move_one(&mut self) {
        if self.drain_begins() {
            self.draining = self.writes.len;
        }
        let draining = self.draining > 0;
        let queue = if draining {
            &mut self.writes
        } else {
            &mut self.reads
        };
        let movable = queue.waiting & !self.full;
        if movable == 0 {
            return;
        }
        let bank = queue.oldest(movable);
        if draining {
            let key = queue.head(bank).key;
            if self.holds_read(bank, key) {
                self.draining = 0;
                return;
            }
            self.draining -= 1;
        }
        let queue = if draining {
            &mut self.writes
        } else {
            &mut self.reads
        };
        let entry = queue.pop(bank);
        let state = &mut self.banks[bank];
        state.queue.push(entry, draining, state.open);
        self.filled |= 1 << bank;
        self.full |= u64::from(state.queue.len == self.parameters.bank_queue) << bank;
        self.columns |= u64::from(state.queue.hits != 0) << bank;
        self.refresh_lane(bank);
    }
}

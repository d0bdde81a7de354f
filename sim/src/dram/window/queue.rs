//! Waiting requests: one pool of entries, and for every bank and direction a list in order of
//! arrival that knows its oldest hit and its oldest miss. No other of them can be chosen.

use crate::time::Tick;

/// No entry.
pub(super) const NONE: u16 = u16::MAX;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// Order of acceptance.
    pub(super) id: u64,
    pub(super) at: Tick,
    pub(super) slot: u64,
    pub(super) row: u32,
    /// 0 for reads, 1 for writes.
    pub(super) side: u8,
    /// Others share its data.
    pub(super) shared: bool,
    pub(super) next: u16,
    pub(super) previous: u16,
}

/// Requests of a bank in one direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    pub(super) head: u16,
    tail: u16,
    /// Oldest entry for the open row.
    pub(super) hit: u16,
    /// Oldest entry for another row.
    pub(super) miss: u16,
}

impl List {
    pub(super) const EMPTY: List = List {
        head: NONE,
        tail: NONE,
        hit: NONE,
        miss: NONE,
    };
}

#[derive(Debug, Clone)]
pub(super) struct Pool {
    entries: Vec<Entry>,
    free: Vec<u16>,
}

impl Pool {
    pub(super) fn new(entries: usize) -> Pool {
        Pool {
            entries: vec![Entry::default(); entries],
            free: (0..entries as u16).rev().collect(),
        }
    }

    #[inline]
    pub(super) fn get(&self, entry: u16) -> &Entry {
        &self.entries[usize::from(entry)]
    }

    pub(super) fn share(&mut self, entry: u16) {
        self.entries[usize::from(entry)].shared = true;
    }

    /// Goes through all entries, those in use and others.
    pub(super) fn shift(&mut self, change: impl Fn(&mut Entry)) {
        self.entries.iter_mut().for_each(change);
    }

    /// Takes a free entry; the caller counts them.
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry) -> u16 {
        if let Some(index) = self.free.pop() {
            self.entries[usize::from(index)] = entry;
            return index;
        }
        self.entries.push(entry);
        self.entries.len() as u16 - 1
    }

    #[inline]
    pub(super) fn release(&mut self, entry: u16) {
        self.free.push(entry);
    }

    /// Appends an entry; `open` is the bank's row, if one is open.
    #[inline]
    pub(super) fn append(&mut self, list: &mut List, entry: u16, open: Option<u32>) {
        let e = &mut self.entries[usize::from(entry)];
        e.next = NONE;
        e.previous = list.tail;
        let hits = open == Some(e.row);
        if list.tail == NONE {
            list.head = entry;
        } else {
            self.entries[usize::from(list.tail)].next = entry;
        }
        list.tail = entry;
        if hits {
            if list.hit == NONE {
                list.hit = entry;
            }
        } else if list.miss == NONE {
            list.miss = entry;
        }
    }

    /// Unlinks an entry; `open` as before the removal.
    #[inline]
    pub(super) fn unlink(&mut self, list: &mut List, entry: u16, open: Option<u32>) {
        let Entry { next, previous, .. } = *self.get(entry);
        if list.hit == entry {
            list.hit = self.find(next, |row| open == Some(row));
        }
        if list.miss == entry {
            list.miss = self.find(next, |row| open != Some(row));
        }
        if previous == NONE {
            list.head = next;
        } else {
            self.entries[usize::from(previous)].next = next;
        }
        if next == NONE {
            list.tail = previous;
        } else {
            self.entries[usize::from(next)].previous = previous;
        }
    }

    /// Tells hits and misses anew after the bank's row has changed.
    #[inline]
    pub(super) fn sort(&self, list: &mut List, open: Option<u32>) {
        list.hit = match open {
            Some(_) => self.find(list.head, |row| open == Some(row)),
            None => NONE,
        };
        list.miss = self.find(list.head, |row| open != Some(row));
    }

    #[inline]
    fn find(&self, from: u16, wanted: impl Fn(u32) -> bool) -> u16 {
        let mut at = from;
        while at != NONE {
            let entry = self.get(at);
            if wanted(entry.row) {
                break;
            }
            at = entry.next;
        }
        at
    }
}

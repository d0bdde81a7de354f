//! The two kinds of queues in front of a bank: the short command queue that the scheduler sees, and
//! the long transaction queue from which one entry a tick moves into it.

use crate::time::Tick;

/// A request of one bank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Row and column: what makes two requests of a bank the same address.
    pub key: u64,
    pub accepted: Tick,
}

impl Entry {
    pub(super) fn row(&self) -> u32 {
        (self.key >> 32) as u32
    }
}

/// Address of a request within its bank.
pub(super) fn key(row: u32, column: u64) -> u64 {
    u64::from(row) << 32 | column
}

/// Commands of one bank in order of arrival: a ring, because most leave at its head.
#[derive(Debug, Clone)]
pub(super) struct BankQueue {
    entries: Vec<Entry>,
    head: usize,
    pub len: usize,
    /// Entries for the open row, bit 0 the head.
    pub hits: u32,
    pub writes: u32,
}

impl BankQueue {
    pub(super) fn new(depth: usize) -> BankQueue {
        BankQueue {
            entries: vec![Entry::default(); depth.next_power_of_two()],
            head: 0,
            len: 0,
            hits: 0,
            writes: 0,
        }
    }

    #[inline]
    fn place(&self, index: usize) -> usize {
        (self.head + index) & (self.entries.len() - 1)
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Entry {
        self.entries[self.place(index)]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.len).map(|index| self.get(index))
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry, write: bool, open: Option<u32>) {
        let place = self.place(self.len);
        self.entries[place] = entry;
        self.writes |= u32::from(write) << self.len;
        self.hits |= u32::from(open == Some(entry.row())) << self.len;
        self.len += 1;
    }

    #[inline]
    pub(super) fn remove(&mut self, index: usize) -> Entry {
        let entry = self.get(index);
        if index == 0 {
            self.head = self.place(1);
            self.hits >>= 1;
            self.writes >>= 1;
        } else {
            for later in index + 1..self.len {
                let (to, from) = (self.place(later - 1), self.place(later));
                self.entries[to] = self.entries[from];
            }
            self.hits = without(self.hits, index);
            self.writes = without(self.writes, index);
        }
        self.len -= 1;
        entry
    }

    /// Marks the entries of a row that was opened.
    pub(super) fn opened(&mut self, row: u32) {
        self.hits = 0;
        for index in 0..self.len {
            self.hits |= u32::from(self.get(index).row() == row) << index;
        }
    }

    /// The oldest read and the oldest write for the open row.
    #[inline]
    pub(super) fn oldest_hits(&self) -> (Option<usize>, Option<usize>) {
        let first = |mask: u32| (mask != 0).then(|| mask.trailing_zeros() as usize);
        (
            first(self.hits & !self.writes),
            first(self.hits & self.writes),
        )
    }

    pub(super) fn change(&mut self, change: impl Fn(&mut Entry)) {
        for index in 0..self.len {
            let place = self.place(index);
            change(&mut self.entries[place]);
        }
    }
}

fn without(mask: u32, index: usize) -> u32 {
    let below = (1 << index) - 1;
    mask & below | (mask >> 1) & !below
}

const NONE: u16 = u16::MAX;

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    entry: Entry,
    /// Order of arrival over all banks.
    id: u64,
    next: u16,
}

/// Transactions of one direction: a list for each bank, ordered over all banks by arrival.
#[derive(Debug, Clone)]
pub(super) struct Transactions {
    nodes: Vec<Node>,
    free: Vec<u16>,
    head: Vec<u16>,
    tail: Vec<u16>,
    next_id: u64,
    pub len: usize,
    /// Banks with an entry.
    pub waiting: u64,
}

impl Transactions {
    pub(super) fn new(capacity: usize, banks: usize) -> Transactions {
        Transactions {
            nodes: vec![Node::default(); capacity],
            free: (0..capacity as u16).collect(),
            head: vec![NONE; banks],
            tail: vec![NONE; banks],
            next_id: 0,
            len: 0,
            waiting: 0,
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    #[inline]
    pub(super) fn push(&mut self, bank: usize, entry: Entry) {
        let Some(index) = self.free.pop() else {
            return;
        };
        self.nodes[usize::from(index)] = Node {
            entry,
            id: self.next_id,
            next: NONE,
        };
        self.next_id += 1;
        self.len += 1;
        if self.waiting >> bank & 1 == 0 {
            self.waiting |= 1 << bank;
            self.head[bank] = index;
        } else {
            self.nodes[usize::from(self.tail[bank])].next = index;
        }
        self.tail[bank] = index;
    }

    /// The bank among `banks` whose head is the oldest; `banks` have entries.
    #[inline]
    pub(super) fn oldest(&self, banks: u64) -> usize {
        let first = banks.trailing_zeros() as usize;
        let mut rest = banks & (banks - 1);
        if rest == 0 {
            return first;
        }
        let id = |bank: usize| self.nodes[usize::from(self.head[bank])].id;
        let mut oldest = (id(first), first);
        while rest != 0 {
            let bank = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            oldest = oldest.min((id(bank), bank));
        }
        oldest.1
    }

    pub(super) fn head(&self, bank: usize) -> Entry {
        self.nodes[usize::from(self.head[bank])].entry
    }

    #[inline]
    pub(super) fn pop(&mut self, bank: usize) -> Entry {
        let index = self.head[bank];
        let node = self.nodes[usize::from(index)];
        self.free.push(index);
        self.len -= 1;
        self.head[bank] = node.next;
        if node.next == NONE {
            self.waiting &= !(1 << bank);
        }
        node.entry
    }

    /// Entries of a bank, oldest first, each with its order of arrival.
    pub(super) fn of(&self, bank: usize) -> impl Iterator<Item = (u64, Entry)> + '_ {
        let mut index = if self.waiting >> bank & 1 == 1 {
            self.head[bank]
        } else {
            NONE
        };
        std::iter::from_fn(move || {
            let node = *self.nodes.get(usize::from(index))?;
            index = node.next;
            Some((node.id, node.entry))
        })
    }

    /// Order of arrival of the next entry.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    pub(super) fn change(&mut self, change: impl Fn(&mut Entry)) {
        for node in &mut self.nodes {
            change(&mut node.entry);
        }
    }
}

//! What the front end asks of a channel.

use super::Level;
use crate::dram::organisation::Organisation;

/// What a request asks for. Each but the barrier ends in one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// One multiply-accumulate step on a row, which is opened first where it is not.
    Mac,
    /// A burst of the vector into the GEMV buffers.
    WrGb,
    /// Results into the softmax buffer.
    MvSb,
    /// Output of the softmax into the GEMV buffers.
    MvGb,
    /// The softmax of one head.
    Softmax,
    /// Later column commands wait until every earlier request has been issued.
    Barrier,
}

/// A request of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// What is asked for.
    pub ask: Ask,
    /// Bank in its address, by index within the channel; always of the first pseudo-channel, whose
    /// like in the other one takes part.
    pub bank: u8,
    /// Row, of a step.
    pub row: u32,
}

impl Request {
    /// A request without row and place.
    pub fn bare(ask: Ask) -> Request {
        Request {
            ask,
            bank: 0,
            row: 0,
        }
    }
}

/// Banks of the first pseudo-channel as linear storage: bank index counts bank, group, rank, and
/// each bank's bursts follow each other row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage {
    /// Bursts of a row.
    pub columns: u64,
    /// Bursts of a bank.
    pub bank: u64,
    /// Banks of a bank group.
    pub of_group: u64,
    /// Bank groups of a rank.
    pub groups: u64,
    /// Ranks of a pseudo-channel.
    pub ranks: u64,
    /// Pseudo-channels.
    pub pseudo: u64,
}

impl Storage {
    pub(crate) fn new(o: &Organisation) -> Storage {
        Storage {
            columns: o.columns().max(1),
            bank: (o.columns() * o.rows).max(1),
            of_group: o.banks_per_group as u64,
            groups: o.bank_groups as u64,
            ranks: o.ranks as u64,
            pseudo: o.pseudo_channels as u64,
        }
    }

    /// Index within the channel of the `n`-th bank of the first pseudo-channel.
    pub(crate) fn bank_index(&self, n: u64) -> u8 {
        let of_rank = self.groups * self.of_group;
        let n = n % (of_rank * self.ranks);
        (n / of_rank * self.pseudo * of_rank + n % of_rank) as u8
    }

    /// The first bank of a group.
    pub(crate) fn first_of(&self, rank: u64, group: u64) -> u8 {
        self.bank_index((rank * self.groups + group) * self.of_group)
    }

    /// Bank and row of a burst, counted through all banks; beyond the last bank they wrap.
    pub(crate) fn locate(&self, burst: u64) -> (u8, u32) {
        let row = burst % self.bank / self.columns;
        (self.bank_index(burst / self.bank), row as u32)
    }

    /// The `burst`-th step on a matrix that begins `base` bursts into its banks.
    pub(crate) fn step(&self, level: Level, base: u64, burst: u64) -> Request {
        let place = match level {
            Level::Bank => burst,
            // A row in each bank of a group, then the next row.
            Level::BankGroup => {
                let (row, column) = (burst / self.columns, burst % self.columns);
                row % self.of_group * self.bank + row / self.of_group * self.columns + column
            }
            // A burst in each bank group, then in the next bank of each, then the next burst.
            Level::Buffer => {
                let groups = self.groups * self.ranks;
                let (group, rest) = (burst % groups, burst / groups);
                let (bank, column) = (rest % self.of_group, rest / self.of_group);
                (group * self.of_group + bank) * self.bank + column
            }
        };
        let (bank, row) = self.locate(base + place);
        Request {
            ask: Ask::Mac,
            bank,
            row,
        }
    }
}

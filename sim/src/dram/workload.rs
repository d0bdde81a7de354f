//! Access patterns as rules: what request `i` of a named workload is. They stress one mechanism
//! each (row hits, bank groups, activation rate, write turn-round, refresh). Streams and random
//! requests count bursts in the order of the address mapping; what aims at a bank or a row speaks
//! of coordinates, and is the same under every mapping.

use super::organisation::{Digit, Organisation};
use super::request::{Period, Request, Source};
use super::stream::Direction;
use super::traffic::{Offered, Traffic};
use crate::time::Tick;

/// A workload rule, over the bursts of one channel or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Workload {
    SeqRead,
    SeqWrite,
    MixedRw2to1,
    CopyRw1to1,
    RandomRead,
    RandomRw2to1,
    RowConflict,
    BankGroupPingpong,
    PeakStream,
    OneBankHits,
    ActRate,
    Streams8Conflict,
    StreamPlusRandom,
    WriteDrainBursts,
    ProbeRowHit,
    ProbeRowConflict,
    ProbeRowClosed,
    RefreshLong,
}

impl Workload {
    /// Every workload with its name and what it does.
    pub const ALL: [(&'static str, Workload, &'static str); 18] = [
        ("seq_read", Workload::SeqRead, "consecutive bursts, read"),
        (
            "seq_write",
            Workload::SeqWrite,
            "consecutive bursts, written",
        ),
        (
            "mixed_rw_2to1",
            Workload::MixedRw2to1,
            "consecutive bursts, every third written",
        ),
        (
            "copy_rw_1to1",
            Workload::CopyRw1to1,
            "reads of one half copied to the other",
        ),
        ("random_read", Workload::RandomRead, "random bursts, read"),
        (
            "random_rw_2to1",
            Workload::RandomRw2to1,
            "random bursts, every third written",
        ),
        (
            "row_conflict",
            Workload::RowConflict,
            "a new row of one bank each time",
        ),
        (
            "bank_group_pingpong",
            Workload::BankGroupPingpong,
            "one bank of every bank group in turn",
        ),
        (
            "peak_stream",
            Workload::PeakStream,
            "all ranks and bank groups in turn, then columns",
        ),
        (
            "one_bank_hits",
            Workload::OneBankHits,
            "consecutive bursts of one bank",
        ),
        (
            "act_rate",
            Workload::ActRate,
            "one burst of every bank in turn, a new row each time",
        ),
        (
            "streams8_conflict",
            Workload::Streams8Conflict,
            "eight streams in different rows of one bank",
        ),
        (
            "stream_plus_random",
            Workload::StreamPlusRandom,
            "a stream, every tenth request random",
        ),
        (
            "write_drain_bursts",
            Workload::WriteDrainBursts,
            "64 written, 64 read, each at a random row",
        ),
        (
            "probe_row_hit",
            Workload::ProbeRowHit,
            "one row, a read each 1,000 ticks",
        ),
        (
            "probe_row_conflict",
            Workload::ProbeRowConflict,
            "a new row of one bank each 1,000 ticks",
        ),
        (
            "probe_row_closed",
            Workload::ProbeRowClosed,
            "every bank once, a read each 100 ticks",
        ),
        (
            "refresh_long",
            Workload::RefreshLong,
            "one row, a read each 97 ticks",
        ),
    ];

    /// The workload of a name.
    pub fn named(name: &str) -> Option<Workload> {
        let found = Workload::ALL.iter().find(|(known, ..)| *known == name);
        found.map(|&(_, workload, _)| workload)
    }

    /// Requests that a run has unless told otherwise.
    pub fn default_requests(self, organisation: &Organisation) -> u64 {
        match self {
            Workload::RowConflict | Workload::RefreshLong => 20_000,
            Workload::ActRate | Workload::Streams8Conflict => 50_000,
            Workload::WriteDrainBursts => 51_200,
            Workload::ProbeRowHit | Workload::ProbeRowConflict => 2_000,
            Workload::ProbeRowClosed => {
                (organisation.bank_groups * organisation.banks_per_group) as u64
            }
            _ => 100_000,
        }
    }
}

/// The requests of a workload.
#[derive(Debug, Clone)]
pub struct Requests {
    workload: Workload,
    organisation: Organisation,
    channels: u64,
    columns: u64,
    /// The row is the highest digit of the address and no other depends on it: consecutive bursts
    /// come back to the same banks and columns a row further.
    sweeps: bool,
    total: u64,
    count: u64,
    next: u64,
    random: Lcg,
}

impl Requests {
    /// The first `requests` requests of `workload` on one channel of `organisation`.
    pub fn new(workload: Workload, organisation: &Organisation, requests: u64) -> Requests {
        Requests::over(workload, organisation, 1, requests)
    }

    /// The first `requests` requests of `workload` over `channels` channels like those of
    /// `organisation`. The channel is the lowest digit of a burst's number, whatever the mapping of
    /// addresses; patterns that name a bank stay in channel 0.
    pub fn over(
        workload: Workload,
        organisation: &Organisation,
        channels: usize,
        requests: u64,
    ) -> Requests {
        let columns = organisation.columns();
        let channels = channels.max(1) as u64;
        Requests {
            workload,
            channels,
            columns,
            sweeps: sweeps(organisation),
            total: channels * organisation.banks() as u64 * organisation.rows * columns,
            organisation: organisation.clone(),
            count: requests,
            next: 0,
            random: Lcg(1),
        }
    }

    /// Slot of coordinates in unit 0, each reduced modulo its size.
    fn slot(&self, group: u64, bank: u64, row: u64, column: u64) -> u64 {
        self.slot_in(0, group, bank, row, column)
    }

    fn slot_in(&self, unit: u64, group: u64, bank: u64, row: u64, column: u64) -> u64 {
        let o = &self.organisation;
        let unit = unit % o.units() as u64;
        let group = group % o.bank_groups as u64;
        let bank = bank % o.banks_per_group as u64;
        let index = (unit * o.bank_groups as u64 + group) * o.banks_per_group as u64 + bank;
        o.slot_at(index as usize, (row % o.rows) as u32, column % self.columns)
    }

    /// Channel and slot of burst `b`: channels in turn, slots in the order of the mapping.
    fn linear(&self, b: u64) -> (u64, u64) {
        if self.channels == 1 {
            return (0, b);
        }
        (b % self.channels, b / self.channels)
    }

    fn place(&mut self, i: u64) -> (u64, u64) {
        let groups = self.organisation.bank_groups as u64;
        let banks = self.organisation.banks_per_group as u64;
        let total = self.total;
        match self.workload {
            Workload::SeqRead | Workload::SeqWrite | Workload::MixedRw2to1 => {
                self.linear(i % total)
            }
            Workload::CopyRw1to1 => {
                let half = if i.is_multiple_of(2) { 0 } else { total / 2 };
                self.linear((half + i / 2) % total)
            }
            Workload::RandomRead | Workload::RandomRw2to1 => {
                let b = self.random.next();
                self.linear(b % total)
            }
            Workload::RowConflict | Workload::ProbeRowConflict => (0, self.slot(0, 0, i, 0)),
            Workload::BankGroupPingpong => {
                let k = i / groups;
                let (row, column) = (k / self.columns, k % self.columns);
                (0, self.slot(i % groups, 0, row, column))
            }
            Workload::PeakStream => {
                let units = self.organisation.units() as u64;
                let (rest, channel) = (i / self.channels, i % self.channels);
                let (rest, unit) = (rest / units, rest % units);
                let (rest, group) = (rest / groups, rest % groups);
                let (rest, column) = (rest / self.columns, rest % self.columns);
                let (row, bank) = (rest / banks, rest % banks);
                (channel, self.slot_in(unit, group, bank, row, column))
            }
            Workload::OneBankHits => (0, self.slot(0, 0, i / self.columns, i % self.columns)),
            Workload::ActRate => {
                let k = i % (groups * banks);
                let row = i / (groups * banks);
                (0, self.slot(k % groups, k / groups, row, 0))
            }
            Workload::Streams8Conflict => self.linear((i % 8 * (total / 8) + i / 8) % total),
            Workload::StreamPlusRandom => {
                if i % 10 == 9 {
                    let b = self.random.next();
                    self.linear(b % total)
                } else {
                    self.linear((i - i / 10) % total)
                }
            }
            Workload::WriteDrainBursts => {
                if i.is_multiple_of(64) {
                    self.random.next();
                }
                let row = u128::from(self.columns) * u128::from(self.channels);
                let base = u128::from(self.random.value()) * row;
                let b = (base + u128::from(i % 64)) % u128::from(total);
                self.linear(b as u64)
            }
            Workload::ProbeRowHit | Workload::RefreshLong => (0, self.slot(0, 0, 5, i)),
            Workload::ProbeRowClosed => (0, self.slot(i % groups, i / groups, 7, 0)),
        }
    }

    fn direction(&self, i: u64) -> Direction {
        let write = match self.workload {
            Workload::SeqWrite => true,
            Workload::MixedRw2to1 | Workload::RandomRw2to1 => i % 3 == 2,
            Workload::CopyRw1to1 => i % 2 == 1,
            Workload::WriteDrainBursts => (i / 64).is_multiple_of(2),
            _ => false,
        };
        if write {
            Direction::Write
        } else {
            Direction::Read
        }
    }

    fn at(&self, i: u64) -> Tick {
        match self.workload {
            Workload::ProbeRowHit | Workload::ProbeRowConflict => 1000 * i,
            Workload::ProbeRowClosed => 100 * i,
            Workload::RefreshLong => 97 * i,
            _ => 0,
        }
    }
}

impl Traffic for Requests {
    fn offered(&mut self) -> Option<Offered> {
        if self.next == self.count {
            return None;
        }
        let i = self.next;
        self.next += 1;
        let (channel, slot) = self.place(i);
        let request = Request {
            at: self.at(i),
            slot,
            direction: self.direction(i),
        };
        Some(Offered {
            channel: channel as usize,
            request,
        })
    }
}

impl Source for Requests {
    fn take(&mut self) -> Option<Request> {
        self.offered().map(|offered| offered.request)
    }

    fn period(&self) -> Option<Period> {
        // Whole sweeps over all bursts of one row in every bank, or in the banks that are used.
        if self.channels > 1 {
            return None;
        }
        let o = &self.organisation;
        let banks = (o.bank_groups * o.banks_per_group) as u64;
        let sweep = o.banks() as u64 * self.columns;
        let (requests, rows) = match self.workload {
            Workload::PeakStream => (sweep, 1),
            Workload::SeqRead | Workload::SeqWrite if self.sweeps => (sweep, 1),
            // The pattern of directions has a period of three.
            Workload::MixedRw2to1 if self.sweeps => (3 * sweep, 3),
            Workload::RowConflict => (1, 1),
            Workload::BankGroupPingpong => (o.bank_groups as u64 * self.columns, 1),
            Workload::OneBankHits => (self.columns, 1),
            Workload::ActRate => (banks, 1),
            Workload::CopyRw1to1 if self.sweeps && self.total.is_multiple_of(2 * sweep) => {
                (2 * sweep, 1)
            }
            Workload::Streams8Conflict if self.sweeps && self.total.is_multiple_of(8 * sweep) => {
                (8 * sweep, 1)
            }
            _ => return None,
        };
        Some(Period { requests, rows })
    }

    fn skip(&mut self, requests: u64) {
        // Only workloads without random numbers have a period.
        self.next += requests.min(self.left());
    }

    fn left(&self) -> u64 {
        self.count - self.next
    }
}

fn sweeps(organisation: &Organisation) -> bool {
    let mut digits = organisation.mapping.iter();
    let highest = digits.find(|digit| **digit != Digit::Channel);
    highest == Some(&Digit::Row) && organisation.xor.is_empty()
}

/// Knuth's MMIX linear congruential generator, upper 31 bits: every simulator's driver can have the
/// same numbers.
#[derive(Debug, Clone, Copy)]
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.value()
    }

    fn value(self) -> u64 {
        self.0 >> 33
    }
}

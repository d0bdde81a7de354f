//! Which rank sends which parts to which, after what.

use super::{Algorithm, Collective};

/// What a message waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// All that its sender received and sent in the step before.
    Step,
    /// These.
    Messages(Vec<usize>),
}

/// A part from one rank to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Sending rank.
    pub from: usize,
    /// Receiving rank.
    pub to: usize,
    /// Part sent. Part `p` of an all-to-all is the one for rank `p % ranks` of rank `p / ranks`.
    pub part: usize,
    /// Whether the receiver adds it to its own.
    pub reduces: bool,
    /// What must have arrived before.
    pub after: After,
    /// Step that it belongs to.
    pub step: usize,
}

/// The messages of a collective in an order in which each stands after those it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Ranks.
    pub ranks: usize,
    /// Equal parts into which the data of one rank is cut.
    pub parts: usize,
    /// Messages.
    pub messages: Vec<Message>,
}

impl Schedule {
    /// The schedule of a collective, or `None` where the algorithm has no such thing.
    pub fn new(collective: Collective, algorithm: Algorithm, ranks: usize) -> Option<Schedule> {
        use Algorithm::{Direct, Ring, Tree};
        use Collective::{AllGather, AllReduce, AllToAll, Broadcast, ReduceScatter};
        let mut schedule = Schedule {
            ranks,
            parts: ranks,
            messages: Vec::new(),
        };
        match (collective, algorithm) {
            (AllReduce, Ring) => schedule.ring(2 * (ranks - 1), 0),
            (ReduceScatter, Ring) => schedule.ring(ranks - 1, 0),
            (AllGather, Ring) => schedule.ring(ranks - 1, ranks - 1),
            (AllReduce, Direct) => {
                schedule.exchange(0, true);
                schedule.exchange(1, false);
            }
            (ReduceScatter, Direct) => schedule.exchange(0, true),
            (AllGather, Direct) => schedule.exchange(0, false),
            (AllToAll, Direct) => schedule.all_to_all(),
            (AllReduce, Tree) => {
                schedule.parts = 1;
                schedule.gather_up();
                schedule.spread_down();
            }
            (Broadcast, Tree) => {
                schedule.parts = 1;
                schedule.spread_down();
            }
            (Broadcast, Direct) => {
                schedule.parts = 1;
                for to in 1..ranks {
                    schedule.push((0, to), 0, false, 0);
                }
            }
            (AllToAll, Ring | Tree) | (Broadcast, Ring) | (ReduceScatter | AllGather, Tree) => {
                return None;
            }
        }
        Some(schedule)
    }

    /// Adds a message; it waits for what its sender received, and sent, in the step before.
    fn push(&mut self, (from, to): (usize, usize), part: usize, reduces: bool, step: usize) {
        self.messages.push(Message {
            from,
            to,
            part,
            reduces,
            after: After::Step,
            step,
        });
    }

    /// `steps` steps round the ring. After the first `ranks - 1` in which parts are summed, rank
    /// `r` holds the sum of part `r + 1`, which the others then pass on; `skip` leaves sums out.
    fn ring(&mut self, steps: usize, skip: usize) {
        let ranks = self.ranks;
        for step in 0..steps {
            let turn = step + skip;
            for rank in 0..ranks {
                let part = (rank + 2 * ranks - turn % ranks) % ranks;
                let ends = (rank, (rank + 1) % ranks);
                self.push(ends, part, turn < ranks - 1, step);
            }
        }
    }

    /// Everyone to everyone: the receiver's part to be summed, or the sender's to be kept. Who
    /// sends to whom is turned, so that no receiver is met by all at once.
    fn exchange(&mut self, step: usize, reduces: bool) {
        for turn in 1..self.ranks {
            for from in 0..self.ranks {
                let to = (from + turn) % self.ranks;
                let part = if reduces { to } else { from };
                self.push((from, to), part, reduces, step);
            }
        }
    }

    fn all_to_all(&mut self) {
        for turn in 1..self.ranks {
            for from in 0..self.ranks {
                let to = (from + turn) % self.ranks;
                self.push((from, to), from * self.ranks + to, false, 0);
            }
        }
    }

    fn steps(&self) -> usize {
        self.messages.last().map_or(0, |message| message.step + 1)
    }

    fn gather_up(&mut self) {
        let mut reach = 1;
        while reach < self.ranks {
            let step = self.steps();
            for from in (reach..self.ranks).step_by(2 * reach) {
                self.tree((from, from - reach), true, step);
            }
            reach *= 2;
        }
    }

    fn spread_down(&mut self) {
        let mut reach = self.ranks.next_power_of_two() / 2;
        while reach > 0 {
            let step = self.steps();
            for to in (reach..self.ranks).step_by(2 * reach) {
                self.tree((to - reach, to), false, step);
            }
            reach /= 2;
        }
    }

    /// In a tree a rank may have been idle for some steps: it waits for the last that concerned it.
    fn tree(&mut self, (from, to): (usize, usize), reduces: bool, step: usize) {
        let concerned = |rank: usize| {
            self.messages
                .iter()
                .rposition(|other| other.step < step && (other.to == rank || other.from == rank))
        };
        let after = concerned(from).into_iter().chain(concerned(to)).collect();
        self.messages.push(Message {
            from,
            to,
            part: 0,
            reduces,
            after: After::Messages(after),
            step,
        });
    }

    /// Bytes of a message when one rank holds `bytes`: parts are rounded up to a byte.
    pub fn bytes_of(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.parts as u64)
    }

    /// Bytes that one rank sends, the most of all.
    pub fn sent(&self, bytes: u64) -> u64 {
        let mut sent = vec![0u64; self.ranks];
        for message in &self.messages {
            sent[message.from] += 1;
        }
        let most = sent.into_iter().max().unwrap_or(0);
        most.saturating_mul(self.bytes_of(bytes))
    }

    /// Messages of the step with the most.
    pub fn widest(&self) -> usize {
        let steps = self.messages.chunk_by(|a, b| a.step == b.step);
        steps.map(<[Message]>::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a schedule on values: `start(rank, part)`, and what each rank holds in the end.
    fn values(
        schedule: &Schedule,
        parts: usize,
        start: impl Fn(usize, usize) -> Option<u64>,
    ) -> Vec<Vec<Option<u64>>> {
        let row = |rank| (0..parts).map(|part| start(rank, part)).collect();
        let mut held: Vec<Vec<Option<u64>>> = (0..schedule.ranks).map(row).collect();
        let mut before = 0;
        let mut sent: Vec<Vec<Option<u64>>> = Vec::new();
        for (index, message) in schedule.messages.iter().enumerate() {
            if let After::Messages(after) = &message.after {
                assert!(after.iter().all(|&other| other < index));
            }
            if message.step != before || sent.is_empty() {
                // All messages of a step leave before any of it arrives.
                sent.clone_from(&held);
                before = message.step;
            }
            let value = sent[message.from][message.part].expect("a rank sends what it holds");
            let slot = &mut held[message.to][message.part];
            *slot = Some(if message.reduces {
                slot.unwrap_or(0) + value
            } else {
                value
            });
        }
        held
    }

    fn own(rank: usize, part: usize) -> u64 {
        (1 << rank) * 100 + part as u64
    }

    #[test]
    fn every_rank_ends_with_the_sum() {
        for ranks in 2..10 {
            for algorithm in Algorithm::ALL {
                let schedule = Schedule::new(Collective::AllReduce, algorithm, ranks).unwrap();
                let held = values(&schedule, schedule.parts, |r, p| Some(own(r, p)));
                for part in 0..schedule.parts {
                    let sum: u64 = (0..ranks).map(|rank| own(rank, part)).sum();
                    assert!(
                        held.iter().all(|row| row[part] == Some(sum)),
                        "{algorithm:?} {ranks}"
                    );
                }
            }
        }
    }

    #[test]
    fn shares_are_scattered_and_gathered() {
        for ranks in 2..10 {
            for algorithm in [Algorithm::Ring, Algorithm::Direct] {
                let schedule = Schedule::new(Collective::ReduceScatter, algorithm, ranks).unwrap();
                let held = values(&schedule, ranks, |r, p| Some(own(r, p)));
                // The ring leaves part r + 1 with rank r, the exchange part r.
                let keeper = |rank| {
                    if algorithm == Algorithm::Ring {
                        (rank + 1) % ranks
                    } else {
                        rank
                    }
                };
                for (rank, row) in held.iter().enumerate() {
                    let part = keeper(rank);
                    assert_eq!(row[part], Some((0..ranks).map(|r| own(r, part)).sum()));
                }
                let schedule = Schedule::new(Collective::AllGather, algorithm, ranks).unwrap();
                let held = values(&schedule, ranks, |r, p| {
                    (keeper(r) == p).then_some(p as u64)
                });
                assert!(
                    held.iter()
                        .all(|row| row.iter().enumerate().all(|(p, v)| *v == Some(p as u64)))
                );
            }
        }
    }

    #[test]
    fn all_to_all_and_broadcast_reach_everyone() {
        for ranks in 2..10 {
            let schedule = Schedule::new(Collective::AllToAll, Algorithm::Direct, ranks).unwrap();
            let held = values(&schedule, ranks * ranks, |r, p| {
                (p / ranks == r).then_some(p as u64)
            });
            for (rank, row) in held.iter().enumerate() {
                assert!((0..ranks).all(|from| row[from * ranks + rank].is_some()));
            }
            for algorithm in [Algorithm::Tree, Algorithm::Direct] {
                let schedule = Schedule::new(Collective::Broadcast, algorithm, ranks).unwrap();
                let held = values(&schedule, 1, |r, _| (r == 0).then_some(7));
                assert!(held.iter().all(|row| row[0] == Some(7)));
            }
        }
    }
}

//! Several devices: which of them do what, the times of their sums, and the flow of micro-batches
//! through pipeline stages.

use crate::link::{Link, LinkError, Overlap};
use crate::time::Ps;
use std::collections::BTreeMap;

/// Degrees of parallelism. Ranks are numbered with the tensor-parallel index first, then the
/// stage, then the replica, and placed on a topology's devices in that order, so that the group
/// that speaks most lies closest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Devices that share each layer.
    pub tensor: u64,
    /// Stages of layers.
    pub pipeline: u64,
    /// Replicas of all of it.
    pub data: u64,
}

impl Group {
    /// Devices of all ranks.
    pub fn devices(&self) -> u64 {
        self.tensor
            .saturating_mul(self.pipeline)
            .saturating_mul(self.data)
    }

    /// Device of a rank.
    pub fn device(&self, tensor: u64, stage: u64, replica: u64) -> u64 {
        (replica * self.pipeline + stage) * self.tensor + tensor
    }

    /// Layers of each stage: as even as can be, the longer stages first.
    pub fn layers(&self, layers: u64) -> Vec<u64> {
        let (each, longer) = (layers / self.pipeline, layers % self.pipeline);
        (0..self.pipeline)
            .map(|stage| each + u64::from(stage < longer))
            .collect()
    }

    /// Bytes that one device sends in an all-to-all to the `experts` devices over which experts
    /// are spread, when each of its `tokens` tokens goes to `routed` experts: once on the way to
    /// them and as much back. Routing is taken as even; a token's own device is not crossed.
    pub fn expert_bytes(tokens: u64, routed: u64, hidden_bytes: u64, experts: u64) -> u64 {
        let all = tokens.saturating_mul(routed).saturating_mul(hidden_bytes);
        (u128::from(all) * u128::from(experts.saturating_sub(1)) / u128::from(experts.max(1)))
            as u64
    }
}

/// Times of sums, worked out once for each size.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    times: BTreeMap<(u64, u64), Ps>,
}

/// Sizes remembered at most; more than any batch's variety.
const SIZES: usize = 1 << 14;

impl Sums {
    /// Works out the sum of `bytes` over `devices`, and of its chunks where the link overlaps.
    pub(super) fn learn(
        &mut self,
        link: Option<&Link>,
        bytes: u64,
        devices: u64,
    ) -> Result<(), LinkError> {
        let Some(link) = link else {
            return Ok(());
        };
        if self.times.len() > SIZES {
            self.times.clear();
        }
        let most = match link.overlap {
            Overlap::None => 1,
            Overlap::Chunks(chunks) => chunks,
        };
        for chunks in 1..=most {
            let size = (bytes.div_ceil(chunks), devices);
            if let std::collections::btree_map::Entry::Vacant(slot) = self.times.entry(size) {
                slot.insert(link.all_reduce(size.0, devices)?);
            }
        }
        Ok(())
    }

    /// Time of a sum that has been learnt; zero without a link.
    pub(super) fn time(&self, bytes: u64, devices: u64) -> Ps {
        self.times
            .get(&(bytes, devices))
            .copied()
            .unwrap_or(Ps::ZERO)
    }

    /// Time of one of `chunks` chunks.
    pub(super) fn chunk(&self, bytes: u64, devices: u64, chunks: u64) -> Option<Ps> {
        self.times.get(&(bytes.div_ceil(chunks), devices)).copied()
    }
}

/// Micro-batches in a closed loop through stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// Time in which every micro-batch gains a token.
    pub period: Ps,
    /// One micro-batch through all stages, the longest of them, alone.
    pub latency: Ps,
    /// Work of all stages in a period, summed.
    pub busy: Ps,
}

/// Steady state of a stream: `times[batch][stage]`, and `messages[batch][stage]` behind each stage
/// but the last. Stages and messages serve the batches in order, one at a time; a batch enters
/// again when it has left.
pub fn steady(times: &[Vec<Ps>], messages: &[Vec<Ps>]) -> Stages {
    // The first rounds fill the pipeline; the recurrence is periodic long before these are over.
    const ROUNDS: usize = 64;
    let stages = times.first().map_or(0, Vec::len);
    let mut free = vec![Ps::ZERO; stages];
    let mut sent = vec![Ps::ZERO; stages];
    let mut left = vec![Ps::ZERO; times.len()];
    let mut half = Ps::ZERO;
    for round in 0..ROUNDS {
        for (batch, row) in times.iter().enumerate() {
            let mut at = left[batch];
            for (stage, &time) in row.iter().enumerate() {
                free[stage] = free[stage].max(at) + time;
                at = free[stage];
                if let Some(&message) = messages[batch].get(stage) {
                    sent[stage] = sent[stage].max(at) + message;
                    at = sent[stage];
                }
            }
            left[batch] = at;
        }
        if round + 1 == ROUNDS / 2 {
            half = left.last().copied().unwrap_or(Ps::ZERO);
        }
    }
    let end = left.last().copied().unwrap_or(Ps::ZERO);
    let sum = |row: &[Ps]| row.iter().fold(Ps::ZERO, |all, &time| all + time);
    Stages {
        period: Ps(end.since(half).0 / (ROUNDS / 2) as u64),
        latency: times
            .iter()
            .zip(messages)
            .map(|(row, messages)| sum(row) + sum(messages))
            .max()
            .unwrap_or(Ps::ZERO),
        busy: times.iter().fold(Ps::ZERO, |all, row| all + sum(row)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_pipeline_is_paced_by_its_slowest_stage() {
        let row = vec![Ps(10), Ps(30), Ps(20)];
        let none = vec![Ps(1), Ps(1)];
        let stream = |count: usize| steady(&vec![row.clone(); count], &vec![none.clone(); count]);
        // One micro-batch waits for itself; three keep the slowest stage busy.
        assert_eq!(stream(1).period, Ps(62));
        assert_eq!(stream(3).period, Ps(90));
        assert_eq!(stream(3).latency, Ps(62));
        assert_eq!(stream(6).busy, Ps(360));
    }

    proptest! {
        #[test]
        fn a_period_holds_all_work_of_a_stage_and_all_stages_of_a_batch(
            times in proptest::collection::vec(proptest::collection::vec(1u64..1000, 3), 1..6),
            message in 0u64..200,
        ) {
            let times: Vec<Vec<Ps>> =
                times.into_iter().map(|row| row.into_iter().map(Ps).collect()).collect();
            let messages = vec![vec![Ps(message); 2]; times.len()];
            let done = steady(&times, &messages);
            for stage in 0..3 {
                prop_assert!(done.period.0 >= times.iter().map(|row| row[stage].0).sum::<u64>());
            }
            prop_assert!(done.period >= done.latency);
            let most = times.len() as u64 * times.iter().flatten().map(|time| time.0 + message).max().unwrap();
            prop_assert!(done.period.0 <= most.max(done.latency.0) * 2);
        }
    }

    #[test]
    fn layers_and_ranks_are_placed_once_each() {
        let group = Group {
            tensor: 2,
            pipeline: 3,
            data: 2,
        };
        assert_eq!(group.layers(32), [11, 11, 10]);
        let mut all: Vec<u64> = Vec::new();
        for replica in 0..2 {
            for stage in 0..3 {
                all.extend((0..2).map(|tensor| group.device(tensor, stage, replica)));
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..group.devices()).collect::<Vec<_>>());
    }

    #[test]
    fn an_even_routing_crosses_to_all_but_one_device() {
        // DeepSeek-V3's eight routed experts, hidden 7168 in bf16, 128 tokens on each of 8 devices.
        let bytes = Group::expert_bytes(128, 8, 2 * 7168, 8);
        assert_eq!(bytes, 128 * 8 * 2 * 7168 * 7 / 8);
        assert_eq!(Group::expert_bytes(128, 8, 2 * 7168, 1), 0);
    }
}

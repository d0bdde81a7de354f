//! `replay --check`: a random sample of the iterations of a replay, run again at command fidelity.

use crate::diagnostics::Failure;
use memwall_models::Sequence;
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::record::CheckRecord;
use memwall_sim::serving::{Iteration, IterationObserver, StepCost};
use memwall_sim::statistics::percentile;
use memwall_sim::time::Ps;
use rand::RngExt;
use rand::SeedableRng;
use rand_pcg::Pcg64;
use rayon::prelude::*;

/// One iteration kept.
struct Kept {
    sequences: Vec<Sequence>,
    placement: Vec<u32>,
    fast: Ps,
}

/// Keeps `size` iterations, each with the same probability whatever the length of the replay
/// (reservoir sampling).
pub(crate) struct Reservoir {
    size: u64,
    kept: Vec<Kept>,
    random: Pcg64,
}

impl Reservoir {
    pub(crate) fn new(size: u64, seed: u64) -> Reservoir {
        Reservoir {
            size,
            kept: Vec::new(),
            random: Pcg64::seed_from_u64(seed),
        }
    }

    /// Runs the kept iterations at command fidelity and compares.
    pub(crate) fn check(&self, fast: &Simulator) -> Result<CheckRecord, Failure> {
        const PARTS_PER_BILLION: f64 = 1e9;
        let command = Simulator::new(
            fast.machine(),
            fast.model(),
            fast.degree(),
            Fidelity::Command,
        )?;
        let times = self
            .kept
            .par_iter()
            .map(|kept| command.clone().cost(&kept.sequences, &kept.placement))
            .collect::<Vec<_>>();
        let mut signed = Vec::with_capacity(times.len());
        for (kept, time) in self.kept.iter().zip(times) {
            let exact = time?.0 as f64;
            signed.push((kept.fast.0 as f64 - exact) / exact);
        }
        let mut absolute: Vec<u64> = signed
            .iter()
            .map(|error| (error.abs() * PARTS_PER_BILLION) as u64)
            .collect();
        absolute.sort_unstable();
        let at = |per_mille| percentile(&absolute, per_mille) as f64 / PARTS_PER_BILLION;
        Ok(CheckRecord {
            iterations: signed.len() as u64,
            median: at(500),
            p95: at(950),
            worst: at(1000),
            signed_mean: signed.iter().sum::<f64>() / signed.len().max(1) as f64,
        })
    }
}

impl IterationObserver for Reservoir {
    fn iteration(&mut self, iteration: &Iteration<'_>) {
        let seen = iteration.index + 1;
        let place = if seen <= self.size {
            None
        } else {
            let place = self.random.random_range(0..seen);
            if place >= self.size {
                return;
            }
            Some(place as usize)
        };
        let kept = Kept {
            sequences: iteration.sequences.to_vec(),
            placement: iteration.placement.to_vec(),
            fast: iteration.cost,
        };
        match place {
            Some(place) => self.kept[place] = kept,
            None => self.kept.push(kept),
        }
    }
}

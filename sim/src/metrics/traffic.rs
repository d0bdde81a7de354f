//! From the counts of a memory run to its figures: the one place where they become floating point.

use crate::dram::energy::Spent;
use crate::dram::{Command, Latencies, Outcome, Standard};
use crate::record::traffic::{EnergyRecord, LatencyRecord, LatencyStep, TrafficResult};
use crate::time::Clock;

/// Points of a latency distribution that a record keeps at most.
const STEPS: u64 = 256;

const FJ_PER_UJ: f64 = 1e9;

/// The figures of a run on a standard; its channels are those of the standard's organisation.
pub fn traffic(standard: &Standard, outcome: &Outcome) -> TrafficResult {
    let tick_ns = tick_ns(standard.clock);
    let requests = outcome.reads + outcome.writes;
    // What crossed the pins: a request that shared a command moved nothing, and a write that still
    // waits has not moved yet.
    let columns = [Command::Rd, Command::RdA, Command::Wr, Command::WrA];
    let moved: u64 = columns.iter().map(|&column| outcome.of(column)).sum();
    let bytes = moved * standard.organisation.burst_bytes;
    let time_ns = outcome.cycles as f64 * tick_ns;
    let bandwidth = ratio(bytes as f64, time_ns);
    let peak = standard.peak_bytes_per_s() as f64 / 1e9;
    let latency = latency(&outcome.latencies);
    TrafficResult {
        cycles: outcome.cycles,
        time_us: time_ns / 1e3,
        bandwidth_gb_per_s: bandwidth,
        peak_gb_per_s: peak,
        peak_fraction: ratio(bandwidth, peak),
        latency_ticks: latency,
        latency_ns: latency.map(|ticks| ticks.scaled(tick_ns)),
        latency_steps: steps(&outcome.latencies, tick_ns),
        row_hits: outcome.row_hits,
        row_hit_rate: ratio(outcome.row_hits as f64, requests as f64),
        commands: Command::all()
            .filter(|&command| outcome.of(command) > 0)
            .map(|command| (command.mnemonic().to_owned(), outcome.of(command)))
            .collect(),
        energy: standard
            .energy
            .as_ref()
            .map(|energy| joules(&energy.of(outcome), bytes)),
    }
}

/// Duration of a tick.
pub fn tick_ns(clock: Clock) -> f64 {
    let (ps, ticks) = clock.period_ps();
    ps as f64 / ticks as f64 / 1e3
}

pub(crate) fn joules(spent: &Spent, bytes: u64) -> EnergyRecord {
    let uj = |fj: u128| fj as f64 / FJ_PER_UJ;
    EnergyRecord {
        activate_uj: uj(spent.activate_fj),
        read_write_uj: uj(spent.read_write_fj),
        refresh_uj: spent.refresh_fj.map(uj),
        standby_uj: spent.standby_fj.map(uj),
        total_uj: uj(spent.total_fj()),
        pj_per_bit: ratio(spent.total_fj() as f64 / 1e3, bytes as f64 * 8.0),
    }
}

fn latency(latencies: &Latencies) -> Option<LatencyRecord> {
    let count = latencies.count();
    let at = |per_mille: u64| {
        let rank = (count * per_mille).div_ceil(1000).max(1) - 1;
        latencies.at_rank(rank).map(|ticks| ticks as f64)
    };
    Some(LatencyRecord {
        min: latencies.at_rank(0)? as f64,
        mean: latencies.total() as f64 / count as f64,
        p50: at(500)?,
        p90: at(900)?,
        p99: at(990)?,
        p999: at(999)?,
        max: at(1000)?,
    })
}

/// Every latency with the share of reads up to it; of many, those nearest to equal shares.
fn steps(latencies: &Latencies, tick_ns: f64) -> Vec<LatencyStep> {
    let count = latencies.count();
    let all = latencies.iter().count() as u64;
    let mut steps = Vec::new();
    let (mut below, mut next) = (0, 1);
    for (ticks, times) in latencies.iter() {
        below += times;
        if all <= STEPS || below * STEPS >= next * count {
            steps.push(LatencyStep {
                ns: ticks as f64 * tick_ns,
                share: below as f64 / count as f64,
            });
            next = below * STEPS / count + 1;
        }
    }
    steps
}

fn ratio(value: f64, whole: f64) -> f64 {
    if whole > 0.0 { value / whole } else { 0.0 }
}

impl LatencyRecord {
    fn scaled(&self, factor: f64) -> LatencyRecord {
        LatencyRecord {
            min: self.min * factor,
            mean: self.mean * factor,
            p50: self.p50 * factor,
            p90: self.p90 * factor,
            p99: self.p99 * factor,
            p999: self.p999 * factor,
            max: self.max * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_rank_and_steps_end_at_one() {
        let mut latencies = Latencies::default();
        assert!(latency(&latencies).is_none());
        assert!(steps(&latencies, 1.0).is_empty());
        for ticks in 1..=1000 {
            latencies.add(ticks);
        }
        let found = latency(&latencies).unwrap();
        let seen = [
            found.min, found.p50, found.p90, found.p99, found.p999, found.max,
        ];
        let wanted = [1.0, 500.0, 900.0, 990.0, 999.0, 1000.0];
        assert!(
            seen.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9),
            "{seen:?}"
        );
        let steps = steps(&latencies, 2.0);
        assert!(steps.len() <= 256 && steps.len() > 200);
        let last = steps.last().unwrap();
        assert!((last.share - 1.0).abs() < 1e-12 && (last.ns - 2000.0).abs() < 1e-9);
    }
}

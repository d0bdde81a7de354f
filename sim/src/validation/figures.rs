//! The columns of a table of DRAM figures that can be compared, and what each is of a run.

use crate::dram::{Command, Latencies, Outcome, Policy, Standard};
use crate::metrics::traffic::{joules, tick_ns};

/// A column that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named as their columns
pub enum Figure {
    Reads,
    Writes,
    UnitBytes,
    TickNs,
    Cycles,
    TimeUs,
    Bandwidth,
    LatencyMean,
    LatencyMin,
    LatencyP50,
    LatencyP99,
    LatencyMax,
    LatencyMeanNs,
    RowHits,
    Activations,
    Precharges,
    ColumnReads,
    ColumnWrites,
    Refreshes,
    EnergyTotal,
    EnergyActivate,
    EnergyReadWrite,
    EnergyRefresh,
    EnergyStandby,
    EnergyPerBit,
}

impl Figure {
    /// Columns by name.
    pub const ALL: [(&'static str, Figure); 25] = [
        ("reads", Figure::Reads),
        ("writes", Figure::Writes),
        ("unit_bytes", Figure::UnitBytes),
        ("tck_ns", Figure::TickNs),
        ("cycles", Figure::Cycles),
        ("time_us", Figure::TimeUs),
        ("bandwidth_GBps", Figure::Bandwidth),
        ("lat_avg_cyc", Figure::LatencyMean),
        ("lat_min_cyc", Figure::LatencyMin),
        ("lat_p50_cyc", Figure::LatencyP50),
        ("lat_p99_cyc", Figure::LatencyP99),
        ("lat_max_cyc", Figure::LatencyMax),
        ("lat_avg_ns", Figure::LatencyMeanNs),
        ("row_hits", Figure::RowHits),
        ("n_ACT", Figure::Activations),
        ("n_PRE", Figure::Precharges),
        ("n_RD", Figure::ColumnReads),
        ("n_WR", Figure::ColumnWrites),
        ("n_REF", Figure::Refreshes),
        ("energy_total_uJ", Figure::EnergyTotal),
        ("energy_act_uJ", Figure::EnergyActivate),
        ("energy_rdwr_uJ", Figure::EnergyReadWrite),
        ("energy_ref_uJ", Figure::EnergyRefresh),
        ("energy_standby_uJ", Figure::EnergyStandby),
        ("pJ_per_bit", Figure::EnergyPerBit),
    ];

    /// Columns that are read past: the simulators define them differently (Ramulator counts the
    /// hits of scheduling attempts), so that no one figure of ours can stand beside them.
    pub const PASSED_OVER: [&'static str; 3] =
        ["row_hit_rate", "row_misses_closed", "row_conflicts"];

    /// Whether the figure is an energy: those depend on the figures of a data sheet and not on the
    /// order of commands, and their errors are summed up apart.
    pub fn is_energy(self) -> bool {
        self as u8 >= Figure::EnergyTotal as u8
    }

    /// The figure of a run; `None` where the part has no figures for it. Latencies of a run without
    /// reads are zero, as the tables have them.
    pub fn of(self, policy: Policy, standard: &Standard, outcome: &Outcome) -> Option<f64> {
        let bytes = (outcome.reads + outcome.writes) * standard.organisation.burst_bytes;
        let count = |commands: &[Command]| {
            let sum: u64 = commands.iter().map(|&command| outcome.of(command)).sum();
            Some(sum as f64)
        };
        let ns = |ticks: f64| ticks * tick_ns(standard.clock);
        let latency = |ticks: Option<u64>| Some(ticks.unwrap_or(0) as f64);
        let latencies = &outcome.latencies;
        let energy = standard
            .energy
            .as_ref()
            .map(|energy| joules(&energy.of(outcome), bytes));
        match self {
            Figure::Reads => Some(outcome.reads as f64),
            Figure::Writes => Some(outcome.writes as f64),
            Figure::UnitBytes => Some(standard.organisation.burst_bytes as f64),
            Figure::TickNs => Some(tick_ns(standard.clock)),
            Figure::Cycles => Some(outcome.cycles as f64),
            Figure::TimeUs => Some(ns(outcome.cycles as f64) / 1e3),
            Figure::Bandwidth => Some(bytes as f64 / ns(outcome.cycles.max(1) as f64)),
            Figure::LatencyMean => Some(mean(latencies)),
            Figure::LatencyMeanNs => Some(ns(mean(latencies))),
            Figure::LatencyMin => latency(latencies.at_rank(0)),
            Figure::LatencyP50 => latency(at_share(latencies, 50)),
            Figure::LatencyP99 => latency(at_share(latencies, 99)),
            Figure::LatencyMax => latency(latencies.at_rank(latencies.count().saturating_sub(1))),
            Figure::RowHits => Some(row_hits(policy, outcome) as f64),
            Figure::Activations => count(&[Command::Act]),
            Figure::Precharges => count(&[Command::Pre, Command::PreAll]),
            Figure::ColumnReads => count(&[Command::Rd, Command::RdA]),
            Figure::ColumnWrites => count(&[Command::Wr, Command::WrA]),
            Figure::Refreshes => count(&[Command::Ref, Command::RefBank, Command::RefSame]),
            Figure::EnergyTotal => energy.map(|energy| energy.total_uj),
            Figure::EnergyActivate => energy.map(|energy| energy.activate_uj),
            Figure::EnergyReadWrite => energy.map(|energy| energy.read_write_uj),
            Figure::EnergyRefresh => energy.and_then(|energy| energy.refresh_uj),
            Figure::EnergyStandby => energy.and_then(|energy| energy.standby_uj),
            Figure::EnergyPerBit => energy.map(|energy| energy.pj_per_bit),
        }
    }
}

/// DRAMsim3 has a counter of row hits; for Ramulator they are the column commands beyond one for
/// each activation, by the rule with which its figures were recorded.
fn row_hits(policy: Policy, outcome: &Outcome) -> u64 {
    let of = |command| outcome.of(command);
    match policy {
        Policy::Ramulator => (of(Command::Rd) + of(Command::Wr)).saturating_sub(of(Command::Act)),
        Policy::DramSim3 | Policy::Default => outcome.row_hits,
    }
}

fn mean(latencies: &Latencies) -> f64 {
    latencies.total() as f64 / latencies.count().max(1) as f64
}

/// The element of index `count x per_cent / 100`, counted from 0, in ascending order: how drivers
/// commonly take percentiles from a sorted list, and a rank above nearest-rank where that divides.
fn at_share(latencies: &Latencies, per_cent: u64) -> Option<u64> {
    latencies.at_rank(latencies.count() * per_cent / 100)
}

//! The error of a row, and of a table.

use super::figures::Figure;
use super::table::ReferenceRow;
use crate::dram::{Outcome, Policy, Standard};
use crate::metrics::traffic::tick_ns;
use crate::record::validation::{Compared, ErrorSummary, ValidationRow};

/// Compares what a run came to with a row. The error of the row is that of its worst figure, energy
/// apart; a figure that agrees to the digits its column prints has none.
pub fn compare(
    row: &ReferenceRow,
    policy: Policy,
    standard: &Standard,
    outcome: &Outcome,
) -> ValidationRow {
    let mut differing = Vec::new();
    let (mut worst, mut energy_error): (Option<Compared>, Option<f64>) = (None, None);
    for &(figure, column, reference, digits) in &row.figures {
        let Some(mut ours) = figure.of(policy, standard, outcome) else {
            continue;
        };
        // Tables work the mean in nanoseconds out of the mean in ticks as they print it; rounded
        // twice, it may differ in the last digit from the exact one.
        if figure == Figure::LatencyMeanNs
            && let Some(printed) = printed_mean(row, policy, standard, outcome)
        {
            ours = printed * tick_ns(standard.clock);
        }
        let error = relative(ours, reference, digits);
        if figure.is_energy() {
            energy_error = Some(energy_error.unwrap_or(0.0).max(error));
        }
        if error > 0.0 {
            let compared = Compared {
                column: column.to_owned(),
                reference,
                ours,
                error,
            };
            let larger = worst.as_ref().is_none_or(|worst| error > worst.error);
            if !figure.is_energy() && larger {
                worst = Some(compared.clone());
            }
            differing.push(compared);
        }
    }
    ValidationRow {
        line: row.line,
        simulator: row.simulator.clone(),
        config: row.config.clone(),
        part: standard.name.clone(),
        workload: row.workload.clone(),
        channels: row.channels,
        requests: outcome.reads + outcome.writes,
        error: worst.as_ref().map_or(0.0, |worst| worst.error),
        worst,
        energy_error,
        differing,
        die_row_ticks: None,
    }
}

/// Compares figures by column with ours: the largest relative error, the figure that has it, and all
/// that differ. A figure that we do not have is wholly wrong.
pub(super) fn compare_figures(
    recorded: &[(&str, f64, usize)],
    ours: impl Fn(&str) -> Option<f64>,
) -> (f64, Option<Compared>, Vec<Compared>) {
    let mut differing = Vec::new();
    for &(column, reference, digits) in recorded {
        let (ours, error) = match ours(column) {
            Some(ours) => (ours, relative(ours, reference, digits)),
            None => (0.0, 1.0),
        };
        if error > 0.0 {
            differing.push(Compared {
                column: column.to_owned(),
                reference,
                ours,
                error,
            });
        }
    }
    let worst = differing.iter().max_by(|a, b| a.error.total_cmp(&b.error));
    let worst = worst.cloned();
    let error = worst.as_ref().map_or(0.0, |worst| worst.error);
    (error, worst, differing)
}

/// Our mean latency in ticks with the digits of the table, where the row has that column.
fn printed_mean(
    row: &ReferenceRow,
    policy: Policy,
    standard: &Standard,
    outcome: &Outcome,
) -> Option<f64> {
    let mean = row
        .figures
        .iter()
        .find(|(figure, ..)| *figure == Figure::LatencyMean)?;
    let exact = Figure::LatencyMean.of(policy, standard, outcome)?;
    format!("{exact:.*}", mean.3).parse().ok()
}

/// Relative error; none where both print alike with so many digits. Anything beside a zero is
/// wholly wrong.
fn relative(ours: f64, reference: f64, digits: usize) -> f64 {
    let unit = 10_f64.powi(-i32::try_from(digits).unwrap_or(12));
    let distance = (ours - reference).abs();
    // Printed figures may have been rounded either way at a half; the last bits of a quotient are
    // no difference either.
    if distance <= unit * 0.500_001 + reference.abs() * 1e-12 {
        0.0
    } else if reference == 0.0 {
        1.0
    } else {
        distance / reference
    }
}

/// Distribution of errors; `None` without any.
pub fn summary(errors: impl Iterator<Item = f64>) -> Option<ErrorSummary> {
    let mut errors: Vec<f64> = errors.collect();
    errors.sort_by(f64::total_cmp);
    let rows = errors.len() as u64;
    let at = |per_mille: u64| {
        let rank = (rows * per_mille).div_ceil(1000).max(1);
        errors.get(rank as usize - 1).copied()
    };
    Some(ErrorSummary {
        rows,
        exact: errors.iter().filter(|error| **error <= 0.0).count() as u64,
        median: at(500)?,
        p95: at(950)?,
        worst: at(1000)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_to_the_printed_digits() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(relative(144.797_94, 144.7979, 4), 0.0));
        assert!(close(relative(144.798, 144.7979, 4), 0.0001 / 144.7979));
        assert!(close(relative(11.0, 10.0, 0), 0.1));
        assert!(close(relative(0.0, 0.0, 0), 0.0));
        assert!(close(relative(1.0, 0.0, 0), 1.0));
    }

    #[test]
    fn summaries_are_nearest_rank() {
        assert_eq!(summary(std::iter::empty()), None);
        let found = summary((0..20).map(f64::from)).unwrap();
        assert_eq!((found.rows, found.exact), (20, 1));
        let seen = [found.median, found.p95, found.worst];
        assert!(
            seen.iter()
                .zip([9.0, 18.0, 19.0])
                .all(|(a, b)| (a - b).abs() < 1e-12)
        );
    }
}

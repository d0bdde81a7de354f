//! What tables and plots both ask of records before anything is shown, so that both show the same
//! rows and name things alike.

use memwall_sim::exec::Fidelity;
use memwall_sim::record::{IterationRecord, Record, ResultRecord};

/// Those records that are iterations, in order; the first is the baseline of ratios.
pub(crate) fn iterations(records: &[Record]) -> Vec<(&Record, &IterationRecord)> {
    records
        .iter()
        .filter_map(|record| match &record.result {
            ResultRecord::Iteration(iteration) => Some((record, iteration)),
            ResultRecord::Replay(_) => None,
        })
        .collect()
}

/// The word a user writes for a fidelity.
pub(crate) fn fidelity(fidelity: Fidelity) -> &'static str {
    match fidelity {
        Fidelity::Command => "command",
        Fidelity::Fast => "fast",
        Fidelity::Rates => "rates",
    }
}

//! Plots to be looked at: no test tells whether a plot is good to read.

use crate::records::{comparison, iteration, record, replay, timeline};
use memwall_reports::plot::{PlotError, comparison_plot, replay_plot};
use memwall_sim::exec::Fidelity;
use memwall_sim::record::{Record, ResultRecord};
use std::path::{Path, PathBuf};

#[test]
#[ignore = "writes plots into the folder named by MEMWALL_PLOTS, to be looked at"]
fn plots_to_look_at() -> Result<(), PlotError> {
    let folder = std::env::var_os("MEMWALL_PLOTS").map_or_else(std::env::temp_dir, PathBuf::from);
    let compared = |records: &[Record], name: &str| {
        let file = folder.join(name);
        comparison_plot(
            records,
            &file.with_extension("svg"),
            &file.with_extension("png"),
        )
    };
    let replayed = |intervals: u64, name: &str| {
        let file = folder.join(name);
        let result = ResultRecord::Replay(replay(timeline(intervals)));
        let shown = record("neupims", Fidelity::Fast, result);
        replay_plot(
            &shown,
            &file.with_extension("svg"),
            Path::new(&file.with_extension("png")),
        )
    };
    compared(&comparison(), "comparison")?;
    compared(&comparison()[..1], "comparison-one")?;
    let many: Vec<Record> = (0..12)
        .map(|index| {
            let units = [("array", 0.4), ("pim", 0.5), ("cache", 0.1)];
            let result = iteration(2.1 * f64::from(index + 1), Some(0.2), &units);
            record(
                &format!("machine-with-a-name-{index}"),
                Fidelity::Fast,
                result,
            )
        })
        .collect();
    compared(&many, "comparison-many")?;
    replayed(120, "replay")?;
    replayed(1, "replay-one")?;
    replayed(0, "replay-none")
}

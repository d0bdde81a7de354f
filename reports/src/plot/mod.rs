//! Plots of records, as SVG for a page or a paper and as PNG for everywhere else. Both come from
//! one drawing, so that they cannot tell different things; equal records give equal bytes of SVG.

mod axes;
mod bars;
mod comparison;
mod cumulative;
mod files;
mod font;
mod legend;
mod palette;
mod pen;
mod replay;
mod rungs;
mod shares;
mod timeline;
mod traffic;

use crate::records::iterations;
use comparison::Comparison;
use memwall_sim::record::traffic::TrafficRecord;
use memwall_sim::record::{Record, ResultRecord};
use replay::Replay;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use traffic::Traffic;

/// A plot that was not made. No file is left behind.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The records hold nothing this plot shows.
    #[error("nothing to plot in `{}`: {needs}", file.display())]
    Nothing {
        /// The file asked for.
        file: PathBuf,
        /// What the plot is made of.
        needs: &'static str,
    },
    /// The drawing failed.
    #[error("cannot draw `{}`: {reason}", file.display())]
    Draw {
        /// The file asked for.
        file: PathBuf,
        /// What the drawing library said.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write `{}`: {source}", file.display())]
    Write {
        /// The file asked for.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Draws machines side by side: latency and throughput of an iteration, and which unit the time
/// goes to. The first iteration is the baseline; records that are not iterations are passed over.
pub fn comparison_plot(records: &[Record], svg: &Path, png: &Path) -> Result<(), PlotError> {
    let shown = iterations(records);
    if shown.is_empty() {
        return Err(PlotError::Nothing {
            file: svg.to_owned(),
            needs: "a comparison shows records of iterations, and there is none",
        });
    }
    files::save(&Comparison::new(&shown), svg, png)
}

/// Draws a replay over time: requests, KV memory and output.
pub fn replay_plot(record: &Record, svg: &Path, png: &Path) -> Result<(), PlotError> {
    let ResultRecord::Replay(replay) = &record.result else {
        return Err(PlotError::Nothing {
            file: svg.to_owned(),
            needs: "a timeline shows the record of a replay, and this is one iteration",
        });
    };
    files::save(&Replay::new(record, replay), svg, png)
}

/// Draws workloads on a memory standard: bandwidth of each, and how long reads take.
pub fn traffic_plot(records: &[TrafficRecord], svg: &Path, png: &Path) -> Result<(), PlotError> {
    let Some(first) = records.first() else {
        return Err(PlotError::Nothing {
            file: svg.to_owned(),
            needs: "a plot of traffic shows one workload at least",
        });
    };
    files::save(&Traffic::new(first, records), svg, png)
}

//! What belongs to the run and not to its result: threads, wall time. Kept beside the records, so
//! that records stay a pure function of their inputs.

use crate::diagnostics::Failure;
use crate::output::Staged;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// A run being timed.
pub(crate) struct Host {
    start: Instant,
    threads: usize,
}

#[derive(Serialize)]
struct HostRecord {
    command: Vec<String>,
    wall_s: f64,
    threads: usize,
    version: &'static str,
}

impl Host {
    /// Starts the clock and sets the number of threads.
    pub(crate) fn start(threads: Option<u64>) -> Host {
        let mut builder = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = threads {
            builder = builder.num_threads(threads.min(256) as usize);
        }
        // Fails only if a pool exists already; then that one serves.
        let _ = builder.build_global();
        Host {
            start: Instant::now(),
            threads: rayon::current_num_threads(),
        }
    }

    /// `run.json`, to be kept with the records.
    pub(crate) fn stage(&self, out: &Path) -> Result<Staged, Failure> {
        Staged::json(
            &out.join("run.json"),
            &HostRecord {
                command: std::env::args().collect(),
                wall_s: self.start.elapsed().as_secs_f64(),
                threads: self.threads,
                version: env!("CARGO_PKG_VERSION"),
            },
        )
    }
}

//! `memwall replay`: requests arriving over time on one machine.

use crate::cli::{Detail, ReplayArguments};
use crate::diagnostics::Failure;
use crate::embedded::{machine, settings};
use crate::fidelity_check::Reservoir;
use crate::host::Host;
use crate::output;
use crate::run::{check_out, push_notes, write};
use crate::workload::{self, Digest, file_name};
use indicatif::{ProgressBar, ProgressStyle};
use memwall_reports::table;
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::machine::Balance;
use memwall_sim::metrics;
use memwall_sim::record::{Record, ResultRecord};
use memwall_sim::serving::{
    ChannelChoice, Iteration, IterationObserver, KvManager, PlacementError, Replay, ReplayLimits,
};
use memwall_traces::{Request, TraceError, TraceReader, samples};
use std::fmt::Write;
use std::io::IsTerminal;

/// The sample that stands in for a trace.
const SAMPLE: &str = "azure-like-arrivals";

/// The model that stands in for one: it has positions for long prompts.
const MODEL: &str = "llama-3.1-8b";

/// Rejected requests that a table names; the record has all.
const NAMED: usize = 10;

pub(crate) fn replay(arguments: &ReplayArguments) -> Result<(), Failure> {
    let common = &arguments.common;
    let host = Host::start(common.threads);
    check_out(&common.out, "replay")?;
    if arguments.check.is_some() && arguments.fidelity == Detail::Command {
        return Err(Failure::input(
            "--check compares --fidelity fast with command; it says nothing of command itself",
        ));
    }
    let machine = machine(&arguments.hw, &settings(&common.settings)?)?;
    let model = workload::model(common, MODEL)?;
    let mut simulator = Simulator::new(&machine, &model, common.tp, arguments.fidelity.into())?;
    if arguments.check.is_some() && simulator.fidelity() == Fidelity::Rates {
        return Err(Failure::input(format!(
            "--check: machine '{}' has one fidelity only",
            machine.name
        )));
    }
    let reader = match &arguments.trace {
        Some(path) => TraceReader::open(path)?,
        None => samples::open_sample(SAMPLE)?,
    };
    let source = match &arguments.trace {
        Some(path) => file_name(path),
        None => format!("{SAMPLE} (generated)"),
    };
    let choice = ChannelChoice::new(&machine, &model, common.tp);
    if choice.balance() == Balance::Trace {
        return Err(PlacementError::NoChannels.into());
    }
    let limits = ReplayLimits {
        batch: arguments.max_batch,
        prefill_tokens: arguments.max_prefill_tokens,
        positions: model.max_positions,
    };
    let kv = KvManager::of(&simulator);
    let mut digest = Digest::default();
    let most = arguments.limit.unwrap_or(u64::MAX);
    let requests = reader
        .requests()?
        .take(usize::try_from(most).unwrap_or(usize::MAX))
        .map(|request| request.map(|request| scaled(request, arguments.time_scale)))
        .inspect(|request: &Result<Request, TraceError>| {
            if let Ok(request) = request {
                digest.request(request);
            }
        });
    let mut watch = Watch {
        reservoir: arguments
            .check
            .map(|size| Reservoir::new(size, arguments.seed)),
        progress: progress(arguments.limit),
    };
    let mut server = Replay::new(&mut simulator, choice, kv, limits);
    let mut result = server.run(requests, &mut watch)?;
    let kv_peak = server.kv_peak();
    watch.progress.finish_and_clear();
    if let Some(reservoir) = &watch.reservoir {
        result.check = Some(reservoir.check(&simulator)?);
    }
    let mut record = metrics::record(
        &simulator,
        digest.record(source),
        kv_peak,
        ResultRecord::Replay(result),
    );
    #[allow(clippy::float_cmp)] // exactly the default, or not
    if arguments.time_scale != 1.0 {
        let note = format!("arrival times multiplied by {}", arguments.time_scale);
        record.notes.push(note);
    }
    record.notes.push(
        "a request joins when prompt and output fit the KV memory; nothing is evicted".to_owned(),
    );
    let records = [record];
    let files = write(&records, "replay", common, &host)?;
    if common.json {
        output::print_json(&records[0])?;
        output::aside(files.trim_end());
        return Ok(());
    }
    output::print(&(shown(&records[0]) + &files))
}

fn scaled(mut request: Request, scale: f64) -> Request {
    request.arrival_ns = (request.arrival_ns as f64 * scale) as u64;
    request
}

fn shown(record: &Record) -> String {
    let mut text = format!(
        "{} on {}, TP {}; {}: {} requests, {} prompt tokens, {} to generate\n\n",
        record.model.name,
        record.machine.name,
        record.tensor_parallel,
        record.workload.source,
        record.workload.requests,
        record.workload.input_tokens,
        record.workload.output_tokens
    );
    let _ = writeln!(text, "{}", table::replay(record));
    let _ = writeln!(text, "{}", table::memory(record));
    if let ResultRecord::Replay(result) = &record.result {
        for rejected in result.rejected.iter().take(NAMED) {
            let _ = writeln!(
                text,
                "never served: request {} (line {}): {}",
                rejected.index, rejected.line, rejected.reason
            );
        }
        if result.rejected.len() > NAMED {
            let more = result.rejected.len() - NAMED;
            let _ = writeln!(text, "never served: {more} more, all in the record");
        }
    }
    push_notes(&mut text, &record.notes);
    text
}

/// Shows progress and keeps the sample.
struct Watch {
    reservoir: Option<Reservoir>,
    progress: ProgressBar,
}

impl IterationObserver for Watch {
    fn iteration(&mut self, iteration: &Iteration<'_>) {
        self.progress.set_position(iteration.arrived);
        if let Some(reservoir) = &mut self.reservoir {
            reservoir.iteration(iteration);
        }
    }
}

fn progress(limit: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match limit {
        Some(limit) => {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} requests, {eta} left");
            let bar = ProgressBar::new(limit);
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        }
        None => ProgressBar::new_spinner(),
    }
}

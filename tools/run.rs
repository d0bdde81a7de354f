//! `memwall run`: one iteration on one machine.

use crate::cli::{Common, RunArguments};
use crate::diagnostics::Failure;
use crate::embedded::{machine, settings};
use crate::host::Host;
use crate::iteration::simulate;
use crate::output::{self, Staged};
use crate::workload;
use memwall_reports::{plot, table};
use memwall_sim::record::{Record, ResultRecord};
use std::fmt::Write;
use std::path::Path;

pub(crate) fn run(arguments: &RunArguments) -> Result<(), Failure> {
    let common = &arguments.common;
    let host = Host::start(common.threads);
    check_out(&common.out, "iteration")?;
    let machine = machine(&arguments.hw, &settings(&common.settings)?)?;
    let model = workload::model(common, workload::BATCH_MODEL)?;
    let batch = workload::batch(&arguments.batch)?;
    let record = simulate(&machine, &model, &batch, common.tp, &arguments.batch)?;
    let records = [record];
    let files = write(&records, "iteration", common, &host)?;
    if common.json {
        output::print_json(&records[0])?;
        output::aside(files.trim_end());
        return Ok(());
    }
    let record = &records[0];
    let mut text = heading(record);
    let _ = writeln!(text, "{}", table::comparison(&records));
    let _ = writeln!(text, "{}", table::operators(record));
    let _ = writeln!(text, "{}", table::memory(record));
    text.push_str(&table::group(&records));
    text.push_str(&table::energy(&records));
    push_notes(&mut text, &record.notes);
    text.push_str(&files);
    output::print(&text)
}

/// What was simulated, in one line.
pub(crate) fn heading(record: &Record) -> String {
    format!(
        "{}, TP {}, {} layers; {}: {} requests, {} tokens in cache\n\n",
        record.model.name,
        record.tensor_parallel,
        record.model.layers,
        record.workload.source,
        record.workload.requests,
        record.workload.input_tokens
    )
}

/// What `write` writes under a name.
pub(crate) fn check_out(out: &Path, name: &str) -> Result<(), Failure> {
    let [json, svg, png] = ["json", "svg", "png"].map(|ending| format!("{name}.{ending}"));
    output::check_folder(out, &[&json, &svg, &png, "run.json"])
}

/// Writes records and plots; returns the lines that say where.
pub(crate) fn write(
    records: &[Record],
    name: &str,
    common: &Common,
    host: &Host,
) -> Result<String, Failure> {
    let out = &common.out;
    output::folder(out)?;
    let path = |ending: &str| out.join(format!("{name}.{ending}"));
    let json = match records {
        [record] => Staged::json(&path("json"), record)?,
        _ => Staged::json(&path("json"), &records)?,
    };
    let run = host.stage(out)?;
    let (svg, png) = (path("svg"), path("png"));
    match records {
        [record] if matches!(record.result, ResultRecord::Replay(_)) => {
            plot::replay_plot(record, &svg, &png)?;
        }
        _ => plot::comparison_plot(records, &svg, &png)?,
    }
    json.keep()?;
    run.keep()?;
    let mut text = String::new();
    for path in [path("json"), svg, png] {
        let _ = writeln!(text, "wrote {}", path.display());
    }
    Ok(text)
}

/// Notes, a line each.
pub(crate) fn push_notes(text: &mut String, notes: &[String]) {
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
}

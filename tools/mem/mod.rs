//! `memwall mem`: workload rules or a recorded trace on a memory standard.

pub(crate) mod measure;

use crate::cli::memory::MemArguments;
use crate::diagnostics::Failure;
use crate::embedded::{part, settings};
use crate::host::Host;
use crate::output::{self, Staged};
use crate::run::check_out;
use crate::run::push_notes;
use measure::{Bench, Load, Measured};
use memwall_models::spelling;
use memwall_reports::{perfetto, plot, table};
use memwall_sim::dram::Workload;
use memwall_sim::machine::Setting;
use memwall_sim::record::traffic::TrafficRecord;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// Workloads that stand in for one: the best case and the worst of common loads.
const WORKLOADS: [&str; 2] = ["seq_read", "random_read"];

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    description: &'static str,
}

pub(crate) fn mem(arguments: &MemArguments) -> Result<(), Failure> {
    if arguments.list {
        return list(arguments.json);
    }
    let host = Host::start(arguments.threads);
    check_out(&arguments.out, "mem")?;
    let loads = loads(arguments)?;
    let bench = bench(arguments)?;
    let timeline = match (&arguments.timeline, loads.as_slice()) {
        (None, _) => None,
        (Some(file), [_]) => Some(
            file.clone()
                .unwrap_or_else(|| arguments.out.join("mem-timeline.json")),
        ),
        (Some(_), _) => {
            return Err(Failure::input(
                "--timeline shows one workload: name it, as in memwall mem seq_read --timeline",
            ));
        }
    };
    let mut files = String::new();
    let measured = match &timeline {
        Some(path) => vec![draw_timeline(
            arguments, &bench, loads[0], path, &mut files,
        )?],
        None => loads
            .par_iter()
            .map(|&load| bench.run(load, arguments.requests))
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?,
    };
    let records: Vec<_> = measured.iter().map(|each| bench.record(each)).collect();
    write(arguments, &records, &host, &mut files)?;
    if arguments.json {
        match records.as_slice() {
            [record] => output::print_json(record)?,
            _ => output::print_json(&records)?,
        }
        output::aside(files.trim_end());
        return Ok(());
    }
    output::print(&(shown(&records) + &files))
}

fn list(json: bool) -> Result<(), Failure> {
    if json {
        let listed = Workload::ALL.map(|(name, _, description)| Listed { name, description });
        return output::print_json(&listed);
    }
    let mut text = String::new();
    for (name, _, does) in Workload::ALL {
        let _ = writeln!(text, "{name:<20} {does}");
    }
    output::print(&text)
}

fn loads(arguments: &MemArguments) -> Result<Vec<Load<'_>>, Failure> {
    if let Some(path) = &arguments.trace {
        return Ok(vec![Load::Trace(path)]);
    }
    let given: Vec<&str> = arguments.workloads.iter().map(String::as_str).collect();
    let names = match given.as_slice() {
        [] => WORKLOADS.to_vec(),
        ["all"] => Workload::ALL.iter().map(|(name, ..)| *name).collect(),
        _ => given,
    };
    names.into_iter().map(rule).collect()
}

/// A workload rule by name.
fn rule(name: &str) -> Result<Load<'static>, Failure> {
    let known = Workload::ALL.iter().find(|(known, ..)| *known == name);
    if let Some(&(name, workload, does)) = known {
        return Ok(Load::Rule(name, workload, does));
    }
    let names = Workload::ALL.iter().map(|(name, ..)| *name).chain(["all"]);
    let nearest = spelling::nearest(name, names);
    let text =
        format!("no workload '{name}'; memwall mem --list names them, and --trace reads a file");
    Err(Failure::misspelt(text, nearest))
}

fn bench(arguments: &MemArguments) -> Result<Bench, Failure> {
    let mut keys = vec![Setting::parse(&format!(
        "organisation.channels={}",
        arguments.channels
    ))?];
    keys.extend(settings(&arguments.settings)?);
    Ok(Bench {
        standard: part(&arguments.standard, &keys)?,
        policy: arguments.policy.into(),
        settings: arguments.settings.clone(),
    })
}

fn draw_timeline(
    arguments: &MemArguments,
    bench: &Bench,
    load: Load,
    path: &Path,
    files: &mut String,
) -> Result<Measured, Failure> {
    let limit = arguments.timeline_limit;
    let (measured, timelines, (kept, all)) = bench.watched(load, arguments.requests, limit)?;
    output::folder(&arguments.out)?;
    perfetto::write_timeline(path, &timelines)
        .map_err(|error| Failure::input(format!("--timeline {}: {error}", path.display())))?;
    let _ = write!(files, "wrote {}", path.display());
    if kept < all {
        let _ = write!(
            files,
            ": the first {kept} of {all} commands (--timeline-limit)"
        );
    }
    let _ = writeln!(files, "; ui.perfetto.dev opens it");
    Ok(measured)
}

fn write(
    arguments: &MemArguments,
    records: &[TrafficRecord],
    host: &Host,
    files: &mut String,
) -> Result<(), Failure> {
    let out = &arguments.out;
    output::folder(out)?;
    let [json, svg, png] = ["json", "svg", "png"].map(|ending| out.join(format!("mem.{ending}")));
    let record = match records {
        [record] => Staged::json(&json, record)?,
        _ => Staged::json(&json, &records)?,
    };
    let run = host.stage(out)?;
    plot::traffic_plot(records, &svg, &png)?;
    record.keep()?;
    run.keep()?;
    for path in [json, svg, png] {
        let _ = writeln!(files, "wrote {}", path.display());
    }
    Ok(())
}

fn shown(records: &[TrafficRecord]) -> String {
    let Some(first) = records.first() else {
        return String::new();
    };
    let standard = &first.standard;
    let plural = if standard.channels == 1 { "" } else { "s" };
    let mut text = format!(
        "{}: {} channel{plural}, policy {}, peak {:.1} GB/s, ticks of {} ns, bursts of {} B\n\n",
        standard.name,
        standard.channels,
        first.policy,
        first.result.peak_gb_per_s,
        standard.tick_ns,
        standard.burst_bytes
    );
    for part in [
        table::traffic(records),
        table::traffic_latency(records),
        table::traffic_commands(records),
        table::traffic_energy(records),
    ] {
        if !part.is_empty() {
            text.push_str(&part);
            text.push('\n');
        }
    }
    let mut notes: Vec<String> = Vec::new();
    for note in records.iter().flat_map(|record| &record.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    push_notes(&mut text, &notes);
    text
}

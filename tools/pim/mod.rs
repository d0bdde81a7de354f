//! `memwall pim`: products in the banks, and what bounds them.

mod gemv;
mod sets;

use crate::cli::pim::{DeviceArguments, ExplainArguments, PimArguments, PimCommand};
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, pim as device, settings};
use crate::output;
use memwall_reports::table;
use memwall_sim::machine::{PartSource, PimDevice, load_pim};
use memwall_sim::metrics::pim::bound;
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
}

pub(crate) fn pim(arguments: &PimArguments) -> Result<(), Failure> {
    match &arguments.command {
        PimCommand::Gemv(arguments) => gemv::gemv(arguments),
        PimCommand::Explain(arguments) => explain(arguments),
        PimCommand::List { json } => list(*json),
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let mut listed = Vec::new();
    for name in Embedded.pim_names() {
        let description = load_pim(&Embedded, &name, &[])?.description;
        listed.push(Listed { name, description });
    }
    if json {
        return output::print_json(&listed);
    }
    let mut text = String::new();
    for entry in &listed {
        let _ = writeln!(text, "{:<20} {}", entry.name, entry.description);
    }
    output::print(&text)
}

fn explain(arguments: &ExplainArguments) -> Result<(), Failure> {
    let device = load(&arguments.device)?;
    let form = sets::form(&device, arguments.steps)?;
    let record = bound(&device.memory, &form, None);
    if arguments.device.json {
        return output::print_json(&record);
    }
    let mut text = format!("{}: {}\n\n", device.name, device.description);
    text.push_str(&table::pim_bound(&record));
    output::print(&text)
}

/// `memwall hw show` of a PIM device.
pub(crate) fn show(device: &PimDevice, json: bool) -> Result<(), Failure> {
    let form = sets::form(device, None)?;
    crate::part::show_device(device, form.bytes_per_s(form.pass.steps), json)
}

fn load(arguments: &DeviceArguments) -> Result<PimDevice, Failure> {
    device(&arguments.hw, &settings(&arguments.settings)?)
}

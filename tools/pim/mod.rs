//! `memwall pim`: products in the banks, and what bounds them.

mod gemv;

use crate::cli::pim::{DeviceArguments, ExplainArguments, PimArguments, PimCommand};
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, pim as device, settings};
use crate::output;
use memwall_reports::table;
use memwall_sim::machine::{PartSource, PimDevice, load_pim};
use memwall_sim::metrics::pim::bound;
use memwall_sim::pim::PimTiming;
use memwall_sim::pim::bound::RowPass;
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
    let pim = side(&device)?;
    let row = device.memory.organisation.row_bytes / 2;
    let steps = arguments.steps.unwrap_or(row.div_ceil(pim.macs_per_bank));
    let pass = RowPass::new(&device.memory, pim, steps);
    let record = bound(&device.memory, pass, steps, None);
    if arguments.device.json {
        return output::print_json(&record);
    }
    let mut text = format!("{}: {}\n\n", device.name, device.description);
    text.push_str(&table::pim_bound(&record));
    output::print(&text)
}

fn load(arguments: &DeviceArguments) -> Result<PimDevice, Failure> {
    device(&arguments.hw, &settings(&arguments.settings)?)
}

/// The PIM side of a device, which the loader has made sure of.
fn side(device: &PimDevice) -> Result<&PimTiming, Failure> {
    let side = device.memory.pim.as_ref();
    side.ok_or_else(|| Failure::internal("a PIM device without a PIM side was loaded"))
}

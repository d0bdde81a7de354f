//! `memwall pim gemv`: one product on one device.

use super::{load, side};
use crate::cli::pim::GemvArguments;
use crate::diagnostics::Failure;
use crate::output;
use crate::run::push_notes;
use memwall_models::spelling;
use memwall_reports::table;
use memwall_sim::dram::NoObserver;
use memwall_sim::machine::PimDevice;
use memwall_sim::metrics::pim as metrics;
use memwall_sim::pim::bound::RowPass;
use memwall_sim::pim::gemv::{Gemv, Order, Run, run};
use memwall_sim::pim::{Format, PimTiming};
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::pim::{PimDeviceRecord, PimRecord, ProductRecord};

pub(super) fn gemv(arguments: &GemvArguments) -> Result<(), Failure> {
    output::check_folder(&arguments.out)?;
    let format = format(&arguments.format)?;
    let device = load(&arguments.device)?;
    let gemv = Gemv {
        m: arguments.m,
        k: arguments.k,
        vectors: arguments.vectors,
        format,
    };
    let done = run(&gemv, &device.memory, &mut NoObserver)
        .map_err(|failed| Failure::input(format!("{}: {failed}", device.name)))?;
    let pim = side(&device)?;
    let record = record(arguments, &device, pim, &gemv, &done);
    output::folder(&arguments.out)?;
    let path = arguments.out.join("pim.json");
    output::write_json(&path, &record)?;
    let wrote = format!("wrote {}", path.display());
    if arguments.device.json {
        output::print_json(&record)?;
        output::aside(&wrote);
        return Ok(());
    }
    let mut text = table::pim(&record);
    push_notes(&mut text, &record.notes);
    output::print(&(text + &wrote + "\n"))
}

fn format(name: &str) -> Result<Format, Failure> {
    let known = Format::NAMES.iter().find(|(known, _)| *known == name);
    if let Some((_, format)) = known {
        return Ok(*format);
    }
    let names = Format::NAMES.map(|(name, _)| name);
    let text = format!("no format '{name}'; there are {}", names.join(", "));
    Err(Failure::misspelt(text, spelling::nearest(name, names)))
}

fn record(
    arguments: &GemvArguments,
    device: &PimDevice,
    pim: &PimTiming,
    gemv: &Gemv,
    done: &Run,
) -> PimRecord {
    let standard = &device.memory;
    let pass = RowPass::new(standard, pim, done.steps_a_row);
    // Everything that a run depends on; `Debug` of plain data is a function of the data.
    let resolved = format!(
        "{:?} {:?} {:?} {:?} {pim:?}",
        standard.organisation, standard.clock, standard.parameters, standard.constraints
    );
    PimRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: PimDeviceRecord {
            name: device.name.clone(),
            description: device.description.clone(),
            memory: standard.name.clone(),
            command_set: "newton".to_owned(),
            settings: arguments.device.settings.clone(),
            digest: blake3::hash(resolved.as_bytes()).to_hex().to_string(),
        },
        product: ProductRecord {
            m: gemv.m,
            k: gemv.k,
            vectors: gemv.vectors,
            format: gemv.format.name().to_owned(),
            layout: layout(done),
        },
        result: metrics::result(standard, gemv, &done.into()),
        bound: metrics::bound(standard, pass, done.steps_a_row, Some(done.bound)),
        notes: notes(device, pim, done),
    }
}

fn layout(done: &Run) -> String {
    let mapping = &done.mapping;
    let columns = match mapping.column_splits {
        1 => "rows over channels and banks".to_owned(),
        splits => format!("rows over banks, columns over {splits} groups of channels"),
    };
    let sums = match mapping.order {
        Order::ReadOut => "read out after every row",
        Order::Accumulate => "partial sums kept in the banks",
    };
    let at_once = mapping.vectors_at_once;
    let plural = if at_once == 1 { "" } else { "s" };
    format!("{columns}; {at_once} vector{plural} an open row; {sums}")
}

fn notes(device: &PimDevice, pim: &PimTiming, done: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    let set: Vec<&str> = pim
        .quirks
        .flags()
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
        .collect();
    if !set.is_empty() {
        notes.push(format!(
            "quirks are on ({}): the bound is that of a die without them",
            set.join(", ")
        ));
    }
    if let Some(inherited) = &device.memory.inherited {
        notes.push(format!("{}: {inherited}", device.memory.name));
    }
    if done.adds_partial_sums() {
        notes.push("the device adds partial sums; its time for that is not counted".to_owned());
    }
    notes
}

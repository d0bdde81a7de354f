//! `memwall pim gemv`: one product on one device.

use super::sets::{self, Done};
use crate::cli::pim::GemvArguments;
use crate::diagnostics::Failure;
use crate::output;
use crate::run::push_notes;
use memwall_models::spelling;
use memwall_reports::table;
use memwall_sim::machine::PimDevice;
use memwall_sim::metrics::pim as metrics;
use memwall_sim::pim::Format;
use memwall_sim::pim::gemv::Gemv;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::pim::{PimDeviceRecord, PimRecord, ProductRecord};

pub(super) fn gemv(arguments: &GemvArguments) -> Result<(), Failure> {
    output::check_folder(&arguments.out, &["pim.json"])?;
    let format = format(&arguments.format)?;
    let device = super::load(&arguments.device)?;
    let gemv = Gemv {
        m: arguments.m,
        k: arguments.k,
        vectors: arguments.vectors,
        format,
    };
    let done = sets::run(&device, &gemv)?;
    let record = record(arguments, &device, &gemv, done);
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

fn record(arguments: &GemvArguments, device: &PimDevice, gemv: &Gemv, done: Done) -> PimRecord {
    let standard = &device.memory;
    // Everything that a run depends on; `Debug` of plain data is a function of the data.
    let resolved = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        standard.organisation,
        standard.clock,
        standard.parameters,
        standard.constraints,
        standard.pim,
        device.set
    );
    let mut notes = done.notes;
    if let Some(inherited) = &standard.inherited {
        notes.push(format!("{}: {inherited}", standard.name));
    }
    PimRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        device: PimDeviceRecord {
            name: device.name.clone(),
            description: device.description.clone(),
            memory: standard.name.clone(),
            command_set: device.set.name().to_owned(),
            settings: arguments.device.settings.clone(),
            digest: blake3::hash(resolved.as_bytes()).to_hex().to_string(),
        },
        product: ProductRecord {
            m: gemv.m,
            k: gemv.k,
            vectors: gemv.vectors,
            format: gemv.format.name().to_owned(),
            layout: done.layout,
        },
        result: metrics::result(standard, gemv, &done.product),
        bound: metrics::bound(standard, &done.form, Some(done.product.bound)),
        notes,
    }
}

//! The layers of a SCALE-Sim topology on the array of a SCALE-Sim configuration.

use crate::diagnostics::Failure;
use crate::output;
use crate::run::push_notes;
use crate::workload::file_name;
use memwall_reports::table;
use memwall_sim::npu::Utilisation;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::layers::LayersRecord;
use memwall_sim::scale_sim::layers;
use memwall_traces::scale_sim::{ScaleSimConfig, ScaleSimError, Topology};
use std::path::Path;

/// Reads both files, runs the layers, prints them and writes their record into `out`.
pub(crate) fn run(
    topology: &Path,
    configuration: &Path,
    out: &Path,
    json: bool,
) -> Result<(), Failure> {
    output::check_folder(out, &["layers.json"])?;
    let record = record(topology, configuration)?;
    output::folder(out)?;
    let path = out.join("layers.json");
    output::write_json(&path, &record)?;
    let wrote = format!("wrote {}", path.display());
    if json {
        output::print_json(&record)?;
        output::aside(&wrote);
        return Ok(());
    }
    let mut text = format!(
        "{}\n{}\n{}",
        table::layers(&record),
        table::layers_words(&record),
        table::layers_summary(&record)
    );
    push_notes(&mut text, &record.notes);
    output::print(&(text + &wrote + "\n"))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", path.display())))
}

fn refused(error: &ScaleSimError) -> Failure {
    Failure::misspelt(error.to_string(), error.nearest.as_deref())
}

fn record(topology_path: &Path, configuration_path: &Path) -> Result<LayersRecord, Failure> {
    let (topology_text, text) = (read(topology_path)?, read(configuration_path)?);
    let named = |path: &Path| path.display().to_string();
    let config = ScaleSimConfig::parse(&named(configuration_path), &text)
        .map_err(|error| refused(&error))?;
    let topology =
        Topology::parse(&named(topology_path), &topology_text).map_err(|error| refused(&error))?;
    let layers = layers::run(&config, &topology)
        .map_err(|error| Failure::input(format!("{}: {error}", topology_path.display())))?;
    let mut notes = Vec::new();
    if layers.iter().any(|layer| layer.stall_cycles.is_none()) {
        notes.push(
            "stalls are left out where an operand exceeds half its scratchpad: SCALE-Sim then circles \
             through it and stalls far more than its own rule says; see by the rule"
                .to_owned(),
        );
    }
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(text.as_bytes())
        .update(topology_text.as_bytes());
    let setup = layers::setup(&config);
    Ok(LayersRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: (file_name(configuration_path), config.name.clone()),
        topology: file_name(topology_path),
        digest: hasher.finalize().to_hex().to_string(),
        array: (config.rows, config.columns),
        dataflow: setup.dataflow.name().to_owned(),
        array_cycles: layers
            .iter()
            .map(|layer| layer.array_cycles * layer.repeats)
            .sum(),
        layers,
        definitions: Utilisation::DEFINITIONS
            .map(|(name, meaning)| (name.to_owned(), meaning.to_owned()))
            .to_vec(),
        notes,
    })
}

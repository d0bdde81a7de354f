//! Tables of energies: every figure carries its source, or is not there.

use super::error::ConfigError;
use super::load::{Document, PartSource, PartText, nameless};
use super::number::{Amount, Positive};
use super::raw::RawMachine;
use super::{Machine, Setting};
use crate::energy::{Energies, Figure, Sram};
use memwall_models::spelling;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A table of energies.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnergies {
    description: String,
    /// Process of the logic.
    node_nm: Positive,
    #[serde(default)]
    mac: BTreeMap<String, RawFigure>,
    #[serde(default)]
    sram: Vec<RawSram>,
    vector_element: Option<RawFigure>,
    pim_mac: Option<RawFigure>,
    dram_activate: Option<RawFigure>,
    dram_bit: Option<RawFigure>,
    link_bit: Option<RawFigure>,
    standby: Option<RawPower>,
    area: Option<RawArea>,
}

/// Energy of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFigure {
    pj: Amount,
    source: String,
}

/// A memory on chip.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSram {
    kib: Positive,
    pj_per_byte: Amount,
    source: String,
}

/// Power of a device at rest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPower {
    w: Amount,
    source: String,
}

/// `[area]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawArea {
    mac: Option<RawSquare>,
    sram_bit: Option<RawSquare>,
}

/// Area of one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSquare {
    um2: Amount,
    source: String,
}

/// Element types that a table may give.
const FORMATS: [&str; 5] = ["f16", "bf16", "f32", "int8", "fp8"];

/// Loads a table of energies by name.
pub fn load_energy(source: &dyn PartSource, name: &str) -> Result<Arc<Energies>, ConfigError> {
    let Some(text) = source.energy(name) else {
        return Err(nameless("table of energies", name, &source.energy_names()));
    };
    load_energy_text(name, text)
}

/// Loads a table of energies from a text.
pub fn load_energy_text(name: &str, text: PartText) -> Result<Arc<Energies>, ConfigError> {
    let document = Document::<RawEnergies>::read(text, "", &[] as &[&Setting])?;
    Ok(Arc::new(resolve(name, &document)?))
}

/// Gives a machine the table that its file names.
pub(super) fn attach(
    source: &dyn PartSource,
    document: &Document<RawMachine>,
    machine: &mut Machine,
) -> Result<(), ConfigError> {
    let Some(name) = &document.raw.energy else {
        return Ok(());
    };
    let Some(text) = source.energy(name) else {
        let names = source.energy_names();
        let rule = format!(
            "no table of energies '{name}'; there are {}",
            names.join(", ")
        );
        let mut error = document.fault("energy", &rule);
        error.nearest =
            spelling::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(error);
    };
    machine.energy = Some(load_energy_text(name, text)?);
    Ok(())
}

fn femto(amount: Amount) -> u64 {
    (amount.0 * 1e3).round() as u64
}

fn resolve(name: &str, document: &Document<RawEnergies>) -> Result<Energies, ConfigError> {
    let raw = &document.raw;
    let figure = |raw: &RawFigure| Figure {
        amount: femto(raw.pj),
        source: raw.source.clone(),
    };
    let optional = |raw: &Option<RawFigure>| raw.as_ref().map(figure);
    let mut mac = BTreeMap::new();
    for (format, energy) in &raw.mac {
        if !FORMATS.contains(&format.as_str()) {
            let rule = format!(
                "no element type '{format}'; there are {}",
                FORMATS.join(", ")
            );
            let mut error = document.fault(&format!("mac.{format}"), &rule);
            error.nearest = spelling::nearest(format, FORMATS).map(str::to_owned);
            return Err(error);
        }
        mac.insert(format.clone(), figure(energy));
    }
    let mut sram: Vec<Sram> = Vec::new();
    for (index, entry) in raw.sram.iter().enumerate() {
        let bytes = entry.kib.0.saturating_mul(1024);
        if sram.last().is_some_and(|last| last.bytes >= bytes) {
            let rule = "memories are listed from the smallest to the largest";
            return Err(document.fault(&format!("sram.{index}.kib"), rule));
        }
        let byte = Figure {
            amount: femto(entry.pj_per_byte),
            source: entry.source.clone(),
        };
        sram.push(Sram { bytes, byte });
    }
    let square = |raw: &RawSquare| Figure {
        amount: (raw.um2.0 * 1e6).round() as u64,
        source: raw.source.clone(),
    };
    let area = raw.area.as_ref();
    Ok(Energies {
        name: name.to_owned(),
        description: raw.description.clone(),
        node_nm: raw.node_nm.0,
        mac,
        sram,
        vector: optional(&raw.vector_element),
        pim_mac: optional(&raw.pim_mac),
        dram_activate: optional(&raw.dram_activate),
        dram_bit: optional(&raw.dram_bit),
        link_bit: optional(&raw.link_bit),
        // A watt is 10^6 femtojoules a nanosecond.
        standby: raw.standby.as_ref().map(|power| Figure {
            amount: (power.w.0 * 1e6).round() as u64,
            source: power.source.clone(),
        }),
        mac_area: area.and_then(|area| area.mac.as_ref()).map(square),
        sram_bit_area: area.and_then(|area| area.sram_bit.as_ref()).map(square),
    })
}

//! Machine files of ONNXim's twin: `hw-configs/onnxim`.

use super::error::ConfigError;
use super::load::{Document, PartSource, PartText, load_part, nameless};
use super::number::{Positive, Whole};
use super::setting::Setting;
use crate::onnxim::{CoreShape, Latencies, Machine};
use memwall_models::spelling;
use serde::Deserialize;

const KIB: u64 = 1 << 10;

/// A machine file as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMachine {
    /// One sentence.
    description: String,
    /// Memory part.
    memory: String,
    /// Clock by which the simulator divides time for the channels.
    memory_mhz: Positive,
    element_bytes: Positive,
    cores: RawCores,
    crossbar: RawCrossbar,
}

/// `[cores]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCores {
    count: Positive,
    clock_mhz: Positive,
    /// Rows, and columns, of the array.
    array: Positive,
    /// Both halves.
    scratchpad_kib: Positive,
    accumulator_kib: Positive,
    vector_bits: Positive,
    latency_cycles: RawLatencies,
}

/// `[cores.latency_cycles]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLatencies {
    add: Whole,
    mul: Whole,
    mac: Whole,
    div: Whole,
    exp: Whole,
    gelu: Whole,
    add_tree: Whole,
    scalar_mul: Whole,
    scalar_sqrt: Whole,
}

/// `[crossbar]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCrossbar {
    clock_mhz: Positive,
    latency_cycles: Whole,
    ports_per_core: Positive,
}

/// Loads a machine of ONNXim's twin by name, with settings applied in order.
pub fn load_onnxim(
    source: &dyn PartSource,
    name: &str,
    settings: &[Setting],
) -> Result<Machine, ConfigError> {
    let Some(text) = source.onnxim(name) else {
        return Err(nameless("ONNXim machine", name, &source.onnxim_names()));
    };
    load_onnxim_text(source, name, text, settings)
}

/// Loads a machine of ONNXim's twin from a text; its memory part comes from `source`.
pub fn load_onnxim_text(
    source: &dyn PartSource,
    name: &str,
    text: PartText,
    settings: &[Setting],
) -> Result<Machine, ConfigError> {
    let (of_part, own): (Vec<_>, Vec<_>) =
        settings.iter().partition(|s| s.path.starts_with("memory."));
    let machine = Document::<RawMachine>::read(text, "", &own)?;
    let raw = &machine.raw;
    let part = &raw.memory;
    if source.part(part).is_none() {
        let names = source.part_names();
        let rule = format!("no memory part '{part}'; there are {}", names.join(", "));
        let mut error = machine.fault("memory", &rule);
        error.nearest =
            spelling::nearest(part, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(error);
    }
    let of_part: Vec<Setting> = of_part.into_iter().cloned().collect();
    let memory = load_part(source, part, &of_part)?;
    check(&machine)?;
    let latencies = &raw.cores.latency_cycles;
    let core = CoreShape {
        array: raw.cores.array.0,
        scratchpad_bytes: raw.cores.scratchpad_kib.0 * KIB,
        accumulator_bytes: raw.cores.accumulator_kib.0 * KIB,
        vector_bytes: raw.cores.vector_bits.0 / 8,
        latencies: Latencies {
            add: latencies.add.0,
            mul: latencies.mul.0,
            mac: latencies.mac.0,
            div: latencies.div.0,
            exp: latencies.exp.0,
            gelu: latencies.gelu.0,
            add_tree: latencies.add_tree.0,
            scalar_mul: latencies.scalar_mul.0,
            scalar_sqrt: latencies.scalar_sqrt.0,
        },
    };
    let channels = memory.organisation.channels;
    if !(1..=16).contains(&channels) && channels != 32 && channels != 64 {
        return Err(machine.fault(
            "memory",
            "the part has 1 to 16, 32 or 64 channels: others have no address hash",
        ));
    }
    if !memory
        .organisation
        .burst_bytes
        .is_multiple_of(raw.element_bytes.0)
    {
        return Err(machine.fault("element_bytes", "a burst of the part is whole elements"));
    }
    Ok(Machine {
        name: name.to_owned(),
        description: raw.description.clone(),
        cores: raw.cores.count.0 as usize,
        core,
        core_mhz: raw.cores.clock_mhz.0,
        crossbar_mhz: raw.crossbar.clock_mhz.0,
        crossbar_latency: raw.crossbar.latency_cycles.0,
        ports_per_core: raw.crossbar.ports_per_core.0 as usize,
        memory_mhz: raw.memory_mhz.0,
        memory,
        element_bytes: raw.element_bytes.0,
    })
}

/// Sizes within what the simulator can hold.
fn check(machine: &Document<RawMachine>) -> Result<(), ConfigError> {
    let raw = &machine.raw;
    let cores = &raw.cores;
    let limits = [
        ("cores.count", cores.count.0, 1 << 10),
        ("cores.array", cores.array.0, 1 << 12),
        ("cores.scratchpad_kib", cores.scratchpad_kib.0, 1 << 20),
        ("cores.accumulator_kib", cores.accumulator_kib.0, 1 << 20),
        ("cores.vector_bits", cores.vector_bits.0, 1 << 30),
        ("cores.clock_mhz", cores.clock_mhz.0, 1_000_000),
        ("crossbar.clock_mhz", raw.crossbar.clock_mhz.0, 1_000_000),
        (
            "crossbar.latency_cycles",
            raw.crossbar.latency_cycles.0,
            1 << 20,
        ),
        (
            "crossbar.ports_per_core",
            raw.crossbar.ports_per_core.0,
            1 << 6,
        ),
        ("memory_mhz", raw.memory_mhz.0, 1_000_000),
        ("element_bytes", raw.element_bytes.0, 16),
    ];
    for (path, value, most) in limits {
        if value > most {
            return Err(machine.fault(path, &format!("must be at most {most}")));
        }
    }
    if !cores.array.0.is_power_of_two() {
        return Err(machine.fault("cores.array", "must be a power of two"));
    }
    if cores.vector_bits.0 < 8 {
        return Err(machine.fault("cores.vector_bits", "must be at least 8"));
    }
    let block = cores.array.0 * cores.array.0;
    if cores.scratchpad_kib.0 * KIB < 4 * block * raw.element_bytes.0 {
        return Err(machine.fault(
            "cores.scratchpad_kib",
            "each half must hold a block of array x array elements of each operand",
        ));
    }
    if cores.accumulator_kib.0 * KIB < 8 * block {
        return Err(machine.fault(
            "cores.accumulator_kib",
            "each half must hold array x array results of 4 bytes",
        ));
    }
    Ok(())
}

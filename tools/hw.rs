//! `memwall hw`: machines as files and as resolved.

use crate::cli::{HwArguments, HwCommand};
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, energies, is_part, is_path, is_pim, machine, part, pim, settings};
use crate::output;
use memwall_models::spelling;
use memwall_reports::figures::{count, counted};
use memwall_sim::energy::area;
use memwall_sim::machine::{Device, Machine, NpuDevice, PartSource, load, load_part, load_pim};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Lists {
    machines: Vec<Listed>,
    pim_devices: Vec<Listed>,
    memory_parts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
}

/// A machine with what follows from its configuration.
#[derive(Serialize)]
struct Shown {
    name: String,
    description: String,
    capacity_bytes: u64,
    peak_memory_bytes_per_s: u64,
    peak_flop_per_s: u64,
    pim_peak_bytes_per_s: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    area: Vec<AreaShown>,
    configuration: toml::Table,
}

/// Area of a part; without a source, no figure.
#[derive(Serialize)]
struct AreaShown {
    part: &'static str,
    mm2: Option<f64>,
    source: Option<String>,
}

fn areas(machine: &Machine) -> Vec<AreaShown> {
    let table = machine.energy.as_ref();
    let Some(area) = table.and_then(|table| area(table, machine)) else {
        return Vec::new();
    };
    let parts = area.parts.into_iter();
    let shown = parts.map(|part| AreaShown {
        part: part.name,
        mm2: part.square_um().map(|um2| um2 as f64 / 1e6),
        source: part.each.map(|each| each.source),
    });
    shown.collect()
}

pub(crate) fn hw(arguments: &HwArguments) -> Result<(), Failure> {
    match &arguments.command {
        HwCommand::List { json } => list(*json),
        HwCommand::Show {
            machine: name,
            settings: options,
            energy,
            json,
        } => {
            let settings = settings(options)?;
            if !is_path(name, ".toml") {
                known(name)?;
            }
            if is_part(name) {
                if energy.is_some() {
                    return Err(Failure::input("--energy: a memory part has no logic"));
                }
                return crate::part::show(&*part(name, &settings)?, *json);
            }
            if is_pim(name) {
                if energy.is_some() {
                    return Err(Failure::input(
                        "--energy: a PIM device has no table of logic",
                    ));
                }
                return crate::pim::show(&pim(name, &settings)?, *json);
            }
            let mut machine = machine(name, &settings)?;
            if let Some(table) = energy {
                machine.energy = Some(energies(table)?);
            }
            show(&machine, *json)
        }
    }
}

/// Refuses a name that nothing embedded has.
fn known(name: &str) -> Result<(), Failure> {
    let mut names = Embedded.machine_names();
    names.extend(Embedded.pim_names());
    names.extend(Embedded.part_names());
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    for (names, how) in [
        (
            Embedded.topology_names(),
            format!("a topology: memwall link show --topology {name}"),
        ),
        (
            Embedded.energy_names(),
            format!("a table of energies: --energy {name}"),
        ),
    ] {
        if names.iter().any(|known| known == name) {
            return Err(Failure::input(format!("hw show: '{name}' is {how}")));
        }
    }
    let text = format!(
        "hw show: no machine, PIM device or memory part '{name}'; memwall hw list names them"
    );
    let nearest = spelling::nearest(name, names.iter().map(String::as_str));
    Err(Failure::misspelt(text, nearest))
}

fn list(json: bool) -> Result<(), Failure> {
    let mut lists = Lists {
        machines: Vec::new(),
        pim_devices: Vec::new(),
        memory_parts: Vec::new(),
    };
    for name in Embedded.machine_names() {
        let machine = load(&Embedded, &name, &[])?;
        lists.machines.push(Listed {
            name,
            description: machine.description,
        });
    }
    for name in Embedded.pim_names() {
        let device = load_pim(&Embedded, &name, &[])?;
        lists.pim_devices.push(Listed {
            name,
            description: device.description,
        });
    }
    for name in Embedded.part_names() {
        let part = load_part(&Embedded, &name, &[])?;
        lists.memory_parts.push(Listed {
            name,
            description: part.description.clone(),
        });
    }
    if json {
        return output::print_json(&lists);
    }
    let mut text = String::new();
    for (title, listed) in [
        ("machines", &lists.machines),
        ("PIM devices", &lists.pim_devices),
        ("memory parts", &lists.memory_parts),
    ] {
        let _ = writeln!(text, "{title}");
        for entry in listed {
            let _ = writeln!(text, "  {:<28} {}", entry.name, entry.description);
        }
    }
    output::print(&text)
}

fn show(machine: &Machine, json: bool) -> Result<(), Failure> {
    let shown = shown(machine);
    if json {
        return output::print_json(&shown);
    }
    let giga = |amount: u64| amount as f64 / 1e9;
    let mut text = format!("{}: {}\n\n", shown.name, shown.description);
    let _ = writeln!(
        text,
        "memory     {} GiB, {:.1} GB/s at the pins",
        shown.capacity_bytes >> 30,
        giga(shown.peak_memory_bytes_per_s)
    );
    let _ = writeln!(
        text,
        "compute    {:.1} TFLOP/s",
        giga(shown.peak_flop_per_s) / 1e3
    );
    if let Some(pim) = shown.pim_peak_bytes_per_s {
        let _ = writeln!(
            text,
            "in banks   {:.1} GB/s while all rows are open",
            giga(pim)
        );
    }
    if let Device::Npu(device) = &machine.device {
        push_part(&mut text, device);
        let _ = writeln!(
            text,
            "arrays     {} MAC a cycle at {} MHz, {}",
            count(device.npu.macs_per_cycle()),
            device.npu.clock.hz() / 1_000_000,
            counted(device.npu.cores.count, "core")
        );
    }
    for area in &shown.area {
        let figure = area
            .mm2
            .map_or_else(|| "no source".to_owned(), |mm2| format!("{mm2:.1} mm2"));
        let _ = writeln!(text, "area       {}: {figure}", area.part);
    }
    if let Device::Gpu(gpu) = &machine.device {
        let _ = writeln!(text, "products   {}", gpu.gemm.name());
        for (name, fit) in &gpu.fits {
            let _ = writeln!(
                text,
                "fit        {name}: {} kernels, error mean {:.1} %, median {:.1} %, 90th percentile {:.1} %",
                fit.rows, fit.mean_percent, fit.median_percent, fit.p90_percent
            );
        }
    }
    let configuration = toml::to_string(&shown.configuration)
        .map_err(|error| Failure::internal(error.to_string()))?;
    // The whole is a machine file: what is derived stands in its comments.
    let derived = text.lines().map(|line| format!("# {line}"));
    let derived: Vec<String> = derived.map(|line| line.trim_end().to_owned()).collect();
    output::print(&format!(
        "{}\n\n# as resolved, the memory part in place of its name\n{configuration}",
        derived.join("\n")
    ))
}

fn push_part(text: &mut String, device: &NpuDevice) {
    let Some(part) = device.memory.part() else {
        return;
    };
    let organisation = &part.organisation;
    let _ = writeln!(
        text,
        "part       {}\nchannels   {}, each of {} banks; rows of {} B, stripe {} KiB",
        part.name,
        organisation.channels,
        organisation.banks(),
        organisation.row_bytes,
        organisation.stripe_bytes() >> 10
    );
}

fn shown(machine: &Machine) -> Shown {
    let (memory, flop, pim) = match &machine.device {
        Device::Npu(device) => {
            let macs = device.npu.macs_per_cycle();
            let part = device.memory.part();
            let pim = part.and_then(|part| {
                let pim = part.pim.as_ref()?;
                let organisation = &part.organisation;
                let banks = (organisation.channels * organisation.banks()) as u64;
                Some(banks * pim.macs_per_bank * 2 * (part.clock.hz() / pim.comp))
            });
            (
                device.memory.peak_bytes_per_s(),
                2 * macs * device.npu.clock.hz(),
                pim,
            )
        }
        Device::Gpu(gpu) => (gpu.peaks.bytes_per_s, gpu.peaks.flop_per_s, None),
    };
    Shown {
        name: machine.name.clone(),
        description: machine.description.clone(),
        capacity_bytes: machine.capacity_bytes(),
        peak_memory_bytes_per_s: memory,
        peak_flop_per_s: flop,
        pim_peak_bytes_per_s: pim,
        area: areas(machine),
        configuration: machine.configuration.clone(),
    }
}

//! `memwall hw`: machines as files and as resolved.

use crate::cli::{HwArguments, HwCommand};
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, is_part, machine, part, settings};
use crate::output;
use memwall_reports::figures::count;
use memwall_sim::machine::{Device, Machine, NpuDevice, PartSource, load, load_part};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Lists {
    machines: Vec<Listed>,
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
    configuration: toml::Table,
}

pub(crate) fn hw(arguments: &HwArguments) -> Result<(), Failure> {
    match &arguments.command {
        HwCommand::List { json } => list(*json),
        HwCommand::Show {
            machine: name,
            settings: options,
            json,
        } => {
            let settings = settings(options)?;
            if is_part(name) {
                return crate::part::show(&*part(name, &settings)?, *json);
            }
            show(&machine(name, &settings)?, *json)
        }
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let mut lists = Lists {
        machines: Vec::new(),
        memory_parts: Vec::new(),
    };
    for name in Embedded.machine_names() {
        let machine = load(&Embedded, &name, &[])?;
        lists.machines.push(Listed {
            name,
            description: machine.description,
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
            "arrays     {} MAC a cycle at {} MHz, {} cores",
            count(device.npu.macs_per_cycle()),
            device.npu.clock.hz() / 1_000_000,
            device.npu.cores.count
        );
    }
    let configuration = toml::to_string(&shown.configuration)
        .map_err(|error| Failure::internal(error.to_string()))?;
    let _ = write!(
        text,
        "\n# as resolved, the memory part in place of its name\n{configuration}"
    );
    output::print(&text)
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
        Device::Gpu(gpu) => (gpu.peak_bytes_per_s, gpu.peak_flop_per_s, None),
    };
    Shown {
        name: machine.name.clone(),
        description: machine.description.clone(),
        capacity_bytes: machine.capacity_bytes(),
        peak_memory_bytes_per_s: memory,
        peak_flop_per_s: flop,
        pim_peak_bytes_per_s: pim,
        configuration: machine.configuration.clone(),
    }
}

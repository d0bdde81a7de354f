//! `memwall gemm`: one matrix product on one machine.

use crate::cli::gemm::{GemmArguments, Kept};
use crate::diagnostics::Failure;
use crate::embedded::{machine, settings};
use crate::layers;
use crate::output;
use crate::run::push_notes;
use memwall_models::spelling;
use memwall_reports::table;
use memwall_sim::exec::{Fidelity, Single, product};
use memwall_sim::machine::{Device, Machine};
use memwall_sim::metrics;
use memwall_sim::npu::{Gemm, Mapping, MappingRule, Order, Resident, Stationary};
use memwall_sim::record::MachineRecord;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::gemm::{GemmRecord, ShapeRecord};

pub(crate) fn gemm(arguments: &GemmArguments) -> Result<(), Failure> {
    if let (Some(topology), Some(config)) = (&arguments.topology, &arguments.scale_sim) {
        return layers::run(topology, config, &arguments.out, arguments.json);
    }
    if let Some(config) = &arguments.scale_sim {
        // The parser passes over what an option requires where that would conflict with M, K and N.
        return Err(Failure::input(format!(
            "--scale-sim {}: is the array of the layers of a --topology; one product runs on a \
             machine (--hw, --set)",
            config.display()
        )));
    }
    output::check_folder(&arguments.out, &["gemm.json"])?;
    let (Some(m), Some(k), Some(n)) = (arguments.m, arguments.k, arguments.n) else {
        return Err(Failure::input("M, K and N are needed"));
    };
    let mut machine = machine(&arguments.hw, &settings(&arguments.settings)?)?;
    let gemm = Gemm {
        m,
        k,
        n,
        element: arguments.dtype.bytes(),
    };
    if let (Device::Gpu(_), false) = (&machine.device, arguments.dtype.is_half()) {
        return Err(Failure::input(format!(
            "--dtype {}: machine '{}' gives the rate of its kernels for fp16 and bf16 alone",
            arguments.dtype.name(),
            machine.name
        )));
    }
    let mapping = mapping(arguments, &gemm, &mut machine)?;
    let resident = resident(arguments.resident);
    let fidelity = arguments.fidelity.into();
    let single = product(&machine, &gemm, resident, mapping, fidelity)?;
    let record = record(arguments, &machine, &gemm, &single);
    output::folder(&arguments.out)?;
    let path = arguments.out.join("gemm.json");
    output::write_json(&path, &record)?;
    let wrote = format!("wrote {}", path.display());
    if arguments.json {
        output::print_json(&record)?;
        output::aside(&wrote);
        return Ok(());
    }
    let mut text = table::gemm(&record);
    push_notes(&mut text, &record.notes);
    output::print(&(text + &wrote + "\n"))
}

fn resident(kept: Kept) -> Resident {
    let all = kept == Kept::All;
    Resident {
        activations: all || kept == Kept::Inputs,
        weights: all || kept == Kept::Weights,
        outputs: all || kept == Kept::Outputs,
    }
}

/// `--mapping`: a rule, which replaces the machine's, or tiles.
fn mapping(
    arguments: &GemmArguments,
    gemm: &Gemm,
    machine: &mut Machine,
) -> Result<Option<Mapping>, Failure> {
    let Some(text) = &arguments.mapping else {
        return Ok(None);
    };
    let Device::Npu(device) = &mut machine.device else {
        let text = format!(
            "--mapping: machine '{}' runs kernels, not tiles",
            machine.name
        );
        return Err(Failure::input(text));
    };
    let rule = match text.as_str() {
        "search" => Some(MappingRule::Search),
        "gemmini" => Some(MappingRule::Gemmini),
        _ => None,
    };
    if let Some(rule) = rule {
        device.npu.cores.mapping = rule;
        return Ok(None);
    }
    let mut parts = text.split(':');
    let sizes: Vec<Option<u64>> = parts
        .next()
        .unwrap_or_default()
        .split('x')
        .map(|size| size.parse().ok().filter(|size| *size > 0))
        .collect();
    let &[Some(m), Some(k), Some(n)] = sizes.as_slice() else {
        let known = ["search", "gemmini"];
        let rule = format!(
            "--mapping {text}: search, gemmini, or the sizes of a tile as MxKxN[:ORDER[:HELD]]"
        );
        return Err(Failure::misspelt(rule, spelling::nearest(text, known)));
    };
    let order = named("order", parts.next().unwrap_or("mnk"), &Order::NAMES)?;
    let held = Stationary::of(&device.npu.array);
    let stationary = match parts.next() {
        None => held[0],
        Some(name) => {
            let names: Vec<_> = held.iter().map(|&held| (held.name(), held)).collect();
            let all = [
                Stationary::Weights,
                Stationary::Activations,
                Stationary::Outputs,
            ];
            if all.iter().any(|held| held.name() == name)
                && names.iter().all(|(own, _)| *own != name)
            {
                // The dataflow decides what stays in an array.
                let (flows, own) = match held {
                    [Stationary::Outputs] => ("ws or is", "os"),
                    _ => ("os", "ws and is"),
                };
                let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
                return Err(Failure::input(format!(
                    "--mapping {text}: the arrays of '{}' hold {} (npu.dataflow {own}); {name} are held \
                     under --set npu.dataflow={flows}",
                    machine.name,
                    names.join(" or ")
                )));
            }
            named("held operand", name, &names)?
        }
    };
    Ok(Some(Mapping {
        tile_m: m.min(gemm.m),
        tile_k: k.min(gemm.k),
        tile_n: n.min(gemm.n),
        order,
        stationary,
    }))
}

fn named<T: Copy>(what: &str, name: &str, known: &[(&str, T)]) -> Result<T, Failure> {
    if let Some((_, found)) = known.iter().find(|(known, _)| *known == name) {
        return Ok(*found);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let text = format!(
        "--mapping: no {what} '{name}'; there are {}",
        names.join(", ")
    );
    Err(Failure::misspelt(text, spelling::nearest(name, names)))
}

fn record(
    arguments: &GemmArguments,
    machine: &Machine,
    gemm: &Gemm,
    single: &Single,
) -> GemmRecord {
    let fidelity = match single {
        Single::Npu { fidelity, .. } => *fidelity,
        Single::Kernel { .. } => Fidelity::Rates,
    };
    let (mapping, result) = metrics::gemm::result(machine, gemm, single);
    let kept = resident(arguments.resident);
    let resident = [
        ("activations", kept.activations),
        ("weights", kept.weights),
        ("outputs", kept.outputs),
    ];
    let mut notes = Vec::new();
    if let Device::Npu(device) = &machine.device
        && let Some(part) = device.memory.part()
        && let Some(inherited) = &part.inherited
    {
        notes.push(format!("{}: {inherited}", part.name));
    }
    if !arguments.dtype.is_half() {
        notes.push(format!(
            "{} changes bytes only: the arrays take as many multiply-accumulates a cycle as of fp16",
            arguments.dtype.name()
        ));
    }
    match fidelity {
        Fidelity::Command => {}
        Fidelity::Fast => notes.push("memory by rates measured on the command model".to_owned()),
        Fidelity::Rates => notes.push("given rates, no memory model".to_owned()),
    }
    GemmRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: MachineRecord {
            name: machine.name.clone(),
            description: machine.description.clone(),
            configuration: machine.configuration.clone(),
        },
        product: ShapeRecord {
            m: gemm.m,
            k: gemm.k,
            n: gemm.n,
            dtype: arguments.dtype.name().to_owned(),
            resident: resident
                .into_iter()
                .filter(|(_, is)| *is)
                .map(|(name, _)| name.to_owned())
                .collect(),
        },
        fidelity,
        mapping,
        result,
        notes,
    }
}

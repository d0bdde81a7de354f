//! `memwall hw show` of a memory part: its figures, timing in ticks and nanoseconds, commands and
//! distances, as resolved.

use crate::diagnostics::Failure;
use crate::output;
use memwall_sim::dram::energy::Basis;
use memwall_sim::dram::interface::{Data, Slot, Slots};
use memwall_sim::dram::{Command, Constraint, Energy, Scope, Standard};
use memwall_sim::machine::PimDevice;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Serialize)]
struct Shown {
    name: String,
    description: String,
    inherited: Option<String>,
    tick_ps: f64,
    capacity_bytes: u64,
    peak_bytes_per_s: u64,
    organisation: BTreeMap<&'static str, u64>,
    /// Ticks by name.
    timing: BTreeMap<String, u64>,
    read_latency: u64,
    refresh_interval: u64,
    commands: Vec<ShownCommand>,
    constraints: Vec<ShownConstraint>,
    energy: Option<ShownEnergy>,
}

#[derive(Serialize)]
struct ShownCommand {
    name: &'static str,
    acts: &'static str,
    slot: &'static str,
    cycles: u64,
    data: &'static str,
    rising_edge: bool,
}

#[derive(Serialize)]
struct ShownConstraint {
    scope: &'static str,
    sibling: bool,
    first: Vec<&'static str>,
    then: Vec<&'static str>,
    distance: u64,
    window: u8,
}

/// Picojoules; a figure without a source is absent.
#[derive(Serialize)]
struct ShownEnergy {
    basis: &'static str,
    activate_pj: f64,
    read_pj: f64,
    write_pj: f64,
    refresh_pj: Option<f64>,
    standby_active_mw: Option<f64>,
    standby_idle_mw: Option<f64>,
}

pub(crate) fn show(part: &Standard, json: bool) -> Result<(), Failure> {
    let shown = shown(part);
    if json {
        return output::print_json(&shown);
    }
    output::print(&text(part, &shown))
}

/// A PIM device: what it is, then its part with the commands and distances that its side adds.
#[derive(Serialize)]
struct ShownDevice {
    name: String,
    description: String,
    command_set: &'static str,
    in_banks_bytes_per_s: u64,
    memory: Shown,
}

/// Prints a PIM device whose multipliers take so many bytes a second from open rows.
pub(crate) fn show_device(device: &PimDevice, peak: u64, json: bool) -> Result<(), Failure> {
    let part = &device.memory;
    let memory = shown(part);
    if json {
        return output::print_json(&ShownDevice {
            name: device.name.clone(),
            description: device.description.clone(),
            command_set: device.set.name(),
            in_banks_bytes_per_s: peak,
            memory,
        });
    }
    let mut shown = format!(
        "{}: {}\n\ncommands   {}\nin banks   {:.1} GB/s while all rows are open\n\n",
        device.name,
        device.description,
        device.set.name(),
        peak as f64 / 1e9
    );
    shown.push_str(&text(part, &memory));
    output::print(&shown)
}

fn shown(part: &Standard) -> Shown {
    let organisation = &part.organisation;
    let (numerator, denominator) = part.clock.period_ps();
    let tick_ps = numerator as f64 / denominator as f64;
    let commands = part
        .interface
        .commands()
        .map(|(command, form)| ShownCommand {
            name: command.mnemonic(),
            acts: if form.same_index {
                "same bank of every group"
            } else {
                form.acts.name()
            },
            slot: match (part.interface.slots, form.slot) {
                (Slots::One, _) => "one",
                (Slots::RowAndColumn, Slot::Row) => "row",
                (Slots::RowAndColumn, Slot::Column) => "column",
            },
            cycles: form.cycles,
            data: match form.data {
                Data::None => "none",
                Data::Read => "read",
                Data::Write => "write",
            },
            rising_edge: form.rising_edge,
        });
    Shown {
        name: part.name.clone(),
        description: part.description.clone(),
        inherited: part.inherited.clone(),
        tick_ps,
        capacity_bytes: organisation.capacity_bytes(),
        peak_bytes_per_s: part.peak_bytes_per_s(),
        organisation: BTreeMap::from([
            ("channels", organisation.channels as u64),
            ("pseudo_channels", organisation.pseudo_channels as u64),
            ("ranks", organisation.ranks as u64),
            ("bank_groups", organisation.bank_groups as u64),
            ("banks_per_group", organisation.banks_per_group as u64),
            ("rows", organisation.rows),
            ("row_bytes", organisation.row_bytes),
            ("burst_bytes", organisation.burst_bytes),
        ]),
        timing: part.parameters.clone(),
        read_latency: part.read_latency(),
        refresh_interval: part.refreshes.interval,
        commands: commands.collect(),
        constraints: merged(&part.constraints),
        energy: part
            .energy
            .as_ref()
            .map(|energy| of_energy(energy, tick_ps)),
    }
}

fn of_energy(energy: &Energy, tick_ps: f64) -> ShownEnergy {
    let pj = |fj: u64| fj as f64 / 1e3;
    // Femtojoules a picosecond are milliwatts.
    let mw = |fj: u64| fj as f64 / tick_ps;
    ShownEnergy {
        basis: match energy.basis {
            Basis::Currents => "supply currents",
            Basis::PerBit(_) => "energy per bit",
        },
        activate_pj: pj(energy.activate_fj),
        read_pj: pj(energy.read_fj),
        write_pj: pj(energy.write_fj),
        refresh_pj: energy.refresh_fj.map(pj),
        standby_active_mw: energy.background.map(|b| mw(b.active_fj)),
        standby_idle_mw: energy.background.map(|b| mw(b.idle_fj)),
    }
}

/// Constraints that differ in their commands only, in one line: those of one first command, then
/// first commands with the same followers.
fn merged(constraints: &[Constraint]) -> Vec<ShownConstraint> {
    type Key = (Scope, bool, u8, u64);
    let mut by_first: Vec<(Key, Command, Vec<Command>)> = Vec::new();
    for c in constraints {
        let key = (c.scope, c.sibling, c.window, c.distance);
        match by_first
            .iter_mut()
            .find(|(k, f, _)| (*k, *f) == (key, c.first))
        {
            Some((.., then)) if then.contains(&c.then) => {}
            Some((.., then)) => then.push(c.then),
            None => by_first.push((key, c.first, vec![c.then])),
        }
    }
    let mut lines: Vec<(Key, Vec<Command>, Vec<Command>)> = Vec::new();
    for (key, first, then) in by_first {
        match lines.iter_mut().find(|(k, _, t)| *k == key && *t == then) {
            Some((_, firsts, _)) => firsts.push(first),
            None => lines.push((key, vec![first], then)),
        }
    }
    lines.sort_by_key(|((scope, sibling, window, _), ..)| {
        (std::cmp::Reverse(*scope), *sibling, *window)
    });
    let names = |commands: Vec<Command>| commands.into_iter().map(Command::mnemonic).collect();
    lines
        .into_iter()
        .map(
            |((scope, sibling, window, distance), first, then)| ShownConstraint {
                scope: scope.name(),
                sibling,
                first: names(first),
                then: names(then),
                distance,
                window,
            },
        )
        .collect()
}

fn text(part: &Standard, shown: &Shown) -> String {
    let mut text = format!("{}: {}\n\n", shown.name, shown.description);
    let organisation = &part.organisation;
    if let Some(inherited) = &shown.inherited {
        let _ = writeln!(text, "inherited  {inherited}: no source of its own");
    }
    let _ = writeln!(
        text,
        "memory     {:.1} GiB, {:.1} GB/s at the pins",
        shown.capacity_bytes as f64 / (1u64 << 30) as f64,
        shown.peak_bytes_per_s as f64 / 1e9
    );
    let _ = writeln!(
        text,
        "channels   {} x {} pseudo-channels x {} ranks x {} groups x {} banks; {} rows of {} B; bursts of {} B",
        organisation.channels,
        organisation.pseudo_channels,
        organisation.ranks,
        organisation.bank_groups,
        organisation.banks_per_group,
        organisation.rows,
        organisation.row_bytes,
        organisation.burst_bytes
    );
    let _ = writeln!(
        text,
        "commands   {} a tick of {:.2} ps; a read returns after {} ticks",
        match part.interface.slots {
            Slots::One => "one",
            Slots::RowAndColumn => "one row and one column command",
        },
        shown.tick_ps,
        shown.read_latency
    );
    match &shown.energy {
        None => text.push_str("energy     no source\n"),
        Some(energy) => {
            let _ = writeln!(
                text,
                "energy     by {}: ACT and PRE {:.1} pJ, RD {:.1} pJ, WR {:.1} pJ, REF {}, standby {}",
                energy.basis,
                energy.activate_pj,
                energy.read_pj,
                energy.write_pj,
                or_no_source(energy.refresh_pj, "pJ"),
                or_no_source(energy.standby_active_mw, "mW a rank")
            );
        }
    }
    text.push_str("\ntiming          ticks          ns\n");
    for (name, ticks) in &shown.timing {
        let ns = *ticks as f64 * shown.tick_ps / 1e3;
        let _ = writeln!(text, "{name:<12} {ticks:>8} {ns:>11.3}");
    }
    text.push_str("\ncommand  acts on          slot    ticks  data\n");
    for command in &shown.commands {
        let edge = if command.rising_edge {
            "  rising edge"
        } else {
            ""
        };
        let row = format!(
            "{:<8} {:<16} {:<7} {:>5}  {}{edge}",
            command.name, command.acts, command.slot, command.cycles, command.data
        );
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text.push_str("\nscope            ticks  from -> to\n");
    for line in &shown.constraints {
        let scope = if line.sibling {
            format!("other {}s", line.scope)
        } else {
            line.scope.to_owned()
        };
        let window = if line.window > 1 {
            format!("  ({} in a window)", line.window)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "{scope:<15} {:>6}  {} -> {}{window}",
            line.distance,
            line.first.join(" "),
            line.then.join(" ")
        );
    }
    text
}

fn or_no_source(figure: Option<f64>, unit: &str) -> String {
    figure.map_or_else(
        || "without source".to_owned(),
        |figure| format!("{figure:.1} {unit}"),
    )
}

//! What a PIM side and its part ask of each other: activations that the current allows, rules files
//! that hold apart what the row buffers make exclusive, rows of whole steps.

use super::error::ConfigError;
use super::load::Document;
use super::raw::RawMachine;
use crate::dram::constraint::Constraint;
use crate::dram::{Command, Direction, Scope, Standard};
use crate::pim::passes::longest;
use crate::pim::{Activation, Format, PimTiming, RowBuffers, attacc};

/// Rules between the PIM side and its part.
pub(super) fn check(
    machine: &Document<RawMachine>,
    standard: &Standard,
    pim: &PimTiming,
) -> Result<(), ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let organisation = &standard.organisation;
    let at_once = organisation.banks_per_group;
    let group = pim.activation == Activation::Group;
    if group && at_once > 4 && !pim.quirks.gact_outside_window {
        let rule = format!(
            "opens the {at_once} banks of a group at once, and the four-activate window admits four: \
             \"rank\" opens those of a rank one behind the other"
        );
        return fault("pim.activation", &rule);
    }
    if let Some(command) = commands(pim)
        .into_iter()
        .find(|command| standard.interface.form(*command).is_none())
    {
        let rule = format!(
            "these do not describe {}, which this PIM side issues",
            command.mnemonic()
        );
        return fault("pim.rules", &rule);
    }
    if let Some((first, then)) = lacking(pim, &standard.constraints) {
        let (mode, shipped) = match pim.row_buffers {
            RowBuffers::Blocked => ("blocked", "pim-blocked"),
            RowBuffers::Dual => ("dual", "pim-dual"),
        };
        let rule = format!(
            "row_buffers = \"{mode}\" needs a distance from {} to {}, and these rules have none; \
             the shipped '{shipped}' has it",
            first.mnemonic(),
            then.mnemonic()
        );
        return fault("pim.rules", &rule);
    }
    column_path(machine, standard, pim)?;
    for (name, format) in Format::NAMES {
        let Some(macs) = pim.macs(format) else {
            continue;
        };
        let whole = format.elements(organisation.row_bytes).is_multiple_of(macs);
        if !whole {
            let path = match format {
                Format::Fp16 => "pim.macs_per_bank".to_owned(),
                _ => format!("pim.formats.{name}"),
            };
            let rule = format!(
                "a row of {} bytes is a whole number of steps; found {macs} elements a step",
                organisation.row_bytes
            );
            return fault(&path, &rule);
        }
    }
    Ok(())
}

/// The commands that a PIM side issues.
fn commands(pim: &PimTiming) -> Vec<Command> {
    use Command::{Comp, CompsReadres, Gwrite, Header, Readres};
    let mut commands = vec![
        Gwrite,
        pim.activation.command(),
        pim.row_buffers.close_command(),
    ];
    if !pim.quirks.per_bank_precharge {
        commands.push(pim.row_buffers.close_all_command());
    }
    if pim.header {
        commands.push(Header);
    }
    if pim.composite {
        commands.push(CompsReadres);
    } else {
        commands.extend([Comp, Readres]);
    }
    commands
}

/// The first pair of commands that the life of a row needs held apart and that no constraint names.
/// With one row buffer a bank, PIM rows and host rows take turns, so they are held apart as well.
fn lacking(pim: &PimTiming, constraints: &[Constraint]) -> Option<(Command, Command)> {
    let open = pim.activation.command();
    let step = if pim.composite {
        Command::CompsReadres
    } else {
        Command::Comp
    };
    let mut closes = vec![pim.row_buffers.close_command()];
    if !pim.quirks.per_bank_precharge {
        closes.push(pim.row_buffers.close_all_command());
    }
    let mut pairs = vec![
        (open, open),
        (open, step),
        (step, step),
        (Command::Ref, open),
    ];
    for close in closes {
        pairs.extend([(open, close), (step, close), (close, open)]);
    }
    if pim.row_buffers == RowBuffers::Blocked {
        pairs.extend([(open, Command::Act), (Command::Act, open)]);
    }
    let named = |(first, then): &(Command, Command)| {
        let mut constraints = constraints.iter();
        constraints.any(|constraint| constraint.first == *first && constraint.then == *then)
    };
    pairs.into_iter().find(|pair| !named(pair))
}

/// What the column path of a bank can deliver: a column access, each as far from the one before as
/// two reads of the bank are.
fn column_path(
    machine: &Document<RawMachine>,
    standard: &Standard,
    pim: &PimTiming,
) -> Result<(), ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let organisation = &standard.organisation;
    let apart = standard.column_stride(Direction::Read);
    if pim.comp < apart {
        let rule = format!(
            "a step every {} ticks, and two column accesses of a bank are {apart} apart (tCCD_L, \
             or the burst)",
            pim.comp
        );
        return fault("pim.comp_tck", &rule);
    }
    let access = pim.step_bytes.unwrap_or(organisation.burst_bytes);
    for (name, format) in Format::NAMES {
        let Some(macs) = pim.macs(format) else {
            continue;
        };
        let bytes = format.bytes(macs);
        if bytes > access {
            let path = match format {
                Format::Fp16 => "pim.macs_per_bank".to_owned(),
                _ => format!("pim.formats.{name}"),
            };
            let rule = format!(
                "a step of {macs} {name} elements reads {bytes} bytes, and a column access of a bank \
                 has {access}; pim.step_bytes declares a wider path inside the bank"
            );
            return fault(&path, &rule);
        }
    }
    let macs = pim.macs_per_bank.max(1);
    let steps = Format::Fp16.elements(organisation.row_bytes) / macs;
    let pass = steps.max(pim.min_comps).saturating_mul(pim.comp);
    let most = longest(standard);
    if pass > most {
        let rule = format!(
            "the {steps} steps of a row take {pass} ticks, and refreshes may wait {most}: eight of \
             them postponed"
        );
        return fault("pim.comp_tck", &rule);
    }
    // The row leaves its bank over the same path as a read.
    let least = organisation.columns() * apart;
    if pim.gwrite < least {
        let rule = format!(
            "a row of {} bytes is {} column accesses, {least} ticks at least; found {}",
            organisation.row_bytes,
            organisation.columns(),
            pim.gwrite
        );
        return fault("pim.gwrite_tck", &rule);
    }
    Ok(())
}

/// The same for AttAcc's steps in banks and bank groups, whose distance is a parameter of the part. At
/// buffer level a step is a read.
pub(super) fn attacc_steps(standard: &Standard, level: attacc::Level) -> Result<(), String> {
    if level == attacc::Level::Buffer {
        return Ok(());
    }
    let mac = level.mac();
    let apart = standard.column_stride(Direction::Read);
    let step = standard.distances.get(mac, mac, Scope::Channel);
    if step >= apart {
        return Ok(());
    }
    Err(format!(
        "{} every {step} ticks, and two column accesses of a bank are {apart} apart (tCCD_L, or the \
         burst)",
        mac.mnemonic()
    ))
}

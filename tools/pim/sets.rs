//! One product on each family of PIM commands, in the terms that they share.

use crate::diagnostics::Failure;
use memwall_sim::dram::command::PerCommand;
use memwall_sim::dram::{Command, Digit, NoObserver, Standard};
use memwall_sim::machine::{CommandSet, PimDevice};
use memwall_sim::metrics::pim::Product;
use memwall_sim::pim::bound::ClosedForm;
use memwall_sim::pim::gemv::{Gemv, Mapping, Order};
use memwall_sim::pim::{Format, PimTiming, attacc, gemv, hbm_pim};
use std::sync::Arc;

/// A product, done.
pub(super) struct Done {
    pub product: Product,
    /// How the matrix lies in the banks.
    pub layout: String,
    pub form: ClosedForm,
    pub notes: Vec<String>,
}

pub(super) fn run(device: &PimDevice, product: &Gemv) -> Result<Done, Failure> {
    match &device.set {
        CommandSet::Newton => newton(device, product),
        CommandSet::HbmPim(parameters) => of_hbm_pim(device, parameters, product),
        CommandSet::AttAcc(parameters) => of_attacc(device, *parameters, product),
    }
}

/// The closed forms of a device; of `steps` steps a row where its rows may be used in part.
pub(super) fn form(device: &PimDevice, steps: Option<u64>) -> Result<ClosedForm, Failure> {
    let standard = &device.memory;
    match &device.set {
        CommandSet::Newton => {
            let pim = side(device)?;
            let row = Format::Fp16.elements(standard.organisation.row_bytes);
            let steps = steps.unwrap_or(row.div_ceil(pim.macs_per_bank));
            let read = Format::Fp16.bytes(steps.saturating_mul(pim.macs_per_bank));
            Ok(ClosedForm::new(standard, pim, steps, read))
        }
        CommandSet::HbmPim(_) => whole_rows(steps, hbm_pim::bound::closed_form(standard)),
        CommandSet::AttAcc(parameters) => {
            whole_rows(steps, attacc::bound::closed_form(standard, parameters))
        }
    }
}

fn whole_rows(steps: Option<u64>, form: ClosedForm) -> Result<ClosedForm, Failure> {
    match steps {
        None => Ok(form),
        Some(_) => Err(Failure::input(
            "--steps is for devices with a PIM side in [pim]; the others use whole rows",
        )),
    }
}

/// The PIM side of a device, which the loader has made sure of.
fn side(device: &PimDevice) -> Result<&PimTiming, Failure> {
    let side = device.memory.pim.as_ref();
    side.ok_or_else(|| Failure::internal("a PIM device without a PIM side was loaded"))
}

fn newton(device: &PimDevice, product: &Gemv) -> Result<Done, Failure> {
    let standard = &device.memory;
    let done = gemv::run(product, standard, &mut NoObserver)
        .map_err(|failed| Failure::input(format!("{}: {failed}", device.name)))?;
    let pim = side(device)?;
    let flags = pim.quirks.flags();
    let set = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name);
    let mut notes = quirks(set);
    if done.adds_partial_sums() {
        notes.push("the device adds partial sums; its time for that is not counted".to_owned());
    }
    Ok(Done {
        product: (&done).into(),
        layout: layout(&done.mapping),
        form: ClosedForm::new(standard, pim, done.steps_a_row, done.bytes_a_row),
        notes,
    })
}

fn quirks<'a>(set: impl Iterator<Item = &'a str>) -> Vec<String> {
    let set: Vec<&str> = set.collect();
    if set.is_empty() {
        return Vec::new();
    }
    // How many banks open at once is what the bound of the machine as given says.
    let but = if set.contains(&"all_bank_act_outside_window") {
        ", but that a whole rank opens at once"
    } else {
        ""
    };
    vec![format!(
        "quirks are on ({}): the bound is that of a die without them{but}",
        set.join(", ")
    )]
}

fn layout(mapping: &Mapping) -> String {
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

/// What only the first family does.
fn limited(device: &PimDevice, product: &Gemv, formats: &[Format]) -> Result<(), Failure> {
    let name = &device.name;
    if product.vectors > 1 {
        let text = format!("{name}: a row serves one vector; --vectors is for devices with [pim]");
        return Err(Failure::input(text));
    }
    if !formats.contains(&product.format) {
        let known: Vec<&str> = formats.iter().map(|format| format.name()).collect();
        let (known, found) = (known.join(" or "), product.format.name());
        let text = format!("{name}: its multipliers take {known}; found {found}");
        return Err(Failure::input(text));
    }
    Ok(())
}

fn of_attacc(
    device: &PimDevice,
    parameters: attacc::Parameters,
    product: &Gemv,
) -> Result<Done, Failure> {
    limited(device, product, &[Format::Fp16, Format::Int8])?;
    let standard = &device.memory;
    let (weights, capacity) = (
        product.weight_bytes(),
        standard.organisation.capacity_bytes(),
    );
    if weights > capacity {
        let name = &device.name;
        let text = format!("{name}: the matrix takes {weights} bytes, and there are {capacity}");
        return Err(Failure::input(text));
    }
    let parameters = attacc::Parameters {
        element_bytes: product.format.bits() / 8,
        ..parameters
    };
    let (m, k) = (product.m, product.k);
    let done = attacc::gemv::gemv(standard, &parameters, m, k);
    let bound = attacc::bound::bound(standard, &parameters);
    let steps = attacc::gemv::steps(standard, &parameters, m, k);
    let of = |command: Command| done.of(command) * standard.organisation.burst_bytes;
    let lanes = bound.step_bytes / parameters.element_bytes;
    let quirk = parameters.quirks;
    let set = [
        (
            "all_bank_act_outside_window",
            quirk.all_bank_act_outside_window,
        ),
        ("macs_beside_moves", quirk.macs_beside_moves),
        ("checked_on_one_path", quirk.checked_on_one_path),
        ("barriers_take_slots", quirk.barriers_take_slots),
        ("one_command_a_tick", quirk.one_command_a_tick),
    ];
    Ok(Done {
        product: Product {
            ticks: done.ticks,
            upload: None,
            read_out: None,
            bound: bound.least_ticks(steps),
            channels: (standard.organisation.channels as u64).min(m),
            commands: done.commands,
            vector_bytes: of(Command::WrGb),
            // A move takes a burst from the like unit of every pseudo-channel.
            result_bytes: of(Command::MvSb) * standard.organisation.pseudo_channels as u64,
            macs: (product.macs(), done.macs() * lanes),
            streaming: gemv::streaming(weights, &interleaved(standard)),
        },
        layout: "rows over channels and units, columns over the banks of a unit".to_owned(),
        form: attacc::bound::closed_form(standard, &parameters),
        notes: quirks(set.iter().filter(|(_, set)| *set).map(|(name, _)| *name)),
    })
}

/// The same part with consecutive bursts in other pseudo-channels and bank groups: how a host that
/// only reads would address it. AttAcc's own layout keeps a head in one bank.
fn interleaved(standard: &Standard) -> Arc<Standard> {
    use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
    let mut standard = standard.clone();
    standard.organisation.mapping = [Row, Rank, Bank, Column, BankGroup, PseudoChannel, Channel];
    Arc::new(standard)
}

fn of_hbm_pim(
    device: &PimDevice,
    parameters: &hbm_pim::Parameters,
    product: &Gemv,
) -> Result<Done, Failure> {
    limited(device, product, &[Format::Fp16])?;
    let standard = &device.memory;
    let fault = |error: hbm_pim::HbmPimError| Failure::input(format!("{}: {error}", device.name));
    let (m, k) = (product.m, product.k);
    let done = hbm_pim::gemv(standard, parameters, m, k).map_err(fault)?;
    let kernel = hbm_pim::gemv::Gemv::new(standard, m, k).map_err(fault)?;
    let quirk = parameters.quirks;
    let set = [
        ("two_bank_view", quirk.two_bank_view),
        ("no_activation_window", quirk.no_activation_window),
        ("refresh_beside_precharge", quirk.refresh_beside_precharge),
        ("refresh_yields", quirk.refresh_yields),
    ];
    let mut notes = quirks(set.iter().filter(|(_, set)| *set).map(|(name, _)| *name));
    notes.push(format!(
        "the time ends with the partial sums in the banks, as published; {} additions are the host's",
        done.host_additions
    ));
    let results = kernel.result_bursts() * standard.organisation.burst_bytes;
    Ok(Done {
        product: Product {
            ticks: done.ticks,
            upload: None,
            read_out: Some(done.read_out_ticks),
            bound: hbm_pim::bound::gemv_ticks(standard, done.weight_bytes),
            channels: done.channels,
            commands: PerCommand(done.commands.0.map(|count| count * done.channels)),
            vector_bytes: done.upload_bytes,
            result_bytes: results,
            macs: (product.macs(), kernel.room()),
            streaming: done.streaming_ticks,
        },
        layout: "rows over units, columns over even and odd banks".to_owned(),
        form: hbm_pim::bound::closed_form(standard),
        notes,
    })
}

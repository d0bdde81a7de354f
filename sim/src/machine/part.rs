//! A memory part: the rules between its keys. What passes here can be simulated.

use super::error::ConfigError;
use super::load::Document;
use super::part_energy;
use super::part_raw::{RawMemory, RawPagePolicy, RawRefresh, RawRules};
use super::part_rules::PartRules;
use super::part_timing::Parameters;
use crate::dram::{
    Command, Controller, Description, Digit, Fold, Organisation, PagePolicy, Refreshes, Scope,
    Standard,
};
use crate::pim::PimTiming;
use crate::time::Clock;

/// Longest timing parameter and distance, in ticks: far above any, low enough that a run of a few
/// requests ends.
pub(super) const MOST_TICKS: u64 = 1 << 20;

/// A part with its rules, and the PIM side that a machine gives it.
pub(super) fn resolve(
    name: &str,
    memory: &Document<RawMemory>,
    rules: &[Document<RawRules>],
    pim: Option<PimTiming>,
) -> Result<Standard, ConfigError> {
    let raw = &memory.raw;
    let clock = clock(memory)?;
    let organisation = organisation(memory)?;
    let written = PartRules::read(memory, rules)?;
    let mut parameters = Parameters::written(memory, clock)?;
    parameters.refuse_unused(memory, &written.names())?;
    parameters.values.extend(written.cycles());
    if let Some(pim) = &pim {
        parameters.values.extend(pim.parameters());
    }
    parameters.add_defaults(&written.defaults);
    // Rare refreshes are quick to simulate, so their interval has no bound.
    let long = parameters
        .values
        .iter()
        .find(|(name, ticks)| *name != "t_refi" && **ticks > MOST_TICKS);
    if let Some((name, ticks)) = long {
        let rule = format!("at most {MOST_TICKS} ticks; comes to {ticks}");
        return Err(memory.fault(&parameters.path(name), &rule));
    }
    let interface = written.interface(&parameters)?;
    let rate = refresh_rate(memory)?;
    // Ranks that are refreshed one after the other: all of them, unless a refresh covers the
    // pseudo-channel.
    let together = interface
        .form(Command::Ref)
        .is_some_and(|form| form.acts > Scope::Rank);
    let apart = if together { 1 } else { organisation.ranks };
    let timing = parameters.core(memory, apart as u64, rate)?;
    let quirks = pim.as_ref().map(|pim| pim.quirks).unwrap_or_default();
    let constraints = written.constraints(&parameters, &quirks.flags())?;
    parameters
        .values
        .retain(|name, _| !name.ends_with("_cycles"));
    let given = |command, name: &str| {
        let ticks = parameters.values.get(name).copied();
        ticks.filter(|_| written.has(command))
    };
    let refreshes = Refreshes {
        interval: timing.refi,
        all_bank: timing.rfc,
        one_bank: given(Command::RefBank, "t_rfc_pb"),
        same_bank: given(Command::RefSame, "t_rfc_sb"),
    };
    // A bank that is refreshed alone must be opened and closed between two refreshes of it.
    let row = timing.rcd_rd.max(timing.rcd_wr) + timing.ras + timing.rp + timing.write_done();
    for (name, time) in [
        ("t_rfc_pb", refreshes.one_bank),
        ("t_rfc_sb", refreshes.same_bank),
    ] {
        if let Some(time) = time.filter(|time| time + row >= refreshes.interval) {
            let rule = format!(
                "with an access of {row} ticks less than the refresh interval, {} ticks; it has {time}",
                refreshes.interval
            );
            return Err(memory.fault(&parameters.path(name), &rule));
        }
    }
    let energy = part_energy::resolve(memory, clock, &organisation, &timing, &refreshes)?;
    let controller = controller(memory, &organisation)?;
    let tuning = raw
        .requests
        .tuning()
        .map_err(|(key, rule)| memory.fault(&format!("requests.{key}"), &rule))?;
    if let Some(pim) = &pim {
        check_pim(memory, &organisation, timing.refi, pim)?;
    }
    Ok(Standard::assemble(Description {
        name: name.to_owned(),
        description: raw.description.clone(),
        inherited: raw.inherited.clone(),
        clock,
        organisation,
        timing,
        parameters: parameters.values,
        interface,
        constraints,
        refreshes,
        energy,
        controller,
        tuning,
        pim,
    }))
}

pub(super) fn clock(memory: &Document<RawMemory>) -> Result<Clock, ConfigError> {
    let raw = &memory.raw;
    let given = [
        ("clock_mhz", raw.clock_mhz, 1_000_000),
        ("clock_khz", raw.clock_khz, 1_000),
        ("tck_ps", raw.tck_ps, 0),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(key, value, unit)| Some((key, value?.0, unit)));
    let Some((key, value, unit)) = given.next() else {
        let rule = "a part gives its command clock, as clock_mhz, clock_khz or tck_ps";
        return Err(memory.fault("", rule));
    };
    if let Some((other, ..)) = given.next() {
        let rule = format!("a part gives its clock once; there is {key} already");
        return Err(memory.fault(other, &rule));
    }
    let clock = if unit == 0 {
        Clock::from_period(value)
    } else {
        Clock::new(value.saturating_mul(unit))
    };
    clock.ok_or_else(|| memory.fault(key, "must not be zero"))
}

/// Refreshes in one `t_refi`.
fn refresh_rate(memory: &Document<RawMemory>) -> Result<u64, ConfigError> {
    let rate = memory.raw.controller.refresh_rate.map_or(1, |rate| rate.0);
    if [1, 2, 4].contains(&rate) {
        return Ok(rate);
    }
    let rule = format!("1, 2 (above 85 °C) or 4 refreshes in t_refi; found {rate}");
    Err(memory.fault("controller.refresh_rate", &rule))
}

fn organisation(memory: &Document<RawMemory>) -> Result<Organisation, ConfigError> {
    let fault = |path: &str, rule: String| Err(memory.fault(path, &rule));
    let o = &memory.raw.organisation;
    let mut organisation = Organisation {
        channels: o.channels.0 as usize,
        pseudo_channels: o.pseudo_channels.map_or(1, |count| count.0 as usize),
        ranks: o.ranks.0 as usize,
        bank_groups: o.bank_groups.0 as usize,
        banks_per_group: o.banks_per_group.0 as usize,
        rows: o.rows.0,
        row_bytes: o.row_bytes.0,
        burst_bytes: o.burst_bytes.0,
        xor: Vec::new(),
        mapping: match mapping(&o.mapping) {
            Ok(mapping) => mapping,
            Err(rule) => return fault("organisation.mapping", rule),
        },
    };
    for (path, value, most) in [
        ("organisation.channels", o.channels.0, 1 << 12),
        (
            "organisation.pseudo_channels",
            organisation.pseudo_channels as u64,
            4,
        ),
        ("organisation.ranks", o.ranks.0, 16),
        ("organisation.bank_groups", o.bank_groups.0, 16),
        ("organisation.banks_per_group", o.banks_per_group.0, 32),
        ("organisation.rows", o.rows.0, 1 << 24),
        ("organisation.row_bytes", o.row_bytes.0, 1 << 20),
    ] {
        if value > most {
            return fault(path, format!("at most {most}; found {value}"));
        }
    }
    let banks = organisation.banks();
    if banks > 64 {
        return fault(
            "organisation.banks_per_group",
            format!(
                "pseudo_channels x ranks x bank_groups x banks_per_group is at most 64 a channel; found {banks}"
            ),
        );
    }
    if !o.row_bytes.0.is_multiple_of(o.burst_bytes.0) {
        return fault(
            "organisation.row_bytes",
            format!(
                "a row is a whole number of bursts of {} bytes",
                o.burst_bytes.0
            ),
        );
    }
    for (index, text) in o.xor.iter().enumerate() {
        match fold(text, &organisation) {
            Ok(fold) => organisation.xor.push(fold),
            Err(rule) => return fault(&format!("organisation.xor.{index}"), rule),
        }
    }
    Ok(organisation)
}

/// `ba^ro>>2`
fn fold(text: &str, organisation: &Organisation) -> Result<Fold, String> {
    let rule = || {
        format!(
            "a digit hashed with the row, as ba^ro or bg^ro>>2: one of ba bg pc ra, each once, of \
             a power of two; found '{text}'"
        )
    };
    let (digit, row) = text.split_once('^').ok_or_else(rule)?;
    let (row, shift) = row.split_once(">>").unwrap_or((row, "0"));
    let shift = shift.trim().parse().ok().filter(|shift| *shift < 32);
    let digit = match digit.trim() {
        "ba" => (Digit::Bank, organisation.banks_per_group),
        "bg" => (Digit::BankGroup, organisation.bank_groups),
        "pc" => (Digit::PseudoChannel, organisation.pseudo_channels),
        "ra" => (Digit::Rank, organisation.ranks),
        _ => return Err(rule()),
    };
    let twice = organisation.xor.iter().any(|fold| fold.digit == digit.0);
    match shift {
        Some(shift) if row.trim() == "ro" && digit.1.is_power_of_two() && !twice => Ok(Fold {
            digit: digit.0,
            shift,
        }),
        _ => Err(rule()),
    }
}

fn controller(
    memory: &Document<RawMemory>,
    organisation: &Organisation,
) -> Result<Controller, ConfigError> {
    let fault = |path: &str, rule: String| Err(memory.fault(path, &rule));
    let c = &memory.raw.controller;
    let columns = organisation.columns();
    if c.bank_queue_bursts.0 < columns {
        return fault(
            "controller.bank_queue_bursts",
            format!("the queue of a bank holds at least one row, {columns} bursts"),
        );
    }
    if c.write_low_bursts.0 >= c.write_high_bursts.0 {
        return fault(
            "controller.write_low_bursts",
            format!(
                "must be below write_high_bursts = {}",
                c.write_high_bursts.0
            ),
        );
    }
    Ok(Controller {
        bank_queue_bursts: c.bank_queue_bursts.0,
        write_high: c.write_high_bursts.0,
        write_low: c.write_low_bursts.0,
        page_policy: match c.page_policy {
            RawPagePolicy::Open => PagePolicy::Open,
            RawPagePolicy::CloseOnIdle => PagePolicy::CloseOnIdle,
        },
        refresh_together: matches!(c.refresh, Some(RawRefresh::Together)),
        max_lease: u64::MAX,
    })
}

fn check_pim(
    memory: &Document<RawMemory>,
    organisation: &Organisation,
    refresh_interval: u64,
    pim: &PimTiming,
) -> Result<(), ConfigError> {
    let fault = |path: &str, rule: String| Err(memory.fault(path, &rule));
    if !organisation.xor.is_empty() {
        let rule = "PIM layouts place rows in banks by themselves: no hashing with PIM".to_owned();
        return fault("organisation.xor", rule);
    }
    if organisation.mapping[6] != Digit::Column {
        return fault(
            "organisation.mapping",
            "PIM layouts need consecutive columns: the mapping must end in 'co'".into(),
        );
    }
    if pim.gwrite > refresh_interval / organisation.ranks as u64 {
        return fault(
            "timing.t_refi_tck",
            format!(
                "the refresh interval of a rank is below one GWRITE of {}",
                pim.gwrite
            ),
        );
    }
    Ok(())
}

fn mapping(text: &str) -> Result<[Digit; 7], String> {
    let rule = || {
        format!(
            "address digits, most significant first: each of ro ra bg ba ch co once, pc at most \
             once (where absent it stands after ra); found '{text}'"
        )
    };
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(rule());
    }
    let mut digits = Vec::with_capacity(7);
    for index in 0..text.len() / 2 {
        let name = &text[2 * index..2 * index + 2];
        let known = Digit::NAMES.iter().find(|(known, _)| *known == name);
        digits.push(known.ok_or_else(rule)?.1);
    }
    if !digits.contains(&Digit::PseudoChannel) {
        let rank = digits.iter().position(|&digit| digit == Digit::Rank);
        digits.insert(rank.ok_or_else(rule)? + 1, Digit::PseudoChannel);
    }
    if Digit::NAMES
        .iter()
        .any(|(_, digit)| !digits.contains(digit))
    {
        return Err(rule());
    }
    digits.try_into().map_err(|_| rule())
}

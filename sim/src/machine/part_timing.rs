//! Timing parameters: from values with a unit in their key to whole ticks by name.

use super::error::ConfigError;
use super::expression::Expression;
use super::load::Document;
use super::number::{Figure, LARGEST};
use super::part_raw::{RawMemory, RawRounding};
use crate::dram::Timing;
use crate::time::{Clock, Tick};
use memwall_models::spelling;
use std::collections::{BTreeMap, BTreeSet};

/// Units of a key, with the picoseconds of one; ticks have none.
const UNITS: [(&str, Option<u64>); 4] = [
    ("_tck", None),
    ("_ps", Some(1)),
    ("_ns", Some(1_000)),
    ("_us", Some(1_000_000)),
];

/// What every part gives, directly or through a default of its rules.
const CORE: [&str; 20] = [
    "cl", "cwl", "burst", "t_rcd_rd", "t_rcd_wr", "t_rp", "t_ras", "t_rc", "t_rrd_s", "t_rrd_l",
    "t_faw", "t_ccd_s", "t_ccd_l", "t_wtr_s", "t_wtr_l", "t_wr", "t_rtp", "t_rtrs", "t_rfc",
    "t_refi",
];

/// What parts may give although no distance may name it.
pub(super) const REFRESH: [&str; 2] = ["t_rfc_pb", "t_rfc_sb"];

/// A key without its unit.
pub(super) fn stem(key: &str) -> Option<&str> {
    let of_unit = |&(unit, _): &(&str, _)| key.strip_suffix(unit);
    UNITS
        .iter()
        .find_map(of_unit)
        .filter(|stem| !stem.is_empty())
}

/// Timing parameters in ticks, and the keys that gave them.
pub(super) struct Parameters {
    pub values: BTreeMap<String, Tick>,
    keys: BTreeMap<String, String>,
}

impl Parameters {
    /// The parameters that a part's file writes.
    pub(super) fn written(
        memory: &Document<RawMemory>,
        clock: Clock,
    ) -> Result<Parameters, ConfigError> {
        let mut parameters = Parameters {
            values: BTreeMap::new(),
            keys: BTreeMap::new(),
        };
        for (key, &figure) in &memory.raw.timing {
            let fault = |rule: String| memory.fault(&format!("timing.{key}"), &rule);
            let Some(name) = stem(key) else {
                let rule = "a timing parameter ends in its unit: _tck, _ps, _ns or _us";
                return Err(fault(rule.to_owned()));
            };
            let unit = UNITS.iter().find(|(unit, _)| key.ends_with(unit));
            let ticks = match (unit.and_then(|(_, ps)| *ps), figure) {
                (None, Figure::Whole(ticks)) => Some(ticks),
                (None, Figure::Fraction(_)) => None,
                (Some(ps), Figure::Whole(count)) => {
                    Some(ticks(count.saturating_mul(ps), clock, memory.raw.rounding))
                }
                (Some(ps), Figure::Fraction(count)) => {
                    let ps = (count * ps as f64).round() as u64;
                    Some(ticks(ps, clock, memory.raw.rounding))
                }
            };
            let Some(ticks) = ticks.filter(|&ticks| ticks <= LARGEST) else {
                return Err(fault(format!(
                    "ticks are a whole number from 0 to {LARGEST}"
                )));
            };
            if ticks == 0 && CORE.contains(&name) && name != "t_rtrs" {
                let rule = format!("a whole number from 1 to {LARGEST}; found 0 ticks");
                return Err(fault(rule));
            }
            if let Some(other) = parameters.keys.insert(name.to_owned(), key.clone()) {
                return Err(fault(format!("'{other}' gives the same parameter")));
            }
            parameters.values.insert(name.to_owned(), ticks);
        }
        Ok(parameters)
    }

    /// Adds the defaults that can be worked out, in whatever order they need each other.
    pub(super) fn add_defaults(&mut self, defaults: &[(&str, Expression)]) {
        let mut grown = true;
        while grown {
            grown = false;
            for (name, expression) in defaults {
                if self.values.contains_key(*name) {
                    continue;
                }
                if let Ok(ticks) = self.evaluate(expression) {
                    self.values.insert((*name).to_owned(), ticks);
                    grown = true;
                }
            }
        }
    }

    /// Ticks of an expression, zero where it is negative; `Err` names a parameter that is not there.
    pub(super) fn evaluate(&self, expression: &Expression) -> Result<Tick, String> {
        let mut value = |name: &str| {
            let ticks = *self.values.get(name)?;
            i64::try_from(ticks).ok()
        };
        let ticks = expression.evaluate(&mut value)?;
        Ok(u64::try_from(ticks).unwrap_or(0).min(LARGEST))
    }

    /// Path of the key that gave a parameter, or of the table where none did.
    pub(super) fn path(&self, name: &str) -> String {
        match self.keys.get(name) {
            Some(key) => format!("timing.{key}"),
            None => "timing".to_owned(),
        }
    }

    /// Refuses a parameter that nothing reads: most likely it is misspelt.
    pub(super) fn refuse_unused(
        &self,
        memory: &Document<RawMemory>,
        used: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        let known = || {
            let fixed = CORE.into_iter().chain(REFRESH);
            used.iter().map(String::as_str).chain(fixed)
        };
        for (name, key) in &self.keys {
            if known().any(|known| known == name) {
                continue;
            }
            let rule = format!("no rule of this part reads '{name}'");
            let mut error = memory.fault(&format!("timing.{key}"), &rule);
            error.nearest = spelling::nearest(name, known()).map(str::to_owned);
            return Err(error);
        }
        Ok(())
    }

    /// The core timing, checked.
    pub(super) fn core(
        &self,
        memory: &Document<RawMemory>,
        refreshed_apart: u64,
        rate: u64,
    ) -> Result<Timing, ConfigError> {
        for name in CORE {
            if !self.values.contains_key(name) {
                let rule = format!("'{name}' is missing: give {name}_tck or {name}_ns");
                let mut error = memory.fault("timing", &rule);
                let given = self.keys.keys().map(String::as_str);
                error.nearest = spelling::nearest(name, given).map(str::to_owned);
                return Err(error);
            }
        }
        let of = |name: &str| self.values.get(name).copied().unwrap_or_default();
        let timing = Timing {
            cl: of("cl"),
            cwl: of("cwl"),
            burst: of("burst"),
            rcd_rd: of("t_rcd_rd"),
            rcd_wr: of("t_rcd_wr"),
            rp: of("t_rp"),
            ras: of("t_ras"),
            rc: of("t_rc"),
            rrd_s: of("t_rrd_s"),
            rrd_l: of("t_rrd_l"),
            faw: of("t_faw"),
            ccd_s: of("t_ccd_s"),
            ccd_l: of("t_ccd_l"),
            wtr_s: of("t_wtr_s"),
            wtr_l: of("t_wtr_l"),
            wr: of("t_wr"),
            rtp: of("t_rtp"),
            rtrs: of("t_rtrs"),
            rfc: of("t_rfc"),
            refi: of("t_refi") / rate,
        };
        self.check(memory, &timing, refreshed_apart)?;
        Ok(timing)
    }

    fn check(
        &self,
        memory: &Document<RawMemory>,
        timing: &Timing,
        ranks: u64,
    ) -> Result<(), ConfigError> {
        // A row opened just before a refresh falls due delays it by a row cycle, every open bank by
        // a slot; after the refresh a row must open and serve before the next falls due.
        let organisation = &memory.raw.organisation;
        let banks = organisation.bank_groups.0 * organisation.banks_per_group.0;
        let write = timing.rcd_wr + timing.write_done() + timing.wr;
        let read = timing.rcd_rd + timing.rtp;
        let held = write.max(read).max(timing.ras) + timing.rp + banks;
        let access = held + timing.rcd_rd.max(timing.rcd_wr) + 1;
        let not_below = |name: &str, ticks: Tick| format!("not below {name}_tck = {ticks}");
        let rules: [(&str, bool, String); 8] = [
            (
                "t_ras",
                timing.ras >= timing.rcd_rd,
                format!("a row stays open at least t_rcd_rd_tck = {}", timing.rcd_rd),
            ),
            (
                "t_rc",
                timing.rc >= timing.ras,
                not_below("t_ras", timing.ras),
            ),
            (
                "t_rrd_l",
                timing.rrd_l >= timing.rrd_s,
                not_below("t_rrd_s", timing.rrd_s),
            ),
            (
                "t_ccd_l",
                timing.ccd_l >= timing.ccd_s,
                not_below("t_ccd_s", timing.ccd_s),
            ),
            (
                "t_wtr_l",
                timing.wtr_l >= timing.wtr_s,
                not_below("t_wtr_s", timing.wtr_s),
            ),
            (
                "t_faw",
                timing.faw >= timing.rrd_s,
                not_below("t_rrd_s", timing.rrd_s),
            ),
            (
                "cl",
                timing.cl + timing.burst >= timing.cwl,
                format!(
                    "read data ends not before write data may start, cwl_tck = {}",
                    timing.cwl
                ),
            ),
            (
                "t_refi",
                timing.refi / ranks > timing.rfc + access,
                format!(
                    "between two refreshes of {ranks} ranks there must be time for one, \
                     t_rfc_tck = {}, and for closing all banks and an access, {access}",
                    timing.rfc
                ),
            ),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((name, _, rule)) => Err(memory.fault(&self.path(name), &rule)),
            None => Ok(()),
        }
    }
}

/// Picoseconds in ticks. The guard bands are those of the standards' rounding algorithms, in
/// thousandths of a tick.
fn ticks(ps: u64, clock: Clock, rounding: RawRounding) -> Tick {
    let (numerator, denominator) = clock.period_ps();
    let (numerator, scaled) = (
        u128::from(numerator),
        u128::from(ps) * u128::from(denominator),
    );
    let banded = |added: u128| (scaled * 1000 / numerator + added) / 1000;
    let ticks = match rounding {
        RawRounding::Up => scaled.div_ceil(numerator),
        RawRounding::Nearest => (2 * scaled + numerator) / (2 * numerator),
        RawRounding::Ddr4 => banded(974),
        RawRounding::Ddr5 => banded(997),
    };
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_follows_its_rule() {
        let ddr4 = Clock::from_period(625).unwrap();
        assert_eq!(ticks(13_750, ddr4, RawRounding::Up), 22);
        assert_eq!(ticks(13_760, ddr4, RawRounding::Up), 23);
        assert_eq!(ticks(13_760, ddr4, RawRounding::Ddr4), 22);
        assert_eq!(ticks(13_770, ddr4, RawRounding::Ddr4), 23);
        assert_eq!(ticks(13_760, ddr4, RawRounding::Nearest), 22);
        let ddr5 = Clock::new(2_400_000_000).unwrap();
        assert_eq!(ticks(16_000, ddr5, RawRounding::Up), 39);
        assert_eq!(ticks(16_000, ddr5, RawRounding::Ddr5), 39);
        assert_eq!(ticks(14_166, ddr5, RawRounding::Ddr5), 34);
        assert_eq!(ticks(0, ddr5, RawRounding::Ddr5), 0);
    }

    #[test]
    fn a_key_is_a_name_and_a_unit() {
        assert_eq!(stem("t_rcd_rd_ns"), Some("t_rcd_rd"));
        assert_eq!(stem("cl_tck"), Some("cl"));
        assert_eq!(stem("t_rcd"), None);
        assert_eq!(stem("_ns"), None);
    }
}

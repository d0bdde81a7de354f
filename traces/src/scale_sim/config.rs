//! A configuration of SCALE-Sim: sections of keys and values, as Python's `configparser` reads them.

use super::{ScaleSimError, excerpt, whole};
use crate::nearest::nearest;

/// What stays in the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Weights.
    Ws,
    /// Outputs.
    Os,
    /// Inputs.
    Is,
}

/// What limits the traffic behind the scratchpads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `CALC`: nothing.
    Calculated,
    /// `USER`: words a cycle of inputs, weights and outputs.
    User(u64, u64, u64),
}

/// Which weights a layer keeps, where `SparsitySupport` is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sparse {
    /// What the topology says of each layer.
    Layers,
    /// At most half of each block of so many, row by row (`OptimizedMapping`).
    Rows(u64),
}

/// A configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleSimConfig {
    /// `run_name`.
    pub name: String,
    /// Rows of the array.
    pub rows: u64,
    /// Columns of the array.
    pub columns: u64,
    /// What stays in it.
    pub flow: Flow,
    /// KiB of the scratchpads of inputs, weights and outputs.
    pub scratchpads_kib: [u64; 3],
    /// What is behind them.
    pub interface: Interface,
    /// Whether weights are pruned.
    pub sparse: Option<Sparse>,
}

/// Sections and their keys, in lower case. Those in the second list change nothing that is modelled.
const SECTIONS: [(&str, &[&str], &[&str]); 7] = [
    ("general", &["run_name"], &[]),
    (
        "architecture_presets",
        &[
            "arrayheight",
            "arraywidth",
            "ifmapsramszkb",
            "filtersramszkb",
            "ofmapsramszkb",
            "dataflow",
            "bandwidth",
        ],
        &[
            "ifmapoffset",
            "filteroffset",
            "ofmapoffset",
            "memorybanks",
            "readrequestbuffer",
            "writerequestbuffer",
        ],
    ),
    (
        "layout",
        &[
            "ifmapcustomlayout",
            "filtercustomlayout",
            "ifmapsrambankbandwidth",
            "filtersrambankbandwidth",
        ],
        &[
            "ifmapsrambanknum",
            "ifmapsrambankport",
            "filtersrambanknum",
            "filtersrambankport",
        ],
    ),
    (
        "sparsity",
        &["sparsitysupport", "optimizedmapping", "blocksize"],
        &["sparserep", "randomnumbergeneratorseed", "nonzeroelems"],
    ),
    (
        "run_presets",
        &["interfacebandwidth", "useramulatortrace"],
        &["timelinearmodel"],
    ),
    ("network_presets", &[], &["topologycsvloc"]),
    ("energy", &[], &["accelergy"]),
];

/// Words a cycle of the read ports where the tool is not told: `[layout]` is absent.
const DEFAULT_RATE: u64 = 10;

struct Entry<'a> {
    section: &'a str,
    key: String,
    value: &'a str,
    line: u64,
}

struct Entries<'a> {
    origin: &'a str,
    entries: Vec<Entry<'a>>,
}

impl ScaleSimConfig {
    /// Reads a configuration. `origin` is what errors call it.
    pub fn parse(origin: &str, text: &str) -> Result<ScaleSimConfig, ScaleSimError> {
        let entries = Entries::parse(origin, text)?;
        let presets = "architecture_presets";
        let mut scratchpads_kib = [0; 3];
        let keys = ["ifmapsramszkb", "filtersramszkb", "ofmapsramszkb"];
        for (size, key) in scratchpads_kib.iter_mut().zip(keys) {
            *size = entries.whole(presets, key)?;
        }
        for key in ["ifmapcustomlayout", "filtercustomlayout"] {
            if entries.flag("layout", key)? {
                let rule = "banks of a custom layout are not modelled: must be False";
                return Err(entries.at("layout", key, rule));
            }
        }
        if entries.flag("run_presets", "useramulatortrace")? {
            let rule = "latencies of a Ramulator run are not read: must be False; a memory part of \
                        a machine takes their place";
            return Err(entries.at("run_presets", "useramulatortrace", rule));
        }
        let flows = [("ws", Flow::Ws), ("os", Flow::Os), ("is", Flow::Is)];
        Ok(ScaleSimConfig {
            name: entries
                .find("general", "run_name")
                .map_or("", |e| e.value)
                .to_owned(),
            rows: entries.whole(presets, "arrayheight")?,
            columns: entries.whole(presets, "arraywidth")?,
            flow: entries.one_of(presets, "dataflow", &flows)?,
            scratchpads_kib,
            interface: entries.interface()?,
            sparse: entries.sparse()?,
        })
    }
}

impl<'a> Entries<'a> {
    fn parse(origin: &'a str, text: &'a str) -> Result<Entries<'a>, ScaleSimError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut section: Option<&str> = None;
        let fault = |line, field: &str, rule: String, nearest| ScaleSimError {
            origin: origin.to_owned(),
            line: Some(line),
            field: excerpt(field),
            rule,
            nearest,
        };
        for (line, raw) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let trimmed = raw.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
                let known = SECTIONS.iter().find(|(known, ..)| *known == name);
                let Some((known, ..)) = known else {
                    let near = nearest(name, SECTIONS.iter().map(|(known, ..)| *known));
                    return Err(fault(
                        line,
                        name,
                        "no section of this name is known".to_owned(),
                        near,
                    ));
                };
                section = Some(known);
                continue;
            }
            let Some((key, value)) = trimmed.split_once(['=', ':']) else {
                let rule = "must be '[section]', 'key = value' or 'key : value'".to_owned();
                return Err(fault(line, trimmed, rule, None));
            };
            let (key, value) = (key.trim(), value.trim());
            let Some(section) = section else {
                let rule = "stands before the first [section]".to_owned();
                return Err(fault(line, key, rule, None));
            };
            let folded = key.to_lowercase();
            let known = SECTIONS.iter().find(|(known, ..)| *known == section);
            let (used, unused) =
                known.map_or((&[][..], &[][..]), |(_, used, unused)| (*used, *unused));
            let mut names = used.iter().chain(unused).copied();
            if !names.clone().any(|name| name == folded) {
                let rule = format!("no key of this name is known in [{section}]");
                return Err(fault(line, key, rule, nearest(&folded, &mut names)));
            }
            if entries
                .iter()
                .any(|e| e.section == section && e.key == folded)
            {
                return Err(fault(line, key, "stands there twice".to_owned(), None));
            }
            entries.push(Entry {
                section,
                key: folded,
                value,
                line,
            });
        }
        Ok(Entries { origin, entries })
    }

    fn find(&self, section: &str, key: &str) -> Option<&Entry<'a>> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.section == section && entry.key == key)
    }

    fn at(&self, section: &str, key: &str, rule: impl Into<String>) -> ScaleSimError {
        ScaleSimError {
            origin: self.origin.to_owned(),
            line: self.find(section, key).map(|entry| entry.line),
            field: format!("[{section}] {key}"),
            rule: rule.into(),
            nearest: None,
        }
    }

    fn need(&self, section: &str, key: &str) -> Result<&Entry<'a>, ScaleSimError> {
        self.find(section, key)
            .ok_or_else(|| self.at(section, key, "is missing"))
    }

    fn whole(&self, section: &str, key: &str) -> Result<u64, ScaleSimError> {
        whole(self.need(section, key)?.value).map_err(|rule| self.at(section, key, rule))
    }

    fn one_of<T: Copy>(
        &self,
        section: &str,
        key: &str,
        words: &[(&str, T)],
    ) -> Result<T, ScaleSimError> {
        let value = self.need(section, key)?.value;
        let known = words.iter().find(|(word, _)| *word == value);
        known.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let rule = format!(
                "must be one of {}; found '{}'",
                names.join(", "),
                excerpt(value)
            );
            ScaleSimError {
                nearest: nearest(value, names),
                ..self.at(section, key, rule)
            }
        })
    }

    /// A truth value; false where it is absent.
    fn flag(&self, section: &str, key: &str) -> Result<bool, ScaleSimError> {
        let Some(entry) = self.find(section, key) else {
            return Ok(false);
        };
        match entry.value.to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => {
                let rule = format!("must be True or False; found '{}'", excerpt(entry.value));
                Err(self.at(section, key, rule))
            }
        }
    }

    /// v2 gives one rate to all ports. v3, which has `[layout]` or `[sparsity]`, takes those of the
    /// reads from the former, or else a default.
    fn interface(&self) -> Result<Interface, ScaleSimError> {
        let modes = [("CALC", false), ("USER", true)];
        if !self.one_of("run_presets", "interfacebandwidth", &modes)? {
            return Ok(Interface::Calculated);
        }
        let presets = "architecture_presets";
        let first = self.need(presets, "bandwidth")?.value.split(',').next();
        let rate = whole(first.unwrap_or_default().trim())
            .map_err(|rule| self.at(presets, "bandwidth", rule))?;
        let has = |section: &str| self.entries.iter().any(|entry| entry.section == section);
        if has("layout") {
            let read = |key| self.whole("layout", key);
            let inputs = read("ifmapsrambankbandwidth")?;
            return Ok(Interface::User(
                inputs,
                read("filtersrambankbandwidth")?,
                rate,
            ));
        }
        let reads = if has("sparsity") { DEFAULT_RATE } else { rate };
        Ok(Interface::User(reads, reads, rate))
    }

    fn sparse(&self) -> Result<Option<Sparse>, ScaleSimError> {
        if !self.flag("sparsity", "sparsitysupport")? {
            return Ok(None);
        }
        if !self.flag("sparsity", "optimizedmapping")? {
            return Ok(Some(Sparse::Layers));
        }
        let block = self.whole("sparsity", "blocksize")?;
        let rows = self.whole("architecture_presets", "arrayheight")?;
        if !block.is_multiple_of(2) || block > rows {
            let rule = format!("must be even and at most ArrayHeight, {rows}; found '{block}'");
            return Err(self.at("sparsity", "blocksize", rule));
        }
        Ok(Some(Sparse::Rows(block)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[general]\nrun_name = test\n\n[architecture_presets]\nArrayHeight: 32\n\
        ArrayWidth: 16\nIfmapSramSzkB: 64\nFilterSramSzkB: 128\nOfmapSramSzkB: 256\n\
        IfmapOffset: 0\nDataflow : os\nBandwidth : 20\n# a remark\n\
        [run_presets]\nInterfaceBandwidth: USER\n";

    #[test]
    fn a_configuration_of_v2_has_one_rate() {
        let config = ScaleSimConfig::parse("t.cfg", SMALL).expect("a sound file");
        assert_eq!(
            (config.rows, config.columns, config.flow),
            (32, 16, Flow::Os)
        );
        assert_eq!(config.scratchpads_kib, [64, 128, 256]);
        assert_eq!(config.interface, Interface::User(20, 20, 20));
        assert_eq!(config.name, "test");
    }

    #[test]
    fn one_of_v3_takes_the_rates_of_its_layout() {
        let layout = "[layout]\nIfmapSRAMBankBandwidth: 7\nFilterSRAMBankBandwidth: 8\n";
        let config = ScaleSimConfig::parse("t.cfg", &format!("{SMALL}{layout}")).expect("sound");
        assert_eq!(config.interface, Interface::User(7, 8, 20));
        let sparse = "[sparsity]\nSparsitySupport : true\nOptimizedMapping : true\nBlockSize : 8\n";
        let config = ScaleSimConfig::parse("t.cfg", &format!("{SMALL}{sparse}")).expect("sound");
        assert_eq!(config.interface, Interface::User(10, 10, 20));
        assert_eq!(config.sparse, Some(Sparse::Rows(8)));
    }

    #[test]
    fn faults_are_named_by_line_and_key() {
        for (text, line, words, near) in [
            (
                SMALL.replace("ArrayWidth", "ArrayWith"),
                Some(6),
                "no key",
                Some("arraywidth"),
            ),
            (
                SMALL.replace("[general]", "[genral]"),
                Some(1),
                "no section",
                Some("general"),
            ),
            (
                SMALL.replace("ArrayHeight: 32", "ArrayHeight: 0"),
                Some(5),
                "whole number",
                None,
            ),
            (
                SMALL.replace("ArrayHeight: 32\n", ""),
                None,
                "missing",
                None,
            ),
            (
                SMALL.replace(": os", ": ow"),
                Some(11),
                "one of ws, os, is",
                Some("os"),
            ),
            (
                SMALL.replace("ArrayWidth: 16", "ArrayWidth 16"),
                Some(6),
                "key = value",
                None,
            ),
            (
                SMALL.replace(": USER", ": CALCULATE"),
                Some(15),
                "CALC, USER",
                None,
            ),
            (
                SMALL.replace("[general]\n", ""),
                Some(1),
                "before the first",
                None,
            ),
            (
                format!("{SMALL}UseRamulatorTrace: True\n"),
                Some(16),
                "Ramulator",
                None,
            ),
            (
                format!("{SMALL}InterfaceBandwidth: CALC\n"),
                Some(16),
                "twice",
                None,
            ),
        ] {
            let error = ScaleSimConfig::parse("t.cfg", &text).expect_err(words);
            assert_eq!(error.line, line, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.nearest.as_deref(), near, "{error}");
        }
    }
}

//! From a machine's name to its checked description: reads the texts that a [`PartSource`] offers,
//! applies `--set` options, and says of every error which text or option it came from.

use super::error::ConfigError;
use super::part_raw::{RawMemory, RawRules};
use super::pim::PimDevice;
use super::raw::{RawMachine, RawMemoryOf};
use super::{Machine, Setting, energy, part, part_timing, pim, resolve, topology};
use crate::dram::Standard;
use crate::pim::PimTiming;
use crate::time::Clock;
use memwall_models::spelling;
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::sync::Arc;

/// A configuration text and what to call it in errors.
#[derive(Debug, Clone)]
pub struct PartText {
    /// File path, or the name of an embedded file.
    pub origin: String,
    /// TOML.
    pub text: Arc<str>,
}

/// Where configuration texts come from. The simulator itself reads no file.
pub trait PartSource {
    /// A machine by name.
    fn machine(&self, name: &str) -> Option<PartText>;
    /// A memory part by name.
    fn part(&self, name: &str) -> Option<PartText>;
    /// A rules file by name.
    fn rules(&self, name: &str) -> Option<PartText>;
    /// Names of all machines.
    fn machine_names(&self) -> Vec<String>;
    /// Names of all memory parts.
    fn part_names(&self) -> Vec<String>;
    /// Names of all rules files.
    fn rules_names(&self) -> Vec<String>;
    /// A PIM device, a machine file without what computes beside it, by name.
    fn pim(&self, name: &str) -> Option<PartText>;
    /// Names of all PIM devices.
    fn pim_names(&self) -> Vec<String>;
    /// A machine of ONNXim's twin by name.
    fn onnxim(&self, _name: &str) -> Option<PartText> {
        None
    }
    /// Names of all machines of ONNXim's twin.
    fn onnxim_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// A topology by name.
    fn topology(&self, _name: &str) -> Option<PartText> {
        None
    }
    /// Names of all topologies.
    fn topology_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// A table of energies by name.
    fn energy(&self, _name: &str) -> Option<PartText> {
        None
    }
    /// Names of all tables of energies.
    fn energy_names(&self) -> Vec<String> {
        Vec::new()
    }
    /// A table of products timed on GPUs, by name.
    fn gpu_table(&self, _name: &str) -> Option<PartText> {
        None
    }
    /// Names of all tables of products timed on GPUs.
    fn gpu_table_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Loads a machine by name, with settings applied in order.
pub fn load(
    source: &dyn PartSource,
    name: &str,
    settings: &[Setting],
) -> Result<Machine, ConfigError> {
    let Some(text) = source.machine(name) else {
        return Err(nameless("machine", name, &source.machine_names()));
    };
    load_text(source, name, text, settings)
}

/// Loads a memory part by name. Settings name its keys, with or without `memory.` before them.
pub fn load_part(
    source: &dyn PartSource,
    name: &str,
    settings: &[Setting],
) -> Result<Arc<Standard>, ConfigError> {
    let Some(text) = source.part(name) else {
        return Err(nameless("memory part", name, &source.part_names()));
    };
    load_part_text(source, name, text, settings)
}

/// Loads a memory part from a text; the rules it names come from `source`.
pub fn load_part_text(
    source: &dyn PartSource,
    name: &str,
    text: PartText,
    settings: &[Setting],
) -> Result<Arc<Standard>, ConfigError> {
    let settings: Vec<Setting> = settings.iter().map(Setting::within_part).collect();
    let settings: Vec<&Setting> = settings.iter().collect();
    let documents = PartDocuments::read(source, name, text, "", &settings)?;
    documents.standard(None).map(Arc::new)
}

pub(super) fn nameless(kind: &str, name: &str, names: &[String]) -> ConfigError {
    let rule = format!("no {kind} of this name; there are {}", names.join(", "));
    let mut error = ConfigError::whole(name, rule);
    error.nearest = spelling::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
    error
}

/// A part's text and that of the rules it names.
pub(super) struct PartDocuments {
    name: String,
    pub part: Document<RawMemory>,
    rules: Vec<Document<RawRules>>,
}

impl PartDocuments {
    fn read(
        source: &dyn PartSource,
        name: &str,
        text: PartText,
        prefix: &'static str,
        settings: &[&Setting],
    ) -> Result<PartDocuments, ConfigError> {
        let part = Document::<RawMemory>::read(text, prefix, settings)?;
        PartDocuments::of(source, name, part)
    }

    fn of(
        source: &dyn PartSource,
        name: &str,
        part: Document<RawMemory>,
    ) -> Result<PartDocuments, ConfigError> {
        let rules = rules(source, &part, "rules", &part.raw.rules)?;
        Ok(PartDocuments {
            name: name.to_owned(),
            part,
            rules,
        })
    }

    /// Adds the rules that a machine names for its PIM side.
    fn add_rules(
        &mut self,
        source: &dyn PartSource,
        machine: &Document<RawMachine>,
    ) -> Result<(), ConfigError> {
        if let Some(pim) = &machine.raw.pim {
            let added = rules(source, machine, "pim.rules", &pim.rules)?;
            self.rules.extend(added);
        }
        Ok(())
    }

    /// The command clock.
    pub(super) fn clock(&self) -> Result<Clock, ConfigError> {
        part::clock(&self.part)
    }

    /// Channels of the part.
    pub(super) fn channels(&self) -> u64 {
        self.part.raw.organisation.channels.0
    }

    /// The part, resolved.
    pub(super) fn standard(&self, pim: Option<PimTiming>) -> Result<Standard, ConfigError> {
        part::resolve(&self.name, &self.part, &self.rules, pim)
    }
}

/// The rules files that a document names under `path`.
fn rules<T: DeserializeOwned>(
    source: &dyn PartSource,
    document: &Document<T>,
    path: &str,
    named: &[String],
) -> Result<Vec<Document<RawRules>>, ConfigError> {
    let mut read = Vec::new();
    for (index, name) in named.iter().enumerate() {
        let Some(text) = source.rules(name) else {
            let names = source.rules_names();
            let rule = format!("no rules '{name}'; there are {}", names.join(", "));
            let mut error = document.fault(&format!("{path}.{index}"), &rule);
            error.nearest =
                spelling::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(error);
        };
        read.push(Document::<RawRules>::read(text, "", &[])?);
    }
    Ok(read)
}

/// Loads a machine from a text; its parts come from `source`.
pub fn load_text(
    source: &dyn PartSource,
    name: &str,
    text: PartText,
    settings: &[Setting],
) -> Result<Machine, ConfigError> {
    let (machine, memory) = documents(source, text, settings)?;
    let mut resolved = resolve::resolve(name, &machine, memory.as_ref(), source)?;
    topology::join(source, &machine, &mut resolved)?;
    energy::attach(source, &machine, &mut resolved)?;
    Ok(resolved)
}

/// Loads the PIM side of a machine, or of a PIM device, by name.
pub fn load_pim(
    source: &dyn PartSource,
    name: &str,
    settings: &[Setting],
) -> Result<PimDevice, ConfigError> {
    let Some(text) = source.pim(name).or_else(|| source.machine(name)) else {
        let mut names = source.pim_names();
        names.extend(source.machine_names());
        return Err(nameless("PIM device", name, &names));
    };
    load_pim_text(source, name, text, settings)
}

/// Loads the PIM side of a machine from a text; its parts come from `source`.
pub fn load_pim_text(
    source: &dyn PartSource,
    name: &str,
    text: PartText,
    settings: &[Setting],
) -> Result<PimDevice, ConfigError> {
    let (machine, memory) = documents(source, text, settings)?;
    pim::device(name, &machine, memory.as_ref())
}

type Documents = (Document<RawMachine>, Option<PartDocuments>);

/// The texts of a machine: its own and those of its memory part.
fn documents(
    source: &dyn PartSource,
    text: PartText,
    settings: &[Setting],
) -> Result<Documents, ConfigError> {
    let (of_part, of_machine): (Vec<_>, Vec<_>) =
        settings.iter().partition(|s| s.path.starts_with("memory."));
    let machine = Document::<RawMachine>::read(text, "", &of_machine)?;
    let memory = match &machine.raw.memory {
        None => {
            if let Some(setting) = of_part.first() {
                return Err(setting.error("this machine has no memory part"));
            }
            None
        }
        Some(RawMemoryOf::Own(table)) => {
            let text = machine.source.clone();
            let part = Document::of_table(text, "memory.", table.clone(), &of_part)?;
            let mut part = PartDocuments::of(source, "own memory", part)?;
            part.add_rules(source, &machine)?;
            Some(part)
        }
        Some(RawMemoryOf::Named(name)) => {
            let Some(text) = source.part(name) else {
                let names = source.part_names();
                let rule = format!("no memory part '{name}'; there are {}", names.join(", "));
                let mut error = machine.fault("memory", &rule);
                error.nearest =
                    spelling::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                return Err(error);
            };
            let mut part = PartDocuments::read(source, name, text, "memory.", &of_part)?;
            part.add_rules(source, &machine)?;
            Some(part)
        }
    };
    Ok((machine, memory))
}

/// A text with the value read from it, and the settings that changed it.
pub(super) struct Document<T> {
    pub raw: T,
    pub table: toml::Table,
    source: PartText,
    /// Where in the text its table lies: a path with a dot behind it, or nothing.
    root: &'static str,
    /// What settings write before the document's own paths.
    prefix: &'static str,
    settings: Vec<Setting>,
}

impl<T: DeserializeOwned> Document<T> {
    pub(super) fn read(
        source: PartText,
        prefix: &'static str,
        settings: &[&Setting],
    ) -> Result<Document<T>, ConfigError> {
        let raw = parse::<T>(&source)?;
        let mut document = Document {
            raw,
            table: toml::Table::new(),
            source,
            root: "",
            prefix,
            settings: settings.iter().map(|&setting| setting.clone()).collect(),
        };
        document.table = parse::<toml::Table>(&document.source)?;
        for &setting in settings {
            let path = setting.path.strip_prefix(prefix).unwrap_or(&setting.path);
            insert(&mut document.table, path, setting)?;
        }
        if !settings.is_empty() {
            document.raw = document.again()?;
        }
        Ok(document)
    }

    /// A table that a text has at `root`, which settings write before its paths too.
    fn of_table(
        source: PartText,
        root: &'static str,
        table: toml::Table,
        settings: &[&Setting],
    ) -> Result<Document<T>, ConfigError> {
        let mut document = Document {
            raw: (),
            table,
            source,
            root,
            prefix: root,
            settings: settings.iter().map(|&setting| setting.clone()).collect(),
        };
        for &setting in settings {
            let path = setting.path.strip_prefix(root).unwrap_or(&setting.path);
            insert(&mut document.table, path, setting)?;
        }
        let raw = document.again()?;
        Ok(Document {
            raw,
            table: document.table,
            source: document.source,
            root,
            prefix: root,
            settings: document.settings,
        })
    }
}

impl<T> Document<T> {
    /// The value of the table as it is now.
    fn again<U: DeserializeOwned>(&self) -> Result<U, ConfigError> {
        let value = toml::Value::Table(self.table.clone());
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = field_path(&error.path().to_string(), error.inner().message());
            self.fault(&path, error.inner().message())
        })
    }

    /// What to call the text.
    pub(super) fn origin(&self) -> &str {
        &self.source.origin
    }

    /// An error about the value at `path`: in the option that set it, or else in the text.
    pub(super) fn fault(&self, path: &str, message: &str) -> ConfigError {
        let full = format!("{}{path}", self.prefix);
        let covers = |setting: &&Setting| {
            full == setting.path
                || full.starts_with(&format!("{}.", setting.path))
                || setting.path.starts_with(&format!("{full}."))
        };
        let Some(setting) = self.settings.iter().rev().find(covers) else {
            let path = format!("{}{path}", self.root);
            return ConfigError::from_serde(&self.source.origin, &path, message)
                .located(&self.source.text, span_of(&self.source.text, &path));
        };
        let mut error = ConfigError::from_serde(&setting.option(), &full, message);
        // The option names the path already when it is the one at fault.
        if full == setting.path {
            error.path.clear();
        }
        error
    }
}

fn parse<T: DeserializeOwned>(source: &PartText) -> Result<T, ConfigError> {
    let broken = |error: &toml::de::Error, path: &str| {
        let path = field_path(path, error.message());
        ConfigError::from_serde(&source.origin, &path, error.message())
            .located(&source.text, error.span())
    };
    let deserializer =
        toml::Deserializer::parse(&source.text).map_err(|error| broken(&error, ""))?;
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| broken(error.inner(), &error.path().to_string()))
}

/// serde's path of an unknown or missing key ends at its table; the key itself is in the message.
fn field_path(path: &str, message: &str) -> String {
    let path = if path == "." { "" } else { path };
    // Elements are `links.0` in settings, and `links[0]` to serde.
    let path = &path.replace('[', ".").replace(']', "");
    let key = message
        .strip_prefix("unknown field `")
        .or_else(|| message.strip_prefix("missing field `"))
        .and_then(|rest| rest.split('`').next());
    match key {
        Some(key) if path.is_empty() => key.to_owned(),
        Some(key) if path.rsplit('.').next() != Some(key) => format!("{path}.{key}"),
        _ => path.clone(),
    }
}

/// Tables that a file may lack and a setting may begin: every key of them has a default.
const OPTIONAL: [&str; 2] = ["quirks", "requests"];

fn insert(table: &mut toml::Table, path: &str, setting: &Setting) -> Result<(), ConfigError> {
    let mut keys: Vec<&str> = path.split('.').collect();
    // A table that a file lacks would only be reported by what else is missing in it.
    if keys.len() > 1 && !table.contains_key(keys[0]) && !OPTIONAL.contains(&keys[0]) {
        let holds = |value: &toml::Value| match value {
            toml::Value::Array(array) => array.iter().any(toml::Value::is_table),
            other => other.is_table(),
        };
        let tables = table.iter().filter(|(_, value)| holds(value));
        let tables: Vec<&str> = tables.map(|(name, _)| name.as_str()).collect();
        let mut error = setting.error(&format!(
            "there is no table '{}' here; there are {}",
            keys[0],
            tables.join(", ")
        ));
        error.nearest = spelling::nearest(keys[0], tables).map(str::to_owned);
        return Err(error);
    }
    let last = keys.pop().unwrap_or_default();
    let Some((first, rest)) = keys.split_first() else {
        put(table, path, last, setting);
        return Ok(());
    };
    let new = || toml::Value::Table(toml::Table::new());
    let mut at = table.entry(*first).or_insert_with(new);
    let mut above = *first;
    for key in rest {
        at = match at {
            toml::Value::Table(table) => table.entry(*key).or_insert_with(new),
            toml::Value::Array(array) => element(array, above, key, setting)?,
            _ => return Err(setting.error(&format!("'{above}' is a value, not a table"))),
        };
        above = key;
    }
    match at {
        toml::Value::Table(table) => put(table, path, last, setting),
        toml::Value::Array(array) => {
            *element(array, above, last, setting)? = setting.value.clone();
        }
        _ => return Err(setting.error(&format!("'{above}' is a value, not a table"))),
    }
    Ok(())
}

fn put(table: &mut toml::Table, path: &str, last: &str, setting: &Setting) {
    // A timing parameter set in another unit replaces the one in the file.
    if path.starts_with("timing.")
        && let Some(name) = part_timing::stem(last)
    {
        table.retain(|key, _| part_timing::stem(key) != Some(name));
    }
    table.insert(last.to_owned(), setting.value.clone());
}

/// An element of the list `name`, by its number.
fn element<'a>(
    array: &'a mut [toml::Value],
    name: &str,
    key: &str,
    setting: &Setting,
) -> Result<&'a mut toml::Value, ConfigError> {
    let count = array.len();
    let found = key
        .parse()
        .ok()
        .and_then(|index: usize| array.get_mut(index));
    found.ok_or_else(|| {
        setting.error(&format!(
            "'{name}' is a list of {count}: its elements are {name}.0, {name}.1 and so on; found '{key}'"
        ))
    })
}

/// Bytes of the value at a dotted path, if the text has it; elements of arrays by index.
fn span_of(text: &str, path: &str) -> Option<Range<usize>> {
    let table = toml::de::DeTable::parse(text).ok()?;
    let mut keys = path.split('.');
    let first = keys.next()?;
    let (_, mut value) = table.get_ref().iter().find(|(k, _)| k.get_ref() == first)?;
    for key in keys {
        let next = match value.get_ref() {
            toml::de::DeValue::Table(table) => {
                let (_, next) = table.iter().find(|(name, _)| name.get_ref() == key)?;
                Some(next)
            }
            toml::de::DeValue::Array(array) => key.parse().ok().and_then(|i: usize| array.get(i)),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => break,
        }
    }
    Some(value.span())
}

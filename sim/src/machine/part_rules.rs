//! The rules of a part: the named file and what the part adds to it, resolved with its parameters
//! into constraints and a command interface.

use super::error::ConfigError;
use super::expression::Expression;
use super::load::Document;
use super::part::MOST_TICKS;
use super::part_raw::{
    RawActs, RawCommand, RawConstraint, RawData, RawInterface, RawMemory, RawRules, RawScope,
    RawSlot, RawSlots,
};
use super::part_timing::Parameters;
use crate::dram::interface::{Data, DataClock, Form, Slot, Slots};
use crate::dram::{Command, Constraint, Interface, Scope};
use memwall_models::spelling;
use std::collections::{BTreeMap, BTreeSet};

/// One of the two texts that rules come from.
#[derive(Clone, Copy)]
enum Text<'a> {
    Part(&'a Document<RawMemory>),
    Rules(&'a Document<RawRules>),
}

impl Text<'_> {
    fn fault(self, path: &str, rule: &str) -> ConfigError {
        match self {
            Text::Part(document) => document.fault(path, rule),
            Text::Rules(document) => document.fault(path, rule),
        }
    }

    fn parse(self, path: &str, text: &str) -> Result<Expression, ConfigError> {
        Expression::parse(text).map_err(|rule| self.fault(path, &rule))
    }
}

/// A constraint as written, with its parsed distance.
struct Line<'a> {
    from: Text<'a>,
    index: usize,
    raw: &'a RawConstraint,
    distance: Expression,
    per_step: Option<Expression>,
}

/// The rules of a part, read but not yet resolved.
pub(super) struct PartRules<'a> {
    memory: &'a Document<RawMemory>,
    interface: (&'a RawInterface, Text<'a>),
    commands: BTreeMap<Command, &'a RawCommand>,
    pub defaults: Vec<(&'a str, Expression)>,
    optional: BTreeSet<&'a str>,
    lines: Vec<Line<'a>>,
}

impl<'a> PartRules<'a> {
    /// Joins a part with its rules file.
    pub(super) fn read(
        memory: &'a Document<RawMemory>,
        rules: &'a [Document<RawRules>],
    ) -> Result<PartRules<'a>, ConfigError> {
        let part = Text::Part(memory);
        let raw = &memory.raw;
        let of_rules = || {
            let mut given = rules.iter().rev();
            given.find_map(|rules| Some((rules.raw.interface.as_ref()?, Text::Rules(rules))))
        };
        let of_part = raw.interface.as_ref().map(|interface| (interface, part));
        let Some(interface) = of_part.or_else(of_rules) else {
            let rule = "a part names its 'rules', or has an [interface], [commands] and \
                        constraints of its own";
            return Err(memory.fault("rules", rule));
        };
        let mut read = PartRules {
            memory,
            interface,
            commands: BTreeMap::new(),
            defaults: Vec::new(),
            optional: BTreeSet::new(),
            lines: Vec::new(),
        };
        read.add_defaults(part, &raw.defaults)?;
        for rules in rules {
            let text = Text::Rules(rules);
            let raw = &rules.raw;
            read.add_defaults(text, &raw.defaults)?;
            read.add(text, &raw.commands, &raw.optional, &raw.constraint)?;
        }
        read.add(part, &raw.commands, &raw.optional, &raw.constraint)?;
        Ok(read)
    }

    fn add_defaults(
        &mut self,
        from: Text<'a>,
        defaults: &'a BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        for (name, text) in defaults {
            let expression = from.parse(&format!("defaults.{name}"), text)?;
            self.defaults.push((name, expression));
        }
        Ok(())
    }

    fn add(
        &mut self,
        from: Text<'a>,
        commands: &'a BTreeMap<String, RawCommand>,
        optional: &'a [String],
        constraints: &'a [RawConstraint],
    ) -> Result<(), ConfigError> {
        for (name, raw) in commands {
            let command = command(from, &format!("commands.{name}"), name)?;
            self.commands.insert(command, raw);
        }
        self.optional.extend(optional.iter().map(String::as_str));
        for (index, raw) in constraints.iter().enumerate() {
            let parse = |key: &str, text: &str| {
                let path = format!("constraint.{index}.{key}");
                from.parse(&path, text)
            };
            let per_step = raw.per_step.as_ref();
            self.lines.push(Line {
                from,
                index,
                raw,
                distance: parse("distance", &raw.distance)?,
                per_step: per_step.map(|text| parse("per_step", text)).transpose()?,
            });
        }
        Ok(())
    }

    /// Ticks each command takes on its bus, as parameters: `act_cycles` and so on.
    pub(super) fn cycles(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        Command::NAMES.iter().map(|(name, command, _)| {
            let raw = self.commands.get(command);
            let cycles = raw.and_then(|raw| raw.cycles).map_or(1, |cycles| cycles.0);
            (format!("{name}_cycles"), cycles)
        })
    }

    /// Every parameter that a rule reads.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for line in &self.lines {
            line.distance.names(&mut names);
            if let Some(per_step) = &line.per_step {
                per_step.names(&mut names);
            }
        }
        for (_, expression) in &self.defaults {
            expression.names(&mut names);
        }
        let (raw, _) = self.interface;
        let texts = [
            &raw.activation_deadline,
            &raw.data_clock_postamble,
            &raw.data_clock_start,
        ];
        for text in texts.into_iter().flatten() {
            if let Ok(expression) = Expression::parse(text) {
                expression.names(&mut names);
            }
        }
        names.extend(self.optional.iter().map(|&name| name.to_owned()));
        names
    }

    /// The constraints that hold with these flags of `[quirks]`, every pair of commands on its own.
    pub(super) fn constraints(
        &self,
        parameters: &Parameters,
        flags: &[(&str, bool)],
    ) -> Result<Vec<Constraint>, ConfigError> {
        let mut constraints = Vec::new();
        for line in &self.lines {
            let Line {
                from, index, raw, ..
            } = line;
            let at = |key: &str| format!("constraint.{index}.{key}");
            let mut holds = true;
            for (key, name, wanted) in [("when", &raw.when, true), ("unless", &raw.unless, false)] {
                if let Some(name) = name {
                    holds &= flag(*from, &at(key), name, flags)? == wanted;
                }
            }
            if !holds {
                continue;
            }
            let evaluate = |key: &str, expression: &Expression| {
                let ticks = match parameters.evaluate(expression) {
                    Ok(ticks) => ticks,
                    Err(name) if self.optional.contains(name.as_str()) => return Ok(None),
                    Err(name) => return Err(self.missing(*from, &at(key), &name, parameters)),
                };
                if ticks > MOST_TICKS {
                    let rule = format!("at most {MOST_TICKS} ticks; comes to {ticks}");
                    return Err(from.fault(&at(key), &rule));
                }
                Ok(Some(ticks))
            };
            let Some(distance) = evaluate("distance", &line.distance)? else {
                continue;
            };
            let per_step = match &line.per_step {
                Some(expression) => evaluate("per_step", expression)?.unwrap_or(0),
                None => 0,
            };
            if per_step > 0 && raw.window.is_some() {
                let rule = "a window has one length, whatever the commands in it do";
                return Err(from.fault(&at("per_step"), rule));
            }
            if raw.first.is_empty() || raw.then.is_empty() {
                return Err(from.fault(&at("first"), "names at least one command, as does 'then'"));
            }
            let scope = scope(raw.scope);
            if raw.sibling && scope == Scope::Channel {
                return Err(from.fault(&at("sibling"), "a channel has no siblings"));
            }
            let window = raw.window.map_or(1, |window| window.0);
            let Some(window) = u8::try_from(window).ok().filter(|window| *window <= 64) else {
                return Err(from.fault(&at("window"), "a window holds at most 64 commands"));
            };
            if window > 1 && (raw.first != raw.then || raw.first.len() > 1 || raw.sibling) {
                let rule = "a window counts one command, which is also the one that waits";
                return Err(from.fault(&at("window"), rule));
            }
            for first in &raw.first {
                for then in &raw.then {
                    let first = self.known(*from, &at("first"), first)?;
                    let then = self.known(*from, &at("then"), then)?;
                    constraints.push(Constraint {
                        first,
                        then,
                        scope,
                        sibling: raw.sibling,
                        distance,
                        per_step,
                        window,
                    });
                }
            }
        }
        Ok(constraints)
    }

    fn known(&self, from: Text, path: &str, name: &str) -> Result<Command, ConfigError> {
        let command = command(from, path, name)?;
        if self.commands.contains_key(&command) {
            return Ok(command);
        }
        Err(from.fault(path, &format!("[commands] does not describe '{name}'")))
    }

    fn missing(&self, from: Text, path: &str, name: &str, parameters: &Parameters) -> ConfigError {
        let rule = format!(
            "no timing parameter '{name}': [timing] of the part gives {name}_tck or {name}_ns, \
             or 'defaults' derives it"
        );
        // The distance belongs to the rules; that a part does not give the parameter, to the part.
        let mut error = match from {
            Text::Part(_) => from.fault(path, &rule),
            Text::Rules(rules) => self
                .memory
                .fault("timing", &format!("{rule}; {} needs it", rules.origin())),
        };
        let given = parameters.values.keys().map(String::as_str);
        error.nearest = spelling::nearest(name, given).map(str::to_owned);
        error
    }

    /// The command interface.
    pub(super) fn interface(&self, parameters: &Parameters) -> Result<Interface, ConfigError> {
        let (raw, from) = self.interface;
        let ticks = |key: &str, text: &Option<String>| {
            let Some(text) = text else { return Ok(None) };
            let path = format!("interface.{key}");
            let expression = from.parse(&path, text)?;
            match parameters.evaluate(&expression) {
                Ok(ticks) => Ok(Some(ticks)),
                Err(name) => Err(self.missing(from, &path, &name, parameters)),
            }
        };
        let mut interface = Interface::new(match raw.slots {
            RawSlots::One => Slots::One,
            RawSlots::RowAndColumn => Slots::RowAndColumn,
        });
        interface.paired_edges = raw.paired_edges;
        interface.activation_deadline = ticks("activation_deadline", &raw.activation_deadline)?;
        let postamble = ticks("data_clock_postamble", &raw.data_clock_postamble)?;
        let start = ticks("data_clock_start", &raw.data_clock_start)?;
        interface.data_clock = match (postamble, start) {
            (None, None) => None,
            (Some(postamble), Some(cas)) => Some(DataClock { postamble, cas }),
            _ => {
                let rule = "data_clock_postamble and data_clock_start come together";
                return Err(from.fault("interface", rule));
            }
        };
        for (&command, raw) in &self.commands {
            interface.set(command, form(raw));
        }
        for command in [
            Command::Act,
            Command::Pre,
            Command::Rd,
            Command::Wr,
            Command::Ref,
        ] {
            if interface.form(command).is_none() {
                let rule = "at least act, pre, rd, wr and ref are described";
                return Err(from.fault("commands", rule));
            }
        }
        Ok(interface)
    }

    /// Whether the part has a command.
    pub(super) fn has(&self, command: Command) -> bool {
        self.commands.contains_key(&command)
    }
}

/// Flags of `[quirks]` exist only where a machine is loaded: a part alone has none set.
fn flag(from: Text, path: &str, name: &str, flags: &[(&str, bool)]) -> Result<bool, ConfigError> {
    if let Some((_, set)) = flags.iter().find(|(known, _)| *known == name) {
        return Ok(*set);
    }
    let known = flags.iter().map(|(known, _)| *known);
    let listed: Vec<&str> = known.clone().collect();
    let rule = format!("no flag '{name}'; there are {}", listed.join(", "));
    let mut error = from.fault(path, &rule);
    error.nearest = spelling::nearest(name, known).map(str::to_owned);
    Err(error)
}

fn command(from: Text, path: &str, name: &str) -> Result<Command, ConfigError> {
    let mut names = Command::NAMES.iter();
    if let Some((_, command, _)) = names.find(|(known, ..)| *known == name) {
        return Ok(*command);
    }
    let known = Command::NAMES.map(|(name, ..)| name);
    let rule = format!("no command '{name}'; there are {}", known.join(", "));
    let mut error = from.fault(path, &rule);
    error.nearest = spelling::nearest(name, known).map(str::to_owned);
    Err(error)
}

fn scope(raw: RawScope) -> Scope {
    match raw {
        RawScope::Bank => Scope::Bank,
        RawScope::Group => Scope::Group,
        RawScope::Rank => Scope::Rank,
        RawScope::PseudoChannel => Scope::PseudoChannel,
        RawScope::Channel => Scope::Channel,
    }
}

fn form(raw: &RawCommand) -> Form {
    Form {
        acts: match raw.acts {
            RawActs::Bank => Scope::Bank,
            RawActs::Group => Scope::Group,
            RawActs::SameBank | RawActs::Rank => Scope::Rank,
            RawActs::PseudoChannel => Scope::PseudoChannel,
            RawActs::Channel => Scope::Channel,
        },
        same_index: matches!(raw.acts, RawActs::SameBank),
        slot: match raw.slot {
            RawSlot::Row => Slot::Row,
            RawSlot::Column => Slot::Column,
        },
        cycles: raw.cycles.map_or(1, |cycles| cycles.0),
        data: match raw.data {
            RawData::None => Data::None,
            RawData::Read => Data::Read,
            RawData::Write => Data::Write,
        },
        rising_edge: raw.rising_edge,
    }
}

//! From the commands of a short run to spans: which row each bank holds open, what is on the
//! command buses, what is on the data pins.
#![deny(clippy::float_arithmetic)]

use super::command::Command;
use super::constraint::Scope;
use super::interface::{Slot, Slots};
use super::observer::{Issued, Observer};
use super::standard::Standard;
use crate::record::timeline::{ChannelTimeline, Span, Track};
use crate::time::Tick;

/// Keeps the first commands of a channel and counts the rest.
#[derive(Debug, Clone, Default)]
pub struct FirstCommands {
    /// The first commands, in issue order.
    pub kept: Vec<Issued>,
    /// Commands after them.
    pub dropped: u64,
    limit: usize,
}

impl FirstCommands {
    /// Keeps `limit` commands.
    pub fn new(limit: usize) -> FirstCommands {
        FirstCommands {
            limit,
            ..FirstCommands::default()
        }
    }
}

impl Observer for FirstCommands {
    fn command(&mut self, issued: Issued) {
        if self.kept.len() < self.limit {
            self.kept.push(issued);
        } else {
            self.dropped += 1;
        }
    }
}

/// Commands that all logs of a run hold together, whatever their limits: memory is bounded.
const MOST_KEPT: usize = 16 << 20;

/// Logs for the channels of a run, of which `limit` commands will be shown.
pub fn logs(channels: usize, limit: usize) -> Vec<FirstCommands> {
    let each = limit.min(MOST_KEPT / channels.max(1)).max(1);
    vec![FirstCommands::new(each); channels]
}

/// Cuts the logs of a run to its earliest `limit` commands over all channels, and to ticks up to
/// which every log is whole; an idle channel takes nothing from a busy one. Returns how many are
/// left, and how many there were.
pub fn cut(logs: &mut [FirstCommands], limit: usize) -> (u64, u64) {
    let all = logs
        .iter()
        .map(|log| log.kept.len() as u64 + log.dropped)
        .sum();
    let whole = logs
        .iter()
        .filter(|log| log.dropped > 0)
        .filter_map(|log| log.kept.last().map(|last| last.at))
        .min()
        .unwrap_or(Tick::MAX);
    let mut order: Vec<(Tick, usize)> = Vec::new();
    for (channel, log) in logs.iter().enumerate() {
        let kept = log.kept.iter().take_while(|issued| issued.at <= whole);
        order.extend(kept.map(|issued| (issued.at, channel)));
    }
    order.sort_unstable();
    order.truncate(limit);
    for (channel, log) in logs.iter_mut().enumerate() {
        let left = order.iter().filter(|(_, of)| *of == channel).count();
        log.kept.truncate(left);
    }
    (order.len() as u64, all)
}

/// Spans of one track in ticks, ascending and apart.
struct Line {
    name: String,
    spans: Vec<(String, Tick, Tick)>,
}

impl Line {
    fn new(name: impl Into<String>) -> Line {
        Line {
            name: name.into(),
            spans: Vec::new(),
        }
    }

    /// Adds a span. Where it would begin before the end of the one before (commands of two slots
    /// in one line, say), it begins there.
    fn push(&mut self, name: String, start: Tick, end: Tick) {
        let start = self.spans.last().map_or(start, |last| start.max(last.2));
        if end > start {
            self.spans.push((name, start, end));
        }
    }
}

/// The timeline of a channel. Rows still open after the last command end with it.
pub fn timeline(standard: &Standard, name: &str, commands: &[Issued]) -> ChannelTimeline {
    let mut lines = Lines::new(standard);
    let mut end = 0;
    for &issued in commands {
        end = end.max(lines.add(issued));
    }
    for bank in 0..lines.banks.len() {
        lines.close(bank, end);
    }
    let track = |line: Line| Track {
        name: line.name,
        spans: line
            .spans
            .into_iter()
            .map(|(name, start, end)| Span {
                name,
                start: standard.clock.to_ps(start),
                end: standard.clock.to_ps(end),
            })
            .collect(),
    };
    let Lines {
        buses, pins, banks, ..
    } = lines;
    let all = buses.into_iter().chain(pins).chain(banks);
    ChannelTimeline {
        name: name.to_owned(),
        tracks: all.map(track).collect(),
    }
}

struct Lines<'a> {
    standard: &'a Standard,
    /// Command buses: one, or row and column.
    buses: Vec<Line>,
    /// Data pins of each pseudo-channel.
    pins: Vec<Line>,
    banks: Vec<Line>,
    open: Vec<Option<(u32, Tick)>>,
}

impl<'a> Lines<'a> {
    fn new(standard: &'a Standard) -> Lines<'a> {
        let organisation = &standard.organisation;
        let buses = match standard.interface.slots {
            Slots::One => vec![Line::new("commands")],
            Slots::RowAndColumn => vec![Line::new("row commands"), Line::new("column commands")],
        };
        let pins = match organisation.pseudo_channels {
            1 => vec![Line::new("data")],
            count => (0..count)
                .map(|pseudo| Line::new(format!("data of pseudo-channel {pseudo}")))
                .collect(),
        };
        let banks = standard.places.iter().map(|place| {
            let group = place.group % organisation.bank_groups;
            let bank = place.bank % organisation.banks_per_group;
            let rank = place.rank / organisation.pseudo_channels;
            let mut name = String::new();
            if organisation.pseudo_channels > 1 {
                name = format!("pseudo-channel {} ", place.pseudo_channel);
            }
            if organisation.ranks > 1 {
                name = format!("{name}rank {rank} ");
            }
            Line::new(format!("{name}group {group} bank {bank}"))
        });
        Lines {
            standard,
            buses,
            pins,
            banks: banks.collect(),
            open: vec![None; organisation.banks()],
        }
    }

    /// Enters a command; the end of what it starts.
    fn add(&mut self, issued: Issued) -> Tick {
        let Issued {
            at,
            command,
            bank,
            row,
            ..
        } = issued;
        let timing = &self.standard.timing;
        let cycles = self.standard.interface.cycles(command);
        let column = self
            .standard
            .interface
            .form(command)
            .is_some_and(|form| form.slot == Slot::Column);
        let bus = usize::from(column).min(self.buses.len() - 1);
        let mnemonic = command.mnemonic();
        self.buses[bus].push(format!("{mnemonic} bank {bank}"), at, at + cycles);
        let pseudo = self.standard.places[bank].pseudo_channel;
        let mut end = at + cycles;
        match command {
            Command::Act => self.open[bank] = Some((row, at)),
            Command::Pre => self.close(bank, at),
            Command::Rd | Command::RdA => {
                let start = at + timing.cl;
                end = start + timing.burst;
                self.pins[pseudo].push(format!("read bank {bank} row {row}"), start, end);
            }
            Command::Wr | Command::WrA => {
                let start = at + timing.cwl;
                end = start + timing.burst;
                self.pins[pseudo].push(format!("write bank {bank} row {row}"), start, end);
            }
            Command::PreAll | Command::Ref | Command::RefBank | Command::RefSame => {
                let refresh = self.refresh_time(command);
                end = at + refresh.unwrap_or(cycles);
                for other in self.reach(command, bank) {
                    self.close(other, at);
                    if refresh.is_some() {
                        self.banks[other].push("refresh".to_owned(), at, end);
                    }
                }
            }
            _ => {}
        }
        if matches!(command, Command::RdA | Command::WrA) {
            self.close(bank, end);
        }
        end
    }

    fn refresh_time(&self, command: Command) -> Option<Tick> {
        let refreshes = &self.standard.refreshes;
        match command {
            Command::Ref => Some(refreshes.all_bank),
            Command::RefBank => refreshes.one_bank,
            Command::RefSame => refreshes.same_bank,
            _ => None,
        }
    }

    /// Banks a command acts on.
    fn reach(&self, command: Command, bank: usize) -> Vec<usize> {
        let form = self.standard.interface.form(command);
        let acts = match (form, command) {
            (Some(form), _) => form.acts,
            (None, Command::RefBank) => Scope::Bank,
            (None, _) => Scope::Rank,
        };
        let same_index = form.is_some_and(|form| form.same_index);
        let in_group = self.standard.organisation.banks_per_group;
        let here = self.standard.places[bank];
        let reached = self.standard.places.iter().filter(|place| {
            let within = match acts {
                Scope::Bank => place.bank == bank,
                Scope::Group => place.group == here.group,
                Scope::Rank => place.rank == here.rank,
                Scope::PseudoChannel => place.pseudo_channel == here.pseudo_channel,
                Scope::Channel => true,
            };
            within && (!same_index || place.bank % in_group == bank % in_group)
        });
        reached.map(|place| place.bank).collect()
    }

    fn close(&mut self, bank: usize, at: Tick) {
        if let Some((row, since)) = self.open[bank].take() {
            self.banks[bank].push(format!("row {row}"), since, at);
        }
    }
}

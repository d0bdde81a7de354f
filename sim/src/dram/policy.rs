//! The controllers that can serve single requests, and how each is made for a standard. Nothing
//! else knows their names.

use super::bank_queues::{self, BankQueues, Tables};
use super::command::Command;
use super::constraint::Scope;
use super::drive::{Engine, drive};
use super::interface::Slots;
use super::observer::Observer;
use super::request::{Outcome, Request};
use super::standard::{PagePolicy, Standard};
use super::traffic::Traffic;
use super::window::{self, DataClock, Pages, Protocol, TwoPhase, Window};
use crate::time::Tick;

/// Order in which requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Ours: oldest ready first, hits before others, writes in batches.
    Default,
    /// That of DRAMsim3.
    DramSim3,
    /// That of Ramulator 2.1.
    Ramulator,
}

/// A standard that a policy cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {policy} cannot serve {standard}: {rule}")]
pub struct PolicyError {
    policy: &'static str,
    standard: String,
    rule: String,
}

impl Policy {
    /// Policies by name.
    pub const NAMES: [(&'static str, Policy); 3] = [
        ("default", Policy::Default),
        ("dramsim3", Policy::DramSim3),
        ("ramulator", Policy::Ramulator),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Policy::NAMES[self as usize].0
    }

    /// Runs all requests through the channels of a standard, as many as there are observers.
    pub fn run<O: Observer>(
        self,
        standard: &Standard,
        traffic: &mut impl Traffic,
        observers: &mut [O],
    ) -> Result<Outcome, PolicyError> {
        let refused = |rule: String| PolicyError {
            policy: self.name(),
            standard: standard.name.clone(),
            rule,
        };
        match self {
            Policy::DramSim3 => {
                let parameters = bank_queues::Parameters::default();
                let engine = bank_queues(standard, parameters).map_err(refused)?;
                if let [observer] = observers {
                    return Ok(engine.clone().run(traffic, observer));
                }
                Ok(drive(
                    &mut vec![engine; observers.len()],
                    observers,
                    traffic,
                ))
            }
            Policy::Ramulator | Policy::Default => {
                let parameters = match self {
                    Policy::Ramulator => window::Parameters::RAMULATOR,
                    _ => ours(standard),
                };
                let engine = window(standard, parameters).map_err(refused)?;
                if let [observer] = observers {
                    return Ok(engine.clone().run(traffic, observer));
                }
                Ok(drive(
                    &mut vec![engine; observers.len()],
                    observers,
                    traffic,
                ))
            }
        }
    }
}

/// DRAMsim3's controller for a standard; it has two command slots where the standard has two command
/// buses. Errors say what it cannot serve.
pub fn bank_queues(
    standard: &Standard,
    parameters: bank_queues::Parameters,
) -> Result<BankQueues, String> {
    let interface = &standard.interface;
    let edges = interface.commands().any(|(_, form)| form.rising_edge);
    for (there, what) in [
        (
            interface.activation_deadline.is_some(),
            "activation in two phases",
        ),
        (interface.data_clock.is_some(), "a data clock"),
        (edges || interface.paired_edges, "clock edges"),
    ] {
        if there {
            return Err(format!("it knows nothing of {what}"));
        }
    }
    let tables = Tables::new(
        &standard.organisation,
        &standard.constraints,
        standard.read_latency(),
        standard.refreshes.interval,
    )
    .map_err(|rule| rule.to_string())?;
    let parameters = bank_queues::Parameters {
        second_slot: interface.slots == Slots::RowAndColumn,
        ..parameters
    };
    Ok(BankQueues::new(tables, parameters))
}

/// Our parameters, with the page policy of the part.
fn ours(standard: &Standard) -> window::Parameters {
    window::Parameters {
        pages: match standard.controller.page_policy {
            PagePolicy::Open => Pages::Open,
            PagePolicy::CloseOnIdle => Pages::Closed,
        },
        ..window::Parameters::DEFAULT
    }
}

/// The window controller for a standard. Errors say what it cannot serve.
pub fn window(standard: &Standard, parameters: window::Parameters) -> Result<Window, String> {
    let interface = &standard.interface;
    let timing = &standard.timing;
    let runs = |latency: Tick| {
        let clock = interface.data_clock?;
        Some(latency + timing.burst + clock.postamble)
    };
    let data_clock = match (runs(timing.cl), runs(timing.cwl)) {
        (Some(read), Some(write)) => Some(DataClock { read, write }),
        _ => None,
    };
    let deadline = interface.activation_deadline;
    let protocol = Protocol {
        two_slots: interface.slots == Slots::RowAndColumn,
        rising_edges: interface.paired_edges,
        two_phase: deadline.map(|deadline| TwoPhase { deadline }),
        data_clock,
        read_latency: standard.read_latency(),
        refresh_interval: standard.refreshes.interval,
        all_bank: interface
            .form(Command::Ref)
            .map_or(Scope::Rank, |form| form.acts),
    };
    let organisation = &standard.organisation;
    Window::new(organisation, &standard.constraints, protocol, parameters)
        .map_err(|rule| rule.to_string())
}

impl Engine for BankQueues {
    fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick {
        BankQueues::offer(self, request, from, observer)
    }

    fn settle(&mut self, observer: &mut impl Observer) -> Option<Tick> {
        Some(self.drain(observer))
    }

    fn finish(&mut self, cycles: Tick, observer: &mut impl Observer) -> Outcome {
        BankQueues::finish(self, cycles.saturating_sub(1), observer)
    }
}

impl Engine for Window {
    fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick {
        Window::offer(self, request, from, observer)
    }

    fn settle(&mut self, observer: &mut impl Observer) -> Option<Tick> {
        self.drain(observer)
    }

    fn finish(&mut self, cycles: Tick, observer: &mut impl Observer) -> Outcome {
        Window::finish(self, cycles.checked_sub(1), observer)
    }
}

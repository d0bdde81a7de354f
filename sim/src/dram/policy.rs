//! The controllers that can serve single requests, and how each is made for a standard. Nothing
//! else knows their names.

use super::bank_queues::{self, BankQueues, Tables};
use super::drive::{Engine, drive};
use super::observer::Observer;
use super::request::{Outcome, Request};
use super::standard::{PagePolicy, Standard};
use super::traffic::Traffic;
use super::window::{self, Pages, Window};
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
        self.serve(standard, traffic, observers, true)
    }

    /// As [`Policy::run`], request by request also where there is one channel: the same, slower.
    pub fn stepwise<O: Observer>(
        self,
        standard: &Standard,
        traffic: &mut impl Traffic,
        observers: &mut [O],
    ) -> Result<Outcome, PolicyError> {
        self.serve(standard, traffic, observers, false)
    }

    fn serve<O: Observer>(
        self,
        standard: &Standard,
        traffic: &mut impl Traffic,
        observers: &mut [O],
        at_once: bool,
    ) -> Result<Outcome, PolicyError> {
        let refused = |rule: String| PolicyError {
            policy: self.name(),
            standard: standard.name.clone(),
            rule,
        };
        match self {
            Policy::DramSim3 => {
                let parameters = standard
                    .tuning
                    .bank_queues(bank_queues::Parameters::of(standard))
                    .map_err(refused)?;
                let tables = Tables::of(standard).map_err(|why| refused(why.to_string()))?;
                let mut engine = BankQueues::new(tables, parameters);
                if let ([observer], true) = (&mut *observers, at_once) {
                    return Ok(engine.run(traffic, observer));
                }
                Ok(drive(
                    &mut vec![engine; observers.len()],
                    observers,
                    traffic,
                ))
            }
            Policy::Ramulator | Policy::Default => {
                let preset = match self {
                    Policy::Ramulator => window::Parameters::RAMULATOR,
                    _ => ours(standard),
                };
                let parameters = standard.tuning.window(preset);
                let mut engine =
                    Window::of(standard, parameters).map_err(|why| refused(why.to_string()))?;
                if let ([observer], true) = (&mut *observers, at_once) {
                    return Ok(engine.run(traffic, observer));
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

/// Our parameters, with the page policy of the part.
fn ours(standard: &Standard) -> window::Parameters {
    window::Parameters {
        pages: match standard.controller.page_policy {
            PagePolicy::Open => Pages::Open,
            PagePolicy::CloseOnIdle => Pages::Closed,
        },
        ..window::Parameters::of(standard)
    }
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

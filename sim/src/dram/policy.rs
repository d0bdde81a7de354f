//! The controllers that can serve single requests, and how each is made for a standard. Nothing
//! else knows their names.

use super::observer::Observer;
use super::request::Outcome;
use super::standard::Standard;
use super::traffic::Traffic;
use std::sync::Arc;

/// Order in which requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Ours.
    Default,
    /// That of DRAMsim3.
    DramSim3,
    /// That of Ramulator 2.1.
    Ramulator,
}

/// A standard that a policy cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy {policy} on {standard}: {rule}")]
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

    /// Runs all requests through the channels of a standard, each with an observer of its own.
    pub fn run<O: Observer>(
        self,
        standard: &Arc<Standard>,
        _traffic: &mut impl Traffic,
        _observers: &mut [O],
    ) -> Result<Outcome, PolicyError> {
        Err(PolicyError {
            policy: self.name(),
            standard: standard.name.clone(),
            rule: "not there yet".to_owned(),
        })
    }
}

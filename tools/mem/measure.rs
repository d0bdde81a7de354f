//! One run of requests on a memory standard, and its record.

use crate::diagnostics::Failure;
use crate::workload::file_name;
use memwall_sim::dram::timeline::{FirstCommands, cut, logs, timeline};
use memwall_sim::dram::{
    Direction, NoObserver, Offered, Outcome, Policy, Request, Requests, Source, Standard,
    TraceTraffic, Traffic, Workload,
};
use memwall_sim::metrics::traffic::{tick_ns, traffic};
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::timeline::ChannelTimeline;
use memwall_sim::record::traffic::{RequestsRecord, StandardRecord, TrafficRecord};
use memwall_traces::TraceReader;
use std::path::Path;
use std::sync::Arc;

/// A memory and how it is driven.
pub(crate) struct Bench {
    pub standard: Arc<Standard>,
    pub policy: Policy,
    /// Settings as typed.
    pub settings: Vec<String>,
}

/// What is sent to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load<'a> {
    Rule(&'static str, Workload, &'static str),
    Trace(&'a Path),
}

/// What came of it.
pub(crate) struct Measured {
    pub outcome: Outcome,
    pub source: RequestsRecord,
}

impl Bench {
    /// Runs a load.
    pub(crate) fn run(&self, load: Load, requests: Option<u64>) -> Result<Measured, Failure> {
        let channels = self.standard.organisation.channels;
        self.observed(load, requests, &mut vec![NoObserver; channels])
    }

    /// Runs a load; its timelines have the first commands, with how many of how many.
    pub(crate) fn watched(
        &self,
        load: Load,
        requests: Option<u64>,
        limit: u64,
    ) -> Result<(Measured, Vec<ChannelTimeline>, (u64, u64)), Failure> {
        let mut logs = logs(self.standard.organisation.channels, limit as usize);
        let measured = self.observed(load, requests, &mut logs)?;
        let counts = cut(&mut logs, limit as usize);
        Ok((measured, self.timelines(&logs), counts))
    }

    fn observed<O: memwall_sim::dram::Observer>(
        &self,
        load: Load,
        requests: Option<u64>,
        observers: &mut [O],
    ) -> Result<Measured, Failure> {
        let organisation = &self.standard.organisation;
        match load {
            Load::Rule(name, workload, does) => {
                let count = requests.unwrap_or_else(|| workload.default_requests(organisation));
                let mut traffic =
                    Requests::over(workload, organisation, organisation.channels, count);
                let outcome = self.policy.run(&self.standard, &mut traffic, observers)?;
                Ok(Measured::new(
                    outcome,
                    name.to_owned(),
                    does.to_owned(),
                    None,
                ))
            }
            Load::Trace(path) => {
                let reader = TraceReader::open(path)?;
                let format = reader.format().to_string();
                let limit = requests.unwrap_or(u64::MAX);
                let mut traffic = Hashed {
                    traffic: TraceTraffic::new(reader.memory()?, organisation, limit),
                    hasher: blake3::Hasher::new(),
                };
                let outcome = self.policy.run(&self.standard, &mut traffic, observers)?;
                if let Some(error) = traffic.traffic.error() {
                    return Err(Failure::traffic(path, error));
                }
                let digest = traffic.hasher.finalize().to_hex().to_string();
                Ok(Measured::new(
                    outcome,
                    file_name(path),
                    format,
                    Some(digest),
                ))
            }
        }
    }

    /// The record of a run.
    pub(crate) fn record(&self, measured: &Measured) -> TrafficRecord {
        TrafficRecord {
            schema_version: SCHEMA_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            standard: self.described(),
            policy: self.policy.name().to_owned(),
            traffic: measured.source.clone(),
            result: traffic(&self.standard, &measured.outcome),
            notes: self.notes(measured),
        }
    }

    fn described(&self) -> StandardRecord {
        let standard = &self.standard;
        let organisation = &standard.organisation;
        // Everything that a run depends on; `Debug` of plain data is a function of the data.
        let resolved = format!(
            "{organisation:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            standard.clock,
            standard.parameters,
            standard.interface,
            standard.constraints,
            standard.refreshes,
            standard.energy
        );
        StandardRecord {
            name: standard.name.clone(),
            description: standard.description.clone(),
            channels: organisation.channels as u64,
            tick_ns: tick_ns(standard.clock),
            burst_bytes: organisation.burst_bytes,
            capacity_bytes: organisation.capacity_bytes(),
            settings: self.settings.clone(),
            parameters_ticks: standard.parameters.clone(),
            digest: blake3::hash(resolved.as_bytes()).to_hex().to_string(),
        }
    }

    fn notes(&self, measured: &Measured) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(inherited) = &self.standard.inherited {
            notes.push(format!("{}: {inherited}", self.standard.name));
        }
        if self.standard.energy.is_none() {
            notes.push(format!("{} has no energy figures", self.standard.name));
        }
        if measured.source.digest.is_some() {
            let bytes = self.standard.organisation.capacity_bytes();
            notes.push(format!(
                "addresses count modulo the capacity of {bytes} bytes, in bursts of {} bytes",
                self.standard.organisation.burst_bytes
            ));
        }
        notes
    }

    /// The timelines of all channels.
    fn timelines(&self, logs: &[FirstCommands]) -> Vec<ChannelTimeline> {
        let named = logs.iter().enumerate();
        named
            .map(|(index, log)| timeline(&self.standard, &format!("channel {index}"), &log.kept))
            .collect()
    }
}

impl Measured {
    fn new(outcome: Outcome, name: String, description: String, digest: Option<String>) -> Self {
        Measured {
            source: RequestsRecord {
                name,
                description,
                digest,
                requests: outcome.reads + outcome.writes,
                reads: outcome.reads,
                writes: outcome.writes,
            },
            outcome,
        }
    }
}

/// Hashes requests as they pass.
struct Hashed<T> {
    traffic: T,
    hasher: blake3::Hasher,
}

impl<T: Traffic> Traffic for Hashed<T> {
    fn offered(&mut self) -> Option<Offered> {
        let offered = self.traffic.offered()?;
        let Request {
            at,
            slot,
            direction,
        } = offered.request;
        let write = u64::from(direction == Direction::Write);
        for number in [at, offered.channel as u64, slot, write] {
            self.hasher.update(&number.to_le_bytes());
        }
        Some(offered)
    }
}

impl<T: Traffic> Source for Hashed<T> {
    fn take(&mut self) -> Option<Request> {
        self.offered().map(|offered| offered.request)
    }
}

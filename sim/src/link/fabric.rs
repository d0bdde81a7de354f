//! The link of a machine as the devices of a group use it: the ring of `[link]`, or a topology.

use super::collective::{Collective, plan};
use super::network::{Network, Transfer};
use super::topology::Topology;
use super::{LinkError, Measured, Ring};
use crate::time::Ps;
use std::sync::Arc;

/// What joins the devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fabric {
    /// Equal links from each to the next.
    Ring(Ring),
    /// A graph, whose first devices form the group.
    Topology(Arc<Topology>),
}

/// Whether a sum may start before the product that makes it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// One after the other.
    #[default]
    None,
    /// In up to this many tiles of output columns, each summed while the next is computed.
    Chunks(u64),
}

/// The link of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What joins the devices.
    pub fabric: Fabric,
    /// Overlap of sums with the products before them.
    pub overlap: Overlap,
    /// Measured all-reduces that correct those of a ring.
    pub measured: Option<Measured>,
}

impl Link {
    /// Devices that can form a group; `None` where the link sets no limit.
    pub fn devices(&self) -> Option<u64> {
        match &self.fabric {
            Fabric::Ring(_) => None,
            Fabric::Topology(topology) => Some(topology.devices().len() as u64),
        }
    }

    /// All-reduce of `bytes` on each of the first `devices`.
    ///
    /// # Errors
    /// The topology has fewer devices, or no way between two of them.
    pub fn all_reduce(&self, bytes: u64, devices: u64) -> Result<Ps, LinkError> {
        match &self.fabric {
            Fabric::Ring(ring) => {
                let time = ring.all_reduce(bytes, devices);
                let measured = self.measured.as_ref().filter(|_| devices > 1);
                let time = measured.map_or(time, |measured| measured.correct(time, bytes));
                Some(time)
                    .filter(|&time| time < Ps::END)
                    .ok_or(LinkError::Endless)
            }
            Fabric::Topology(_) if devices < 2 => Ok(Ps::ZERO),
            Fabric::Topology(topology) => {
                let ranks = topology.ranks(devices)?;
                Ok(plan(topology, &ranks, Collective::AllReduce, bytes, None)?.time)
            }
        }
    }

    /// A message of `bytes` from device `from` to device `to` of the group.
    ///
    /// # Errors
    /// The topology has fewer devices, or no way between the two.
    pub fn message(&self, bytes: u64, from: u64, to: u64) -> Result<Ps, LinkError> {
        match &self.fabric {
            Fabric::Ring(ring) => Ok(ring.message(bytes)),
            Fabric::Topology(topology) => {
                let ranks = topology.ranks(from.max(to) + 1)?;
                let mut network = Network::new(Arc::clone(topology));
                let ends = (ranks[from as usize], ranks[to as usize]);
                network.submit(Ps::ZERO, Transfer::new(ends.0, ends.1, bytes))?;
                let done = network.drain();
                done.last().map(|done| done.at).ok_or(LinkError::Endless)
            }
        }
    }
}

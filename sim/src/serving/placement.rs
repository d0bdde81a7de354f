//! Which channel holds the KV cache of a sequence on a machine that attends in its banks.

use crate::machine::{Balance, Device, Machine};
use crate::pim::estimate::load;
use crate::pim::tiling::Head;
use memwall_models::Model;
use std::sync::Arc;
use thiserror::Error;

/// A placement that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacementError {
    /// `balance = "trace"` without channels in the workload.
    #[error("pim.balance = \"trace\" needs a batch whose rows name their channel")]
    NoChannels,
    /// A row names a channel that the machine has not.
    #[error("line {line}: channel {channel} does not exist; the machine has channels 0 to {last}")]
    NoSuchChannel {
        /// Line of the batch.
        line: u64,
        /// Channel named there.
        channel: u32,
        /// Last channel of the machine.
        last: u32,
    },
}

/// Chooses channels by the machine's rule.
#[derive(Debug, Clone)]
pub struct ChannelChoice {
    balance: Balance,
    channels: u32,
    head: Head,
    std: Option<Arc<crate::dram::Standard>>,
    next: u32,
}

impl ChannelChoice {
    /// For `model` on one of `degree` devices.
    pub fn new(machine: &Machine, model: &Model, degree: u64) -> ChannelChoice {
        let (balance, std) = match &machine.device {
            Device::Npu(device) => (
                device.pim.map_or(Balance::RoundRobin, |pim| pim.balance),
                device.pim.and_then(|_| device.memory.part().cloned()),
            ),
            Device::Gpu(_) => (Balance::RoundRobin, None),
        };
        ChannelChoice {
            balance,
            channels: std
                .as_ref()
                .map_or(1, |std| std.organisation.channels as u32),
            head: Head {
                kv_heads: model.kv_heads / degree.max(1),
                queries: model.queries_per_kv_head(),
                dim: model.head_dim,
                tokens: 0,
            },
            std,
            next: 0,
        }
    }

    /// The rule in force.
    pub fn balance(&self) -> Balance {
        self.balance
    }

    /// Channels of a device.
    pub fn channels(&self) -> u32 {
        self.channels
    }

    fn load(&self, tokens: u64) -> u64 {
        let head = Head {
            tokens: tokens.max(1),
            ..self.head
        };
        self.std.as_ref().map_or(0, |std| load(head, std))
    }

    /// Channels of a whole batch, by the tokens of each sequence. Least load takes the longest
    /// sequence first.
    pub fn batch(&mut self, tokens: &[u64]) -> Vec<u32> {
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        if self.balance == Balance::LeastLoad {
            order.sort_by_key(|&index| (std::cmp::Reverse(tokens[index]), index));
        }
        let mut loads = vec![0u64; self.channels as usize];
        let mut placement = vec![0; tokens.len()];
        for index in order {
            let channel = self.pick(&loads);
            loads[channel as usize] += self.load(tokens[index]);
            placement[index] = channel;
        }
        placement
    }

    /// Channel of a sequence that joins others, each given by channel and tokens.
    pub fn join(&mut self, others: impl Iterator<Item = (u32, u64)>) -> u32 {
        let mut loads = vec![0u64; self.channels as usize];
        if self.balance == Balance::LeastLoad && self.std.is_some() {
            for (channel, tokens) in others {
                loads[channel as usize] += self.load(tokens);
            }
        }
        self.pick(&loads)
    }

    fn pick(&mut self, loads: &[u64]) -> u32 {
        if self.balance == Balance::LeastLoad {
            let least = (0..loads.len()).min_by_key(|&channel| loads[channel]);
            return least.unwrap_or(0) as u32;
        }
        let channel = self.next;
        self.next = (self.next + 1) % self.channels;
        channel
    }
}

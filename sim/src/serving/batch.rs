//! One iteration of a closed batch whose requests are all in decode.

use super::kv::KvManager;
use super::placement::{ChannelChoice, PlacementError};
use crate::exec::{SimError, Simulator, StepTiming};
use crate::machine::Balance;
use memwall_models::Sequence;
use memwall_traces::InFlight;
use thiserror::Error;

/// A batch that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BatchError {
    /// Channels cannot be chosen.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The step cannot be simulated.
    #[error(transparent)]
    Sim(#[from] SimError),
}

/// An iteration as it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRun {
    /// Times and uses.
    pub timing: StepTiming,
    /// KV memory that the batch holds on one device, bytes.
    pub kv_bytes: u64,
    /// Requests longer than the model's positions: simulated all the same, as their lengths say.
    pub beyond_positions: u64,
}

/// Runs one iteration: every request attends its context and the token it adds.
pub fn run_batch(simulator: &mut Simulator, batch: &[InFlight]) -> Result<BatchRun, BatchError> {
    let model = simulator.model();
    let (kv_bytes, beyond_positions) = reserve(simulator, batch)?;
    let sequences: Vec<Sequence> = batch
        .iter()
        .map(|row| Sequence {
            new_tokens: 1,
            context: row.context_tokens,
        })
        .collect();
    let mut choice = ChannelChoice::new(simulator.machine(), model, simulator.degree());
    let placement = if choice.balance() == Balance::Trace {
        named_channels(batch, choice.channels())?
    } else {
        let tokens: Vec<u64> = batch.iter().map(|row| row.context_tokens + 1).collect();
        choice.batch(&tokens)
    };
    let timing = simulator.step(&sequences, &placement)?;
    Ok(BatchRun {
        timing,
        kv_bytes,
        beyond_positions,
    })
}

/// Reserves the KV memory of a batch; returns its bytes and how many requests are longer than the
/// model's positions.
pub(super) fn reserve(simulator: &Simulator, batch: &[InFlight]) -> Result<(u64, u64), BatchError> {
    let model = simulator.model();
    let mut kv = KvManager::of(simulator);
    let beyond = batch
        .iter()
        .filter(|row| row.context_tokens >= model.max_positions)
        .count() as u64;
    let placement = kv.placement();
    let needed = batch
        .iter()
        .map(|row| placement.bytes(row.context_tokens + 1))
        .fold(0u64, u64::saturating_add);
    for row in batch {
        if !kv.reserve(row.context_tokens + 1) {
            let free = kv.placement().free_bytes;
            let capacity = simulator.machine().capacity_bytes();
            return Err(BatchError::Sim(SimError::Capacity {
                machine: simulator.machine().name.clone(),
                what: format!(
                    "the KV caches of the batch, in blocks of {} keys and {} values, do not fit \
                     beside {} bytes of weights",
                    kv.placement().k_block.tokens,
                    kv.placement().v_block.tokens,
                    capacity - free
                ),
                needed_bytes: needed.saturating_add(capacity - free),
                capacity_bytes: capacity,
            }));
        }
    }
    Ok((kv.peak(), beyond))
}

fn named_channels(batch: &[InFlight], channels: u32) -> Result<Vec<u32>, PlacementError> {
    batch
        .iter()
        .map(|row| {
            if row.channel < channels {
                Ok(row.channel)
            } else {
                Err(PlacementError::NoSuchChannel {
                    line: row.line,
                    channel: row.channel,
                    last: channels - 1,
                })
            }
        })
        .collect()
}

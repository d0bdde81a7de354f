//! KV memory of a device: how much there is beside the weights, in which blocks the machine's
//! layout hands it out, and what is reserved.

use crate::exec::Simulator;
use crate::machine::{Device, Machine};
use crate::pim::tiling::Geometry;
use memwall_models::Model;

/// What serving must know of a device's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Independent domains among which sequences are spread; one if a sequence uses all channels.
    pub domains: u32,
    /// Bytes for KV caches on one device, all domains together.
    pub free_bytes: u64,
    /// Bytes of keys (and again of values) of one block on one device, all layers.
    pub k_block: Block,
    /// The same for values.
    pub v_block: Block,
}

/// Unit of allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Tokens of a block.
    pub tokens: u64,
    /// Bytes of a block on one device, all layers.
    pub bytes: u64,
}

impl Block {
    fn bytes_of(&self, tokens: u64) -> u64 {
        tokens.div_ceil(self.tokens).saturating_mul(self.bytes)
    }
}

impl Placement {
    /// The memory of one of `degree` devices like `machine` that share `model`.
    ///
    /// The layers of a sequence lie in different channels of a PIM machine, one after another, so
    /// that memory fills evenly although each layer's cache lies in one channel.
    pub fn new(machine: &Machine, model: &Model, degree: u64) -> Placement {
        let weights = model.weight_bytes().div_ceil(degree);
        let free_bytes = machine.capacity_bytes().saturating_sub(weights);
        let features = model.kv_heads / degree * model.head_dim;
        let element = model.dtype.bytes();
        let token = Block {
            tokens: 1,
            bytes: features * element * model.layers,
        };
        let pim = match &machine.device {
            Device::Npu(device) => device
                .memory
                .part()
                .and_then(|part| Some((part, part.pim.as_ref()?))),
            Device::Gpu(_) => None,
        };
        let blocks = pim.map(|(memory, pim)| {
            let organisation = &memory.organisation;
            let geometry = Geometry::new(organisation, pim);
            let (kv_heads, dim) = (model.kv_heads / degree, model.head_dim);
            // Rows are counted in every bank.
            let block = |tokens, rows: u64| Block {
                tokens,
                bytes: rows * geometry.banks * organisation.row_bytes * model.layers,
            };
            (
                organisation.channels as u32,
                block(geometry.banks, geometry.key_rows(kv_heads, dim)),
                block(geometry.row_elements, geometry.value_rows(kv_heads, dim)),
            )
        });
        let (domains, k_block, v_block) = blocks.unwrap_or((1, token, token));
        Placement {
            domains,
            free_bytes,
            k_block,
            v_block,
        }
    }

    /// Bytes that `tokens` tokens of one sequence take, in whole blocks.
    pub fn bytes(&self, tokens: u64) -> u64 {
        self.k_block
            .bytes_of(tokens)
            .saturating_add(self.v_block.bytes_of(tokens))
    }
}

/// Reserves KV memory for whole sequences.
#[derive(Debug, Clone)]
pub struct KvManager {
    placement: Placement,
    used: u64,
    peak: u64,
}

impl KvManager {
    /// Nothing reserved.
    pub fn new(placement: Placement) -> KvManager {
        KvManager {
            placement,
            used: 0,
            peak: 0,
        }
    }

    /// For the machine and model of a simulator.
    pub fn of(simulator: &Simulator) -> KvManager {
        KvManager::new(Placement::new(
            simulator.machine(),
            simulator.model(),
            simulator.degree(),
        ))
    }

    /// The memory's geometry.
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Whether a sequence of `tokens` could ever be held.
    pub fn could_hold(&self, tokens: u64) -> bool {
        self.placement.bytes(tokens) <= self.placement.free_bytes
    }

    /// Reserves room for `tokens`, if there is.
    pub fn reserve(&mut self, tokens: u64) -> bool {
        let bytes = self.placement.bytes(tokens);
        let fits = self
            .used
            .checked_add(bytes)
            .is_some_and(|sum| sum <= self.placement.free_bytes);
        if fits {
            self.used += bytes;
            self.peak = self.peak.max(self.used);
        }
        fits
    }

    /// Gives back what was reserved for `tokens`.
    pub fn release(&mut self, tokens: u64) {
        self.used = self.used.saturating_sub(self.placement.bytes(tokens));
    }

    /// Bytes reserved now.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Most bytes ever reserved.
    pub fn peak(&self) -> u64 {
        self.peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACEMENT: Placement = Placement {
        domains: 32,
        free_bytes: 10_000,
        k_block: Block {
            tokens: 32,
            bytes: 64,
        },
        v_block: Block {
            tokens: 512,
            bytes: 1024,
        },
    };

    #[test]
    fn whole_blocks_are_counted() {
        assert_eq!(PLACEMENT.bytes(1), 64 + 1024);
        assert_eq!(PLACEMENT.bytes(33), 128 + 1024);
        assert_eq!(PLACEMENT.bytes(513), 17 * 64 + 2 * 1024);
    }

    proptest! {
        #[test]
        fn what_is_released_is_what_was_reserved(tokens in proptest::collection::vec(1u64..2000, 0..40)) {
            let mut kv = KvManager::new(PLACEMENT);
            let held: Vec<u64> = tokens.into_iter().filter(|&t| kv.reserve(t)).collect();
            prop_assert!(kv.used() <= PLACEMENT.free_bytes);
            prop_assert_eq!(kv.peak(), kv.used());
            for tokens in held {
                kv.release(tokens);
            }
            prop_assert_eq!(kv.used(), 0);
        }
    }
}

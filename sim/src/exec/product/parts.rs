//! What a product took: time by cause, bytes by tensor, accesses to the scratchpads.

use crate::time::Ps;

/// Time of all cores by cause; adds up to the time of the product on every core, exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// Operands stream through the arrays.
    pub busy: Ps,
    /// Blocks are loaded or results drain while nothing streams.
    pub fill: Ps,
    /// Operands, or room in the accumulators, are waited for, and memory is what they wait for.
    pub memory: Ps,
    /// Operands have left memory and are on the network, or come from another scratchpad.
    pub link: Ps,
    /// The last outputs leave.
    pub store: Ps,
    /// Other cores still work.
    pub barrier: Ps,
}

impl Parts {
    /// Sum of all parts.
    pub fn total(&self) -> Ps {
        self.busy + self.fill + self.memory + self.link + self.store + self.barrier
    }

    pub(super) fn add(&mut self, other: &Parts) {
        self.busy += other.busy;
        self.fill += other.fill;
        self.memory += other.memory;
        self.link += other.link;
        self.store += other.store;
        self.barrier += other.barrier;
    }
}

/// Bytes asked of memory, by tensor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Activations read.
    pub activations: u64,
    /// Weights read.
    pub weights: u64,
    /// Partial sums written.
    pub partial_out: u64,
    /// Partial sums read back.
    pub partial_in: u64,
    /// Outputs written.
    pub outputs: u64,
}

impl Traffic {
    /// Sum of all tensors.
    pub fn total(&self) -> u64 {
        self.activations + self.weights + self.partial_out + self.partial_in + self.outputs
    }
}

/// Bytes read and written at the ports of the scratchpads and accumulators of all cores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accesses {
    /// Activations into the arrays.
    pub activation_reads: u64,
    /// Weights into the arrays.
    pub weight_reads: u64,
    /// Accumulators read, to be added to.
    pub accumulator_reads: u64,
    /// Accumulators written.
    pub accumulator_writes: u64,
    /// Tiles written by DMA.
    pub fills: u64,
    /// Tiles read by DMA.
    pub drains: u64,
}

impl Accesses {
    pub(super) fn add(&mut self, other: &Accesses) {
        self.activation_reads += other.activation_reads;
        self.weight_reads += other.weight_reads;
        self.accumulator_reads += other.accumulator_reads;
        self.accumulator_writes += other.accumulator_writes;
        self.fills += other.fills;
        self.drains += other.drains;
    }
}

/// A product as it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// When its outputs are where they belong.
    pub end: Ps,
    /// Time by cause, over all cores.
    pub parts: Parts,
    /// Bytes asked of memory.
    pub traffic: Traffic,
    /// Bytes at the ports of scratchpads.
    pub accesses: Accesses,
    /// Tiles that the cores ran.
    pub steps: u64,
    /// Cores that had work.
    pub cores: u64,
    /// When the space of each of the last two tiles was free, on all cores.
    pub buffers: [Ps; 2],
    /// When memory had done everything.
    pub memory_idle: Ps,
    /// No run of this mapping is faster: arrays, memory, links.
    pub bound: Bound,
}

/// Closed forms of a mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// Blocks of the busiest core one after another, with one fill and one drain.
    pub array: Ps,
    /// Bytes at the peak of memory.
    pub memory: Ps,
    /// Bytes at the busiest link.
    pub link: Ps,
}

impl Bound {
    /// The largest.
    pub fn time(&self) -> Ps {
        self.array.max(self.memory).max(self.link)
    }

    /// What the largest belongs to.
    pub fn binding(&self) -> &'static str {
        let time = self.time();
        if time == self.array {
            "arrays"
        } else if time == self.memory {
            "memory"
        } else {
            "links"
        }
    }
}

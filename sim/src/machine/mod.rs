//! A machine: from TOML as written to the checked, integer description that the devices are built
//! from. Holds no state of a run.

mod energy;
mod error;
mod expression;
mod gpu;
mod link;
mod load;
mod npu;
mod npu_cores;
mod npu_vector;
mod number;
mod onnxim;
mod part;
mod part_energy;
mod part_raw;
mod part_requests;
mod part_rules;
mod part_timing;
mod pim;
mod pim_check;
mod pim_raw;
mod plain;
mod raw;
mod resolve;
mod setting;
mod topology;
mod topology_raw;

use crate::dram::Standard;
use crate::energy::Energies;
use crate::gpu::Gpu;
use crate::link::Link;
use crate::memory::Plain;
use crate::npu::Npu;
use std::sync::Arc;

pub use energy::{load_energy, load_energy_text};
pub use error::ConfigError;
pub use load::{
    PartSource, PartText, load, load_part, load_part_text, load_pim, load_pim_text, load_text,
};
pub use onnxim::{load_onnxim, load_onnxim_text};
pub use pim::{CommandSet, PimDevice};
pub use setting::Setting;
pub use topology::{load_topology, load_topology_text};

/// A machine: one device, and how many like it are joined.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// The device that computes.
    pub device: Device,
    /// Link between the devices of a tensor-parallel group; `None` allows a degree of one only.
    pub link: Option<Link>,
    /// Energies of operations, if the machine names a table.
    pub energy: Option<Arc<Energies>>,
    /// The configuration after `--set`, parts included.
    pub configuration: toml::Table,
}

/// What computes.
#[derive(Debug, Clone)]
// A machine is made once; a box would only hide its fields.
#[allow(clippy::large_enum_variant)]
pub enum Device {
    /// Arrays and a vector unit on memory channels, with or without PIM.
    Npu(NpuDevice),
    /// A GPU, by rates.
    Gpu(Box<Gpu>),
}

/// An NPU and its memory.
#[derive(Debug, Clone)]
pub struct NpuDevice {
    /// Arrays, vector unit, scratchpad.
    pub npu: Npu,
    /// Its memory.
    pub memory: DeviceMemory,
    /// Policies of PIM attention; `None` if attention runs on the arrays.
    pub pim: Option<PimPolicy>,
}

/// Memory of an NPU.
#[derive(Debug, Clone)]
pub enum DeviceMemory {
    /// A memory part, with its PIM side if there is one.
    Part(Arc<Standard>),
    /// A bandwidth and a latency: machines of which no more is known.
    Plain(Plain),
}

impl DeviceMemory {
    /// The memory part, if there is one.
    pub fn part(&self) -> Option<&Arc<Standard>> {
        match self {
            DeviceMemory::Part(part) => Some(part),
            DeviceMemory::Plain(_) => None,
        }
    }

    /// Capacity.
    pub fn capacity_bytes(&self) -> u64 {
        match self {
            DeviceMemory::Part(part) => part.organisation.capacity_bytes(),
            DeviceMemory::Plain(plain) => plain.capacity_bytes,
        }
    }

    /// Bytes of a burst; 1 where memory is a bandwidth only.
    pub fn burst_bytes(&self) -> u64 {
        self.part().map_or(1, |part| part.organisation.burst_bytes)
    }

    /// Peak bandwidth.
    pub fn peak_bytes_per_s(&self) -> u64 {
        match self {
            DeviceMemory::Part(part) => part.peak_bytes_per_s(),
            DeviceMemory::Plain(plain) => plain.bytes_per_s,
        }
    }
}

/// Policies of PIM attention that concern the placement of KV caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PimPolicy {
    /// Choice of the channel of a request.
    pub balance: Balance,
    /// Cost of appending to the V layout.
    pub v_append: VAppend,
}

/// Which channel gets a request's KV cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Channels in turn.
    RoundRobin,
    /// The channel with the least estimated load (the greedy rule of the NeuPIMs paper).
    LeastLoad,
    /// The channel that the batch names: closed batches only.
    Trace,
}

/// How a new token's V vector reaches the layout in which one row holds one feature of many tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VAppend {
    /// A masked column write for each feature.
    Direct,
    /// Not timed.
    Untimed,
}

impl Machine {
    /// Peak rate of one device's memory.
    pub fn peak_bytes_per_s(&self) -> u64 {
        match &self.device {
            Device::Npu(device) => device.memory.peak_bytes_per_s(),
            Device::Gpu(gpu) => gpu.peaks.bytes_per_s,
        }
    }

    /// Bytes of memory of one device.
    pub fn capacity_bytes(&self) -> u64 {
        match &self.device {
            Device::Npu(device) => device.memory.capacity_bytes(),
            Device::Gpu(gpu) => gpu.memory_bytes,
        }
    }
}

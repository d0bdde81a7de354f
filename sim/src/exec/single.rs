//! One matrix product alone on a machine.

use super::product::{Begin, Outcome, Run, choose};
use super::{Fidelity, SimError};
use crate::gpu::{Parts, Product, ratio};
use crate::machine::{Device, DeviceMemory, Machine};
use crate::memory::{Basis, Memory, PlainMemory, Rates, System};
use crate::npu::{Gemm, Mapping, Resident};
use crate::time::Ps;
use std::sync::Arc;
use thiserror::Error;

/// A product as a machine ran it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Single {
    /// On the cores of an NPU.
    Npu {
        /// Its mapping.
        mapping: Mapping,
        /// What came of it.
        outcome: Box<Outcome>,
        /// Bytes that crossed the pins, in whole bursts.
        bus_bytes: u64,
        /// Detail of the memory.
        fidelity: Fidelity,
    },
    /// One kernel of a GPU.
    Kernel {
        /// Its time.
        parts: Parts,
        /// Arithmetic and bytes at their peaks: no kernel is faster.
        bounds: [Ps; 2],
        /// Bytes to and from device memory.
        bytes: u64,
    },
}

/// A product that cannot run.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum SingleError {
    /// No tile fits.
    #[error(transparent)]
    Tile(#[from] SimError),
    /// The operands exceed the memory.
    #[error(
        "operands and outputs take {needed_bytes} bytes, machine '{machine}' has {capacity_bytes}"
    )]
    Capacity {
        /// Machine.
        machine: String,
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes there are.
        capacity_bytes: u64,
    },
    /// Where tensors lie cannot be chosen.
    #[error("machine '{machine}' runs kernels: mappings and resident tensors belong to an NPU")]
    Kernels {
        /// Machine.
        machine: String,
    },
}

/// Runs a product. `mapping` replaces the machine's choice.
pub fn product(
    machine: &Machine,
    gemm: &Gemm,
    resident: Resident,
    mapping: Option<Mapping>,
    fidelity: Fidelity,
) -> Result<Single, SingleError> {
    let (a, b, c) = gemm.bytes();
    let needed_bytes = a.saturating_add(b).saturating_add(c);
    if needed_bytes > machine.capacity_bytes() {
        return Err(SingleError::Capacity {
            machine: machine.name.clone(),
            needed_bytes,
            capacity_bytes: machine.capacity_bytes(),
        });
    }
    let device = match &machine.device {
        Device::Npu(device) => device,
        Device::Gpu(gpu) => {
            if mapping.is_some() || resident != Resident::default() {
                return Err(SingleError::Kernels {
                    machine: machine.name.clone(),
                });
            }
            let product = Product {
                element: gemm.element,
                ..Product::half(gemm.m, gemm.k, gemm.n)
            };
            return Ok(Single::Kernel {
                parts: gpu.product(&product),
                bounds: [
                    ratio(product.flop(), gpu.peaks.flop_per_s),
                    ratio(needed_bytes, gpu.peaks.bytes_per_s),
                ],
                bytes: needed_bytes,
            });
        }
    };
    let npu = &device.npu;
    let given = mapping.filter(|mapping| mapping.fits(npu, gemm, resident));
    let chosen = match (mapping, given) {
        (Some(_), given) => given,
        (None, _) => choose(npu, &device.memory, gemm, resident),
    };
    let Some(mapping) = chosen else {
        return Err(SingleError::Tile(SimError::no_tile(npu, gemm, resident)));
    };
    let run = Run {
        npu,
        device: &device.memory,
        gemm: *gemm,
        mapping,
        resident,
        bias: 0,
    };
    let (mut memory, fidelity) = match &device.memory {
        DeviceMemory::Plain(plain) => (Memory::Plain(PlainMemory::new(*plain)), Fidelity::Rates),
        DeviceMemory::Part(part) if fidelity == Fidelity::Fast => {
            let basis = Arc::new(Basis::measure(part));
            (Memory::Fast(Rates::new(basis)), Fidelity::Fast)
        }
        DeviceMemory::Part(part) => {
            let system = System::new(Arc::clone(part), true);
            (Memory::Command(Box::new(system)), Fidelity::Command)
        }
    };
    let outcome = run.execute(&mut memory, Begin::at(Ps::ZERO), true);
    Ok(Single::Npu {
        mapping,
        outcome: Box::new(outcome),
        bus_bytes: memory.bus_bytes(),
        fidelity,
    })
}

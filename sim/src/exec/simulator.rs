//! A machine ready to run steps: holds what is measured or remembered between them.

use super::Usage;
use super::group::Sums;
use super::npu::{NpuRun, Remembered};
use super::overlap::{Product, exposed};
use super::step::{StepTiming, TaskTiming};
use super::watch::{Watch, heard};
use crate::gpu::KernelWork;
use crate::link::{LinkError, Overlap};
use crate::lower::{self, Task, Work};
use crate::machine::{Device, DeviceMemory, Machine, NpuDevice};
use crate::memory::{Basis, Memory, PimCosts, PlainMemory, Rates, System};
use crate::npu::{Gemm, Npu, Resident};
use crate::time::Ps;
use memwall_models::graph::GraphError;
use memwall_models::{Model, Routing, Sequence, StepGraph};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

/// Detail of the memory model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// Every DRAM and PIM command.
    Command,
    /// Rates measured on the command model at first use.
    Fast,
    /// Given rates: kernels of a GPU, or a memory of which only bandwidth and latency are known.
    Rates,
}

/// A step that cannot be simulated.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum SimError {
    /// The batch does not suit the model or the tensor-parallel degree.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The machine has no link for a group of several devices.
    #[error(
        "machine '{machine}' has no [link]: the tensor-parallel degree must be 1, not {degree}"
    )]
    NoLink {
        /// Machine.
        machine: String,
        /// Degree asked for.
        degree: u64,
    },
    /// The topology cannot carry what the group sends.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Degrees of parallelism that do not suit the model, the batch or the topology.
    #[error("{rule}")]
    Group {
        /// What is wrong.
        rule: String,
    },
    /// Attention cannot be laid out in the banks.
    #[error("model '{model}' does not fit the PIM layout of machine '{machine}': {rule}")]
    Layout {
        /// Machine.
        machine: String,
        /// Model.
        model: String,
        /// What is required.
        rule: String,
    },
    /// Weights or KV caches exceed the memory of a device.
    #[error(
        "{what}: {needed_bytes} bytes a device are needed, machine '{machine}' has {capacity_bytes}"
    )]
    Capacity {
        /// Machine.
        machine: String,
        /// What does not fit.
        what: String,
        /// Bytes needed on one device.
        needed_bytes: u64,
        /// Bytes there are.
        capacity_bytes: u64,
    },
    /// No tile of a product fits a core.
    #[error(
        "the product of {} x {} x {} has no tile that fits a core: scratchpad {scratchpad_bytes} bytes, of which resident tensors take {resident_bytes}, accumulators {accumulator_bytes} bytes, each double-buffered; at most {most} tiles", product.0, product.1, product.2, most = crate::npu::mapping::MOST_TILES
    )]
    NoTile {
        /// M, K and N.
        product: (u64, u64, u64),
        /// Scratchpad of a core.
        scratchpad_bytes: u64,
        /// Bytes of it that tensors on chip are to take.
        resident_bytes: u64,
        /// Accumulators of a core.
        accumulator_bytes: u64,
    },
    /// Nothing was simulated.
    #[error("the step took no time: nothing was simulated")]
    ZeroWork,
}

impl SimError {
    /// That no tile of a product fits.
    pub(super) fn no_tile(npu: &Npu, gemm: &Gemm, resident: Resident) -> Self {
        SimError::NoTile {
            product: (gemm.m, gemm.k, gemm.n),
            scratchpad_bytes: npu.scratchpad_bytes,
            resident_bytes: resident.bytes(gemm, npu.cores.count),
            accumulator_bytes: npu.accumulator_bytes,
        }
    }
}

/// Runs steps of one model on one machine.
#[derive(Debug, Clone)]
pub struct Simulator {
    machine: Machine,
    model: Model,
    degree: u64,
    fidelity: Fidelity,
    share_channels: bool,
    basis: Option<Arc<Basis>>,
    remembered: Remembered,
    sums: Sums,
}

impl Simulator {
    /// Prepares `model` on `degree` devices like `machine`. `fidelity` is `Rates` for a GPU
    /// whatever is asked.
    pub fn new(
        machine: &Machine,
        model: &Model,
        degree: u64,
        fidelity: Fidelity,
    ) -> Result<Simulator, SimError> {
        if degree > 1 && machine.link.is_none() {
            return Err(SimError::NoLink {
                machine: machine.name.clone(),
                degree,
            });
        }
        let weights = model.weight_bytes().div_ceil(degree.max(1));
        if weights >= machine.capacity_bytes() {
            return Err(SimError::Capacity {
                machine: machine.name.clone(),
                what: format!("the weights of '{}' do not fit", model.name),
                needed_bytes: weights,
                capacity_bytes: machine.capacity_bytes(),
            });
        }
        let mut simulator = Simulator {
            machine: machine.clone(),
            model: model.clone(),
            degree,
            fidelity,
            share_channels: true,
            basis: None,
            remembered: Remembered::default(),
            sums: Sums::default(),
        };
        if degree > 1 {
            // A group that the topology has no room for is refused before any work.
            simulator.sums.learn(machine.link.as_ref(), 1, degree)?;
        }
        match &machine.device {
            Device::Gpu(_) => simulator.fidelity = Fidelity::Rates,
            Device::Npu(device) => {
                check_layout(machine, device, model)?;
                match device.memory.part() {
                    None => simulator.fidelity = Fidelity::Rates,
                    Some(part) if fidelity == Fidelity::Fast => {
                        simulator.basis = Some(Arc::new(Basis::measure(part)));
                        simulator.remembered = Remembered::new(Some(PimCosts::new(part)));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(simulator)
    }

    /// Simulates every channel on its own instead of sharing the work of channels in equal state:
    /// for the test that sharing changes nothing.
    #[must_use]
    pub fn without_sharing(mut self) -> Simulator {
        self.share_channels = false;
        self
    }

    /// Fidelity in force.
    pub fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Devices of the tensor-parallel group.
    pub fn degree(&self) -> u64 {
        self.degree
    }

    /// Runs one step. `placement` gives the channel of each sequence's KV cache; machines without
    /// PIM ignore it.
    pub fn step(
        &mut self,
        sequences: &[Sequence],
        placement: &[u32],
    ) -> Result<StepTiming, SimError> {
        self.run(sequences, placement, Routing::Even, None)
    }

    /// The same, layer after layer with none standing for others and tokens going to experts as
    /// `routing` says; `watch` hears what is done with
    /// values. Of a GPU, whose kernels are not scheduled here, it hears nothing.
    pub fn watched(
        &mut self,
        sequences: &[Sequence],
        placement: &[u32],
        routing: Routing<'_>,
        watch: &mut dyn Watch,
    ) -> Result<StepTiming, SimError> {
        self.run(sequences, placement, routing, Some(watch))
    }

    fn run(
        &mut self,
        sequences: &[Sequence],
        placement: &[u32],
        routing: Routing<'_>,
        mut watch: Option<&mut dyn Watch>,
    ) -> Result<StepTiming, SimError> {
        let graph = StepGraph::routed(&self.model, self.degree, sequences, routing)?;
        let lower = |part| lower::lower(part, &self.machine, sequences, &self.model, self.degree);
        let mut parts = vec![(Part::Prologue, lower(&graph.prologue)?, 1)];
        let mut first = 0;
        for layers in &graph.layers {
            let (together, apart) = match watch {
                Some(_) => (1, layers.count),
                None => (layers.count, 1),
            };
            let layer = lower(&layers.graph)?;
            let own = first..first + apart;
            parts.extend(own.map(|index| (Part::Layer(index), layer.clone(), together)));
            first += layers.count;
        }
        parts.push((Part::Epilogue, lower(&graph.epilogue)?, 1));
        for task in parts.iter().flat_map(|(_, tasks, _)| tasks) {
            if let Work::AllReduce { bytes, devices } = task.work {
                self.sums
                    .learn(self.machine.link.as_ref(), bytes, devices)?;
            }
        }
        let (sums, overlap) = (&self.sums, self.overlap());
        let bytes_per_s = self.machine.peak_bytes_per_s();
        let mut timing = StepTiming::default();
        match &self.machine.device {
            Device::Gpu(gpu) => {
                let run = |task: &Task, _, at| (at + kernel(gpu, sums, task), gpu_usage(task));
                run_parts(&parts, run, (sums, overlap, bytes_per_s), &mut timing);
            }
            Device::Npu(device) => {
                let memory = match (&device.memory, &self.basis) {
                    (DeviceMemory::Plain(plain), _) => Memory::Plain(PlainMemory::new(*plain)),
                    (DeviceMemory::Part(_), Some(basis)) => {
                        Memory::Fast(Rates::new(Arc::clone(basis)))
                    }
                    (DeviceMemory::Part(part), None) => Memory::Command(Box::new(System::new(
                        Arc::clone(part),
                        self.share_channels,
                    ))),
                };
                let mut run = NpuRun {
                    device,
                    sums,
                    memory,
                    remembered: &mut self.remembered,
                    placement,
                    element: self.model.dtype.bytes(),
                    joined: device.npu.joined(),
                    idle: Ps::ZERO,
                    buffers: [Ps::ZERO; 2],
                    leaving: None,
                    failed: None,
                    watch: heard(&mut watch),
                };
                let of_task = |task: &Task, layer, at| run.run(task, layer, at);
                run_parts(&parts, of_task, (sums, overlap, bytes_per_s), &mut timing);
                if let Some(error) = run.failed {
                    return Err(error);
                }
            }
        }
        if timing.total == Ps::ZERO {
            return Err(SimError::ZeroWork);
        }
        Ok(timing)
    }

    /// Chunks in which a sum may overlap the product before it; 1 for none.
    fn overlap(&self) -> u64 {
        match self.machine.link.as_ref().map(|link| link.overlap) {
            Some(Overlap::Chunks(chunks)) => chunks,
            _ => 1,
        }
    }
}

/// Where tasks stand in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Prologue,
    Layer(u64),
    Epilogue,
}

fn run_parts(
    parts: &[(Part, Vec<Task>, u64)],
    mut run: impl FnMut(&Task, Option<u64>, Ps) -> (Ps, Usage),
    (sums, chunks, bytes_per_s): (&Sums, u64, u64),
    timing: &mut StepTiming,
) {
    let mut now = Ps::ZERO;
    for (part, tasks, repeat) in parts {
        let start = now;
        let layer = match part {
            Part::Layer(index) => Some(*index),
            Part::Prologue | Part::Epilogue => None,
        };
        let mut product = None;
        for task in tasks {
            let (mut end, mut usage) = run(task, layer, now);
            if let (Work::AllReduce { bytes, devices }, Some(before)) = (&task.work, product)
                && chunks > 1
            {
                let overlapped = exposed(before, *bytes, *devices, chunks, bytes_per_s, sums);
                end = now + overlapped.exposed;
                usage.bus_bytes += overlapped.traffic;
            }
            product = makes_sums(task).then(|| Product {
                time: end.since(now),
            });
            timing.push(TaskTiming {
                name: task.name,
                expert: task.expert,
                unit: task.unit,
                time: end.since(now),
                usage,
                repeat: *repeat,
                in_layer: layer.is_some(),
            });
            now = end;
        }
        *match part {
            Part::Prologue => &mut timing.prologue,
            Part::Layer(_) => &mut timing.layer,
            Part::Epilogue => &mut timing.epilogue,
        } = now.since(start);
    }
}

/// Products, whose columns can be summed as they are made.
fn makes_sums(task: &Task) -> bool {
    matches!(
        task.work,
        Work::Gemm { .. } | Work::Kernel(KernelWork::Product(_))
    )
}

fn kernel(gpu: &crate::gpu::Gpu, sums: &Sums, task: &Task) -> Ps {
    match task.work {
        Work::Kernel(work) => gpu.time(&work),
        Work::AllReduce { bytes, devices } => sums.time(bytes, devices),
        _ => Ps::ZERO,
    }
}

fn gpu_usage(task: &Task) -> Usage {
    match task.work {
        Work::Kernel(_) => Usage {
            array_macs: task.macs,
            bus_bytes: task.bytes.total(),
            ..Usage::default()
        },
        Work::AllReduce { bytes, devices } => Usage {
            link_bytes: 2 * bytes * (devices - 1) / devices.max(1),
            ..Usage::default()
        },
        _ => Usage::default(),
    }
}

fn check_layout(machine: &Machine, device: &NpuDevice, model: &Model) -> Result<(), SimError> {
    let (Some(part), Some(_)) = (device.memory.part(), &device.pim) else {
        return Ok(());
    };
    let row = part.organisation.row_bytes / 2;
    let rule = if model.dtype.bytes() != 2 {
        "the banks multiply 16-bit elements".to_owned()
    } else if model.head_dim > row {
        format!(
            "a head of {} exceeds a row of {row} elements",
            model.head_dim
        )
    } else {
        return Ok(());
    };
    Err(SimError::Layout {
        machine: machine.name.clone(),
        model: model.name.clone(),
        rule,
    })
}

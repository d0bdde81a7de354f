//! The tasks of an NPU at either fidelity.

use super::gemm::Product;
use super::{Usage, append, array_attention, pim_attention};
use crate::dram::Direction;
use crate::link::Link;
use crate::lower::{AttentionEntry, KvAppend, Task, Work};
use crate::machine::NpuDevice;
use crate::memory::{Memory, PimCosts};
use crate::npu::VectorOp;
use crate::time::{Ps, Tick};
use std::collections::BTreeMap;

/// Products are met again in every decode step of equal batch; alone on the memory they take as
/// long. Cleared when it grows beyond any batch's variety.
const PRODUCTS: usize = 1 << 16;

/// What `fast` remembers between steps.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub costs: PimCosts,
    products: BTreeMap<Product, (Ps, u64)>,
}

impl Remembered {
    pub(super) fn new(costs: PimCosts) -> Remembered {
        Remembered {
            costs,
            products: BTreeMap::new(),
        }
    }
}

/// An NPU running a step.
pub(super) struct NpuRun<'a> {
    pub device: &'a NpuDevice,
    pub link: Option<&'a Link>,
    pub memory: Memory,
    /// Of `fast` only.
    pub remembered: Option<&'a mut Remembered>,
    /// Channel of each sequence's KV cache.
    pub placement: &'a [u32],
    /// Bytes of an element.
    pub element: u64,
}

impl NpuRun<'_> {
    /// Runs a task from `at` on; returns its end and what it used.
    pub(super) fn run(&mut self, task: &Task, at: Ps) -> (Ps, Usage) {
        let bus = self.memory.bus_bytes();
        let mut usage = Usage::default();
        let end = match &task.work {
            &Work::Gemm { m, k, n, element } => {
                usage.array_macs = task.macs;
                let product = Product {
                    m,
                    k,
                    n,
                    element,
                    weight_bytes: task.bytes.weights,
                };
                self.product(product, at)
            }
            &Work::Vector { op, rows, width } => {
                let npu = &self.device.npu;
                let end = at + npu.clock.to_ps(npu.vector.rows(op, rows, width));
                end.max(self.spill(op, task, at))
            }
            Work::Gather => {
                self.memory
                    .transfer(at, Direction::Read, task.bytes.total() - task.bytes.output)
            }
            Work::AppendSequential => {
                let bytes = task.bytes.kv_written;
                self.memory.transfer(at, Direction::Write, bytes)
            }
            Work::AppendPim(appends) => self.append(appends, at),
            Work::ArrayAttention(entries) => {
                usage.array_macs = task.macs;
                let npu = &self.device.npu;
                array_attention::run(npu, &mut self.memory, at, entries, self.element)
            }
            Work::PimAttention(entries) => {
                usage.pim_macs = task.macs;
                let (end, busy) = self.pim_attention(entries, at);
                usage.pim_busy_ps = self.device.memory.clock.to_ps(busy).0;
                end
            }
            &Work::AllReduce { bytes, devices } => {
                usage.link_bytes = 2 * bytes * (devices - 1) / devices.max(1);
                match self.link {
                    Some(link) => at + link.all_reduce(bytes, devices),
                    None => at,
                }
            }
            Work::Kernel(_) => {
                debug_assert!(false, "kernels are lowered for GPUs only");
                at
            }
        };
        usage.bus_bytes = self.memory.bus_bytes() - bus;
        (end, usage)
    }

    /// Tensors that do not stay on chip come from memory and go back.
    fn spill(&mut self, op: VectorOp, task: &Task, at: Ps) -> Ps {
        let npu = &self.device.npu;
        let operands = if op == VectorOp::Add { 2 } else { 1 };
        let mut end = at;
        if !npu.keeps(task.bytes.input / operands) {
            end = self.memory.transfer(end, Direction::Read, task.bytes.input);
        }
        if !npu.keeps(task.bytes.output) {
            end = self
                .memory
                .transfer(end, Direction::Write, task.bytes.output);
        }
        end
    }

    fn product(&mut self, product: Product, at: Ps) -> Ps {
        let npu = &self.device.npu;
        let (Some(remembered), Memory::Fast(rates)) = (&mut self.remembered, &mut self.memory)
        else {
            return product.run(npu, &mut self.memory, at);
        };
        if let Some(&(time, bursts)) = remembered.products.get(&product) {
            rates.count_bursts(bursts);
            return at + time;
        }
        let mut alone = Memory::Fast(crate::memory::Rates::new(rates.basis().clone()));
        let time = product.run(npu, &mut alone, Ps::ZERO);
        let bursts = alone.bus_bytes() / self.device.memory.organisation.burst_bytes;
        if remembered.products.len() >= PRODUCTS {
            remembered.products.clear();
        }
        remembered.products.insert(product, (time, bursts));
        rates.count_bursts(bursts);
        at + time
    }

    fn append(&mut self, appends: &[KvAppend], at: Ps) -> Ps {
        let organisation = &self.device.memory.organisation;
        let Some(policy) = self.device.pim else {
            return at;
        };
        let mut channels = vec![Vec::new(); organisation.channels];
        for item in appends {
            let channel = self.placement.get(item.sequence).copied().unwrap_or(0);
            let channel = channel as usize % organisation.channels;
            channels[channel].extend(append::pieces(item, &self.device.memory, policy));
        }
        match &mut self.memory {
            Memory::Command(system) => {
                let slot = organisation.slot_of(0, (organisation.rows / 2) as u32);
                let lists = channels
                    .iter()
                    .map(|pieces| append::streams(pieces, organisation, slot))
                    .collect();
                system.run_lists(at, lists)
            }
            Memory::Fast(rates) => {
                let basis = rates.basis().clone();
                let mut longest = 0;
                for pieces in &channels {
                    let mut ticks: Tick = 0;
                    for piece in pieces {
                        let bursts = piece.bursts * piece.pieces;
                        rates.count_bursts(bursts);
                        // Short pieces are bound by row openings, long ones by the bus.
                        ticks += basis
                            .write
                            .steady(bursts)
                            .max(basis.scattered_write.steady(piece.pieces));
                    }
                    if ticks > 0 {
                        longest = longest.max(ticks + basis.write.first);
                    }
                }
                at + basis.to_ps(longest)
            }
        }
    }

    fn pim_attention(&mut self, entries: &[AttentionEntry], at: Ps) -> (Ps, Tick) {
        match (&mut self.memory, &mut self.remembered) {
            (Memory::Command(system), _) => {
                let before = system.counters().pim_busy;
                let end =
                    pim_attention::run_command(self.device, system, at, entries, self.placement);
                (end, system.counters().pim_busy - before)
            }
            (Memory::Fast(rates), Some(remembered)) => pim_attention::run_fast(
                self.device,
                rates,
                &mut remembered.costs,
                at,
                entries,
                self.placement,
            ),
            (Memory::Fast(_), None) => (at, 0),
        }
    }
}

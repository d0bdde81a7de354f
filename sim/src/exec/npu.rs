//! The tasks of an NPU at either fidelity.

use super::fused::Outputs;
use super::group::Sums;
use super::product::{Begin, Run, choose};
use super::watch::{Act, Class, Watch, heard};
use super::{SimError, Usage, append, array_attention, pim_attention};
use crate::dram::{Command, Direction};
use crate::energy::{sram_bytes, vector_elements};
use crate::lower::{AttentionEntry, KvAppend, Task, Work};
use crate::machine::NpuDevice;
use crate::memory::{Memory, PimCosts};
use crate::npu::{Gemm, Mapping, Npu, Resident, VectorOp};
use crate::time::{Ps, Tick};
use std::collections::BTreeMap;

/// Products are met again in every decode step of equal batch; alone on the memory they take as
/// long. Cleared when it grows beyond any batch's variety.
const PRODUCTS: usize = 1 << 16;

/// What is remembered between steps.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    /// Of `fast` on a machine with PIM.
    pub costs: Option<PimCosts>,
    mappings: BTreeMap<Gemm, (Mapping, Resident)>,
    /// Time, bytes over the pins and at the scratchpads, where memory goes by rates.
    products: BTreeMap<(Gemm, u64), (Ps, u64, u64)>,
}

impl Remembered {
    pub(super) fn new(costs: Option<PimCosts>) -> Remembered {
        Remembered {
            costs,
            ..Remembered::default()
        }
    }
}

/// An NPU running a step.
pub(super) struct NpuRun<'a> {
    pub device: &'a NpuDevice,
    /// Times of the sums over the group.
    pub sums: &'a Sums,
    /// All its cores as one, for what runs in equal shares on them.
    pub joined: Npu,
    pub memory: Memory,
    pub remembered: &'a mut Remembered,
    /// Channel of each sequence's KV cache.
    pub placement: &'a [u32],
    /// Bytes of an element.
    pub element: u64,
    /// When memory had done everything so far, and when each buffer of weights was free.
    pub idle: Ps,
    pub buffers: [Ps; 2],
    /// The outputs of the task before, while operators may be fused to it.
    pub leaving: Option<Outputs>,
    /// A product no tile of which fits.
    pub failed: Option<SimError>,
    /// Who hears what is done with values.
    pub watch: Option<&'a mut dyn Watch>,
}

impl NpuRun<'_> {
    /// Runs a task from `at` on; returns its end and what it used.
    pub(super) fn run(&mut self, task: &Task, layer: Option<u64>, at: Ps) -> (Ps, Usage) {
        self.tell(&Act::Begin { task, layer });
        let (end, usage) = self.timed(task, at);
        self.tell(&Act::End(&usage));
        (end, usage)
    }

    fn tell(&mut self, act: &Act<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.act(act);
        }
    }

    fn timed(&mut self, task: &Task, at: Ps) -> (Ps, Usage) {
        let bus = self.memory.bus_bytes();
        let leaving = self.leaving.take();
        let (rows, refreshes) = self.commands();
        let mut usage = Usage {
            sram_bytes: sram_bytes(task),
            vector_elements: vector_elements(task),
            ..Usage::default()
        };
        let end = match &task.work {
            &Work::Gemm { m, k, n, element } => {
                usage.array_macs = task.macs;
                let gemm = Gemm { m, k, n, element };
                let bias = task.bytes.weights.saturating_sub(k * n * element);
                let (end, accesses) = self.product(gemm, bias, at);
                usage.sram_bytes = accesses;
                end
            }
            &Work::Vector { op, rows, width } => {
                let npu = &self.joined;
                let work = npu.clock.to_ps(npu.vector.rows(op, rows, width));
                match leaving.filter(|_| self.fuses(op, task)) {
                    Some(outputs) => self.fused(outputs, op, work, task, at),
                    None => (at + work).max(self.spill(op, task, at)),
                }
            }
            Work::Gather => {
                let bytes = task.bytes.total() - task.bytes.output;
                self.transfer(at, Direction::Read, bytes, Class::Weights)
            }
            Work::AppendSequential => {
                let bytes = task.bytes.kv_written;
                self.transfer(at, Direction::Write, bytes, Class::KvWritten)
            }
            Work::AppendPim(appends) => self.append(appends, at),
            Work::ArrayAttention(entries) => {
                usage.array_macs = task.macs;
                let npu = &self.joined;
                let watch = heard(&mut self.watch);
                array_attention::run(npu, &mut self.memory, at, entries, self.element, watch)
            }
            Work::PimAttention(entries) => {
                usage.pim_macs = task.macs;
                let (end, busy) = self.pim_attention(entries, at);
                let clock = self.device.memory.part().map(|part| part.clock);
                usage.pim_busy_ps = clock.map_or(0, |clock| clock.to_ps(busy).0);
                end
            }
            &Work::AllReduce { bytes, devices } => {
                usage.link_bytes = 2 * bytes * (devices - 1) / devices.max(1);
                at + self.sums.time(bytes, devices)
            }
            Work::Kernel(_) => {
                debug_assert!(false, "kernels are lowered for GPUs only");
                at
            }
        };
        usage.bus_bytes = self.memory.bus_bytes() - bus;
        let (rows_after, refreshes_after) = self.commands();
        usage.activations = rows_after - rows;
        usage.refreshes = refreshes_after - refreshes;
        if !matches!(task.work, Work::Gemm { .. }) && usage.bus_bytes > 0 {
            self.idle = end;
        }
        if matches!(task.work, Work::ArrayAttention(_)) {
            self.buffers = [end; 2];
        }
        (end, usage)
    }

    /// Rows opened and refreshes of all banks so far; zero at `fast`, which has no commands.
    fn commands(&self) -> (u64, u64) {
        let Memory::Command(system) = &self.memory else {
            return (0, 0);
        };
        let counters = system.counters();
        let group = self
            .device
            .memory
            .part()
            .map_or(0, |part| part.organisation.banks_per_group as u64);
        let rows = counters.of(Command::Act) + group * counters.of(Command::GAct);
        (rows, counters.of(Command::Ref))
    }

    /// Tensors that do not stay on chip come from memory and go back.
    fn spill(&mut self, op: VectorOp, task: &Task, at: Ps) -> Ps {
        let bytes = task.bytes;
        let (taken, made) = (bytes.input / operands(op), bytes.output);
        let (taken, made) = (self.joined.keeps(taken), self.joined.keeps(made));
        let mut end = at;
        if !taken {
            end = self.transfer(end, Direction::Read, bytes.input, Class::Input);
        }
        if !made {
            end = self.transfer(end, Direction::Write, bytes.output, Class::Output);
        }
        end
    }

    /// Moves `bytes` at once; returns the end of the last data.
    fn transfer(&mut self, at: Ps, direction: Direction, bytes: u64, class: Class) -> Ps {
        let bursts = bytes.div_ceil(self.device.memory.burst_bytes());
        self.tell(&Act::Moved {
            class,
            bytes,
            bursts,
        });
        self.memory.transfer(at, direction, bytes)
    }

    /// Whether an operator runs on the outputs of the product before it as they leave the arrays.
    /// Results that go to memory must be as large as those outputs, in whose place they are stored.
    fn fuses(&self, op: VectorOp, task: &Task) -> bool {
        let npu = &self.joined;
        let taken = task.bytes.input / operands(op);
        npu.vector.fused && op.is_elementwise() && (npu.keeps(taken) || taken == task.bytes.output)
    }

    fn fused(&mut self, mut outputs: Outputs, op: VectorOp, work: Ps, task: &Task, at: Ps) -> Ps {
        let taken = task.bytes.input / operands(op);
        let other = task.bytes.input - taken;
        let operand = if self.joined.keeps(taken) {
            Ps::ZERO
        } else {
            self.transfer(at, Direction::Read, other, Class::Input)
        };
        let end = outputs.apply(work, operand);
        self.leaving = Some(outputs);
        end
    }

    /// Runs a product; returns its end and the bytes at the ports of the scratchpads.
    fn product(&mut self, gemm: Gemm, bias: u64, at: Ps) -> (Ps, u64) {
        let (end, bytes) = self.run_product(gemm, bias, at);
        if self.joined.vector.fused
            && let Some((mapping, _)) = self.remembered.mappings.get(&gemm)
        {
            let portions = mapping.portions(&gemm, &self.device.npu);
            self.leaving = Some(Outputs::new(at, end, portions));
        }
        (end, bytes)
    }

    fn run_product(&mut self, gemm: Gemm, bias: u64, at: Ps) -> (Ps, u64) {
        let npu = &self.device.npu;
        let Some((mapping, resident)) = self.mapping(gemm) else {
            self.failed = Some(SimError::no_tile(npu, &gemm, Resident::default()));
            return (at, 0);
        };
        let run = Run {
            npu,
            device: &self.device.memory,
            gemm,
            mapping,
            resident,
            bias,
        };
        let prefetched = npu.cores.prefetch_weights;
        if let (Some(mut alone), false, None) = (self.memory.alike(), prefetched, &self.watch) {
            // Alone on the memory a product takes as long each time.
            let remembered = self.remembered.products.get(&(gemm, bias)).copied();
            let (time, bytes, accesses) = remembered.unwrap_or_else(|| {
                let outcome = run.execute(&mut alone, Begin::at(Ps::ZERO), false);
                (outcome.end, alone.bus_bytes(), outcome.accesses.total())
            });
            if self.remembered.products.len() >= PRODUCTS {
                self.remembered.products.clear();
            }
            let found = (time, bytes, accesses);
            self.remembered.products.insert((gemm, bias), found);
            self.memory.count(bytes);
            return (at + time, accesses);
        }
        let begin = if prefetched {
            let early = |free: Ps| free.max(self.idle).min(at);
            Begin {
                at,
                weights: self.buffers.map(early),
            }
        } else {
            Begin::at(at)
        };
        let watch = heard(&mut self.watch);
        let outcome = run.watched(&mut self.memory, begin, false, watch);
        self.idle = outcome.memory_idle;
        self.buffers = outcome.buffers;
        (outcome.end, outcome.accesses.total())
    }

    /// The mapping of a product, chosen once; activations stay on chip where they may and fit.
    fn mapping(&mut self, gemm: Gemm) -> Option<(Mapping, Resident)> {
        if let Some(known) = self.remembered.mappings.get(&gemm) {
            return Some(*known);
        }
        let npu = &self.device.npu;
        let (activations, _, outputs) = gemm.bytes();
        let kept = Resident {
            activations: npu.keeps(activations),
            weights: false,
            outputs: npu.keeps(outputs),
        };
        let found = [kept, Resident::default()]
            .into_iter()
            .find_map(|resident| {
                let mapping = choose(npu, &self.device.memory, &gemm, resident)?;
                Some((mapping, resident))
            })?;
        if self.remembered.mappings.len() >= PRODUCTS {
            self.remembered.mappings.clear();
        }
        self.remembered.mappings.insert(gemm, found);
        Some(found)
    }

    fn append(&mut self, appends: &[KvAppend], at: Ps) -> Ps {
        let (Some(policy), Some(part)) = (self.device.pim, self.device.memory.part()) else {
            return at;
        };
        let organisation = &part.organisation;
        let mut channels = vec![Vec::new(); organisation.channels];
        for item in appends {
            self.tell(&Act::Append(item));
            let channel = self.placement.get(item.sequence).copied().unwrap_or(0);
            let channel = channel as usize % organisation.channels;
            let pieces = append::pieces(item, part, policy);
            let bursts = pieces.iter().map(|piece| piece.bursts * piece.pieces).sum();
            self.tell(&Act::Moved {
                class: Class::KvWritten,
                bytes: bursts * organisation.burst_bytes,
                bursts,
            });
            channels[channel].extend(pieces);
        }
        match &mut self.memory {
            Memory::Command(system) => {
                let slot = organisation.slot_of(0, (organisation.rows / 2) as u32);
                let lists: Vec<_> = channels
                    .iter()
                    .map(|pieces| append::streams(pieces, organisation, slot))
                    .collect();
                system.run_lists(at, &lists)
            }
            Memory::Plain(_) => at,
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
        match (&mut self.memory, &mut self.remembered.costs) {
            (Memory::Command(system), _) => {
                let before = system.counters().pim_busy;
                let end = pim_attention::run_command(
                    self.device,
                    system,
                    at,
                    entries,
                    self.placement,
                    heard(&mut self.watch),
                );
                (end, system.counters().pim_busy - before)
            }
            (Memory::Fast(rates), Some(costs)) => {
                pim_attention::run_fast(self.device, rates, costs, at, entries, self.placement)
            }
            (Memory::Fast(_) | Memory::Plain(_), _) => (at, 0),
        }
    }
}

/// Tensors that an operator reads.
fn operands(op: VectorOp) -> u64 {
    if op == VectorOp::Add { 2 } else { 1 }
}

//! From a product as it ran to its figures.

use crate::exec::{Outcome, Single};
use crate::machine::{Device, Machine};
use crate::npu::{Gemm, Mapping};
use crate::record::gemm::{
    AccessRecord, GemmBound, GemmResult, MappingRecord, PartRecord, TensorRecord,
};
use crate::time::Ps;

fn us(time: Ps) -> f64 {
    time.0 as f64 / 1e6
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

/// Mapping and figures of a product.
pub fn result(
    machine: &Machine,
    gemm: &Gemm,
    single: &Single,
) -> (Option<MappingRecord>, GemmResult) {
    match (&machine.device, single) {
        (
            Device::Npu(device),
            Single::Npu {
                mapping,
                outcome,
                bus_bytes,
                ..
            },
        ) => {
            let clock = device.npu.clock;
            let peak = device.memory.peak_bytes_per_s();
            let macs_per_s = device.npu.macs_per_cycle() as f64 * clock.hz() as f64;
            let cores = device.npu.cores.count;
            let mut result = whole(gemm, outcome.end, macs_per_s, *bus_bytes, peak);
            result.cycles = Some(clock.next_tick(outcome.end));
            result.parts = parts(outcome, cores);
            let busy = outcome.parts.busy.0 as f64 / 1e12;
            result.lane_utilisation =
                Some(ratio(gemm.macs() as f64, busy * macs_per_s / cores as f64));
            result.traffic = traffic(gemm, outcome);
            result.accesses = accesses(outcome);
            let bound = &outcome.bound;
            result.bound = GemmBound {
                time_us: us(bound.time()),
                fraction: ratio(us(bound.time()), us(outcome.end)),
                binding: bound.binding().to_owned(),
                arrays_us: us(bound.array),
                memory_us: us(bound.memory),
                links_us: Some(us(bound.link)),
            };
            (Some(mapping_record(mapping, outcome)), result)
        }
        (
            Device::Gpu(gpu),
            &Single::Kernel {
                time,
                overhead,
                arithmetic,
                memory,
                bounds,
                bytes,
            },
        ) => {
            let macs_per_s = gpu.peak_flop_per_s as f64 / 2.0;
            let mut result = whole(gemm, time, macs_per_s, bytes, gpu.peak_bytes_per_s);
            let longer = if arithmetic >= memory {
                "arithmetic"
            } else {
                "memory"
            };
            result.parts = vec![
                part("overhead", overhead, 1, time),
                part(longer, time - overhead, 1, time),
            ];
            let [arrays, pins] = bounds;
            let bound = arrays.max(pins);
            result.bound = GemmBound {
                time_us: us(bound),
                fraction: ratio(us(bound), us(time)),
                binding: if arrays >= pins { "arrays" } else { "memory" }.to_owned(),
                arrays_us: us(arrays),
                memory_us: us(pins),
                links_us: None,
            };
            let (a, b, c) = gemm.bytes();
            result.traffic = [("activations", a), ("weights", b), ("outputs", c)]
                .map(|(name, bytes)| tensor(name, bytes, bytes))
                .to_vec();
            (None, result)
        }
        // A machine runs one kind only.
        _ => (None, whole(gemm, Ps::ZERO, 1.0, 0, 1)),
    }
}

/// What every machine tells.
fn whole(gemm: &Gemm, time: Ps, macs_per_s: f64, bus_bytes: u64, peak: u64) -> GemmResult {
    let seconds = time.0 as f64 / 1e12;
    GemmResult {
        time_us: us(time),
        cycles: None,
        parts: Vec::new(),
        utilisation: ratio(gemm.macs() as f64, macs_per_s * seconds),
        lane_utilisation: None,
        traffic: Vec::new(),
        bus_bytes,
        bandwidth_gb_per_s: ratio(bus_bytes as f64 / 1e9, seconds),
        peak_gb_per_s: peak as f64 / 1e9,
        accesses: Vec::new(),
        bound: GemmBound {
            time_us: 0.0,
            fraction: 0.0,
            binding: String::new(),
            arrays_us: 0.0,
            memory_us: 0.0,
            links_us: None,
        },
    }
}

fn part(name: &str, sum: Ps, cores: u64, time: Ps) -> PartRecord {
    let mean = us(sum) / cores as f64;
    PartRecord {
        part: name.to_owned(),
        core_ps: sum.0,
        time_us: mean,
        share: ratio(mean, us(time)),
    }
}

fn parts(outcome: &Outcome, cores: u64) -> Vec<PartRecord> {
    let parts = &outcome.parts;
    [
        ("arrays busy", parts.busy),
        ("fill, drain, block loads", parts.fill),
        ("waiting for memory", parts.memory),
        ("waiting for links", parts.link),
        ("last stores", parts.store),
        ("waiting for other cores", parts.barrier),
    ]
    .map(|(name, sum)| part(name, sum, cores, outcome.end))
    .to_vec()
}

fn tensor(name: &str, bytes: u64, size: u64) -> TensorRecord {
    TensorRecord {
        tensor: name.to_owned(),
        bytes,
        times: ratio(bytes as f64, size as f64),
    }
}

fn traffic(gemm: &Gemm, outcome: &Outcome) -> Vec<TensorRecord> {
    let (a, b, c) = gemm.bytes();
    let sums = gemm.m * gemm.n * crate::npu::mapping::PARTIAL;
    let traffic = &outcome.traffic;
    [
        ("activations", traffic.activations, a),
        ("weights", traffic.weights, b),
        ("partial sums out", traffic.partial_out, sums),
        ("partial sums in", traffic.partial_in, sums),
        ("outputs", traffic.outputs, c),
    ]
    .map(|(name, bytes, size)| tensor(name, bytes, size))
    .to_vec()
}

fn accesses(outcome: &Outcome) -> Vec<AccessRecord> {
    let accesses = &outcome.accesses;
    [
        ("activation reads", accesses.activation_reads),
        ("weight reads", accesses.weight_reads),
        ("accumulator reads", accesses.accumulator_reads),
        ("accumulator writes", accesses.accumulator_writes),
        ("DMA fills", accesses.fills),
        ("DMA drains", accesses.drains),
    ]
    .map(|(port, bytes)| AccessRecord {
        port: port.to_owned(),
        bytes,
    })
    .to_vec()
}

fn mapping_record(mapping: &Mapping, outcome: &Outcome) -> MappingRecord {
    MappingRecord {
        tile_m: mapping.tile_m,
        tile_k: mapping.tile_k,
        tile_n: mapping.tile_n,
        order: mapping.order.name().to_owned(),
        stationary: mapping.stationary.name().to_owned(),
        tiles: outcome.steps,
        cores: outcome.cores,
    }
}

//! The tiling heuristic of Gemmini as ONNXim uses it (PSAL-POSTECH/ONNXim, src/Mapping.cc, commit
//! a1e8629): square output tiles as large as the accumulators allow, the reduction as long as the
//! scratchpad allows, counts evened out over the cores.

use crate::npu::mapping::PARTIAL;
use crate::npu::{Gemm, Mapping, Npu, Order, Stationary};

/// The mapping of a product. Sizes are multiples of the array's rows (the heuristic knows square
/// arrays); scratchpad and accumulators count as two halves.
pub(crate) fn mapping(npu: &Npu, gemm: &Gemm) -> Mapping {
    let side = npu.array.rows;
    let scratchpad_rows = npu.scratchpad_bytes / (2 * side * gemm.element);
    let accumulator_rows = npu.accumulator_bytes / (2 * side * PARTIAL);
    let blocks = scratchpad_rows / 2 / side;
    let square = (accumulator_rows / side).isqrt().max(1);
    let deep = (blocks / square).max(1);
    let mut rows = gemm.m.div_ceil(square * side);
    let mut columns = gemm.n.div_ceil(square * side);
    let reduction = gemm.k.div_ceil(deep * side);
    let cores = npu.cores.count;
    let larger = if gemm.n >= gemm.m {
        &mut columns
    } else {
        &mut rows
    };
    let tiles = gemm.m.div_ceil(square * side) * gemm.n.div_ceil(square * side);
    if tiles < cores {
        *larger *= cores.div_ceil(tiles);
    } else {
        *larger += tiles % cores;
    }
    let inner = |extent: u64, count: u64| {
        let padded = extent.next_multiple_of(side);
        let size = padded.div_ceil(count) / side * side;
        size.max(side)
    };
    Mapping {
        tile_m: inner(gemm.m, rows).min(gemm.m),
        tile_k: inner(gemm.k, reduction).min(gemm.k),
        tile_n: inner(gemm.n, columns).min(gemm.n),
        order: Order::Mnk,
        stationary: Stationary::of(&npu.array)[0],
    }
}

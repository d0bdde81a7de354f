//! The mapping of a product by Gemmini's heuristic.

use crate::npu::gemmini::{Extents, Limits, map};
use crate::npu::{Gemm, Mapping, Npu, Order, Stationary};

/// The mapping of a product. The heuristic knows square arrays, of as many rows as these have.
pub(crate) fn mapping(npu: &Npu, gemm: &Gemm) -> Mapping {
    let limits = Limits {
        array: npu.array.rows,
        scratchpad_bytes: npu.scratchpad_bytes,
        accumulator_bytes: npu.accumulator_bytes,
        element_bytes: gemm.element,
        cores: npu.cores.count,
    };
    let Gemm { m, k, n, .. } = *gemm;
    let tile = map(&limits, Extents { m, k, n }).inner;
    Mapping {
        tile_m: tile.m.min(m),
        tile_k: tile.k.min(k),
        tile_n: tile.n.min(n),
        order: Order::Mnk,
        stationary: Stationary::of(&npu.array)[0],
    }
}

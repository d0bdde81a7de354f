//! `[npu]`: arrays, vector unit and scratchpads.

use super::error::ConfigError;
use super::load::Document;
use super::npu_vector::{self, RawSoftmax, RawVector};
use super::number::Positive;
use super::raw::RawMachine;
use crate::npu::{Array, Dataflow, Folding, Npu, VectorUnit};
use crate::time::Clock;
use serde::Deserialize;

const KIB: u64 = 1 << 10;

/// `[npu]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawNpu {
    pub clock_mhz: Positive,
    /// Systolic arrays.
    pub arrays: Positive,
    /// Rows (reduction dimension) of an array.
    pub rows: Positive,
    pub columns: Positive,
    /// Operand scratchpad, both halves of the double buffer together.
    pub scratchpad_kib: Positive,
    /// Accumulators, fp32.
    pub accumulator_kib: Positive,
    pub vector_pipes: Positive,
    pub vector_lanes: Positive,
    /// What its steps cost.
    #[serde(default)]
    pub vector: RawVector,
}

pub(super) fn resolve(machine: &Document<RawMachine>, raw: &RawNpu) -> Result<Npu, ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let Some(clock) = Clock::new(raw.clock_mhz.0.saturating_mul(1_000_000)) else {
        return fault("npu.clock_mhz", "must not be zero");
    };
    let array = Array {
        rows: raw.rows.0,
        columns: raw.columns.0,
        count: raw.arrays.0,
        dataflow: Dataflow::WeightStationary,
        folding: Folding::Overlapped,
    };
    if raw.rows.0 > 1 << 16 || raw.columns.0 > 1 << 16 || raw.arrays.0 > 1 << 16 {
        return fault(
            "npu.arrays",
            "arrays, rows and columns are at most 65536 each",
        );
    }
    let npu = Npu {
        clock,
        array,
        vector: VectorUnit {
            pipes: raw.vector_pipes.0,
            lanes: raw.vector_lanes.0,
            costs: npu_vector::costs(machine, &raw.vector)?,
            online_softmax: raw.vector.softmax == Some(RawSoftmax::Online),
            fused: raw.vector.fused,
        },
        scratchpad_bytes: raw.scratchpad_kib.0.saturating_mul(KIB),
        accumulator_bytes: raw.accumulator_kib.0.saturating_mul(KIB),
    };
    // Both halves of the double buffer hold at least one weight block of every array.
    let block = 2 * 2 * raw.rows.0 * raw.columns.0;
    if npu.scratchpad_bytes < 2 * block * raw.arrays.0 {
        return fault(
            "npu.scratchpad_kib",
            "the scratchpad must hold four fp16 blocks of rows x columns for each array",
        );
    }
    if npu.accumulator_rows() == 0 {
        return fault(
            "npu.accumulator_kib",
            "the accumulators must hold one fp32 row of 'columns' for each array, twice",
        );
    }
    Ok(npu)
}

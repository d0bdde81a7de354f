//! `[npu]`: arrays, vector unit and scratchpads.

use super::error::ConfigError;
use super::load::Document;
use super::npu_cores::{self, RawBuffering, RawDma, RawLayout, RawMapping, RawNoc, RawShared};
use super::npu_vector::{self, RawSoftmax, RawVector};
use super::number::Positive;
use super::raw::RawMachine;
use crate::npu::{Array, Dataflow, Folding, Npu, PartialFolds, VectorUnit};
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
    /// What stays in the arrays: ws (if absent), os or is.
    pub dataflow: Option<RawDataflow>,
    /// Whether folds follow one another without a gap (if absent), or one after the other.
    pub folding: Option<RawFolding>,
    /// Cycles of a multiply-accumulate; 1 if absent.
    pub mac_latency: Option<Positive>,
    /// Cost of a fold that does not fill the array; full if absent.
    pub partial_folds: Option<RawPartialFolds>,
    /// Equal cores, each with all of the above.
    pub cores: Option<Positive>,
    #[serde(default)]
    pub mapping: RawMapping,
    #[serde(default)]
    pub buffering: RawBuffering,
    #[serde(default)]
    pub layout: RawLayout,
    #[serde(default)]
    pub prefetch_weights: bool,
    #[serde(default)]
    pub dma: RawDma,
    pub noc: Option<RawNoc>,
    pub shared: Option<RawShared>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawDataflow {
    Ws,
    Os,
    Is,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawFolding {
    Serial,
    Overlapped,
    Blocks,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawPartialFolds {
    Full,
    Exact,
}

/// Arrays, and rows and columns of each, at most.
const MOST_SIDE: u64 = 1 << 16;
/// Cycles of a multiply-accumulate at most.
const MOST_MAC_LATENCY: u64 = 64;

/// The arrays, with the rules between their keys.
fn array(machine: &Document<RawMachine>, raw: &RawNpu) -> Result<Array, ConfigError> {
    let sizes = [
        ("npu.arrays", raw.arrays.0),
        ("npu.rows", raw.rows.0),
        ("npu.columns", raw.columns.0),
    ];
    if let Some((path, found)) = sizes.into_iter().find(|(_, size)| *size > MOST_SIDE) {
        let rule = format!("arrays, rows and columns are at most {MOST_SIDE} each; found {found}");
        return Err(machine.fault(path, &rule));
    }
    let array = Array {
        count: raw.arrays.0,
        dataflow: match raw.dataflow {
            None | Some(RawDataflow::Ws) => Dataflow::WeightStationary,
            Some(RawDataflow::Os) => Dataflow::OutputStationary,
            Some(RawDataflow::Is) => Dataflow::InputStationary,
        },
        folding: match raw.folding {
            None | Some(RawFolding::Overlapped) => Folding::Overlapped,
            Some(RawFolding::Serial) => Folding::Serial,
            Some(RawFolding::Blocks) => Folding::Blocks,
        },
        mac_latency: raw.mac_latency.map_or(1, |cycles| cycles.0),
        partial_folds: match raw.partial_folds {
            None | Some(RawPartialFolds::Full) => PartialFolds::Full,
            Some(RawPartialFolds::Exact) => PartialFolds::Exact,
        },
        ..Array::new(raw.rows.0, raw.columns.0)
    };
    if array.mac_latency > MOST_MAC_LATENCY {
        let rule = format!("a multiply-accumulate takes at most {MOST_MAC_LATENCY} cycles");
        return Err(machine.fault("npu.mac_latency", &rule));
    }
    if array.folding == Folding::Blocks {
        // The rule is one of a weight-stationary array of elements that take a cycle.
        if array.dataflow != Dataflow::WeightStationary {
            let rule = "'blocks' is a rule for stationary weights: dataflow = \"ws\"";
            return Err(machine.fault("npu.folding", rule));
        }
        if array.partial_folds == PartialFolds::Exact {
            let rule = "folds of the rule 'blocks' all cost a full one: partial_folds = \"full\"";
            return Err(machine.fault("npu.partial_folds", rule));
        }
        if array.mac_latency > 1 {
            let rule = "the rule 'blocks' knows multiply-accumulates of one cycle only";
            return Err(machine.fault("npu.mac_latency", rule));
        }
    }
    Ok(array)
}

pub(super) fn resolve(machine: &Document<RawMachine>, raw: &RawNpu) -> Result<Npu, ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let Some(clock) = Clock::new(raw.clock_mhz.0.saturating_mul(1_000_000)) else {
        return fault("npu.clock_mhz", "must not be zero");
    };
    let array = array(machine, raw)?;
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
        cores: npu_cores::resolve(machine, raw)?,
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

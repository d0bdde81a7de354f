//! The tool's own inputs, run: every layer of a topology on the array of a configuration.

use super::{Dataflow, Interface, Memory, Product, Report, Setup};
use crate::npu::{Overlap, Rates, Sparsity};
use crate::record::layers::{IdealRecord, LayerRecord, WordsRecord};
use memwall_traces::scale_sim::{self as files, Flow, Layer, ScaleSimConfig, Sparse, Topology};
use thiserror::Error;

/// A layer that cannot be run.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("layer '{name}', line {line}: {rule}")]
pub struct LayerError {
    /// Its name.
    pub name: String,
    /// Its line.
    pub line: u64,
    /// Why.
    pub rule: String,
}

/// Cycles at most that are gone through one by one, and folds.
pub const MOST_CYCLES: u64 = 1 << 33;
/// Folds at most.
pub const MOST_FOLDS: u64 = 1 << 26;

/// The array and scratchpads of a configuration.
pub fn setup(config: &ScaleSimConfig) -> Setup {
    let [inputs, weights, outputs] = config.scratchpads_kib;
    let interface = match config.interface {
        files::Interface::Calculated => Interface::Calculated,
        files::Interface::User(inputs, weights, outputs) => Interface::User(Rates {
            inputs,
            weights,
            outputs,
        }),
    };
    Setup {
        rows: config.rows,
        columns: config.columns,
        dataflow: match config.flow {
            Flow::Ws => Dataflow::WeightStationary,
            Flow::Os => Dataflow::OutputStationary,
            Flow::Is => Dataflow::InputStationary,
        },
        memory: Some(Memory::kib(inputs, weights, outputs, interface)),
    }
}

/// What a layer of a topology is on such a configuration.
fn product(config: &ScaleSimConfig, layer: &Layer) -> Product {
    let sparsity = match (config.sparse, layer.sparsity) {
        (Some(Sparse::Layers), Some((kept, of))) => Some(Sparsity::Layer { kept, of }),
        (Some(Sparse::Rows(block)), _) => Some(Sparsity::Rows { block }),
        _ => None,
    };
    Product {
        input_words: layer.input_words,
        sparsity,
        ..Product::new(layer.m, layer.k, layer.n)
    }
}

/// Runs the layers of a topology.
pub fn run(config: &ScaleSimConfig, topology: &Topology) -> Result<Vec<LayerRecord>, LayerError> {
    let setup = setup(config);
    let fault = |layer: &Layer, rule: String| LayerError {
        name: layer.name.clone(),
        line: layer.line,
        rule,
    };
    let mut layers = Vec::new();
    for layer in &topology.layers {
        let product = product(config, layer);
        if let Some(Sparsity::Rows { .. }) = product.sparsity
            && setup.dataflow != Dataflow::WeightStationary
        {
            let rule =
                "row-wise sparsity (OptimizedMapping) is one of stationary weights: Dataflow ws";
            return Err(fault(layer, rule.to_owned()));
        }
        let (folds, cycles) = setup.size(product);
        if folds > MOST_FOLDS || cycles > MOST_CYCLES {
            let rule = format!(
                "{folds} folds and {cycles} cycles; at most {MOST_FOLDS} and {MOST_CYCLES} are run"
            );
            return Err(fault(layer, rule));
        }
        layers.push(record(layer, product, &setup.run(product)));
    }
    Ok(layers)
}

fn ideal(ideal: &Overlap) -> IdealRecord {
    IdealRecord {
        cycles: ideal.cycles(),
        stall_cycles: ideal.stalls,
        first_fill_cycles: ideal.first_fill,
    }
}

fn record(layer: &Layer, product: Product, report: &Report) -> LayerRecord {
    let printed = report.memory;
    LayerRecord {
        name: layer.name.clone(),
        line: layer.line,
        m: layer.m,
        k: layer.k,
        n: layer.n,
        lanes_of_reduction: product.lanes(),
        repeats: layer.repeats,
        array_cycles: report.array_cycles,
        cycles: report.cycles,
        stall_cycles: report.stalls,
        by_the_rule: report.ideal.as_ref().map(ideal),
        overall_utilisation: report.utilisation.overall,
        mapping_efficiency: report.utilisation.mapping,
        compute_utilisation: report.utilisation.compute,
        scratchpad: WordsRecord {
            input_reads: Some(report.scratchpads.inputs),
            weight_reads: Some(report.scratchpads.weights),
            output_writes: Some(report.scratchpads.outputs),
            partial_sum_reads: Some(report.scratchpads.partial_sums),
        },
        memory: report.physical.map(|words| WordsRecord {
            input_reads: Some(words.inputs),
            weight_reads: Some(words.weights),
            output_writes: Some(words.outputs),
            partial_sum_reads: Some(words.partial_sums),
        }),
        memory_as_scale_sim_counts: printed.map(|words| WordsRecord {
            input_reads: words.inputs,
            weight_reads: words.weights,
            output_writes: words.outputs,
            partial_sum_reads: None,
        }),
        surplus_output_writes: report.surplus_writes,
        index_bytes: product.index_bytes(),
    }
}

//! Tasks of an NPU: products on the arrays, rows on the vector unit, and attention where the
//! machine runs it: decode in the banks if there is PIM, all else on the arrays.

use super::attention::entries;
use super::{AttentionEntry, KvAppend, Task, Unit, Work, experts, sum};
use crate::machine::NpuDevice;
use crate::npu::{Gate, VectorOp};
use memwall_models::{Activation, Model, Operator, OperatorKind, Sequence, Shape, TensorBytes};

pub(super) fn tasks(
    operators: &[&Operator],
    device: &NpuDevice,
    sequences: &[Sequence],
    model: &Model,
    devices: u64,
) -> Vec<Task> {
    let logit = operators
        .iter()
        .find(|operator| operator.kind == OperatorKind::Logit);
    let entries = logit.map_or_else(Vec::new, |logit| {
        entries(logit, sequences, model.sliding_window)
    });
    let mixture = experts::are_there(operators);
    let mut tasks = Vec::new();
    for &operator in operators {
        match operator.kind {
            OperatorKind::KvAppend => tasks.push(append(operator, &entries, device)),
            OperatorKind::Logit => tasks.extend(attention(operators, &entries, device)),
            OperatorKind::Softmax | OperatorKind::Attend => {}
            OperatorKind::ExpertUp => {
                for (expert, parts) in experts::each(operators) {
                    tasks.extend(parts.iter().map(|part| Task {
                        expert: Some(expert),
                        ..single(part, model, devices)
                    }));
                }
            }
            _ if mixture && experts::is_expert(operator) => {}
            _ => tasks.push(single(operator, model, devices)),
        }
    }
    tasks
}

fn single(operator: &Operator, model: &Model, devices: u64) -> Task {
    let (unit, work) = match (&operator.shape, vector_op(operator, model)) {
        (&Shape::Gemm { m, k, n }, _) => {
            let element = operator.dtype.bytes();
            (Unit::Array, Work::Gemm { m, k, n, element })
        }
        (&Shape::Rows { rows, width }, Some(op)) => {
            (Unit::Vector, Work::Vector { op, rows, width })
        }
        _ if operator.kind == OperatorKind::AllReduce => {
            let bytes = operator.bytes.input;
            (Unit::Link, Work::AllReduce { bytes, devices })
        }
        _ => (Unit::Memory, Work::Gather),
    };
    Task {
        name: operator.name,
        expert: None,
        unit,
        work,
        macs: operator.macs(),
        bytes: operator.bytes,
    }
}

fn vector_op(operator: &Operator, model: &Model) -> Option<VectorOp> {
    // The graph says how many activations an element-wise operator reads for each it writes.
    let gated = operator.bytes.input > operator.bytes.output;
    let Shape::Rows { width, .. } = operator.shape else {
        return None;
    };
    // A layer norm has a bias beside its weight.
    let biased = operator.bytes.weights > width * operator.dtype.bytes();
    let k = model.experts.map_or(1, |experts| experts.per_token);
    match operator.kind {
        OperatorKind::Norm if biased => Some(VectorOp::LayerNorm),
        OperatorKind::Norm => Some(VectorOp::RmsNorm),
        OperatorKind::Rotary => Some(VectorOp::Rotary),
        OperatorKind::Residual => Some(VectorOp::Add),
        OperatorKind::RouterScores => Some(VectorOp::Softmax),
        OperatorKind::TopK => Some(VectorOp::TopK { k }),
        OperatorKind::Dispatch => Some(VectorOp::Move),
        OperatorKind::Combine => Some(VectorOp::Combine { k }),
        OperatorKind::Activation => Some(match (model.activation, gated) {
            (Activation::Gelu, true) => VectorOp::Gated(Gate::Gelu),
            (Activation::Relu, true) => VectorOp::Gated(Gate::Relu),
            (Activation::Silu, true) => VectorOp::Gated(Gate::Silu),
            (Activation::Gelu, false) => VectorOp::Gelu,
            (Activation::Relu, false) => VectorOp::Relu,
            (Activation::Silu, false) => VectorOp::Silu,
        }),
        _ => None,
    }
}

fn append(operator: &Operator, entries: &[AttentionEntry], device: &NpuDevice) -> Task {
    let work = if device.pim.is_some() {
        let appends = entries.iter().map(|entry| KvAppend {
            sequence: entry.sequence,
            new_tokens: entry.new_tokens,
            head: entry.head,
            queries: if entry.is_decode() { entry.group() } else { 0 },
        });
        Work::AppendPim(appends.collect())
    } else {
        Work::AppendSequential
    };
    Task {
        name: operator.name,
        expert: None,
        unit: Unit::Memory,
        work,
        macs: 0,
        bytes: operator.bytes,
    }
}

fn attention(operators: &[&Operator], entries: &[AttentionEntry], device: &NpuDevice) -> Vec<Task> {
    let parts: Vec<&Operator> = operators
        .iter()
        .copied()
        .filter(|operator| {
            matches!(
                operator.kind,
                OperatorKind::Logit | OperatorKind::Softmax | OperatorKind::Attend
            )
        })
        .collect();
    let element = parts.first().map_or(2, |part| part.dtype.bytes());
    let (in_banks, on_arrays): (Vec<_>, Vec<_>) = entries
        .iter()
        .copied()
        .partition(|entry| device.pim.is_some() && entry.is_decode());
    let mut tasks = Vec::new();
    let all = sum(&parts);
    let mut task = |name, unit, entries: Vec<AttentionEntry>, whole: bool| {
        if entries.is_empty() {
            return;
        }
        let kv_read = entries.iter().map(|entry| {
            let head = entry.head;
            2 * head.kv_heads * head.dim * head.tokens * element
        });
        // With a single part the classes are the operators' own; with two, KV is split exactly
        // and activations stay with the arrays' part.
        let bytes = TensorBytes {
            kv_read: kv_read.sum(),
            input: if whole { all.input } else { 0 },
            output: if whole { all.output } else { 0 },
            ..TensorBytes::default()
        };
        tasks.push(Task {
            name,
            expert: None,
            unit,
            macs: entries.iter().map(AttentionEntry::macs).sum(),
            work: if unit == Unit::Pim {
                Work::PimAttention(entries)
            } else {
                Work::ArrayAttention(entries)
            },
            bytes,
        });
    };
    let mixed = !in_banks.is_empty() && !on_arrays.is_empty();
    let (prefill, decode) = if mixed {
        ("attention_prefill", "attention_decode")
    } else {
        ("attention", "attention")
    };
    task(prefill, Unit::Array, on_arrays, true);
    task(decode, Unit::Pim, in_banks, !mixed);
    tasks
}

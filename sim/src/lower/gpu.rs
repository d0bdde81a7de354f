//! Tasks of a GPU: one kernel an operator, with logit, softmax and attend fused as every serving
//! engine runs them, and nothing kept on chip between kernels.

use super::attention::{AttentionEntry, entries};
use super::{Task, Unit, Work, sum};
use memwall_models::{Operator, OperatorKind, Sequence};

/// Classes of kernels with rates of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelClass {
    /// Matrix products.
    Gemm,
    /// Fused attention.
    Attention,
    /// Row-wise work.
    Elementwise,
}

pub(super) fn tasks(
    operators: &[&Operator],
    sequences: &[Sequence],
    window: Option<u64>,
    devices: u64,
) -> Vec<Task> {
    let attention: Vec<&Operator> = operators
        .iter()
        .copied()
        .filter(|operator| is_attention(operator.kind))
        .collect();
    let mut tasks = Vec::new();
    for &operator in operators {
        match operator.kind {
            OperatorKind::Softmax | OperatorKind::Attend => {}
            OperatorKind::Logit => {
                let mut bytes = sum(&attention);
                // Fused: queries in, outputs out; logits and probabilities never leave the chip.
                bytes.input = operator.bytes.input;
                bytes.output = attention.last().map_or(0, |operator| operator.bytes.output);
                let entries = entries(operator, sequences, window);
                let macs = entries.iter().map(AttentionEntry::macs).sum();
                tasks.push(kernel("attention", KernelClass::Attention, macs, bytes));
            }
            OperatorKind::AllReduce => tasks.push(Task {
                name: operator.name,
                unit: Unit::Link,
                work: Work::AllReduce {
                    bytes: operator.bytes.input,
                    devices,
                },
                macs: 0,
                bytes: operator.bytes,
            }),
            OperatorKind::Qkv
            | OperatorKind::Projection
            | OperatorKind::FfnUp
            | OperatorKind::FfnDown
            | OperatorKind::LmHead => tasks.push(kernel(
                operator.name,
                KernelClass::Gemm,
                operator.macs(),
                operator.bytes,
            )),
            _ => tasks.push(kernel(
                operator.name,
                KernelClass::Elementwise,
                0,
                operator.bytes,
            )),
        }
    }
    tasks
}

fn is_attention(kind: OperatorKind) -> bool {
    matches!(
        kind,
        OperatorKind::Logit | OperatorKind::Softmax | OperatorKind::Attend
    )
}

fn kernel(
    name: &'static str,
    class: KernelClass,
    macs: u64,
    bytes: memwall_models::TensorBytes,
) -> Task {
    Task {
        name,
        unit: Unit::Gpu,
        work: Work::Kernel {
            class,
            flop: 2 * macs,
            bytes: bytes.total(),
        },
        macs,
        bytes,
    }
}

//! Tasks of a GPU: one kernel an operator, or one for several that the machine file fuses, and
//! nothing kept on chip between kernels.

use super::attention::{AttentionEntry, entries};
use super::{Task, Unit, Work, experts, sum};
use crate::gpu::{AttentionWork, BLOCK, Fusion, KernelWork, Product, RowsClass};
use memwall_models::{Operator, OperatorKind, Sequence, Shape, TensorBytes};

pub(super) fn tasks(
    operators: &[&Operator],
    fusion: Fusion,
    sequences: &[Sequence],
    window: Option<u64>,
    devices: u64,
) -> Vec<Task> {
    let logit = operators
        .iter()
        .find(|operator| operator.kind == OperatorKind::Logit);
    let entries = logit.map_or_else(Vec::new, |logit| entries(logit, sequences, window));
    let mixture = experts::are_there(operators);
    let mut tasks = Vec::new();
    let mut rest = operators.iter().copied().peekable();
    while let Some(operator) = rest.next() {
        match operator.kind {
            OperatorKind::Logit if fusion.attention => tasks.push(attention(operators, &entries)),
            OperatorKind::Softmax | OperatorKind::Attend if fusion.attention => {}
            OperatorKind::Logit | OperatorKind::Attend => tasks.push(batched(operator)),
            OperatorKind::Softmax | OperatorKind::RouterScores => {
                tasks.push(rows(operator, RowsClass::Softmax));
            }
            OperatorKind::AllReduce => tasks.push(Task {
                expert: None,
                name: operator.name,
                unit: Unit::Link,
                work: Work::AllReduce {
                    bytes: operator.bytes.input,
                    devices,
                },
                macs: 0,
                bytes: operator.bytes,
            }),
            OperatorKind::Qkv if !fusion.qkv => tasks.extend(apart(operator, &entries)),
            OperatorKind::Qkv
            | OperatorKind::Projection
            | OperatorKind::FfnUp
            | OperatorKind::FfnDown
            | OperatorKind::Router
            | OperatorKind::LmHead => tasks.push(product(operator)),
            OperatorKind::Residual => {
                let norm =
                    rest.next_if(|next| fusion.residual_norm && next.kind == OperatorKind::Norm);
                tasks.push(match norm {
                    Some(norm) => residual_norm(operator, norm),
                    None => rows(operator, RowsClass::Elementwise),
                });
            }
            OperatorKind::ExpertUp if !fusion.experts => {
                tasks.extend(one_by_one(operators, fusion));
            }
            OperatorKind::ExpertUp | OperatorKind::ExpertDown if fusion.experts => {
                tasks.push(batched(operator));
            }
            OperatorKind::ExpertUp | OperatorKind::ExpertDown => {}
            OperatorKind::Activation if mixture && !fusion.experts => {}
            OperatorKind::Activation if !fusion.gated_activation => {
                tasks.extend(activation_and_gate(operator));
            }
            OperatorKind::Activation => tasks.push(rows(operator, RowsClass::Activation)),
            OperatorKind::Norm => tasks.push(rows(operator, RowsClass::Norm)),
            OperatorKind::Rotary | OperatorKind::TopK | OperatorKind::Combine => {
                tasks.push(rows(operator, RowsClass::Elementwise));
            }
            OperatorKind::Embedding | OperatorKind::KvAppend | OperatorKind::Dispatch => {
                tasks.push(rows(operator, RowsClass::Copy));
            }
        }
    }
    tasks
}

/// Logit, softmax and attend in one kernel: queries in, outputs out; scores and probabilities never
/// leave the chip.
fn attention(operators: &[&Operator], entries: &[AttentionEntry]) -> Task {
    let is_attention = |operator: &&Operator| {
        matches!(
            operator.kind,
            OperatorKind::Logit | OperatorKind::Softmax | OperatorKind::Attend
        )
    };
    let parts: Vec<&Operator> = operators.iter().copied().filter(is_attention).collect();
    let mut bytes = sum(&parts);
    bytes.input = parts.first().map_or(0, |operator| operator.bytes.input);
    bytes.output = parts.last().map_or(0, |operator| operator.bytes.output);
    let mut work = AttentionWork {
        bytes: bytes.total(),
        ..AttentionWork::default()
    };
    for entry in entries {
        work.dim = entry.head.dim;
        if entry.is_decode() {
            work.streams += entry.head.kv_heads;
        } else {
            let (blocks, longest) = blocks(entry);
            work.blocks += blocks * entry.head.kv_heads * entry.group();
            work.longest = work.longest.max(longest);
        }
    }
    let macs = entries.iter().map(AttentionEntry::macs).sum();
    kernel("attention", KernelWork::Attention(work), macs, bytes)
}

/// Blocks of one head, those that the mask hides wholly left out, and of its longest tile.
fn blocks(entry: &AttentionEntry) -> (u64, u64) {
    let window = entry.window.unwrap_or(u64::MAX);
    let tile = |index: u64| {
        let first = entry.context + index * BLOCK;
        let last = (first + BLOCK).min(entry.context + entry.new_tokens);
        let oldest = (first + 1).saturating_sub(window) / BLOCK;
        last.div_ceil(BLOCK) - oldest
    };
    let tiles = (0..entry.new_tokens.div_ceil(BLOCK)).map(tile);
    tiles.fold((0, 0), |(sum, longest), blocks| {
        (sum + blocks, longest.max(blocks))
    })
}

/// The kernels of expert after expert.
fn one_by_one(operators: &[&Operator], fusion: Fusion) -> Vec<Task> {
    let kernels = |part: &Operator| match part.kind {
        OperatorKind::Activation if fusion.gated_activation => {
            vec![rows(part, RowsClass::Activation)]
        }
        OperatorKind::Activation => activation_and_gate(part),
        _ => vec![product(part)],
    };
    let each = experts::each(operators).into_iter();
    each.flat_map(|(expert, parts)| {
        let tasks: Vec<Task> = parts.iter().flat_map(kernels).collect();
        tasks.into_iter().map(move |task| Task {
            expert: Some(expert),
            ..task
        })
    })
    .collect()
}

/// Logit or attend as a kernel of its own, or the products of all experts: one product a sequence
/// and KV head, or an expert, all padded to the largest, since a library's batch is of one shape.
fn batched(operator: &Operator) -> Task {
    let shapes = match &operator.shape {
        Shape::Attention(shapes) => shapes,
        Shape::Experts { loads, k, n } => {
            let product = Product {
                batch: loads.len() as u64,
                m: loads
                    .iter()
                    .map(|load| load.tokens)
                    .max()
                    .unwrap_or_default(),
                k: *k,
                n: *n,
                element: operator.dtype.bytes(),
            };
            let work = KernelWork::Product(product);
            return kernel(operator.name, work, operator.macs(), operator.bytes);
        }
        _ => return product(operator),
    };
    let largest = |of: fn(&memwall_models::AttentionShape) -> u64| {
        shapes.iter().map(of).max().unwrap_or_default()
    };
    let product = Product {
        batch: shapes.iter().map(|shape| shape.kv_heads).sum(),
        m: largest(|shape| shape.m),
        k: largest(|shape| shape.k),
        n: largest(|shape| shape.n),
        element: operator.dtype.bytes(),
    };
    let work = KernelWork::Product(product);
    kernel(operator.name, work, operator.macs(), operator.bytes)
}

fn product(operator: &Operator) -> Task {
    let (m, k, n) = operator.shape.mkn().unwrap_or_default();
    let product = Product {
        batch: 1,
        m,
        k,
        n,
        element: operator.dtype.bytes(),
    };
    let work = KernelWork::Product(product);
    kernel(operator.name, work, operator.macs(), operator.bytes)
}

/// Q, K and V as three products that each read the activations.
fn apart(operator: &Operator, entries: &[AttentionEntry]) -> Vec<Task> {
    let (m, k, n) = operator.shape.mkn().unwrap_or_default();
    let kv = entries
        .first()
        .map_or(n / 3, |entry| entry.head.kv_heads * entry.head.dim);
    let widths = [n.saturating_sub(2 * kv), kv, kv];
    let part = |width: u64| {
        let share =
            |bytes: u64| (u128::from(bytes) * u128::from(width) / u128::from(n.max(1))) as u64;
        let bytes = TensorBytes {
            weights: share(operator.bytes.weights),
            output: share(operator.bytes.output),
            ..operator.bytes
        };
        let product = Product {
            batch: 1,
            m,
            k,
            n: width,
            element: operator.dtype.bytes(),
        };
        kernel(
            operator.name,
            KernelWork::Product(product),
            m * k * width,
            bytes,
        )
    };
    widths.into_iter().map(part).collect()
}

/// The sum goes to memory for the next residual and straight into the norm.
fn residual_norm(residual: &Operator, norm: &Operator) -> Task {
    let bytes = TensorBytes {
        weights: norm.bytes.weights,
        output: residual.bytes.output + norm.bytes.output,
        ..residual.bytes
    };
    row_wise(norm.name, RowsClass::Norm, bytes)
}

/// A function of the gate, and then its product with the other half.
fn activation_and_gate(operator: &Operator) -> Vec<Task> {
    let bytes = operator.bytes;
    if bytes.input <= bytes.output {
        return vec![rows(operator, RowsClass::Activation)];
    }
    let function = TensorBytes {
        input: bytes.output,
        ..bytes
    };
    vec![
        row_wise(operator.name, RowsClass::Activation, function),
        row_wise("gate", RowsClass::Elementwise, bytes),
    ]
}

fn rows(operator: &Operator, class: RowsClass) -> Task {
    row_wise(operator.name, class, operator.bytes)
}

fn row_wise(name: &'static str, class: RowsClass, bytes: TensorBytes) -> Task {
    let work = KernelWork::Rows {
        class,
        bytes: bytes.total(),
    };
    kernel(name, work, 0, bytes)
}

fn kernel(name: &'static str, work: KernelWork, macs: u64, bytes: TensorBytes) -> Task {
    Task {
        name,
        expert: None,
        unit: Unit::Gpu,
        work: Work::Kernel(work),
        macs,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::tiling::Head;
    use proptest::prelude::*;

    proptest! {
        /// Against looking at every block.
        #[test]
        fn blocks_are_those_with_a_visible_pair(new in 1u64..700, context in 0u64..500, window in proptest::option::of(1u64..600)) {
            let entry = AttentionEntry {
                sequence: 0,
                head: Head { kv_heads: 1, queries: new, dim: 8, tokens: context + new },
                new_tokens: new,
                context,
                window,
            };
            let all = context + new;
            let sees = |query: u64, key: u64| key <= query && window.is_none_or(|w| query - key < w);
            let mut expected = (0, 0);
            for tile in 0..new.div_ceil(BLOCK) {
                let queries = context + tile * BLOCK..(context + (tile + 1) * BLOCK).min(all);
                let visible = (0..all.div_ceil(BLOCK)).filter(|block| {
                    let keys = block * BLOCK..((block + 1) * BLOCK).min(all);
                    queries.clone().any(|q| keys.clone().any(|k| sees(q, k)))
                });
                let visible = visible.count() as u64;
                expected = (expected.0 + visible, expected.1.max(visible));
            }
            prop_assert_eq!(blocks(&entry), expected);
        }
    }
}

//! The arrays of an NPU and the vector unit beside them: products tile by tile, attention fold by fold.

use super::attention::Attention;
use super::fault::{Chance, Fault};
use super::product::Product;
use super::unit::{Made, Unit};
use super::values::Values;
use crate::exec::watch::{Act, Fold, Operand};

/// The product under way, if any.
#[derive(Default)]
pub(super) struct Arrays {
    product: Option<Product>,
}

impl Unit for Arrays {
    fn act(&mut self, act: &Act<'_>, values: &mut Values<'_>, chance: &mut Chance) {
        if let Act::Product(plan) = act {
            self.product = values.operands(chance).map(|(linear, input)| {
                let matrix = linear.matrix.decode().to_owned();
                Product::new(plan, &input, &matrix, linear.bias.clone())
            });
            return;
        }
        match (*act, &mut self.product) {
            (
                Act::Load {
                    core,
                    step,
                    tensor,
                    region,
                    ..
                },
                Some(product),
            ) => {
                product.load(core, step, tensor, region, chance);
            }
            (
                Act::Block {
                    core,
                    step,
                    of,
                    pass,
                },
                Some(product),
            ) => {
                product.block((core, step), &of, &pass, chance);
            }
            (
                Act::Store {
                    core,
                    step,
                    of,
                    tensor,
                    region,
                },
                Some(product),
            ) => {
                product.store((core, step), &of, tensor, region, chance);
            }
            (Act::Fold(of), _) => {
                if let Some(attention) = values.attentions.get_mut(of.entry) {
                    fold(attention, of, chance);
                }
            }
            (Act::Softmax { entry, online }, _) => {
                let block = online.then_some(values.shape.columns as usize);
                let storage = values.reference.precision.activations;
                if let Some(attention) = values.attentions.get_mut(entry) {
                    attention.softmax(block, storage, chance);
                }
            }
            _ => {}
        }
    }

    fn made(&mut self) -> Option<Made> {
        self.product.take().map(|product| product.made())
    }
}

/// Multiplies queries, or their probabilities, by a block and adds to scores, or to results.
fn fold(attention: &mut Attention, fold: &Fold, chance: &mut Chance) {
    let entry = attention.entry;
    let (group, dim) = (entry.group(), entry.head.dim as usize);
    let mut head = fold.head;
    if chance.strikes(Fault::WrongHead) {
        head = (head + 1) % entry.head.kv_heads;
    }
    let lost = chance.strikes(Fault::DropPartialSum);
    let short = chance.strikes(Fault::ShortReduction);
    let base = head as usize * dim;
    let tokens = fold.tokens.start as usize..fold.tokens.end as usize;
    let features = fold.features.start as usize..fold.features.end as usize;
    for query in fold.queries.clone() {
        let token = fold.seen_from + query / group;
        // A round is as long as the mask makes it; what lies beyond the batch is nobody's.
        let Some(token) = token.checked_sub(entry.context) else {
            continue;
        };
        if token >= entry.new_tokens || lost {
            continue;
        }
        let row = attention.row(fold.head, query % group, token);
        match fold.operand {
            Operand::Keys => {
                let features = features.start..features.end - usize::from(short);
                for key in tokens.clone() {
                    let mut sum = 0.0;
                    for feature in features.clone() {
                        attention.met[0][[key, base + feature]] = true;
                        sum += attention.queries[[row, feature]]
                            * attention.keys[[key, base + feature]];
                    }
                    attention.scores[[row, key]] += sum;
                }
            }
            Operand::Values => {
                let tokens = tokens.start..tokens.end - usize::from(short);
                for feature in features.clone() {
                    let mut sum = 0.0;
                    for key in tokens.clone() {
                        attention.met[1][[key, base + feature]] = true;
                        sum += attention.probabilities[[row, key]]
                            * attention.values[[key, base + feature]];
                    }
                    attention.out[[row, feature]] += sum;
                }
            }
        }
    }
}

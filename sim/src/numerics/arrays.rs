//! Attention on the arrays: folds as the schedule runs them.

use super::attention::Attention;
use super::fault::{Chance, Fault};
use crate::exec::watch::{Fold, Operand};

/// Multiplies queries, or their probabilities, by a block and adds to scores, or to results.
pub(super) fn fold(attention: &mut Attention, fold: &Fold, chance: &mut Chance) {
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

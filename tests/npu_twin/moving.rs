//! Elements that keep an operand while sums pass down the columns.

use super::{Fold, Hardware, Left};

/// An operand on its way along a row: fold, time, value.
type Operand = Option<(usize, usize, i64)>;

#[derive(Debug, Clone, Default)]
struct Element {
    /// Fold and value that it multiplies by.
    active: Option<(usize, i64)>,
    /// Fold and value that are shifted in beside it.
    shadow: Option<(usize, i64)>,
    /// Operand that it passes on in the next cycle.
    passes: Operand,
    /// Sums on their way through it: cycle of leaving, fold, time, sum.
    sums: Vec<(usize, usize, usize, i64)>,
}

/// Runs folds from `starts` on; none where two things need one register or wire, or one is not there
/// in time.
pub fn run(hardware: Hardware, folds: &[Fold], starts: &[usize]) -> Option<Left> {
    let Hardware {
        rows,
        columns,
        latency,
        ..
    } = hardware;
    let mut elements = vec![vec![Element::default(); columns]; rows];
    let mut left = Left::default();
    let expected: usize = folds
        .iter()
        .map(|fold| fold.left.len() * fold.columns)
        .sum();
    let loads: Vec<usize> = (0..folds.len())
        .map(|index| starts[index].checked_sub(folds[index].rows))
        .collect::<Option<_>>()?;
    // One chain: a load begins when the one before it has come in.
    if (1..loads.len()).any(|index| loads[index] < loads[index - 1] + folds[index - 1].rows) {
        return None;
    }
    let mut remaining: Vec<Vec<usize>> = folds
        .iter()
        .map(|fold| vec![fold.left.len(); fold.columns])
        .collect();
    let mut cycle = 0;
    while left.results.len() < expected {
        assert!(cycle < 100_000, "a sum never leaves");
        // Sums that leave elements in this cycle, as they find the element below.
        let mut falling = vec![vec![None; columns]; rows + 1];
        let mut driven = vec![false; columns];
        for row in 0..rows {
            for column in 0..columns {
                let element = &mut elements[row][column];
                let leaves = element.sums.iter().position(|sum| sum.0 == cycle);
                let Some(position) = leaves else {
                    continue;
                };
                let (_, fold, time, sum) = element.sums.remove(position);
                if row + 1 < folds[fold].rows {
                    falling[row + 1][column] = Some((fold, time, sum));
                    continue;
                }
                // The foot of the column: one sum a cycle, folds in order.
                let taken = std::mem::replace(&mut driven[column], true);
                let overtakes = remaining[..fold]
                    .iter()
                    .any(|waiting| waiting.get(column).is_some_and(|sums| *sums > 0));
                if taken || overtakes {
                    return None;
                }
                remaining[fold][column] -= 1;
                left.results.push((fold, time, column, sum));
                left.end = left.end.max(cycle);
            }
        }
        let passed: Vec<Vec<Operand>> = elements
            .iter()
            .map(|line| line.iter().map(|element| element.passes).collect())
            .collect();
        for row in 0..rows {
            for column in 0..columns {
                let operand = if column == 0 {
                    let mut fed = (0..folds.len()).filter_map(|fold| {
                        let time = cycle.checked_sub(starts[fold] + row * latency)?;
                        let value = folds[fold].left.get(time)?.get(row)?;
                        Some((fold, time, *value))
                    });
                    let operand = fed.next();
                    if fed.next().is_some() {
                        return None;
                    }
                    operand
                } else {
                    passed[row][column - 1]
                };
                let element = &mut elements[row][column];
                element.passes = operand;
                let above = falling[row][column];
                let Some((fold, time, value)) =
                    operand.filter(|(fold, ..)| column < folds[*fold].columns)
                else {
                    // A sum would fall on nothing.
                    if above.is_some() {
                        return None;
                    }
                    continue;
                };
                if element.active.is_none_or(|(of, _)| of != fold) {
                    element.active = Some(element.shadow.take().filter(|(of, _)| *of == fold)?);
                }
                let sum = match (row, above) {
                    (0, _) => 0,
                    (_, Some((of, at, sum))) if (of, at) == (fold, time) => sum,
                    _ => return None,
                };
                let stays = element.active?.1;
                element
                    .sums
                    .push((cycle + latency, fold, time, sum + stays * value));
            }
        }
        shift(&mut elements, folds, &loads, cycle)?;
        cycle += 1;
    }
    Some(left)
}

/// The chain of shadows moves down a row in the columns that load; a shadow that is still needed may
/// not be written over.
fn shift(
    elements: &mut [Vec<Element>],
    folds: &[Fold],
    loads: &[usize],
    cycle: usize,
) -> Option<()> {
    for (index, fold) in folds.iter().enumerate() {
        for column in 0..fold.columns {
            let Some(step) = cycle
                .checked_sub(loads[index] + column)
                .filter(|step| *step < fold.rows)
            else {
                continue;
            };
            let mut moving = Some((index, fold.other[fold.rows - 1 - step][column]));
            for line in elements.iter_mut().take(step + 1) {
                let shadow = &mut line[column].shadow;
                if shadow.is_some_and(|(of, _)| of != index) {
                    return None;
                }
                std::mem::swap(shadow, &mut moving);
            }
        }
    }
    Some(())
}

//! Elements that keep their sums while both operands pass through.

use super::{Fold, Hardware, Left};
use std::collections::VecDeque;

/// An operand on its way: fold, time, value.
type Operand = Option<(usize, usize, i64)>;

#[derive(Debug, Clone, Default)]
struct Element {
    /// Operands that it passes on to the right and down in the next cycle.
    passes: (Operand, Operand),
    /// Sums in its pipeline: cycle of leaving, fold, sum.
    sums: VecDeque<(usize, usize, i64)>,
    /// Sums of the fold it works on that left the pipeline and wait to be added up.
    waiting: VecDeque<i64>,
    /// Fold that it works on, and products of it that are still to come.
    fold: usize,
    products: usize,
}

/// Runs folds from `starts` on; none where two things need one element or wire.
pub fn run(hardware: Hardware, folds: &[Fold], starts: &[usize]) -> Option<Left> {
    let Hardware {
        rows,
        columns,
        latency,
        ..
    } = hardware;
    let mut elements = vec![vec![Element::default(); columns]; rows];
    let mut left = Left::default();
    let expected: usize = folds.iter().map(|fold| fold.rows * fold.columns).sum();
    // Operand of a lane of an edge, that comes in a cycle later than that of the lane before it.
    let fed = |cycle: usize, lane: usize, of: fn(&Fold) -> &super::Matrix| -> Result<Operand, ()> {
        let mut fed = (0..folds.len()).filter_map(|fold| {
            let time = cycle.checked_sub(starts[fold] + lane)?;
            let value = of(&folds[fold]).get(time)?.get(lane)?;
            Some((fold, time, *value))
        });
        let operand = fed.next();
        if fed.next().is_some() {
            Err(())
        } else {
            Ok(operand)
        }
    };
    let mut cycle = 0;
    while left.results.len() < expected {
        assert!(cycle < 100_000, "a sum never leaves");
        let passed: Vec<Vec<(Operand, Operand)>> = elements
            .iter()
            .map(|line| line.iter().map(|element| element.passes).collect())
            .collect();
        let mut driven = vec![false; columns];
        for row in 0..rows {
            for column in 0..columns {
                let right = match column {
                    0 => fed(cycle, row, |fold| &fold.left).ok()?,
                    _ => passed[row][column - 1].0,
                };
                let down = match row {
                    0 => fed(cycle, column, |fold| &fold.other).ok()?,
                    _ => passed[row - 1][column].1,
                };
                let element = &mut elements[row][column];
                element.passes = (right, down);
                if element.sums.front().is_some_and(|sum| sum.0 == cycle) {
                    let (_, fold, sum) = element.sums.pop_front()?;
                    let others = element.sums.iter().any(|sum| sum.1 == fold);
                    let current = fold == element.fold;
                    if others || (current && element.products + element.waiting.len() > 0) {
                        element.waiting.push_back(sum);
                    } else {
                        // The bus of the column takes one result a cycle.
                        if std::mem::replace(&mut driven[column], true) {
                            return None;
                        }
                        left.results.push((fold, row, column, sum));
                        left.end = left.end.max(cycle);
                    }
                }
                if let (Some((fold, time, x)), Some((of, at, y))) = (right, down) {
                    if (fold, time) != (of, at) {
                        return None;
                    }
                    if time == 0 {
                        // Of the fold before, nothing is left to be added.
                        let before = element.sums.iter().filter(|sum| sum.1 == element.fold);
                        if element.products + element.waiting.len() > 0 || before.count() > 1 {
                            return None;
                        }
                        (element.fold, element.products) = (fold, folds[fold].left.len());
                    }
                    element.products -= 1;
                    let sum = element.waiting.pop_front().unwrap_or(0);
                    element.sums.push_back((cycle + latency, fold, sum + x * y));
                } else if element.products == 0 && element.waiting.len() > 1 {
                    let sum = element.waiting.pop_front()? + element.waiting.pop_front()?;
                    element.sums.push_back((cycle + latency, element.fold, sum));
                }
            }
        }
        cycle += 1;
    }
    Some(left)
}

//! Element-wise operators on results as they leave the arrays: each portion of a product's outputs
//! goes through the vector unit while the arrays work on the next.

use crate::time::Ps;

/// The outputs of a product as they become ready, and what the vector unit has done on them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outputs {
    /// When the first portion was begun, and when the last is ready.
    from: Ps,
    end: Ps,
    /// Equal portions, ready at equal distances.
    portions: u64,
    /// Work of the vector unit on all of them so far.
    work: Ps,
}

impl Outputs {
    /// Of a product from `start` to `end`, ready in so many `portions` over the last of so many
    /// equal `stretches`.
    pub(super) fn new(start: Ps, end: Ps, (portions, stretches): (u64, u64)) -> Outputs {
        let span = end.since(start).0 / stretches.max(1);
        Outputs {
            from: Ps(end.0 - span),
            end,
            portions: portions.max(1),
            work: Ps::ZERO,
        }
    }

    /// Adds an operator that takes `work` on all portions, of which one part needs what is there at
    /// `operand`; returns when the last portion is through all operators so far.
    ///
    /// Portion i is ready at `from + i * s` and takes `w`. It begins when it is ready and the one
    /// before is through, so that the last of P ends at the larger of `from + s + P * w`, where the
    /// vector unit is never idle, and `from + P * s + w`, where it waits for the arrays.
    pub(super) fn apply(&mut self, work: Ps, operand: Ps) -> Ps {
        self.work += work;
        let distance = self.end.since(self.from).0.div_ceil(self.portions);
        let last = Ps(self.work.0.div_ceil(self.portions));
        let first = Ps((self.from.0 + distance).min(self.end.0));
        (first + self.work).max(self.end.max(operand) + last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Portion by portion.
    fn stepped(from: u64, distance: u64, portions: u64, work: u64) -> u64 {
        (1..=portions).fold(0, |done, portion| {
            done.max(from + portion * distance) + work
        })
    }

    #[test]
    fn outputs_of_a_reduction_in_sweeps_leave_in_the_last() {
        // From 900 on in 10 portions of 10.
        let mut outputs = Outputs::new(Ps(0), Ps(1000), (10, 10));
        assert_eq!(outputs.apply(Ps(50), Ps(0)), Ps(1005));
        assert_eq!(outputs.apply(Ps(150), Ps(0)), Ps(910 + 200));
        assert_eq!(outputs.apply(Ps(0), Ps(2000)), Ps(2000 + 20));
    }

    proptest! {
        #[test]
        fn the_closed_form_is_the_recurrence(
            from in 0u64..1000, distance in 0u64..100, portions in 1u64..50, work in 0u64..100,
        ) {
            let end = from + distance * portions;
            let mut outputs = Outputs::new(Ps(from), Ps(end), (portions, 1));
            let all = Ps(work * portions);
            prop_assert_eq!(outputs.apply(all, Ps(0)).0, stepped(from, distance, portions, work));
        }

        #[test]
        fn fused_is_between_the_slower_part_and_both(
            start in 0u64..1000, span in 0u64..10_000, portions in 1u64..50, stretches in 1u64..5,
            works in proptest::collection::vec(0u64..5000, 1..4),
        ) {
            let end = start + span;
            let mut outputs = Outputs::new(Ps(start), Ps(end), (portions, stretches));
            let (mut sum, mut before) = (0, end);
            for work in works {
                sum += work;
                let through = outputs.apply(Ps(work), Ps(0)).0;
                prop_assert!(through <= end + sum);
                prop_assert!(through >= end.max(start + sum));
                prop_assert!(through >= before);
                before = through;
            }
        }
    }
}

//! The crossbar: unlimited queues from every input to every output, and behind each output one queue
//! more. An output takes one line a cycle, inputs in turn.

use std::collections::VecDeque;

/// What comes from one input.
#[derive(Debug)]
struct Input<T> {
    waiting: VecDeque<T>,
    /// Cycle in which the first may leave; those behind it follow a cycle apart.
    due: u64,
}

/// One output.
#[derive(Debug)]
pub(super) struct Output<T> {
    inputs: Vec<Input<T>>,
    /// Inputs with something waiting.
    waiting: Vec<u64>,
    /// Input that is looked at first.
    turn: usize,
    /// Through, and not taken.
    pub(super) through: VecDeque<T>,
    /// Lines in the queues of the inputs.
    crossing: u64,
}

impl<T> Output<T> {
    pub(super) fn new(inputs: usize) -> Output<T> {
        let input = |_| Input {
            waiting: VecDeque::new(),
            due: 0,
        };
        Output {
            inputs: (0..inputs).map(input).collect(),
            waiting: vec![0; inputs.div_ceil(64)],
            turn: 0,
            through: VecDeque::new(),
            crossing: 0,
        }
    }

    /// Enters from an input in cycle `now`.
    #[inline]
    pub(super) fn push(&mut self, input: usize, what: T, now: u64, latency: u64) {
        let from = &mut self.inputs[input];
        if from.waiting.is_empty() {
            from.due = now + latency;
            self.waiting[input / 64] |= 1 << (input % 64);
        }
        from.waiting.push_back(what);
        self.crossing += 1;
    }

    /// End of cycle `now`: lets one through.
    #[inline]
    pub(super) fn tick(&mut self, now: u64) {
        if self.crossing == 0 {
            return;
        }
        let mut from = self.turn;
        // Every input once: those from the turn on, then those before it.
        for (start, end) in [(self.turn, self.inputs.len()), (0, self.turn)] {
            from = from.max(start).min(end);
            let mut at = start;
            while let Some(input) = self.next(at, end) {
                if self.inputs[input].due <= now {
                    self.pass(input);
                    return;
                }
                at = input + 1;
            }
        }
    }

    /// The first input from `at` on with something waiting.
    #[inline]
    fn next(&self, at: usize, end: usize) -> Option<usize> {
        let mut word = at / 64;
        let mut bits = self.waiting.get(word)? & (u64::MAX << (at % 64));
        loop {
            if bits != 0 {
                let input = word * 64 + bits.trailing_zeros() as usize;
                return (input < end).then_some(input);
            }
            word += 1;
            if word * 64 >= end {
                return None;
            }
            bits = *self.waiting.get(word)?;
        }
    }

    #[inline]
    fn pass(&mut self, input: usize) {
        let from = &mut self.inputs[input];
        if let Some(what) = from.waiting.pop_front() {
            self.through.push_back(what);
            self.crossing -= 1;
        }
        from.due += 1;
        if from.waiting.is_empty() {
            self.waiting[input / 64] &= !(1 << (input % 64));
        }
        self.turn = (input + 1) % self.inputs.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_cycle_and_inputs_in_turn() {
        let mut output = Output::new(3);
        output.push(0, 'a', 5, 1);
        output.push(0, 'b', 5, 1);
        output.push(2, 'c', 5, 1);
        output.tick(5);
        assert!(output.through.is_empty());
        for now in 6..10 {
            output.tick(now);
        }
        assert_eq!(output.through, ['a', 'c', 'b']);
        assert!(output.crossing == 0);
    }

    #[test]
    fn lines_of_an_input_follow_a_cycle_apart() {
        let mut output = Output::new(70);
        output.push(69, 1, 0, 4);
        output.push(69, 2, 0, 4);
        for now in 0..5 {
            output.tick(now);
        }
        assert_eq!(output.through, [1]);
        output.tick(5);
        assert_eq!(output.through, [1, 2]);
    }
}

//! Cycles of the vector unit, which works on one instruction at a time.

use super::machine::CoreShape;

impl CoreShape {
    /// Steps over `bytes`.
    pub(super) fn steps(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.vector_bytes)
    }

    /// Steps of an adder tree over `bytes`. Steps of one level are the bytes of the next.
    pub(super) fn tree_steps(&self, bytes: u64) -> u64 {
        let (mut left, mut steps) = (bytes, 1);
        while left > self.vector_bytes {
            left = self.steps(left);
            steps += left;
        }
        steps
    }

    /// An adder tree over each of `rows` rows.
    pub(super) fn tree(&self, bytes: u64, rows: u64) -> u64 {
        self.tree_steps(bytes) * self.latencies.add_tree * rows
    }

    /// Layer norm as the simulator times it: nobody sets the bytes of the instruction, so that the
    /// part that grows with them is nothing.
    pub(super) fn layer_norm(&self) -> u64 {
        let latencies = &self.latencies;
        2 * self.tree_steps(0) * latencies.add_tree
            + 2 * latencies.scalar_mul
            + latencies.scalar_sqrt
    }
}

#[cfg(test)]
mod tests {
    use crate::onnxim::machine::{CoreShape, Latencies};

    fn core(vector_bytes: u64) -> CoreShape {
        CoreShape {
            array: 128,
            scratchpad_bytes: 32 << 20,
            accumulator_bytes: 4 << 20,
            vector_bytes,
            latencies: Latencies {
                add: 1,
                mul: 1,
                mac: 1,
                div: 1,
                exp: 1,
                gelu: 1,
                add_tree: 1,
                scalar_mul: 1,
                scalar_sqrt: 1,
            },
        }
    }

    #[test]
    fn trees_add_their_levels() {
        assert_eq!(core(8192).tree_steps(0), 1);
        assert_eq!(core(8192).tree_steps(8192), 1);
        assert_eq!(core(8192).tree_steps(8193), 3);
        // 1,000 bytes by fours: 250, 63, 16 and 4 steps, the last one level more.
        assert_eq!(core(4).tree_steps(1000), 250 + 63 + 16 + 4 + 1);
        assert_eq!(core(8192).layer_norm(), 5);
    }
}

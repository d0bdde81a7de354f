//! Weights of which a part is known to be zero: what is left of the reduction, and what it costs to say
//! which weights are left. Structured as in SCALE-Sim v3 (`operand_matrix.py`, `compression.py`): kept
//! weights move together along the reduction, so that a lane of the array holds a kept weight and picks
//! its input from those of the block that stream by.

use thiserror::Error;

/// Which weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sparsity {
    /// `kept` of every `of` along the reduction, in all rows of the layer alike (N:M).
    Layer {
        /// Kept weights of a block.
        kept: u64,
        /// Weights of a block.
        of: u64,
    },
    /// At most half of every `block`, row by row as may be: two blocks share the lanes of one, and
    /// what a row keeps less stays empty, so that all rows take the time of the fullest.
    Rows {
        /// Weights of a block; even.
        block: u64,
    },
}

/// A text that names no sparsity.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
#[error(
    "must be \"N:M\", N of every M weights of all rows, or \"rows:M\", at most half of every M row by \
     row; 1 <= N < M <= 1024, M even for rows"
)]
pub struct NoSparsity;

/// Weights of a block at most.
const MOST: u64 = 1024;

impl Sparsity {
    /// Reads `2:4` or `rows:8`.
    pub fn parse(text: &str) -> Result<Sparsity, NoSparsity> {
        let (first, of) = text.split_once(':').ok_or(NoSparsity)?;
        let of: u64 = of.parse().map_err(|_| NoSparsity)?;
        if of > MOST {
            return Err(NoSparsity);
        }
        if first == "rows" {
            let even = of > 0 && of.is_multiple_of(2);
            return even
                .then_some(Sparsity::Rows { block: of })
                .ok_or(NoSparsity);
        }
        let kept = first.parse().map_err(|_| NoSparsity)?;
        let fewer = 1 <= kept && kept < of;
        fewer
            .then_some(Sparsity::Layer { kept, of })
            .ok_or(NoSparsity)
    }

    /// Lanes that a reduction of `k` takes.
    pub fn lanes(&self, k: u64) -> u64 {
        match *self {
            Sparsity::Layer { kept, of } => k / of * kept + (k % of).min(kept),
            Sparsity::Rows { block } => k.div_ceil(2 * block) * block,
        }
    }

    /// Bits that say which weight of its block a lane holds.
    pub fn index_bits(&self) -> u64 {
        let block = match *self {
            Sparsity::Layer { of, .. } => of,
            Sparsity::Rows { block } => block,
        };
        u64::from(block.next_power_of_two().ilog2())
    }

    /// Bytes that say so of so many weights.
    pub fn index_bytes(&self, weights: u64) -> u64 {
        (weights * self.index_bits()).div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_moves_together() {
        let of = |text: &str, k| Sparsity::parse(text).map(|sparsity| sparsity.lanes(k));
        assert_eq!(of("2:4", 4096), Ok(2048));
        // Two of the first four, and the one of the rest.
        assert_eq!(of("2:4", 5), Ok(3));
        assert_eq!(of("1:4", 7), Ok(2));
        assert_eq!(of("rows:8", 4096), Ok(2048));
        // Blocks go in pairs.
        assert_eq!(of("rows:8", 17), Ok(16));
    }

    #[test]
    fn an_index_names_the_place_in_the_block() {
        let bytes = |text: &str| Sparsity::parse(text).map(|sparsity| sparsity.index_bytes(1000));
        assert_eq!(bytes("2:4"), Ok(250));
        assert_eq!(bytes("rows:8"), Ok(375));
        assert_eq!(bytes("2:5"), Ok(375));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "", "2", "4:2", "4:4", "0:4", "rows:7", "rows:0", "1:2000", "a:b",
        ] {
            assert_eq!(Sparsity::parse(text), Err(NoSparsity), "{text}");
        }
    }
}

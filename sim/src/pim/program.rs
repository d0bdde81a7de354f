//! A PIM program: what one channel's PIM stream executes, in order. A device hands whole programs
//! to a channel; the channel expands each operation into commands at the ticks its banks allow.

/// One operation of a PIM program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PimOp {
    /// Copy `row` of `bank` into the global vector buffer.
    Gwrite {
        /// Bank that holds the vector.
        bank: u16,
        /// Its row.
        row: u32,
    },
    /// Open `row` in every bank, then `results` times: `comps` multiply-accumulate steps and the
    /// read-out of one partial sum per bank.
    Tile {
        /// Row opened in the PIM row buffer of every bank.
        row: u32,
        /// Read-outs.
        results: u32,
        /// Multiply-accumulate steps of each.
        comps: u32,
    },
    /// The same without read-outs: the partial sums stay in the accumulators of the banks.
    Accumulate {
        /// Row opened in every bank.
        row: u32,
        /// Partial sums that grow.
        results: u32,
        /// Multiply-accumulate steps of each.
        comps: u32,
    },
}

/// What a tile does with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Row opened in every bank.
    pub row: u32,
    /// Partial sums.
    pub results: u32,
    /// Multiply-accumulate steps of each.
    pub comps: u32,
    /// Whether they are read out.
    pub read_out: bool,
}

impl PimOp {
    /// The tile that an operation is, if it is one.
    pub fn tile(self) -> Option<Tile> {
        let (row, results, comps, read_out) = match self {
            PimOp::Gwrite { .. } => return None,
            PimOp::Tile {
                row,
                results,
                comps,
            } => (row, results, comps, true),
            PimOp::Accumulate {
                row,
                results,
                comps,
            } => (row, results, comps, false),
        };
        Some(Tile {
            row,
            results,
            comps,
            read_out,
        })
    }
}

/// Operations of one piece of work (a request's logit, say), completed together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PimProgram {
    /// Operations, in order.
    pub ops: Vec<PimOp>,
}

impl PimProgram {
    /// Tiles of the program.
    pub fn tiles(&self) -> u64 {
        self.ops.iter().filter(|op| op.tile().is_some()).count() as u64
    }

    /// Multiply-accumulate steps commanded: each works on all banks of the channel.
    pub fn comp_steps(&self) -> u64 {
        let tiles = self.ops.iter().filter_map(|op| op.tile());
        tiles
            .map(|tile| u64::from(tile.results) * u64::from(tile.comps))
            .sum()
    }
}

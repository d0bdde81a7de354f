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
        /// COMPS_READRES commands.
        results: u32,
        /// Multiply-accumulate steps of each.
        comps: u32,
    },
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
        self.ops
            .iter()
            .filter(|op| matches!(op, PimOp::Tile { .. }))
            .count() as u64
    }

    /// Multiply-accumulate steps commanded: each works on all banks of the channel.
    pub fn comp_steps(&self) -> u64 {
        self.ops
            .iter()
            .map(|op| match op {
                PimOp::Gwrite { .. } => 0,
                PimOp::Tile { results, comps, .. } => u64::from(*results) * u64::from(*comps),
            })
            .sum()
    }
}

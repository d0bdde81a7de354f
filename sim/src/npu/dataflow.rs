//! The choices that say how a product runs on a systolic array: what stays in it, whether folds
//! overlap, what a fold costs that does not fill it.

/// Which operand stays in the array while the others move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataflow {
    /// K on rows, N on columns, M streamed.
    WeightStationary,
    /// M on rows, N on columns, K streamed.
    OutputStationary,
    /// K on rows, M on columns, N streamed (activations stationary).
    InputStationary,
}

impl Dataflow {
    /// All, with the names that configurations and tables use.
    pub const NAMES: [(&'static str, Dataflow); 3] = [
        ("ws", Dataflow::WeightStationary),
        ("os", Dataflow::OutputStationary),
        ("is", Dataflow::InputStationary),
    ];

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Dataflow::WeightStationary => "ws",
            Dataflow::OutputStationary => "os",
            Dataflow::InputStationary => "is",
        }
    }

    /// Extents of a product [m, k] x [k, n] on the rows of the array, on its columns, and streamed.
    pub fn extents(self, m: u64, k: u64, n: u64) -> (u64, u64, u64) {
        match self {
            Dataflow::WeightStationary => (k, n, m),
            Dataflow::OutputStationary => (m, n, k),
            Dataflow::InputStationary => (k, m, n),
        }
    }

    /// Whether an operand is loaded before a fold can stream: sums begin at nothing.
    pub fn loads(self) -> bool {
        self != Dataflow::OutputStationary
    }
}

/// Whether successive folds overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folding {
    /// A fold begins when the one before has drained (SCALE-Sim).
    Serial,
    /// Folds follow each other as closely as the array allows: the stationary operand of the next
    /// is loaded into shadow registers while this one streams, and sums that stay in place leave
    /// over a result bus for each column while the next fold accumulates.
    Overlapped,
    /// Overlapped by the rule of ONNXim: blocks of at most `rows` streamed rows, one start in
    /// `max(n, 4, rows)` cycles, and a whole skewed load in front of a block that meets an empty
    /// array.
    Blocks,
}

impl Folding {
    /// All, with the names that configurations use.
    pub const NAMES: [(&'static str, Folding); 3] = [
        ("serial", Folding::Serial),
        ("overlapped", Folding::Overlapped),
        ("blocks", Folding::Blocks),
    ];
}

/// What a fold costs that does not fill the array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartialFolds {
    /// As much as a full one: operands pass through idle lanes (SCALE-Sim, ONNXim).
    Full,
    /// What the lanes in use need: no row below these is loaded, and sums leave at the last row in
    /// use.
    Exact,
}

impl PartialFolds {
    /// All, with the names that configurations use.
    pub const NAMES: [(&'static str, PartialFolds); 2] =
        [("full", PartialFolds::Full), ("exact", PartialFolds::Exact)];
}

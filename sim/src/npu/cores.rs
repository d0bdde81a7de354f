//! What stands around the arrays of a core, and how many cores there are: DMA engines, the network
//! to memory, a scratchpad that all cores share, and the rules by which products are tiled.

use crate::time::Tick;

/// How the tiles of a product are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MappingRule {
    /// Candidates by closed form, the best few by execution.
    Search,
    /// The heuristic that ONNXim takes over from Gemmini.
    Gemmini,
}

/// When the space of a tile is free for the tile after the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Buffering {
    /// When the whole tile is used up.
    Tile,
    /// Block by block.
    Block,
}

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layout {
    /// Tile after tile, each in the order in which the arrays use it.
    Tiled,
    /// Row after row: a tile is a piece of each of its rows.
    RowMajor,
}

/// DMA engines of one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dma {
    /// Bytes of a request.
    pub request_bytes: u64,
    /// Requests in flight at most, all engines of a core together; `None` without limit.
    pub credits: Option<u64>,
    /// Bytes of the requests issued in a cycle at most; `None` without limit.
    pub bytes_per_cycle: Option<u64>,
}

impl Dma {
    /// Bytes that may be in flight.
    pub fn window(&self) -> Option<u64> {
        self.credits
            .map(|credits| credits.saturating_mul(self.request_bytes))
    }
}

/// Shape of the network between cores and memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topology {
    /// A port for each core, no conflict inside.
    Crossbar,
    /// Rows of so many cores; memory is attached to the west end of every row, messages go along
    /// the row first, then along the column.
    Mesh {
        /// Cores of a row.
        columns: u64,
    },
}

/// Network between cores and memory, each direction on wires of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Noc {
    /// Shape.
    pub topology: Topology,
    /// Bytes a cycle of a port, and of a link of a mesh.
    pub bytes_per_cycle: u64,
    /// Cycles of a hop; a crossbar is one hop.
    pub latency: Tick,
}

/// A scratchpad between memory and the cores. It keeps what was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shared {
    /// Capacity.
    pub bytes: u64,
    /// Bytes a cycle between it and all cores together, both directions.
    pub bytes_per_cycle: u64,
    /// Whether cores that ask for the same tile while it is on its way get it in one transfer.
    pub multicast: bool,
}

/// Cores and what they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cores {
    /// Equal cores, each with arrays, scratchpad, accumulators and vector unit.
    pub count: u64,
    /// Choice of tiles.
    pub mapping: MappingRule,
    /// Release of buffers.
    pub buffering: Buffering,
    /// Layout of operands in memory.
    pub layout: Layout,
    /// Whether the weights of a product load while the operator before it still runs.
    pub prefetch_weights: bool,
    /// DMA engines of a core.
    pub dma: Dma,
    /// Network; `None` if it is never the limit.
    pub noc: Option<Noc>,
    /// Shared scratchpad.
    pub shared: Option<Shared>,
}

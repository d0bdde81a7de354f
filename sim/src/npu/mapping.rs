//! How a product is cut: tiles that fit the scratchpad of a core, the order in which they run, their
//! cores, and the blocks of a tile that the arrays take one after another.

use super::{Array, Dataflow, Npu};

/// Bytes of a partial sum: fp32.
pub const PARTIAL: u64 = 4;

/// Tiles of a product at most: each is a step of a core.
pub const MOST_TILES: u64 = 1 << 21;

/// A product [m, k] x [k, n].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gemm {
    /// Rows of the activations and of the outputs.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Columns of the weights and of the outputs.
    pub n: u64,
    /// Bytes of an element.
    pub element: u64,
}

impl Gemm {
    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        self.m.saturating_mul(self.k).saturating_mul(self.n)
    }

    /// Bytes of activations, weights and outputs.
    pub fn bytes(&self) -> (u64, u64, u64) {
        let e = self.element;
        (
            self.m * self.k * e,
            self.k * self.n * e,
            self.m * self.n * e,
        )
    }
}

/// Which tensors are on chip before (or stay there after) a product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Resident {
    pub activations: bool,
    pub weights: bool,
    pub outputs: bool,
}

impl Resident {
    /// Bytes of a scratchpad that resident tensors take, spread over `cores`.
    pub fn bytes(&self, gemm: &Gemm, cores: u64) -> u64 {
        let (a, b, c) = gemm.bytes();
        let of = |is, bytes: u64| if is { bytes.div_ceil(cores) } else { 0 };
        of(self.activations, a) + of(self.weights, b) + of(self.outputs, c)
    }
}

/// The operand that the arrays hold while the others move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stationary {
    /// Weights, rows of activations streamed.
    Weights,
    /// Activations, columns of weights streamed: operands swapped.
    Activations,
    /// Outputs, the reduction streamed.
    Outputs,
}

impl Stationary {
    /// Name in records.
    pub fn name(self) -> &'static str {
        match self {
            Stationary::Weights => "weights",
            Stationary::Activations => "activations",
            Stationary::Outputs => "outputs",
        }
    }

    /// What an array can hold: one that keeps an operand can keep either.
    pub fn of(array: &Array) -> &'static [Stationary] {
        match array.dataflow {
            Dataflow::WeightStationary => &[Stationary::Weights, Stationary::Activations],
            Dataflow::InputStationary => &[Stationary::Activations, Stationary::Weights],
            Dataflow::OutputStationary => &[Stationary::Outputs],
        }
    }
}

/// Order of the loops over tiles, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Order {
    Mnk,
    Nmk,
    Kmn,
    Knm,
    Mkn,
    Nkm,
}

impl Order {
    /// All orders, with their names in records and options.
    pub const NAMES: [(&'static str, Order); 6] = [
        ("mnk", Order::Mnk),
        ("nmk", Order::Nmk),
        ("kmn", Order::Kmn),
        ("knm", Order::Knm),
        ("mkn", Order::Mkn),
        ("nkm", Order::Nkm),
    ];

    /// Name in records.
    pub fn name(self) -> &'static str {
        let known = Order::NAMES.iter().find(|(_, order)| *order == self);
        known.map_or("", |(name, _)| name)
    }

    /// Loops as dimensions (0 for M, 1 for K, 2 for N), outermost first.
    fn loops(self) -> [usize; 3] {
        const M: usize = 0;
        const K: usize = 1;
        const N: usize = 2;
        match self {
            Order::Mnk => [M, N, K],
            Order::Nmk => [N, M, K],
            Order::Kmn => [K, M, N],
            Order::Knm => [K, N, M],
            Order::Mkn => [M, K, N],
            Order::Nkm => [N, K, M],
        }
    }

    /// Whether output tiles are numbered column after column.
    fn columns_first(self) -> bool {
        matches!(self, Order::Nmk | Order::Knm | Order::Nkm)
    }
}

/// How a product is cut. Output tiles go to the cores in turn, all parts of the reduction of one to
/// the same core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub struct Mapping {
    pub tile_m: u64,
    pub tile_k: u64,
    pub tile_n: u64,
    pub order: Order,
    pub stationary: Stationary,
}

/// A tile of a product, as one core runs it.
#[allow(clippy::struct_excessive_bools)] // independent facts
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Tile numbers in M, K and N.
    pub tile: [u64; 3],
    /// Extents; the last tile of a dimension may be smaller.
    pub m: u64,
    /// Extent of the reduction.
    pub k: u64,
    /// Extent of the columns.
    pub n: u64,
    /// The activations differ from those of the step before on this core.
    pub new_activations: bool,
    /// The weights do.
    pub new_weights: bool,
    /// The outputs do.
    pub new_outputs: bool,
    /// Partial sums of an earlier step come back.
    pub partial_in: bool,
    /// What leaves after this step.
    pub out: Leaving,
}

/// What leaves the accumulators after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing: the next step adds to them.
    Nothing,
    /// Partial sums that come back later.
    Partial,
    /// Outputs.
    Outputs,
}

impl Mapping {
    /// Tiles in M, K and N.
    pub fn tiles(&self, gemm: &Gemm) -> [u64; 3] {
        [
            gemm.m.div_ceil(self.tile_m),
            gemm.k.div_ceil(self.tile_k),
            gemm.n.div_ceil(self.tile_n),
        ]
    }

    /// Bytes of scratchpad that two tiles in flight need, resident operands aside.
    pub fn scratchpad_bytes(&self, element: u64, resident: Resident) -> u64 {
        let activations = if resident.activations {
            0
        } else {
            self.tile_m * self.tile_k
        };
        let weights = if resident.weights {
            0
        } else {
            self.tile_k * self.tile_n
        };
        2 * (activations + weights) * element
    }

    /// Bytes of the accumulators that two output tiles in flight need.
    pub fn accumulator_bytes(&self) -> u64 {
        2 * PARTIAL * self.tile_m * self.tile_n
    }

    /// Whether the tiles fit a core, and are not too many to run.
    pub fn fits(&self, npu: &Npu, gemm: &Gemm, resident: Resident) -> bool {
        let [rows, parts, columns] = self.tiles(gemm);
        if rows.saturating_mul(parts).saturating_mul(columns) > MOST_TILES {
            return false;
        }
        let cores = &npu.cores;
        // What a shared scratchpad keeps takes no room here; what other cores keep comes in tiles.
        let kept = match cores.shared {
            Some(_) => 0,
            None => resident.bytes(gemm, cores.count),
        };
        let in_place = if cores.shared.is_none() && cores.count == 1 {
            resident
        } else {
            Resident::default()
        };
        self.scratchpad_bytes(gemm.element, in_place)
            .saturating_add(kept)
            <= npu.scratchpad_bytes
            && self.accumulator_bytes() <= npu.accumulator_bytes
    }

    /// How the outputs of a core become ready: in so many portions, over the last of so many equal
    /// stretches of the product.
    pub fn portions(&self, gemm: &Gemm, npu: &Npu) -> (u64, u64) {
        let [rows, parts, columns] = self.tiles(gemm);
        let tiles = (rows * columns).div_ceil(npu.cores.count);
        if parts > 1 {
            let swept = self.order.loops()[2] != 1 && tiles > 1;
            return (tiles, if swept { parts } else { 1 });
        }
        let array = &npu.array;
        let wide = array.columns * array.count;
        let groups = match self.stationary {
            Stationary::Weights => self.tile_n.div_ceil(wide),
            Stationary::Activations => self.tile_m.div_ceil(wide),
            Stationary::Outputs => self.tile_n.div_ceil(wide) * self.tile_m.div_ceil(array.rows),
        };
        (tiles * groups, 1)
    }

    /// The steps of every core, in order.
    pub fn steps(&self, gemm: &Gemm, cores: u64) -> Vec<Vec<Step>> {
        let tiles = self.tiles(gemm);
        let loops = self.order.loops();
        let mut all: Vec<Vec<Step>> = vec![Vec::new(); cores as usize];
        let extent = |of: u64, tile: u64, index: u64| tile.min(of - index * tile);
        for outer in 0..tiles[loops[0]] {
            for middle in 0..tiles[loops[1]] {
                for inner in 0..tiles[loops[2]] {
                    let mut tile = [0; 3];
                    tile[loops[0]] = outer;
                    tile[loops[1]] = middle;
                    tile[loops[2]] = inner;
                    let [i, k, j] = tile;
                    let output = if self.order.columns_first() {
                        j * tiles[0] + i
                    } else {
                        i * tiles[2] + j
                    };
                    let steps = &mut all[(output % cores) as usize];
                    let new_outputs = match steps.last_mut() {
                        Some(last) if last.tile[0] == i && last.tile[2] == j => {
                            last.out = Leaving::Nothing;
                            false
                        }
                        _ => true,
                    };
                    let last = steps.last();
                    let differs = |a: usize, b: usize| {
                        last.is_none_or(|last| last.tile[a] != tile[a] || last.tile[b] != tile[b])
                    };
                    let step = Step {
                        tile,
                        m: extent(gemm.m, self.tile_m, i),
                        k: extent(gemm.k, self.tile_k, k),
                        n: extent(gemm.n, self.tile_n, j),
                        new_activations: differs(0, 1),
                        new_weights: differs(1, 2),
                        new_outputs,
                        partial_in: new_outputs && k > 0,
                        out: if k + 1 == tiles[1] {
                            Leaving::Outputs
                        } else {
                            Leaving::Partial
                        },
                    };
                    steps.push(step);
                }
            }
        }
        all
    }
}

/// One block in every array of a core, and what it is the first to need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Extent streamed.
    pub streamed: u64,
    /// Activations first used, as extents in M and K.
    pub activations: (u64, u64),
    /// Weights first used, as extents in K and N.
    pub weights: (u64, u64),
    /// Extents in M, K, N that are multiplied.
    pub extent: [u64; 3],
    /// Where they begin in the tile.
    pub origin: [u64; 3],
    /// Whether the reduction of these outputs begins here.
    pub first: bool,
}

/// Blocks of a tile in the order in which the arrays take them: those of the held operand side by
/// side over the arrays, the reduction innermost.
pub fn passes(array: &Array, stationary: Stationary, m: u64, k: u64, n: u64) -> Vec<Pass> {
    let wide = array.columns * array.count;
    let (outer, inner) = match stationary {
        Stationary::Weights => ((n, wide), (k, array.rows)),
        Stationary::Activations => ((m, wide), (k, array.rows)),
        Stationary::Outputs => ((n, wide), (m, array.rows)),
    };
    let (outers, inners) = (outer.0.div_ceil(outer.1), inner.0.div_ceil(inner.1));
    let mut passes = Vec::with_capacity((outers * inners) as usize);
    for group in 0..outers {
        let across = outer.1.min(outer.0 - group * outer.1);
        for block in 0..inners {
            let down = inner.1.min(inner.0 - block * inner.1);
            let (once, each) = (group == 0, block == 0);
            let (side, along) = (group * outer.1, block * inner.1);
            let some = |is: bool, extents| if is { extents } else { (0, 0) };
            passes.push(match stationary {
                Stationary::Weights => Pass {
                    streamed: m,
                    activations: some(once, (m, down)),
                    weights: (down, across),
                    extent: [m, down, across],
                    origin: [0, along, side],
                    first: each,
                },
                Stationary::Activations => Pass {
                    streamed: n,
                    activations: (across, down),
                    weights: some(once, (down, n)),
                    extent: [across, down, n],
                    origin: [side, along, 0],
                    first: each,
                },
                Stationary::Outputs => Pass {
                    streamed: k,
                    activations: some(once, (down, k)),
                    weights: some(each, (k, across)),
                    extent: [down, k, across],
                    origin: [along, 0, side],
                    first: true,
                },
            });
        }
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn array(dataflow: Dataflow, count: u64) -> Array {
        Array {
            count,
            dataflow,
            ..Array::new(16, 8)
        }
    }

    proptest! {
        #[test]
        fn every_multiplication_has_one_pass(
            (m, k, n) in (1u64..80, 1u64..80, 1u64..80), (tm, tk, tn) in (1u64..80, 1u64..80, 1u64..80),
            order in 0usize..6, held in 0usize..3, cores in 1u64..5,
        ) {
            let gemm = Gemm { m, k, n, element: 2 };
            let stationary = [Stationary::Weights, Stationary::Activations, Stationary::Outputs][held];
            let mapping = Mapping { tile_m: tm, tile_k: tk, tile_n: tn, order: Order::NAMES[order].1, stationary };
            let array = array(Dataflow::WeightStationary, 2);
            let mut macs = 0;
            let mut outputs = 0;
            for step in mapping.steps(&gemm, cores).iter().flatten() {
                let all = passes(&array, stationary, step.m, step.k, step.n);
                macs += all.iter().map(|pass| pass.extent.iter().product::<u64>()).sum::<u64>();
                let first_use = |of: fn(&Pass) -> (u64, u64)| all.iter().map(|p| of(p).0 * of(p).1).sum::<u64>();
                prop_assert_eq!(first_use(|pass| pass.activations), step.m * step.k);
                prop_assert_eq!(first_use(|pass| pass.weights), step.k * step.n);
                if step.out == Leaving::Outputs {
                    outputs += step.m * step.n;
                }
            }
            prop_assert_eq!(macs, gemm.macs());
            prop_assert_eq!(outputs, m * n);
        }
    }

    #[test]
    fn what_the_step_before_left_is_not_loaded_again() {
        let gemm = Gemm {
            m: 4,
            k: 4,
            n: 4,
            element: 2,
        };
        let mapping = Mapping {
            tile_m: 2,
            tile_k: 2,
            tile_n: 2,
            order: Order::Kmn,
            stationary: Stationary::Weights,
        };
        let steps = &mapping.steps(&gemm, 1)[0];
        let loads = |of: fn(&Step) -> bool| steps.iter().filter(|step| of(step)).count();
        // K outermost: activations stay over the columns, every output leaves and comes back once.
        assert_eq!(loads(|step| step.new_activations), 4);
        assert_eq!(loads(|step| step.new_weights), 8);
        assert_eq!(loads(|step| step.partial_in), 4);
        assert_eq!(loads(|step| step.out == Leaving::Partial), 4);
        assert_eq!(loads(|step| step.out == Leaving::Outputs), 4);
    }
}

//! How Gemmini's heuristic cuts a product into tiles, as ONNXim takes it over
//! (PSAL-POSTECH/ONNXim, src/Mapping.cc, commit a1e8629): square output tiles as large as the
//! accumulators allow, the reduction as long as the scratchpad allows, counts stretched to the cores.

/// What the heuristic knows of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of an array, which is square.
    pub array: u64,
    /// Bytes of a core's scratchpad.
    pub scratchpad_bytes: u64,
    /// Bytes of a core's accumulators.
    pub accumulator_bytes: u64,
    /// Bytes of an element.
    pub element_bytes: u64,
    /// Cores.
    pub cores: u64,
}

/// Extents of a product: `m` rows of activations, reduction `k`, `n` outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extents {
    /// Rows of activations.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Outputs.
    pub n: u64,
}

/// Tiles of a product, by extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// How many tiles.
    pub outer: Extents,
    /// Extent of one, multiples of the array.
    pub inner: Extents,
}

/// The tiles of a product. Accumulators are taken as four bytes an element; both scratchpads are
/// halved, and half of an operand half goes to each operand.
pub fn map(limits: &Limits, product: Extents) -> Tiles {
    let Limits { array, cores, .. } = *limits;
    let rows = limits.scratchpad_bytes / (array * limits.element_bytes * 2);
    let result_rows = limits.accumulator_bytes / (array * 4 * 2);
    let blocks = (rows / 2) / array;
    let side = (result_rows / array).isqrt().max(1);
    let depth = (blocks / side).max(1);
    let padded = |extent: u64| extent.next_multiple_of(array);
    let count =
        |extent: u64, most: u64| (padded(extent) / array).min(extent.div_ceil(most * array));
    let mut m = count(product.m, side);
    let mut n = count(product.n, side);
    let k = count(product.k, depth);
    // The longer extent is cut further until there is a tile for each core; equal ones are not.
    let stretch = |by: &dyn Fn(u64) -> u64, m: &mut u64, n: &mut u64| {
        if product.n > product.m && product.n > cores {
            *n = by(*n);
        } else if product.m > product.n && product.m > cores {
            *m = by(*m);
        }
    };
    if m * n < cores {
        let more = cores.div_ceil(m * n);
        stretch(&|count| count * more, &mut m, &mut n);
    }
    let over = (m * n) % cores;
    stretch(&|count| count + over, &mut m, &mut n);
    // Rounded down to the array. Below one block the simulator divides by zero; here a tile then is
    // one block.
    let inner = |extent: u64, tiles: u64| {
        let share = padded(extent).div_ceil(tiles);
        (share - share % array).max(array)
    };
    let inner = Extents {
        m: inner(product.m, m),
        k: inner(product.k, k),
        n: inner(product.n, n),
    };
    Tiles {
        outer: Extents {
            m: product.m.div_ceil(inner.m),
            k: product.k.div_ceil(inner.k),
            n: product.n.div_ceil(inner.n),
        },
        inner,
    }
}

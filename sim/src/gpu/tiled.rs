//! A matrix product as a library runs it: cut into tiles of the result, one thread block a tile,
//! blocks in waves over the multiprocessors. The efficiency follows from the shape: rows are padded
//! to a tile, the last wave leaves multiprocessors idle, small tiles fetch more operands for each
//! multiply-accumulate, and a long reduction may be split where tiles alone would not fill the
//! machine. The fastest choice of tile and split is taken, as a library's heuristics aim to.

use super::{Parts, Peaks, Product, hundredths_us, ratio, share};
use crate::time::Ps;

/// Tiles of the result, rows x columns, that libraries have kernels for. The first needs the fewest
/// operands: the others' efficiency is relative to it.
const TILES: [(u64, u64); 8] = [
    (256, 128),
    (128, 256),
    (128, 128),
    (256, 64),
    (64, 256),
    (128, 64),
    (64, 128),
    (64, 64),
];

/// Shares that a reduction may be split into.
const SPLITS: [u64; 7] = [1, 2, 3, 4, 5, 6, 8];

/// Depth of one step of the main loop.
const STEP: u64 = 32;

/// Steps whose operands a tile fetches before it can begin: kernels keep about four in flight. In
/// them, and in the store of the results, a tile hides nothing, which a long reduction makes good.
const STAGES: u64 = 4;

/// Bytes of a partial sum.
const PARTIAL: u64 = 4;

/// The parameters, in the steps in which they are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TiledParameters {
    /// Time from the start of the kernel to the first load and from the last store to the end,
    /// hundredths of a microsecond.
    pub overhead: u64,
    /// Thousandths of the arithmetic peak that a multiprocessor reaches within the largest tile.
    pub compute: u64,
    /// Thousandths of the memory peak that a long stream reaches.
    pub bandwidth: u64,
    /// Thousandths of the shorter of arithmetic and traffic that the longer does not hide.
    pub unhidden: u64,
    /// Rows and columns of operands fetched for a tile weigh like this many columns of results.
    pub halo: u64,
    /// Thousandths of the arithmetic peak that all multiprocessors together sustain: power and
    /// clocks, where the machine is full.
    pub sustained: u64,
}

/// A machine's products by tiles and waves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiled {
    overhead: Ps,
    multiprocessors: u64,
    bytes_per_s: u64,
    peak_bytes_per_s: u64,
    unhidden: u64,
    sustained_flop_per_s: u64,
    /// Femtoseconds of one step of the main loop of each tile.
    step_fs: [u64; TILES.len()],
}

impl Tiled {
    /// From the data sheet and the fit.
    pub fn new(peaks: &Peaks, parameters: &TiledParameters) -> Tiled {
        Tiled {
            overhead: hundredths_us(parameters.overhead),
            multiprocessors: peaks.multiprocessors.max(1),
            bytes_per_s: share(peaks.bytes_per_s, parameters.bandwidth),
            peak_bytes_per_s: peaks.bytes_per_s,
            unhidden: parameters.unhidden,
            sustained_flop_per_s: share(peaks.flop_per_s, parameters.sustained),
            step_fs: TILES.map(|tile| step_fs(peaks, parameters, tile)),
        }
    }

    /// Time of a product, or of a batch of them, in one kernel.
    pub fn time(&self, product: &Product) -> Ps {
        self.parts(product).time()
    }

    /// The same by part.
    pub fn parts(&self, product: &Product) -> Parts {
        let stream = ratio(product.bytes(), self.bytes_per_s).0;
        let results = [product.batch, product.m, product.n]
            .into_iter()
            .fold(PARTIAL, u64::saturating_mul);
        let partials = ratio(results, self.peak_bytes_per_s).0;
        // Batches of single rows (attention in decode) need no tile: the vector units keep up with
        // memory at one multiply-accumulate an element. One product of one row is run with tiles
        // nonetheless: recorded ones take as long as those of sixteen.
        let vectors = product.m == 1 && product.batch > 1;
        let mut best = (if vectors { stream } else { u64::MAX }, false);
        for (&(rows, columns), &step) in TILES.iter().zip(&self.step_fs) {
            let tiles = product
                .batch
                .saturating_mul(product.m.div_ceil(rows))
                .saturating_mul(product.n.div_ceil(columns));
            for split in SPLITS {
                let steps = product.k.div_ceil(split * STEP).max(1);
                let waves = tiles.saturating_mul(split).div_ceil(self.multiprocessors);
                let compute = waves.saturating_mul(steps).saturating_mul(step) / 1000;
                // Every share writes its partial sums, one pass adds them.
                let sums = if split > 1 {
                    partials.saturating_mul(split + 1)
                } else {
                    0
                };
                let memory = stream.saturating_add(sums);
                best = best.min((self.overlap(compute, memory, steps), compute >= memory));
            }
        }
        let sustained = ratio(product.flop(), self.sustained_flop_per_s);
        Parts {
            overhead: self.overhead,
            busy: Ps(best.0).max(sustained),
            by_arithmetic: best.1 || sustained.0 > best.0,
        }
    }

    /// The longer of two, and of the shorter what is not hidden behind it.
    fn overlap(&self, compute: u64, memory: u64, steps: u64) -> u64 {
        let alone = (1000 * STAGES.min(steps) / steps).max(self.unhidden);
        let rest = u128::from(compute.min(memory)) * u128::from(alone) / 1000;
        compute.max(memory).saturating_add(rest as u64)
    }
}

/// Femtoseconds that one multiprocessor takes for one step of a tile. What a tile's operands cost
/// beside its results grows with its circumference over its area, taken from the first tile on.
fn step_fs(peaks: &Peaks, parameters: &TiledParameters, (rows, columns): (u64, u64)) -> u64 {
    let (first_rows, first_columns) = TILES[0];
    // halo x (1/rows + 1/columns - 1/first_rows - 1/first_columns), over a common denominator.
    let area = rows * columns;
    let first = first_rows * first_columns;
    let excess = ((rows + columns) * first).saturating_sub((first_rows + first_columns) * area);
    let denominator = area * first;
    let numerator = denominator + parameters.halo * excess;
    let flop = 2 * area * STEP;
    let rate = share(peaks.flop_per_s, parameters.compute).max(1);
    let fs = u128::from(flop) * u128::from(peaks.multiprocessors.max(1)) * 1_000_000_000_000_000;
    let fs = fs / u128::from(rate) * u128::from(numerator) / u128::from(denominator);
    u64::try_from(fs).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn machine() -> (Peaks, TiledParameters) {
        let peaks = Peaks {
            flop_per_s: 312_000_000_000_000,
            bytes_per_s: 2_039_000_000_000,
            multiprocessors: 108,
        };
        let parameters = TiledParameters {
            overhead: 400,
            compute: 800,
            bandwidth: 900,
            unhidden: 150,
            halo: 40,
            sustained: 1100,
        };
        (peaks, parameters)
    }

    /// A machine whose memory is never in the way.
    fn arithmetic() -> Tiled {
        let (peaks, parameters) = machine();
        let peaks = Peaks {
            bytes_per_s: 1_000_000_000_000_000_000,
            ..peaks
        };
        let parameters = TiledParameters {
            unhidden: 0,
            halo: 100,
            ..parameters
        };
        Tiled::new(&peaks, &parameters)
    }

    #[test]
    fn one_tile_more_than_a_wave_begins_another() {
        let tiled = arithmetic();
        let time = |tiles: u64| tiled.time(&Product::half(256 * tiles, 4096, 128)).0 - 4_000_000;
        let wave = 128 * tiled.step_fs[0] / 1000;
        // A few picoseconds of traffic are left.
        assert!(time(108).abs_diff(wave) < 100);
        assert!(time(109) > wave + wave / 20);
        assert!(time(216).abs_diff(2 * wave) < 100);
    }

    #[test]
    fn rows_are_padded_to_the_smallest_tile() {
        let tiled = arithmetic();
        let time = |m| tiled.time(&Product::half(m, 4096, 4096));
        assert!(time(64).0 - time(2).0 < time(2).0 / 1000);
        assert!(time(65).0 > time(64).0 + time(64).0 / 20);
    }

    #[test]
    fn a_batch_of_rows_is_read_and_no_more() {
        let (peaks, parameters) = machine();
        let product = Product {
            batch: 192,
            ..Product::half(1, 128, 3073)
        };
        let stream = ratio(
            product.bytes(),
            share(peaks.bytes_per_s, parameters.bandwidth),
        );
        let time = Tiled::new(&peaks, &parameters).time(&product);
        assert_eq!(time, Ps(4_000_000) + stream);
    }

    #[test]
    fn a_short_reduction_hides_nothing() {
        let (peaks, parameters) = machine();
        let tiled = Tiled::new(&peaks, &parameters);
        assert_eq!(tiled.overlap(1000, 600, 4), 1600);
        assert_eq!(tiled.overlap(600, 1000, 16), 1150);
        assert_eq!(tiled.overlap(600, 1000, 1000), 1090);
    }

    #[test]
    fn a_batch_fills_the_machine_that_one_product_does_not() {
        let (peaks, parameters) = machine();
        let tiled = Tiled::new(&peaks, &parameters);
        let one = Product::half(256, 128, 256);
        let many = Product { batch: 12, ..one };
        assert!(tiled.time(&many).0 < 2 * tiled.time(&one).0);
    }

    proptest! {
        /// More rows, columns, depth or products never take less time, nor do slower machines.
        #[test]
        fn time_grows_with_the_product(m in 1u64..5000, k in 1u64..30_000, n in 1u64..60_000, more in 1u64..3000, batch in 1u64..200) {
            // The step from one product of one row to a batch of them is one of kernels.
            prop_assume!(m > 1 || batch > 1);
            let (peaks, parameters) = machine();
            let tiled = Tiled::new(&peaks, &parameters);
            let base = Product { batch, ..Product::half(m, k, n) };
            let time = tiled.time(&base);
            for larger in [
                Product { m: m + more, ..base },
                Product { k: k + more, ..base },
                Product { n: n + more, ..base },
                Product { batch: batch + more, ..base },
                Product { element: 4, ..base },
            ] {
                prop_assert!(tiled.time(&larger) >= time, "{larger:?}");
            }
            let slower = TiledParameters { compute: 700, ..parameters };
            prop_assert!(Tiled::new(&peaks, &slower).time(&base) >= time);
        }
    }
}

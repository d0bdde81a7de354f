//! Fits the parameters of kernels to measured times. The objective is the mean relative error
//! `|modelled - measured| / measured`; the search is on the grid in which parameters are written in
//! machine files, has no randomness, and evaluates the very model that a simulation runs. So equal
//! rows give equal parameters everywhere, and a machine file's parameters can be fitted again.

mod search;

use super::{
    Attention, AttentionWork, DecodeParameters, Fit, Kernel, Peaks, PrefillParameters, Product,
    RatesParameters, RowsParameters, Tiled, TiledParameters,
};
use crate::time::Ps;
use search::search;

/// Something that was timed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timed<W> {
    /// What.
    pub work: W,
    /// Measured, microseconds.
    pub us: f64,
}

/// Parameters with their errors on the rows they were fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted<P> {
    /// The parameters.
    pub parameters: P,
    /// Their errors.
    pub fit: Fit,
}

/// Relative error of a modelled time.
pub fn error(modelled: Ps, us: f64) -> f64 {
    (modelled.0 as f64 / 1e6 / us - 1.0).abs()
}

/// Summary of relative errors by nearest rank; zero rows give zeros.
pub fn summary(errors: &[f64]) -> Fit {
    let mut sorted = errors.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |per_mille: usize| {
        let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
        sorted.get(rank - 1).copied().unwrap_or(0.0) * 100.0
    };
    Fit {
        rows: sorted.len() as u64,
        mean_percent: mean(&sorted) * 100.0,
        median_percent: at(500),
        p90_percent: at(900),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Fits `N` parameters within bounds to rows; `time` builds the model of a choice of parameters
/// once and then times every row with it.
fn fit<W, M, const N: usize>(
    bounds: [(u64, u64); N],
    rows: &[Timed<W>],
    model: impl Fn(&[u64; N]) -> M,
    time: impl Fn(&M, &W) -> Ps,
) -> ([u64; N], Fit) {
    let errors = |parameters: &[u64; N]| -> Vec<f64> {
        let model = model(parameters);
        rows.iter()
            .map(|row| error(time(&model, &row.work), row.us))
            .collect()
    };
    let best = search(bounds, |parameters| mean(&errors(parameters)));
    (best, summary(&errors(&best)))
}

/// Fixed time and two rates of matrix products.
pub fn rates(peaks: &Peaks, rows: &[Timed<Product>]) -> Fitted<RatesParameters> {
    let parameters = |p: &[u64; 3]| RatesParameters {
        overhead: p[0],
        compute: p[1],
        bandwidth: p[2],
    };
    let (best, fit) = fit(
        [(0, 4000), (300, 1100), (300, 1050)],
        rows,
        |p| Kernel::of_products(peaks, &parameters(p)),
        |kernel, product| kernel.time(product.flop(), product.bytes()),
    );
    Fitted {
        parameters: parameters(&best),
        fit,
    }
}

/// Tiles and waves. A multiprocessor may reach 110 % of the data sheet's peak, which is given at a
/// clock that is exceeded while power allows; memory may not exceed its pins by more than what a
/// cache holds of a product, 5 %.
pub fn tiled(peaks: &Peaks, rows: &[Timed<Product>]) -> Fitted<TiledParameters> {
    let parameters = |p: &[u64; 6]| TiledParameters {
        overhead: p[0],
        compute: p[1],
        bandwidth: p[2],
        unhidden: p[3],
        halo: p[4],
        sustained: p[5],
    };
    let (best, fit) = fit(
        [
            (0, 4000),
            (400, 1100),
            (400, 1050),
            (0, 1000),
            (0, 200),
            (400, 1100),
        ],
        rows,
        |p| Tiled::new(peaks, &parameters(p)),
        Tiled::time,
    );
    Fitted {
        parameters: parameters(&best),
        fit,
    }
}

/// Decode attention.
pub fn decode(peaks: &Peaks, rows: &[Timed<AttentionWork>]) -> Fitted<DecodeParameters> {
    let parameters = |p: &[u64; 4]| DecodeParameters {
        overhead: p[0],
        bandwidth: p[1],
        ramp: p[2],
        stream: p[3],
    };
    let prefill = PrefillParameters {
        overhead: 0,
        compute: 1000,
    };
    let (best, fit) = fit(
        [(0, 4000), (400, 1050), (0, 20_000), (0, 2000)],
        rows,
        |p| Attention::new(peaks, &parameters(p), &prefill),
        Attention::time,
    );
    Fitted {
        parameters: parameters(&best),
        fit,
    }
}

/// Prefill attention, its memory traffic at the peak.
pub fn prefill(peaks: &Peaks, rows: &[Timed<AttentionWork>]) -> Fitted<PrefillParameters> {
    let parameters = |p: &[u64; 2]| PrefillParameters {
        overhead: p[0],
        compute: p[1],
    };
    let decode = DecodeParameters {
        overhead: 0,
        bandwidth: 1000,
        ramp: 0,
        stream: 0,
    };
    let (best, fit) = fit(
        [(0, 4000), (100, 1100)],
        rows,
        |p| Attention::new(peaks, &decode, &parameters(p)),
        Attention::time,
    );
    Fitted {
        parameters: parameters(&best),
        fit,
    }
}

/// A row-wise class, from bytes.
pub fn rows(peaks: &Peaks, rows: &[Timed<u64>]) -> Fitted<RowsParameters> {
    let parameters = |p: &[u64; 3]| RowsParameters {
        overhead: p[0],
        bandwidth: p[1],
        floor: p[2],
    };
    let (best, fit) = fit(
        [(0, 8000), (100, 1050), (0, 8000)],
        rows,
        |p| Kernel::of_rows(peaks, &parameters(p)),
        |kernel, bytes| kernel.time(0, *bytes),
    );
    Fitted {
        parameters: parameters(&best),
        fit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks() -> Peaks {
        Peaks {
            flop_per_s: 312_000_000_000_000,
            bytes_per_s: 2_039_000_000_000,
            multiprocessors: 108,
        }
    }

    fn products() -> Vec<Product> {
        let mut products = Vec::new();
        for (k, n) in [(4096, 4096), (4096, 11_008), (8192, 8192)] {
            for m in [1, 16, 64, 256, 1024, 4096] {
                products.push(Product::half(m, k, n));
            }
        }
        products
    }

    /// Times made by the model itself are found again almost without error.
    #[test]
    fn a_fit_finds_the_model_that_made_its_rows() {
        let made = RatesParameters {
            overhead: 730,
            compute: 655,
            bandwidth: 812,
        };
        let kernel = Kernel::of_products(&peaks(), &made);
        let rows: Vec<Timed<Product>> = products()
            .into_iter()
            .map(|work| Timed {
                work,
                us: kernel.time(work.flop(), work.bytes()).0 as f64 / 1e6,
            })
            .collect();
        let found = rates(&peaks(), &rows);
        assert!(found.fit.mean_percent < 0.2, "{found:?}");
        assert!(found.parameters.compute.abs_diff(655) < 5, "{found:?}");
        assert_eq!(found, rates(&peaks(), &rows));

        let made = TiledParameters {
            overhead: 400,
            compute: 850,
            bandwidth: 900,
            unhidden: 150,
            halo: 40,
            sustained: 720,
        };
        let model = Tiled::new(&peaks(), &made);
        let rows: Vec<Timed<Product>> = products()
            .into_iter()
            .map(|work| Timed {
                work,
                us: model.time(&work).0 as f64 / 1e6,
            })
            .collect();
        let found = tiled(&peaks(), &rows);
        assert!(found.fit.mean_percent < 1.5, "{found:?}");
    }

    #[test]
    fn summaries_are_nearest_rank() {
        let found = summary(&[0.3, 0.1, 0.2, 0.4]);
        assert_eq!(found.rows, 4);
        assert!((found.median_percent - 20.0).abs() < 1e-9);
        assert!((found.p90_percent - 40.0).abs() < 1e-9);
        assert!((found.mean_percent - 25.0).abs() < 1e-9);
        assert_eq!(summary(&[]).rows, 0);
    }
}

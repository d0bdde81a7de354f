//! `memwall fit`: parameters of a machine file from recorded times.

use crate::cli::gpu::{FitArguments, FitCommand, FitGpuArguments, FitModel, FitRows};
use crate::diagnostics::Failure;
use crate::embedded::machine;
use crate::output;
use crate::validate::gpu::{self, Reference};
use memwall_models::spelling;
use memwall_sim::gpu::fit::{self, Timed};
use memwall_sim::gpu::{Fit, Peaks, RowsClass};
use memwall_sim::machine::Device;
use memwall_sim::validation::gpu::{Half, Kernels, Recorded, half};
use std::fmt::Write;

pub(crate) fn fit(arguments: &FitArguments) -> Result<(), Failure> {
    match &arguments.what {
        FitCommand::Gpu(arguments) => fit_gpu(arguments),
    }
}

fn fit_gpu(arguments: &FitGpuArguments) -> Result<(), Failure> {
    let references = gpu::references(&arguments.reference)?;
    let gpu = arguments.gpu.as_str();
    let kernels = kernels(&references, gpu);
    let peaks = match &arguments.hw {
        Some(name) => match machine(name, &[])?.device {
            Device::Gpu(gpu) => gpu.peaks,
            Device::Npu(_) => {
                return Err(Failure::input(format!("--hw {name}: not a GPU")));
            }
        },
        None => gpu::preset(gpu)
            .map_err(|failure| {
                // A name that the user's table has is no misspelling.
                if kernels.is_ok() {
                    let text = format!(
                        "--gpu {gpu}: no embedded machine is measured as this GPU; name one that has its \
                         peaks: --hw NAME or --hw FILE.toml"
                    );
                    return Failure::input(text);
                }
                failure
            })?
            .1
            .peaks,
    };
    let kernels = kernels?;
    let mut text = String::new();
    let (mut any, mut few_rows) = (false, Vec::new());
    for model in MODELS {
        if arguments.model.is_none_or(|wanted| wanted == model) {
            let fitted = table(model, &peaks, &kernels, arguments.rows);
            match (fitted, arguments.model) {
                (Some(Ok(table)), _) => {
                    text.push_str(&table);
                    any = true;
                }
                (Some(Err(few)), None) => few_rows.push(few),
                (Some(Err(few)), Some(_)) => {
                    return Err(Failure::input(format!("--gpu {gpu}: {}", few.rule())));
                }
                (None, Some(_)) => {
                    let names = references.iter().map(|table| table.origin.as_str());
                    let names: Vec<&str> = names.collect();
                    let text = format!(
                        "--gpu {gpu}: no rows for this model in {}",
                        names.join(", ")
                    );
                    return Err(Failure::input(text));
                }
                (None, None) => {}
            }
        }
    }
    if let (false, Some(few)) = (any, few_rows.first()) {
        return Err(Failure::input(format!("--gpu {gpu}: {}", few.rule())));
    }
    for few in few_rows {
        let _ = writeln!(text, "# left out: {}", few.rule());
    }
    output::print(&text)
}

/// Rows that do not determine the parameters of a model.
struct TooFew {
    path: String,
    rows: u64,
    parameters: usize,
}

impl TooFew {
    fn rule(&self) -> String {
        format!(
            "[{}] has {} rows for {} parameters; a fit needs as many rows as parameters at least, and \
             twice as many before its errors mean much",
            self.path, self.rows, self.parameters
        )
    }
}

const MODELS: [FitModel; 9] = [
    FitModel::ThreeParameter,
    FitModel::SizeDependent,
    FitModel::Decode,
    FitModel::Prefill,
    FitModel::Norm,
    FitModel::Softmax,
    FitModel::Activation,
    FitModel::Elementwise,
    FitModel::Copy,
];

/// All rows of a GPU.
fn kernels(references: &[Reference], gpu: &str) -> Result<Kernels, Failure> {
    let mut all = Kernels::default();
    for reference in references {
        let kernels = reference.kernels.of(gpu);
        all.products.extend(kernels.products);
        all.attention.extend(kernels.attention);
        all.rows.extend(kernels.rows);
    }
    if all.gpus().is_empty() {
        let mut names: Vec<&str> = Vec::new();
        for name in references.iter().flat_map(|table| table.kernels.gpus()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let text = format!(
            "--gpu {gpu}: no row names it; there are '{}'",
            names.join("'; '")
        );
        return Err(Failure::misspelt(text, spelling::nearest(gpu, names)));
    }
    Ok(all)
}

/// Times of the chosen rows.
fn timed<W: Copy>(rows: &[&Recorded<W>], which: FitRows) -> Vec<Timed<W>> {
    let all: Vec<Timed<W>> = rows.iter().map(|row| row.timed).collect();
    match which {
        FitRows::All => all,
        FitRows::Even => half(&all, Half::Even),
        FitRows::Odd => half(&all, Half::Odd),
    }
}

/// A table of a machine file, if there are rows enough; `None` without rows.
fn table(
    model: FitModel,
    peaks: &Peaks,
    kernels: &Kernels,
    which: FitRows,
) -> Option<Result<String, TooFew>> {
    let products: Vec<_> = kernels.products.iter().collect();
    let products = || Some(timed(&products, which)).filter(|rows| !rows.is_empty());
    match model {
        FitModel::ThreeParameter => {
            let fitted = fit::rates(peaks, &products()?);
            let p = fitted.parameters;
            let lines = [
                ("overhead_us", hundredths(p.overhead)),
                ("compute_efficiency", thousandths(p.compute)),
                ("bandwidth_efficiency", thousandths(p.bandwidth)),
            ];
            Some(toml("gpu.gemm", &lines, fitted.fit))
        }
        FitModel::SizeDependent => {
            let fitted = fit::tiled(peaks, &products()?);
            let p = fitted.parameters;
            let lines = [
                ("overhead_us", hundredths(p.overhead)),
                ("compute_efficiency", thousandths(p.compute)),
                ("bandwidth_efficiency", thousandths(p.bandwidth)),
                ("unhidden_share", thousandths(p.unhidden)),
                ("tile_halo", p.halo.to_string()),
                ("sustained_efficiency", thousandths(p.sustained)),
            ];
            Some(toml("gpu.gemm.size_dependent", &lines, fitted.fit))
        }
        FitModel::Decode | FitModel::Prefill => attention(model, peaks, kernels, which),
        FitModel::Norm => row_wise("gpu.norm", RowsClass::Norm, peaks, kernels, which),
        FitModel::Softmax => row_wise("gpu.softmax", RowsClass::Softmax, peaks, kernels, which),
        FitModel::Activation => row_wise(
            "gpu.activation",
            RowsClass::Activation,
            peaks,
            kernels,
            which,
        ),
        FitModel::Elementwise => row_wise(
            "gpu.elementwise",
            RowsClass::Elementwise,
            peaks,
            kernels,
            which,
        ),
        FitModel::Copy => row_wise("gpu.copy", RowsClass::Copy, peaks, kernels, which),
    }
}

fn attention(
    model: FitModel,
    peaks: &Peaks,
    kernels: &Kernels,
    which: FitRows,
) -> Option<Result<String, TooFew>> {
    let prefill = model == FitModel::Prefill;
    let rows: Vec<_> = kernels
        .attention
        .iter()
        .filter(|row| (row.timed.work.blocks > 0) == prefill)
        .collect();
    let rows = Some(timed(&rows, which)).filter(|rows| !rows.is_empty())?;
    if prefill {
        let fitted = fit::prefill(peaks, &rows);
        let lines = [
            ("overhead_us", hundredths(fitted.parameters.overhead)),
            ("compute_efficiency", thousandths(fitted.parameters.compute)),
        ];
        return Some(toml("gpu.attention.prefill", &lines, fitted.fit));
    }
    let fitted = fit::decode(peaks, &rows);
    let p = fitted.parameters;
    let lines = [
        ("overhead_us", hundredths(p.overhead)),
        ("bandwidth_efficiency", thousandths(p.bandwidth)),
        ("ramp_us", hundredths(p.ramp)),
        ("stream_us", hundredths(p.stream)),
    ];
    Some(toml("gpu.attention.decode", &lines, fitted.fit))
}

fn row_wise(
    path: &str,
    class: RowsClass,
    peaks: &Peaks,
    kernels: &Kernels,
    which: FitRows,
) -> Option<Result<String, TooFew>> {
    let rows: Vec<_> = kernels
        .rows
        .iter()
        .filter(|row| row.timed.work.class == class)
        .collect();
    let rows = Some(timed(&rows, which)).filter(|rows| !rows.is_empty())?;
    let bytes = |row: &Timed<memwall_sim::validation::gpu::RowsWork>| Timed {
        work: row.work.bytes,
        us: row.us,
    };
    let rows: Vec<Timed<u64>> = rows.iter().map(bytes).collect();
    let fitted = fit::rows(peaks, &rows);
    let p = fitted.parameters;
    let lines = [
        ("overhead_us", hundredths(p.overhead)),
        ("bandwidth_efficiency", thousandths(p.bandwidth)),
        ("floor_us", hundredths(p.floor)),
    ];
    Some(toml(path, &lines, fitted.fit))
}

/// The table, if its rows determine its parameters; what speaks against them stands above it.
fn toml(path: &str, lines: &[(&str, String)], fit: Fit) -> Result<String, TooFew> {
    let parameters = lines.len();
    if fit.rows < parameters as u64 {
        return Err(TooFew {
            path: path.to_owned(),
            rows: fit.rows,
            parameters,
        });
    }
    let mut text = String::new();
    if fit.rows < 2 * parameters as u64 {
        let _ = writeln!(
            text,
            "# {} rows for {parameters} parameters: twice as many are wanted before the errors mean much",
            fit.rows
        );
    }
    for (key, value) in lines {
        let above = value.parse().is_ok_and(|share: f64| share > 1.0);
        if key.ends_with("_efficiency") && above {
            let _ = writeln!(
                text,
                "# {key} above 1: faster than the peak of the machine, by its clock or by its cache; or \
                 the peak is another GPU's (--hw)"
            );
        }
    }
    let _ = writeln!(text, "[{path}]");
    for (key, value) in lines {
        let _ = writeln!(text, "{key} = {value}");
    }
    let _ = writeln!(
        text,
        "fit = {{ rows = {}, mean_percent = {:.1}, median_percent = {:.1}, p90_percent = {:.1} }}\n",
        fit.rows, fit.mean_percent, fit.median_percent, fit.p90_percent
    );
    Ok(text)
}

fn hundredths(count: u64) -> String {
    format!("{}.{:02}", count / 100, count % 100)
}

fn thousandths(count: u64) -> String {
    format!("{}.{:03}", count / 1000, count % 1000)
}

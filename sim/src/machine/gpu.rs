//! `[gpu]`: a GPU by the time of its kernels. Efficiencies are taken in thousandths and times in
//! hundredths of a microsecond, the steps in which they are fitted.

use super::error::ConfigError;
use super::load::{Document, PartSource};
use super::number::{Amount, Figure, Positive};
use super::raw::RawMachine;
use crate::gpu::{
    Attention, DecodeParameters, Fit, Fusion, Gemm, Gpu, Kernel, Measured, Peaks,
    PrefillParameters, RatesParameters, RowsParameters, Tiled, TiledParameters,
};
use crate::time::Ps;
use crate::validation::gpu::samples;
use memwall_models::spelling;
use serde::Deserialize;

const GIB: u64 = 1 << 30;

/// `[gpu]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawGpu {
    /// Name in tables of recorded kernels.
    pub measured_as: Option<String>,
    /// Dense fp16 peak.
    pub peak_tflop_per_s: Amount,
    pub bandwidth_gb_per_s: Amount,
    pub memory_gib: Positive,
    pub multiprocessors: Positive,
    /// Last-level cache, to tell recorded kernels that it may have served.
    pub l2_mib: Option<Positive>,
    /// Time between two kernels that the host launches one by one.
    pub launch_us: Option<Figure>,
    /// Kernels are launched as a graph: no time between them.
    pub cuda_graphs: Option<bool>,
    pub gemm: RawGemm,
    pub attention: RawAttention,
    /// The default of the classes below.
    pub elementwise: RawRows,
    pub norm: Option<RawRows>,
    pub softmax: Option<RawRows>,
    pub activation: Option<RawRows>,
    pub copy: Option<RawRows>,
    pub fusion: Option<RawFusion>,
}

/// `[gpu.gemm]`: the three parameters, and what refines them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawGemm {
    pub model: Option<RawModel>,
    pub overhead_us: Figure,
    pub compute_efficiency: Amount,
    pub bandwidth_efficiency: Amount,
    pub fit: Option<RawFit>,
    pub size_dependent: Option<RawTiled>,
    pub table: Option<RawTable>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawModel {
    ThreeParameter,
    SizeDependent,
    Table,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawTiled {
    pub overhead_us: Figure,
    pub compute_efficiency: Amount,
    pub bandwidth_efficiency: Amount,
    pub unhidden_share: Figure,
    pub tile_halo: Figure,
    pub sustained_efficiency: Amount,
    pub fit: Option<RawFit>,
}

/// Rows of a table of recorded products.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawTable {
    pub file: String,
    /// Whose rows; `measured_as` if absent.
    pub gpu: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawAttention {
    pub decode: RawDecode,
    pub prefill: RawPrefill,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawDecode {
    pub overhead_us: Figure,
    pub bandwidth_efficiency: Amount,
    pub ramp_us: Figure,
    pub stream_us: Figure,
    pub fit: Option<RawFit>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawPrefill {
    pub overhead_us: Figure,
    pub compute_efficiency: Amount,
    pub fit: Option<RawFit>,
}

/// A row-wise class.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawRows {
    pub overhead_us: Figure,
    pub bandwidth_efficiency: Amount,
    /// What a call takes at least.
    pub floor_us: Option<Figure>,
    pub fit: Option<RawFit>,
}

/// Errors of a fit on its own rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawFit {
    pub rows: Positive,
    pub mean_percent: Figure,
    pub median_percent: Figure,
    pub p90_percent: Figure,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawFusion {
    pub attention: Option<bool>,
    pub qkv: Option<bool>,
    pub residual_norm: Option<bool>,
    pub gated_activation: Option<bool>,
    pub experts: Option<bool>,
}

pub(super) fn resolve(
    machine: &Document<RawMachine>,
    raw: &RawGpu,
    source: &dyn PartSource,
) -> Result<Gpu, ConfigError> {
    let peaks = Peaks {
        flop_per_s: (raw.peak_tflop_per_s.0 * 1e12) as u64,
        bytes_per_s: (raw.bandwidth_gb_per_s.0 * 1e9) as u64,
        multiprocessors: raw.multiprocessors.0,
    };
    if raw.multiprocessors.0 > 1 << 16 {
        return Err(machine.fault("gpu.multiprocessors", "at most 65536"));
    }
    let rows = |own: &Option<RawRows>| row_wise(&peaks, own.as_ref().unwrap_or(&raw.elementwise));
    let launched = !raw.cuda_graphs.unwrap_or(true);
    let launch = raw.launch_us.filter(|_| launched);
    if launched && launch.is_none() {
        let rule =
            "without graphs each kernel is launched by the host: the time it takes is needed";
        return Err(machine.fault("gpu.launch_us", rule));
    }
    Ok(Gpu {
        measured_as: raw.measured_as.clone(),
        peaks,
        memory_bytes: raw.memory_gib.0.saturating_mul(GIB),
        cache_bytes: raw.l2_mib.map_or(0, |mib| mib.0.saturating_mul(1 << 20)),
        launch: launch.map_or(Ps::ZERO, |us| Ps(hundredths(us).saturating_mul(10_000))),
        gemm: gemm(machine, raw, &peaks, source)?,
        attention: attention(&peaks, &raw.attention),
        norm: rows(&raw.norm),
        softmax: rows(&raw.softmax),
        activation: rows(&raw.activation),
        elementwise: row_wise(&peaks, &raw.elementwise),
        copy: rows(&raw.copy),
        fusion: fusion(raw.fusion.as_ref()),
        fits: fits(raw),
    })
}

fn gemm(
    machine: &Document<RawMachine>,
    raw: &RawGpu,
    peaks: &Peaks,
    source: &dyn PartSource,
) -> Result<Gemm, ConfigError> {
    let gemm = &raw.gemm;
    let rates = RatesParameters {
        overhead: hundredths(gemm.overhead_us),
        compute: thousandths(gemm.compute_efficiency),
        bandwidth: thousandths(gemm.bandwidth_efficiency),
    };
    let rates = Kernel::of_products(peaks, &rates);
    let missing = |table: &str| {
        let rule = format!("model = \"{table}\" needs this table");
        machine.fault(&format!("gpu.gemm.{table}"), &rule)
    };
    match gemm.model.unwrap_or(RawModel::ThreeParameter) {
        RawModel::ThreeParameter => Ok(Gemm::Rates(rates)),
        RawModel::SizeDependent => {
            let raw = gemm.size_dependent.as_ref();
            let raw = raw.ok_or_else(|| missing("size_dependent"))?;
            let parameters = TiledParameters {
                overhead: hundredths(raw.overhead_us),
                compute: thousandths(raw.compute_efficiency),
                bandwidth: thousandths(raw.bandwidth_efficiency),
                unhidden: (number(raw.unhidden_share) * 1000.0).round() as u64,
                halo: number(raw.tile_halo).round() as u64,
                sustained: thousandths(raw.sustained_efficiency),
            };
            if parameters.unhidden > 1000 || parameters.halo > 1 << 20 {
                let rule = "unhidden_share is at most 1 and tile_halo at most 2^20";
                return Err(machine.fault("gpu.gemm.size_dependent", rule));
            }
            Ok(Gemm::Tiled(Tiled::new(peaks, &parameters)))
        }
        RawModel::Table => {
            let table = gemm.table.as_ref().ok_or_else(|| missing("table"))?;
            measured(machine, raw, table, rates, source).map(Gemm::Measured)
        }
    }
}

fn measured(
    machine: &Document<RawMachine>,
    raw: &RawGpu,
    table: &RawTable,
    rates: Kernel,
    source: &dyn PartSource,
) -> Result<Measured, ConfigError> {
    let fault = |key: &str, rule: String| machine.fault(&format!("gpu.gemm.table.{key}"), &rule);
    let Some(text) = source.gpu_table(&table.file) else {
        let names = source.gpu_table_names();
        let rule = format!("no table '{}'; there are {}", table.file, names.join(", "));
        let mut error = fault("file", rule);
        error.nearest =
            spelling::nearest(&table.file, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(error);
    };
    let gpu = table.gpu.as_ref().or(raw.measured_as.as_ref());
    let Some(gpu) = gpu else {
        let rule = "whose rows are meant: this key, or gpu.measured_as, is needed";
        return Err(fault("gpu", rule.to_owned()));
    };
    let samples =
        samples(&text.origin, &text.text, gpu).map_err(|error| fault("file", error.to_string()))?;
    Measured::new(rates, &samples).ok_or_else(|| {
        let rule = format!("{} has no products of '{gpu}'", text.origin);
        fault("gpu", rule)
    })
}

fn attention(peaks: &Peaks, raw: &RawAttention) -> Attention {
    let decode = DecodeParameters {
        overhead: hundredths(raw.decode.overhead_us),
        bandwidth: thousandths(raw.decode.bandwidth_efficiency),
        ramp: hundredths(raw.decode.ramp_us),
        stream: hundredths(raw.decode.stream_us),
    };
    let prefill = PrefillParameters {
        overhead: hundredths(raw.prefill.overhead_us),
        compute: thousandths(raw.prefill.compute_efficiency),
    };
    Attention::new(peaks, &decode, &prefill)
}

fn row_wise(peaks: &Peaks, raw: &RawRows) -> Kernel {
    let parameters = RowsParameters {
        overhead: hundredths(raw.overhead_us),
        bandwidth: thousandths(raw.bandwidth_efficiency),
        floor: raw.floor_us.map_or(0, hundredths),
    };
    Kernel::of_rows(peaks, &parameters)
}

fn fusion(raw: Option<&RawFusion>) -> Fusion {
    let serving = Fusion::default();
    let Some(raw) = raw else {
        return serving;
    };
    Fusion {
        attention: raw.attention.unwrap_or(serving.attention),
        qkv: raw.qkv.unwrap_or(serving.qkv),
        residual_norm: raw.residual_norm.unwrap_or(serving.residual_norm),
        gated_activation: raw.gated_activation.unwrap_or(serving.gated_activation),
        experts: raw.experts.unwrap_or(serving.experts),
    }
}

fn fits(raw: &RawGpu) -> Vec<(&'static str, Fit)> {
    let of = |rows: &Option<RawRows>| rows.as_ref().and_then(|rows| rows.fit.clone());
    let tiled = raw.gemm.size_dependent.as_ref();
    let all = [
        ("gemm, three_parameter", raw.gemm.fit.clone()),
        (
            "gemm, size_dependent",
            tiled.and_then(|tiled| tiled.fit.clone()),
        ),
        ("attention, decode", raw.attention.decode.fit.clone()),
        ("attention, prefill", raw.attention.prefill.fit.clone()),
        ("elementwise", raw.elementwise.fit.clone()),
        ("norm", of(&raw.norm)),
        ("softmax", of(&raw.softmax)),
        ("activation", of(&raw.activation)),
        ("copy", of(&raw.copy)),
    ];
    let read = |(name, fit): (&'static str, Option<RawFit>)| {
        let fit = fit?;
        let fit = Fit {
            rows: fit.rows.0,
            mean_percent: number(fit.mean_percent),
            median_percent: number(fit.median_percent),
            p90_percent: number(fit.p90_percent),
        };
        Some((name, fit))
    };
    all.into_iter().filter_map(read).collect()
}

fn number(figure: Figure) -> f64 {
    match figure {
        Figure::Whole(whole) => whole as f64,
        Figure::Fraction(fraction) => fraction,
    }
}

fn hundredths(us: Figure) -> u64 {
    (number(us) * 100.0).round() as u64
}

fn thousandths(share: Amount) -> u64 {
    ((share.0 * 1000.0).round() as u64).max(1)
}

//! Distributions of errors: by GPU, kind, model and what its parameters were fitted to.

use crate::gpu::fit;
use crate::record::gpu_validation::{GpuFigure, GpuGroup, GpuRow};

/// Every GPU for itself, in order of appearance; then all together, where there are several. Decode
/// attention is counted once more without the rows whose bytes the cache of the GPU may hold.
pub fn groups(rows: &[GpuRow]) -> Vec<GpuGroup> {
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let key = (row.gpu.as_str(), row.kind.as_str());
        if !kinds.contains(&key) {
            kinds.push(key);
        }
    }
    let mut groups = Vec::new();
    for &(gpu, kind) in &kinds {
        let of = |row: &&GpuRow| row.gpu == gpu && row.kind == kind;
        let of_kind: Vec<&GpuRow> = rows.iter().filter(of).collect();
        groups.extend(by_method(gpu, kind, &of_kind));
        let beyond: Vec<&GpuRow> = of_kind
            .iter()
            .copied()
            .filter(|row| !row.within_cache)
            .collect();
        if !beyond.is_empty() && beyond.len() < of_kind.len() {
            groups.extend(by_method(gpu, &format!("{kind} beyond L2"), &beyond));
        }
    }
    for kind in ["gemm", "attention_decode"] {
        if kinds.iter().filter(|(_, known)| *known == kind).count() > 1 {
            let of_kind: Vec<&GpuRow> = rows.iter().filter(|row| row.kind == kind).collect();
            groups.extend(by_method("all", kind, &of_kind));
        }
    }
    groups
}

fn by_method(gpu: &str, kind: &str, rows: &[&GpuRow]) -> Vec<GpuGroup> {
    let mut methods: Vec<(&str, &str)> = Vec::new();
    for figure in rows.iter().flat_map(|row| &row.figures) {
        let key = (figure.method.as_str(), figure.basis.as_str());
        if !methods.contains(&key) {
            methods.push(key);
        }
    }
    let group = |(method, basis): (&str, &str)| {
        let of = |figure: &&GpuFigure| figure.method == method && figure.basis == basis;
        let figures = rows.iter().flat_map(|row| &row.figures).filter(of);
        let errors: Vec<f64> = figures.map(|figure| figure.error.abs()).collect();
        let fit = fit::summary(&errors);
        GpuGroup {
            gpu: gpu.to_owned(),
            kind: kind.to_owned(),
            method: method.to_owned(),
            basis: basis.to_owned(),
            rows: fit.rows,
            mean: fit.mean_percent / 100.0,
            median: fit.median_percent / 100.0,
            p90: fit.p90_percent / 100.0,
            worst: errors.iter().copied().fold(0.0, f64::max),
        }
    };
    methods.into_iter().map(group).collect()
}

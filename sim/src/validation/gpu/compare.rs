//! Recorded kernels of one GPU beside the times of a machine that stands for it, and beside models
//! fitted to the other half of its rows.

use super::halves::{Half, half, held_out, left_out};
use super::tables::{Kernels, Recorded, RowsWork};
use crate::gpu::fit::{self, Timed};
use crate::gpu::{Attention, AttentionWork, Gpu, Kernel, PrefillParameters, Product, RowsClass};
use crate::gpu::{Gemm, Tiled};
use crate::record::gpu_validation::{GpuFigure, GpuRow};
use crate::time::Ps;

/// The machine that stands for a GPU, under each model of products that its file has.
#[derive(Debug, Clone, PartialEq)]
pub struct Machines {
    /// As its file says.
    pub shipped: Gpu,
    /// Under other models of products.
    pub others: Vec<Gpu>,
}

/// Parameters of the largest model of each kind decide how many rows a half needs.
const ROWS_A_PARAMETER: usize = 2;

/// Compares the rows of one GPU, all of one table; `in_table` if the machine's table of products
/// was made from these very rows, where it would be beside the point.
pub fn compare(
    reference: &str,
    kernels: &Kernels,
    machines: &Machines,
    in_table: bool,
) -> Vec<GpuRow> {
    let mut rows = Vec::new();
    let mut add = |kind: Kind| rows.extend(kind.rows(reference));
    if !kernels.products.is_empty() {
        add(products(&kernels.products, machines, in_table));
    }
    for prefill in [false, true] {
        let of_phase: Vec<_> = kernels
            .attention
            .iter()
            .filter(|row| (row.timed.work.blocks > 0) == prefill)
            .cloned()
            .collect();
        if !of_phase.is_empty() {
            add(attention(&of_phase, &machines.shipped, prefill));
        }
    }
    for (name, class) in CLASSES {
        let of_class = kernels
            .rows
            .iter()
            .filter(|row| row.timed.work.class == class);
        let of_class: Vec<_> = of_class.cloned().collect();
        if !of_class.is_empty() {
            add(row_wise(name, &of_class, &machines.shipped));
        }
    }
    rows
}

const CLASSES: [(&str, RowsClass); 5] = [
    ("norm", RowsClass::Norm),
    ("softmax", RowsClass::Softmax),
    ("activation", RowsClass::Activation),
    ("elementwise", RowsClass::Elementwise),
    ("copy", RowsClass::Copy),
];

/// Rows of one kind, and what each method says of them.
struct Kind {
    name: &'static str,
    rows: Vec<Row>,
    methods: Vec<Method>,
    /// The method that rows are held to.
    account: usize,
}

/// What stands in the record of a row before any method.
struct Row {
    line: u64,
    gpu: String,
    op: String,
    shape: String,
    within_cache: bool,
    us: f64,
}

struct Method {
    name: &'static str,
    basis: Basis,
    times: Vec<Option<Ps>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basis {
    Machine,
    OtherHalf,
    OtherRows,
}

fn plain<W>(rows: &[Recorded<W>], within_cache: impl Fn(&W) -> bool) -> Vec<Row> {
    let row = |row: &Recorded<W>| Row {
        line: row.line,
        gpu: row.gpu.clone(),
        op: row.op.clone(),
        shape: row.shape.clone(),
        within_cache: within_cache(&row.timed.work),
        us: row.timed.us,
    };
    rows.iter().map(row).collect()
}

fn timed<W: Copy>(rows: &[Recorded<W>]) -> Vec<Timed<W>> {
    rows.iter().map(|row| row.timed).collect()
}

/// A method by the parameters of a machine.
fn by_machine<W>(name: &'static str, rows: &[Timed<W>], time: impl Fn(&W) -> Ps) -> Method {
    Method {
        name,
        basis: Basis::Machine,
        times: rows.iter().map(|row| Some(time(&row.work))).collect(),
    }
}

fn by_halves(name: &'static str, times: Vec<Ps>) -> Method {
    Method {
        name,
        basis: Basis::OtherHalf,
        times: times.into_iter().map(Some).collect(),
    }
}

fn enough(rows: usize, parameters: usize) -> bool {
    rows / 2 >= ROWS_A_PARAMETER * parameters
}

fn products(recorded: &[Recorded<Product>], machines: &Machines, in_table: bool) -> Kind {
    let rows = timed(recorded);
    let peaks = machines.shipped.peaks;
    let mut methods = Vec::new();
    let mut account = 0;
    for gpu in std::iter::once(&machines.shipped).chain(&machines.others) {
        if in_table && matches!(gpu.gemm, Gemm::Measured(_)) {
            continue;
        }
        methods.push(by_machine(gpu.gemm.name(), &rows, |work| {
            gpu.gemm.time(work)
        }));
    }
    let rates =
        |rows: &[Timed<Product>]| Kernel::of_products(&peaks, &fit::rates(&peaks, rows).parameters);
    if enough(rows.len(), 3) {
        let time = |kernel: &Kernel, work: &Product| kernel.time(work.flop(), work.bytes());
        methods.push(by_halves("three_parameter", held_out(&rows, rates, time)));
    }
    if enough(rows.len(), 6) {
        let tiled =
            |rows: &[Timed<Product>]| Tiled::new(&peaks, &fit::tiled(&peaks, rows).parameters);
        account = methods.len();
        methods.push(by_halves(
            "size_dependent",
            held_out(&rows, tiled, Tiled::time),
        ));
    }
    if enough(rows.len(), 3) {
        methods.push(Method {
            name: "table",
            basis: Basis::OtherRows,
            times: left_out(&rows, |of| rates(&half(&rows, of))),
        });
    }
    Kind {
        name: "gemm",
        rows: plain(recorded, |_| false),
        methods,
        account,
    }
}

fn attention(recorded: &[Recorded<AttentionWork>], gpu: &Gpu, prefill: bool) -> Kind {
    let rows = timed(recorded);
    let peaks = gpu.peaks;
    let name = if prefill {
        "attention_prefill"
    } else {
        "attention_decode"
    };
    let mut methods = vec![by_machine("fused", &rows, |work| gpu.attention.time(work))];
    if !prefill && enough(rows.len(), 4) {
        let idle = PrefillParameters {
            overhead: 0,
            compute: 1000,
        };
        let fitted = |rows: &[Timed<AttentionWork>]| {
            Attention::new(&peaks, &fit::decode(&peaks, rows).parameters, &idle)
        };
        methods.push(by_halves("fused", held_out(&rows, fitted, Attention::time)));
    }
    Kind {
        name,
        // The times of a benchmark that repeats one kernel: its keys and values may still be there.
        rows: plain(recorded, |work| work.bytes <= gpu.cache_bytes),
        account: methods.len() - 1,
        methods,
    }
}

fn row_wise(name: &'static str, recorded: &[Recorded<RowsWork>], gpu: &Gpu) -> Kind {
    let rows = timed(recorded);
    let time = |work: &RowsWork| gpu.rows(work.class).time(0, work.bytes);
    let mut methods = vec![by_machine("bytes", &rows, time)];
    if enough(rows.len(), 3) {
        let fitted = |rows: &[Timed<RowsWork>]| {
            let bytes = |row: &Timed<RowsWork>| Timed {
                work: row.work.bytes,
                us: row.us,
            };
            let rows: Vec<Timed<u64>> = rows.iter().map(bytes).collect();
            Kernel::of_rows(&gpu.peaks, &fit::rows(&gpu.peaks, &rows).parameters)
        };
        let time = |kernel: &Kernel, work: &RowsWork| kernel.time(0, work.bytes);
        methods.push(by_halves("bytes", held_out(&rows, fitted, time)));
    }
    Kind {
        name,
        rows: plain(recorded, |_| false),
        account: methods.len() - 1,
        methods,
    }
}

/// Signed relative error.
fn signed(time: Ps, us: f64) -> f64 {
    time.0 as f64 / 1e6 / us - 1.0
}

impl Kind {
    fn rows(&self, reference: &str) -> Vec<GpuRow> {
        let row = |(index, row): (usize, &Row)| {
            let figures = self.methods.iter().filter_map(|method| {
                let time = method.times[index]?;
                Some(GpuFigure {
                    method: method.name.to_owned(),
                    basis: match (method.basis, Half::of(index)) {
                        (Basis::Machine, _) => "machine file",
                        (Basis::OtherHalf, Half::Odd) => "even rows",
                        (Basis::OtherHalf, Half::Even) => "odd rows",
                        (Basis::OtherRows, _) => "all other rows",
                    }
                    .to_owned(),
                    us: time.0 as f64 / 1e6,
                    error: signed(time, row.us),
                })
            });
            let account = self.methods.get(self.account);
            let time = account.and_then(|method| method.times[index]);
            GpuRow {
                reference: reference.to_owned(),
                line: row.line,
                gpu: row.gpu.clone(),
                kind: self.name.to_owned(),
                op: row.op.clone(),
                shape: row.shape.clone(),
                within_cache: row.within_cache,
                recorded_us: row.us,
                figures: figures.collect(),
                error: time.map_or(1.0, |time| signed(time, row.us).abs()),
            }
        };
        self.rows.iter().enumerate().map(row).collect()
    }
}

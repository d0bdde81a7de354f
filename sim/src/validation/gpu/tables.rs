//! Tables of recorded kernels, one row each: a product has `M K N`, fused attention has `batch kv
//! heads kv_heads head_dim`, a row-wise operator has `rows width`, and an operator within a decoder
//! block has `operator` and the sizes of the block.

use super::super::cells::{Cells, Row};
use super::super::table::TableError;
use crate::gpu::fit::Timed;
use crate::gpu::{AttentionWork, BLOCK, Product, RowsClass, Sample};
use crate::time::Ps;

const COLUMNS: [&str; 21] = [
    "gpu", "op", "M", "K", "N", "rows", "width", "batch", "kv", "heads", "kv_heads", "head_dim",
    "model", "tp", "phase", "seq", "context", "operator", "us", "source", "note",
];

/// Largest size of any column: products of three of them and two bytes fit 64 bits.
const MOST: u64 = 1 << 20;

/// Bytes of the elements that all rows have.
const ELEMENT: u64 = 2;

/// Rows of tables, by kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kernels {
    /// Matrix products.
    pub products: Vec<Recorded<Product>>,
    /// Fused attention.
    pub attention: Vec<Recorded<AttentionWork>>,
    /// Row-wise operators.
    pub rows: Vec<Recorded<RowsWork>>,
    /// Operators of decoder blocks.
    pub blocks: Vec<BlockRow>,
}

/// A recorded kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<W> {
    /// Line of the table.
    pub line: u64,
    /// GPU, as the table calls it.
    pub gpu: String,
    /// Operator, as the table calls it.
    pub op: String,
    /// Shape, for people.
    pub shape: String,
    /// Work and time.
    pub timed: Timed<W>,
}

/// A row-wise operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsWork {
    /// Its class.
    pub class: RowsClass,
    /// Bytes to and from memory.
    pub bytes: u64,
}

/// Phase of a decoder block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Many new tokens.
    Prefill,
    /// One new token.
    Decode,
}

/// An operator of a decoder block.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockRow {
    /// Line of the table.
    pub line: u64,
    /// GPU, as the table calls it.
    pub gpu: String,
    /// Model, by embedded name.
    pub model: String,
    /// Devices of the tensor-parallel group.
    pub tp: u64,
    /// Sequences.
    pub batch: u64,
    /// Phase.
    pub phase: Phase,
    /// New tokens of each.
    pub seq: u64,
    /// Tokens before them.
    pub context: u64,
    /// Operator, as this project calls it.
    pub operator: String,
    /// Recorded, microseconds.
    pub us: f64,
}

/// Row-wise operators: class, and tensors read and written.
const ROWS: [(&str, (RowsClass, u64)); 8] = [
    ("softmax", (RowsClass::Softmax, 2)),
    ("layernorm", (RowsClass::Norm, 2)),
    ("rmsnorm", (RowsClass::Norm, 2)),
    ("gelu", (RowsClass::Activation, 2)),
    ("silu_and_mul", (RowsClass::Activation, 3)),
    ("add", (RowsClass::Elementwise, 3)),
    ("rotary", (RowsClass::Elementwise, 2)),
    ("copy", (RowsClass::Copy, 2)),
];

impl Kernels {
    /// Reads a table. `origin` is what errors call it.
    pub fn parse(origin: &str, text: &str) -> Result<Kernels, TableError> {
        let cells = Cells::parse(origin, text)?;
        cells.refuse_others(&COLUMNS)?;
        let mut kernels = Kernels::default();
        for row in cells.rows() {
            if row.get("operator").is_some() {
                kernels.blocks.push(block_row(&row)?);
            } else if row.get("M").is_some() {
                kernels.products.push(product(&row)?);
            } else if row.get("kv").is_some() {
                kernels.attention.push(attention(&row)?);
            } else if row.get("rows").is_some() {
                kernels.rows.push(row_wise(&row)?);
            } else {
                let rule = "a row needs M, K and N of a product, batch and kv of attention, rows \
                            and width of row-wise work, or the operator of a block";
                return Err(row.fault("M", rule.to_owned()));
            }
        }
        Ok(kernels)
    }

    /// GPUs in order of appearance.
    pub fn gpus(&self) -> Vec<&str> {
        let mut gpus: Vec<&str> = Vec::new();
        let products = self.products.iter().map(|row| &row.gpu);
        let attention = self.attention.iter().map(|row| &row.gpu);
        let rows = self.rows.iter().map(|row| &row.gpu);
        let blocks = self.blocks.iter().map(|row| &row.gpu);
        for gpu in products.chain(attention).chain(rows).chain(blocks) {
            if !gpus.contains(&gpu.as_str()) {
                gpus.push(gpu);
            }
        }
        gpus
    }

    /// The rows of one GPU.
    #[must_use]
    pub fn of(&self, gpu: &str) -> Kernels {
        fn keep<W: Clone>(rows: &[Recorded<W>], gpu: &str) -> Vec<Recorded<W>> {
            rows.iter().filter(|row| row.gpu == gpu).cloned().collect()
        }
        Kernels {
            products: keep(&self.products, gpu),
            attention: keep(&self.attention, gpu),
            rows: keep(&self.rows, gpu),
            blocks: self
                .blocks
                .iter()
                .filter(|row| row.gpu == gpu)
                .cloned()
                .collect(),
        }
    }
}

/// The products of one GPU as samples of a machine's table.
pub fn samples(origin: &str, text: &str, gpu: &str) -> Result<Vec<Sample>, TableError> {
    let kernels = Kernels::parse(origin, text)?;
    let rows = kernels.products.iter().filter(|row| row.gpu == gpu);
    let sample = |row: &Recorded<Product>| Sample {
        m: row.timed.work.m,
        k: row.timed.work.k,
        n: row.timed.work.n,
        time: Ps((row.timed.us * 1e6).round() as u64),
    };
    Ok(rows.map(sample).collect())
}

fn size(row: &Row<'_>, column: &str) -> Result<u64, TableError> {
    row.whole(column, (1, MOST))
}

fn us(row: &Row<'_>) -> Result<f64, TableError> {
    row.need("us")?;
    match row.figure("us")? {
        Some((us, _)) if us > 0.0 && us < 1e9 => Ok(us),
        _ => Err(row.fault("us", "microseconds above 0 and below 10^9".to_owned())),
    }
}

fn recorded<W>(row: &Row<'_>, shape: String, work: W) -> Result<Recorded<W>, TableError> {
    Ok(Recorded {
        line: row.line,
        gpu: row.need("gpu")?.to_owned(),
        op: row.need("op")?.to_owned(),
        shape,
        timed: Timed { work, us: us(row)? },
    })
}

fn product(row: &Row<'_>) -> Result<Recorded<Product>, TableError> {
    let (m, k, n) = (size(row, "M")?, size(row, "K")?, size(row, "N")?);
    recorded(row, format!("{m} x {k} x {n}"), Product::half(m, k, n))
}

fn attention(row: &Row<'_>) -> Result<Recorded<AttentionWork>, TableError> {
    let phases = [
        ("attention_decode", Phase::Decode),
        ("attention_prefill", Phase::Prefill),
    ];
    let phase = row.one_of("op", &phases)?;
    let (batch, kv) = (size(row, "batch")?, size(row, "kv")?);
    let (heads, kv_heads) = (size(row, "heads")?, size(row, "kv_heads")?);
    let dim = size(row, "head_dim")?;
    // Queries and outputs of the new tokens, keys and values of all.
    let new = if phase == Phase::Decode { 1 } else { kv };
    let bytes = [2 * heads * new, 2 * kv_heads * kv]
        .into_iter()
        .sum::<u64>()
        .saturating_mul(batch * dim * ELEMENT);
    let work = match phase {
        Phase::Decode => AttentionWork {
            bytes,
            streams: batch * kv_heads,
            dim,
            ..AttentionWork::default()
        },
        Phase::Prefill => {
            let tiles = kv.div_ceil(BLOCK);
            AttentionWork {
                bytes,
                streams: 0,
                blocks: (batch * heads).saturating_mul(tiles * (tiles + 1) / 2),
                longest: tiles,
                dim,
            }
        }
    };
    recorded(row, format!("{batch} x {kv}"), work)
}

fn row_wise(row: &Row<'_>) -> Result<Recorded<RowsWork>, TableError> {
    let (class, tensors) = row.one_of("op", &ROWS)?;
    let (rows, width) = (size(row, "rows")?, size(row, "width")?);
    let bytes = (rows * width).saturating_mul(tensors * ELEMENT);
    recorded(row, format!("{rows} x {width}"), RowsWork { class, bytes })
}

fn block_row(row: &Row<'_>) -> Result<BlockRow, TableError> {
    let phases = [("prefill", Phase::Prefill), ("decode", Phase::Decode)];
    Ok(BlockRow {
        line: row.line,
        gpu: row.need("gpu")?.to_owned(),
        model: row.need("model")?.to_owned(),
        tp: size(row, "tp")?,
        batch: size(row, "batch")?,
        phase: row.one_of("phase", &phases)?,
        seq: size(row, "seq")?,
        context: row.whole("context", (0, MOST))?,
        operator: row.need("operator")?.to_owned(),
        us: us(row)?,
    })
}

//! From operators to the tasks of a device: which unit runs what, on which shape. Measures nothing.

mod attention;
mod experts;
mod gpu;
mod npu;

pub use attention::{AttentionEntry, KvAppend};

use crate::gpu::KernelWork;
use crate::machine::{Device, Machine};
use crate::npu::VectorOp;
use memwall_models::graph::{GraphError, OperatorGraph, topological_order};
use memwall_models::{Model, Operator, Sequence, TensorBytes};

/// The unit of a machine that a task occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Systolic arrays.
    Array,
    /// Vector unit.
    Vector,
    /// In-bank multiply-accumulates.
    Pim,
    /// Memory channels alone.
    Memory,
    /// Link to the other devices.
    Link,
    /// Graphics processor.
    Gpu,
}

impl Unit {
    /// Name in records.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Array => "array",
            Unit::Vector => "vector",
            Unit::Pim => "pim",
            Unit::Memory => "memory",
            Unit::Link => "link",
            Unit::Gpu => "gpu",
        }
    }
}

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Product with stationary weights, [m, k] x [k, n].
    Gemm {
        /// Rows.
        m: u64,
        /// Reduction.
        k: u64,
        /// Columns.
        n: u64,
        /// Bytes of an element.
        element: u64,
    },
    /// Row-wise work of the vector unit.
    Vector {
        /// Operation.
        op: VectorOp,
        /// Rows.
        rows: u64,
        /// Elements of a row.
        width: u64,
    },
    /// Rows gathered from a table in memory.
    Gather,
    /// New keys and values, token after token.
    AppendSequential,
    /// New keys and values, and the queries, in the PIM layouts.
    AppendPim(Vec<KvAppend>),
    /// Attention on the arrays, K and V streamed from memory.
    ArrayAttention(Vec<AttentionEntry>),
    /// Attention in the banks.
    PimAttention(Vec<AttentionEntry>),
    /// Sum over the devices of the group.
    AllReduce {
        /// Payload of one device.
        bytes: u64,
        /// Devices.
        devices: u64,
    },
    /// A GPU kernel.
    Kernel(KernelWork),
}

/// A task: one operator, or several that a unit runs as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Name of the operator, or `attention` for logit, softmax and attend together.
    pub name: &'static str,
    /// Expert that it belongs to, of those tasks that each expert has for itself.
    pub expert: Option<usize>,
    /// Unit that runs it.
    pub unit: Unit,
    /// What it does.
    pub work: Work,
    /// Multiply-accumulates; attention over the pairs that its mask leaves.
    pub macs: u64,
    /// Bytes by tensor class.
    pub bytes: TensorBytes,
}

/// Tasks of an operator graph in the order in which they run, one after another: an operator
/// starts when the one before it is complete.
pub fn lower(
    graph: &OperatorGraph,
    machine: &Machine,
    sequences: &[Sequence],
    model: &Model,
    devices: u64,
) -> Result<Vec<Task>, GraphError> {
    let order = topological_order(graph)?;
    let operators: Vec<&Operator> = order.iter().map(|&node| &graph[node]).collect();
    Ok(match &machine.device {
        Device::Npu(device) => npu::tasks(&operators, device, sequences, model, devices),
        Device::Gpu(gpu) => gpu::tasks(
            &operators,
            gpu.fusion,
            sequences,
            model.sliding_window,
            devices,
        ),
    })
}

/// Sum of the byte classes of several operators.
fn sum(operators: &[&Operator]) -> TensorBytes {
    operators
        .iter()
        .fold(TensorBytes::default(), |mut all, op| {
            all.weights += op.bytes.weights;
            all.input += op.bytes.input;
            all.output += op.bytes.output;
            all.kv_read += op.bytes.kv_read;
            all.kv_written += op.bytes.kv_written;
            all
        })
}

//! Stages: what the array side and the PIM side do at the same time. With two sub-batches a layer's
//! work is spread over six stages, the one's attention beside the other's products; with one batch
//! it is three stages in a row.

use super::NeuPimsError;
use super::attention::{Encoding, attend, logit};
use super::batch::{Placed, Request, halves, place};
use super::model::Model;
use super::product::{self, Extents};
use super::tile::Tile;
use super::vector::{self, Rowwise};

/// Names of the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Stage {
    A,
    B,
    C,
    D,
    E,
    F,
}

/// Whether the batch is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One batch; all requests to memory share a queue (`sub-batch-off.json`).
    OneBatch,
    /// Two sub-batches; the sides have queues of their own (`sub-batch-on.json`).
    SubBatches,
    /// Branch `npu+pim`: one batch, channels with one row buffer a bank, steps and read-outs as
    /// transactions of their own, one PIM instruction a cycle from the core to all channels together.
    Blocked,
    /// The same, without that limit.
    BlockedAtOnce,
}

impl Mode {
    /// Whether a bank has one row buffer.
    pub(super) fn is_blocked(self) -> bool {
        matches!(self, Mode::Blocked | Mode::BlockedAtOnce)
    }

    /// Stages of an iteration, in order. With sub-batches they hold two layers' work.
    pub fn stages(self) -> &'static [Stage] {
        match self {
            Mode::OneBatch | Mode::Blocked | Mode::BlockedAtOnce => &[Stage::A, Stage::B, Stage::E],
            Mode::SubBatches => &[Stage::A, Stage::B, Stage::C, Stage::D, Stage::E, Stage::F],
        }
    }
}

/// An operator of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Name in the artifact's logs, without the layer.
    pub name: &'static str,
    work: Work,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Work {
    Product(Extents),
    Rowwise { op: Rowwise, rows: u64, width: u64 },
    Logit(Model, Encoding, Vec<Placed>),
    Attend(Model, Encoding, Vec<Placed>),
}

/// Extents at most.
const MOST: u64 = 1 << 24;

fn sized(sizes: &[u64]) -> Result<(), NeuPimsError> {
    if sizes.iter().all(|size| (1..=MOST).contains(size)) {
        Ok(())
    } else {
        Err(NeuPimsError::Size)
    }
}

impl Operator {
    /// A product with bias.
    pub fn product(name: &'static str, extents: Extents) -> Result<Operator, NeuPimsError> {
        sized(&[extents.m, extents.k, extents.n])?;
        let work = Work::Product(extents);
        Ok(Operator { name, work })
    }

    /// An operator on rows of `width` elements.
    pub fn rowwise(
        name: &'static str,
        op: Rowwise,
        rows: u64,
        width: u64,
    ) -> Result<Operator, NeuPimsError> {
        sized(&[rows, width])?;
        let work = Work::Rowwise { op, rows, width };
        Ok(Operator { name, work })
    }

    pub(super) fn tiles(&self) -> Result<Vec<Tile>, NeuPimsError> {
        Ok(match &self.work {
            Work::Product(extents) => product::tiles(*extents),
            Work::Rowwise { op, rows, width } => vector::tiles(*op, *rows, *width),
            Work::Logit(model, encoding, batch) => logit(model, *encoding, batch)?,
            Work::Attend(model, encoding, batch) => attend(model, *encoding, batch),
        })
    }
}

/// Operators of both sides of a stage, each side in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Array side.
    pub array: Vec<Operator>,
    /// PIM side.
    pub pim: Vec<Operator>,
}

impl Program {
    /// The array side alone.
    pub fn of_array(array: Vec<Operator>) -> Program {
        Program {
            array,
            pim: Vec::new(),
        }
    }
}

/// Programs of some stages, for a batch of requests in the order of the trace.
pub fn programs(
    model: &Model,
    requests: &[Request],
    mode: Mode,
    stages: &[Stage],
) -> Result<Vec<(Stage, Program)>, NeuPimsError> {
    model.check()?;
    check_tokens(requests)?;
    let placed = place(model, requests)?;
    let [first, second] = match mode {
        Mode::SubBatches => halves(&placed),
        _ => [placed, Vec::new()],
    };
    let encoding = if mode.is_blocked() {
        Encoding::Apart
    } else {
        Encoding::Composite
    };
    let program = |stage: Stage| {
        // Even stages have the first half on the arrays.
        let (on_array, on_pim) = match stage {
            Stage::A | Stage::C | Stage::E => (&first, &second),
            Stage::B | Stage::D | Stage::F => (&second, &first),
        };
        Ok((
            stage,
            program(model, stage, encoding, on_array.len() as u64, on_pim)?,
        ))
    };
    stages.iter().copied().map(program).collect()
}

/// Program of one stage for a sub-batch of `rows` requests on the arrays and another in the banks, of
/// channels with two row buffers.
pub fn pair(
    model: &Model,
    stage: Stage,
    rows: u64,
    requests: &[Request],
) -> Result<Program, NeuPimsError> {
    model.check()?;
    check_tokens(requests)?;
    let placed = place(model, requests)?;
    program(model, stage, Encoding::Composite, rows, &placed)
}

fn check_tokens(requests: &[Request]) -> Result<(), NeuPimsError> {
    let tokens: Vec<u64> = requests.iter().map(|request| request.tokens).collect();
    sized(&tokens)
}

fn program(
    model: &Model,
    stage: Stage,
    encoding: Encoding,
    rows: u64,
    on_pim: &[Placed],
) -> Result<Program, NeuPimsError> {
    let mut program = Program::default();
    if rows > 0 {
        if stage >= Stage::C {
            program
                .array
                .extend(projection_and_feed_forward(model, rows)?);
        }
        if stage <= Stage::D {
            program.array.extend(qkv(model, rows)?);
        }
    }
    if !on_pim.is_empty() && stage != Stage::A && stage != Stage::F {
        program.pim.push(Operator {
            name: "NeuPIMSLogitSoftmax",
            work: Work::Logit(*model, encoding, on_pim.to_vec()),
        });
        program.pim.push(Operator {
            name: "NeuPIMSAttend",
            work: Work::Attend(*model, encoding, on_pim.to_vec()),
        });
    }
    Ok(program)
}

fn qkv(model: &Model, rows: u64) -> Result<[Operator; 2], NeuPimsError> {
    let (k, n) = (model.embedding, 3 * model.embedding / model.devices);
    Ok([
        Operator::rowwise("ln", Rowwise::LayerNorm, rows, k)?,
        Operator::product("QKVgen", Extents { m: rows, k, n })?,
    ])
}

fn projection_and_feed_forward(model: &Model, rows: u64) -> Result<[Operator; 7], NeuPimsError> {
    let whole = model.embedding;
    let (share, inner) = (whole / model.devices, 4 * whole / model.devices);
    let product = |name, k, n| Operator::product(name, Extents { m: rows, k, n });
    let rowwise = |name, op, width| Operator::rowwise(name, op, rows, width);
    Ok([
        product("proj", share, whole)?,
        rowwise("res", Rowwise::Add, whole)?,
        rowwise("ln", Rowwise::LayerNorm, whole)?,
        product("fc1", whole, inner)?,
        rowwise("gelu", Rowwise::Gelu, inner)?,
        product("fc2", inner, whole)?,
        rowwise("res", Rowwise::Add, whole)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(operators: &[Operator]) -> Vec<&'static str> {
        operators.iter().map(|operator| operator.name).collect()
    }

    #[test]
    fn the_sides_of_a_stage_work_on_different_halves() {
        let requests: Vec<Request> = (0..6)
            .map(|index| Request {
                channel: index / 2,
                tokens: 100,
            })
            .collect();
        let model = Model::GPT3_7B_TP4;
        let mode = Mode::SubBatches;
        let stages = programs(&model, &requests, mode, mode.stages()).unwrap();
        let sizes: Vec<(usize, usize)> = stages
            .iter()
            .map(|(_, program)| (program.array.len(), program.pim.len()))
            .collect();
        assert_eq!(sizes, [(2, 0), (2, 2), (9, 2), (9, 2), (7, 2), (7, 0)]);
        let steady = &stages[2].1;
        assert_eq!(
            names(&steady.array),
            [
                "proj", "res", "ln", "fc1", "gelu", "fc2", "res", "ln", "QKVgen"
            ]
        );
        let rows = |program: &Program| match &program.array[0].work {
            Work::Product(extents) => extents.m,
            _ => 0,
        };
        assert_eq!(rows(steady), 3);
    }

    #[test]
    fn one_batch_takes_three_stages() {
        let requests = [Request {
            channel: 0,
            tokens: 100,
        }];
        let mode = Mode::OneBatch;
        let model = Model::GPT3_7B_TP4;
        let stages = programs(&model, &requests, mode, mode.stages()).unwrap();
        let sizes: Vec<(usize, usize)> = stages
            .iter()
            .map(|(_, program)| (program.array.len(), program.pim.len()))
            .collect();
        assert_eq!(sizes, [(2, 0), (0, 2), (7, 0)]);
    }

    #[test]
    fn sizes_of_nothing_are_errors() {
        let none = [Request {
            channel: 0,
            tokens: 0,
        }];
        let mode = Mode::OneBatch;
        let stages = programs(&Model::GPT3_7B_TP4, &none, mode, mode.stages());
        assert_eq!(stages.unwrap_err(), NeuPimsError::Size);
        assert!(Operator::product("p", Extents { m: 1, k: 0, n: 1 }).is_err());
        let odd = Model {
            embedding: 100,
            heads: 3,
            devices: 1,
        };
        assert!(programs(&odd, &[], mode, mode.stages()).is_err());
    }
}

//! Rows of a table of recorded runs of the artifact: what a row ran, and which of our figures stands
//! beside its cycles.

use super::NeuPimsError;
use super::address::CHANNELS;
use super::batch::Request;
use super::machine::{Machine, OperatorLog, Run};
use super::model::Model;
use super::stage::{Mode, Program, Stage, pair, programs};
use crate::pim::newton::port::Port;
use crate::time::Tick;
use thiserror::Error;

/// The columns of a row that say what was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // named as their columns
pub struct Row<'a> {
    pub kind: &'a str,
    pub case: &'a str,
    pub params: &'a str,
    pub note: &'a str,
    /// Requests of the iteration that a row of one operator was taken from, if known. The operator's
    /// cycles depend on what ran before it: on the address at which its transfers begin, the ticks
    /// since a refresh, the writes left in the channels.
    pub batch: &'a [Request],
}

/// Why a row cannot be compared.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum RowError {
    /// Another kind.
    #[error("kind '{0}' is none of pim_logit, pim_attend, alone, concurrent, gemm, vector")]
    Kind(String),
    /// Nothing that says what to run.
    #[error("{column} '{text}' does not give {wanted}")]
    Missing {
        /// Column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// What should.
        wanted: &'static str,
    },
    /// One row buffer a bank, which the artifact's table does not hold either.
    #[error("stages with a single row buffer are not run")]
    Blocked,
    /// No operator of that name ran.
    #[error("no operator '{0}' in this run")]
    Operator(String),
    /// What is asked for cannot be run.
    #[error(transparent)]
    Run(#[from] NeuPimsError),
}

/// What is run. Rows of the same workload are figures of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    mode: Mode,
    model: Model,
    stages: Vec<(Stage, Program)>,
    /// Every stage begins on a machine of its own, on which nothing has run.
    apart: bool,
}

impl Workload {
    /// A whole iteration of a batch.
    pub fn iteration(
        model: Model,
        batch: &[Request],
        mode: Mode,
    ) -> Result<Workload, NeuPimsError> {
        Ok(Workload {
            mode,
            model,
            stages: programs(&model, batch, mode, mode.stages())?,
            apart: false,
        })
    }

    /// Runs it on the channels that `port` makes.
    pub fn run<P: Port>(&self, mut port: impl FnMut() -> P) -> Result<Run, RowError> {
        let mut machine = || Machine::new(&mut port, self.mode, self.model.address_space());
        if !self.apart {
            return Ok(machine().run(self.stages.iter().cloned())?);
        }
        let mut run = Run::default();
        for stage in &self.stages {
            let one = machine().run([stage.clone()])?;
            run.stages.extend(one.stages);
            run.worked += one.worked;
        }
        Ok(run)
    }
}

/// Which figure of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Figure {
    /// Simulated cycle in which the operator of this index finished.
    Finish(usize),
    /// Core cycles of the operator of this index.
    Cycles(usize),
    /// Simulated cycles of the last stage.
    Stage,
    /// Core cycles of an operator by name; of several the one that starts nearest to a cycle, or
    /// whose cycles are nearest to the row's where the row does not say which.
    Named { name: String, start: Option<Tick> },
}

/// A row, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What is run.
    pub workload: Workload,
    figure: Figure,
}

impl Job {
    /// Understands a row.
    pub fn new(row: &Row<'_>) -> Result<Job, RowError> {
        match row.kind {
            "pim_logit" => attention(row, Figure::Finish(0)),
            "pim_attend" => attention(row, Figure::Cycles(1)),
            "alone" => attention(row, Figure::Finish(1)),
            "concurrent" => concurrent(row),
            "gemm" => array(row, "M"),
            "vector" => array(row, "rows"),
            other => Err(RowError::Kind(other.to_owned())),
        }
    }

    /// The row's figure. `recorded` chooses among operators of one name that the row does not tell
    /// apart.
    pub fn cycles(&self, run: &Run, recorded: Option<Tick>) -> Result<Tick, RowError> {
        let operator = self.operator(run, recorded);
        let found = match &self.figure {
            Figure::Finish(_) => operator.map(|log| log.finished),
            Figure::Cycles(_) | Figure::Named { .. } => operator.map(length),
            Figure::Stage => run.stages.last().map(|stage| {
                let before = run.stages.iter().rev().nth(1).map_or(0, |stage| stage.done);
                stage.done - before
            }),
        };
        found.ok_or_else(|| RowError::Operator(format!("{:?}", self.figure)))
    }

    /// The operator whose figure it is; none of a row about a stage.
    pub fn operator<'r>(&self, run: &'r Run, recorded: Option<Tick>) -> Option<&'r OperatorLog> {
        let mut operators = run.stages.iter().flat_map(|stage| &stage.operators);
        match &self.figure {
            Figure::Finish(index) | Figure::Cycles(index) => operators.nth(*index),
            Figure::Stage => None,
            Figure::Named { name, start } => {
                let named = operators.filter(|log| log.name == name.as_str());
                match start {
                    Some(start) => named.min_by_key(|log| log.start.abs_diff(*start)),
                    None => named.min_by_key(|log| length(log).abs_diff(recorded.unwrap_or(0))),
                }
            }
        }
    }
}

fn length(log: &OperatorLog) -> Tick {
    log.end - log.start
}

/// Elements of a head of models that are only given by their embedding.
const HEAD: u64 = 128;

/// Attention alone: `L=512 dk=128 heads=8`, of one request or as many as the case or the
/// parameters say; without heads it is the model of the other rows.
fn attention(row: &Row<'_>, figure: Figure) -> Result<Job, RowError> {
    let (count, tokens) = requests(row)?;
    let model = match (value(row.params, "heads"), value(row.params, "dk")) {
        (Some(heads), Some(dim)) => Model {
            embedding: heads.saturating_mul(dim),
            heads,
            devices: 1,
        },
        _ => Model::GPT3_7B_TP4,
    };
    let mode = Mode::OneBatch;
    let stages = programs(&model, &spread(count, tokens), mode, &[Stage::B])?;
    Ok(Job {
        workload: Workload {
            mode,
            model,
            stages,
            apart: false,
        },
        figure,
    })
}

/// A stage with both sides at work: `stage C: SA (M=32 ...) with PIM MHA of 32 x L=2048`.
fn concurrent(row: &Row<'_>) -> Result<Job, RowError> {
    if row.params.contains("single row buffer") {
        return Err(RowError::Blocked);
    }
    let letter = after(row.params, "stage ").and_then(|rest| rest.chars().next());
    let stage = match letter {
        Some('A') => Stage::A,
        Some('B') => Stage::B,
        Some('C') => Stage::C,
        Some('D') => Stage::D,
        Some('E') => Stage::E,
        Some('F') => Stage::F,
        _ => return Err(missing(row, "a stage, as in 'stage C'")),
    };
    let rows = value(row.params, "M").ok_or_else(|| missing(row, "M"))?;
    let (count, tokens) = requests(row)?;
    let model = Model::GPT3_7B_TP4;
    let stages = vec![(stage, pair(&model, stage, rows, &spread(count, tokens))?)];
    let start = after(row.note, "start ").and_then(number);
    let figure = if row.case == "stage total" {
        Figure::Stage
    } else {
        let name = row.case.to_owned();
        Figure::Named { name, start }
    };
    Ok(Job {
        workload: Workload {
            mode: Mode::SubBatches,
            model,
            stages,
            apart: false,
        },
        figure,
    })
}

/// An operator of the array side with nothing else running: `7B tp4 fc1`, `E1024 tp1 res`. It ran in
/// an iteration of one batch, or in a stage on its own; so it does here where no batch is given.
fn array(row: &Row<'_>, rows: &'static str) -> Result<Job, RowError> {
    let words: Vec<&str> = row.case.split_whitespace().collect();
    let [size, devices, name] = words[..] else {
        return Err(missing_in(
            "case",
            row.case,
            "a model, devices and an operator",
        ));
    };
    let model = devices.strip_prefix("tp").and_then(number);
    let model = model.and_then(|devices| {
        let Some(embedding) = size.strip_prefix('E').and_then(number) else {
            return Model::named(size, devices);
        };
        let heads = embedding / HEAD;
        Some(Model {
            embedding,
            heads,
            devices,
        })
    });
    let Some(model) = model else {
        return Err(missing_in(
            "case",
            row.case,
            "a model, as in 'E1024 tp1' or '7B tp4'",
        ));
    };
    let rows = value(row.params, rows).ok_or_else(|| missing(row, rows))?;
    let mode = Mode::OneBatch;
    let workload = if rows == row.batch.len() as u64 {
        Workload::iteration(model, row.batch, mode)?
    } else {
        let stage = |stage| Ok::<_, RowError>((stage, pair(&model, stage, rows, &[])?));
        let stages = vec![stage(Stage::A)?, stage(Stage::E)?];
        Workload {
            mode,
            model,
            stages,
            apart: true,
        }
    };
    let name = name.to_owned();
    let figure = Figure::Named { name, start: None };
    Ok(Job { workload, figure })
}

/// Number and tokens of requests: `32 x L=2048`, or `L=512` with the number in the case
/// (`pim_all32_512`), or one.
fn requests(row: &Row<'_>) -> Result<(u64, u64), RowError> {
    let tokens = value(row.params, "L").ok_or_else(|| missing(row, "L, as in 'L=512'"))?;
    let before = row.params.split(" x L=").next();
    let times = before
        .filter(|before| before.len() < row.params.len())
        .and_then(|before| before.split_whitespace().next_back())
        .and_then(number);
    let of_case = after(row.case, "all").and_then(number);
    let count = times.or(value(row.params, "requests")).or(of_case);
    Ok((count.unwrap_or(1), tokens))
}

/// Requests one after the other over the channels.
fn spread(count: u64, tokens: u64) -> Vec<Request> {
    let most = count.min(1 << 16) as usize;
    let request = |index| Request {
        channel: index % CHANNELS,
        tokens,
    };
    (0..most).map(request).collect()
}

fn missing(row: &Row<'_>, wanted: &'static str) -> RowError {
    missing_in("params", row.params, wanted)
}

fn missing_in(column: &'static str, text: &str, wanted: &'static str) -> RowError {
    RowError::Missing {
        column,
        text: text.to_owned(),
        wanted,
    }
}

/// What follows a text.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// The number at the start of a text.
fn number(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

/// The number of `key=number`, the key being a word.
fn value(text: &str, key: &str) -> Option<u64> {
    let word = |letter: char| !letter.is_ascii_alphanumeric();
    text.match_indices(key).find_map(|(at, _)| {
        let alone = text[..at].chars().next_back().is_none_or(word);
        let rest = text[at + key.len()..].strip_prefix('=')?;
        alone.then(|| number(rest)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(kind: &'a str, case: &'a str, params: &'a str) -> Row<'a> {
        Row {
            kind,
            case,
            params,
            note: "",
            batch: &[],
        }
    }

    #[test]
    fn parameters_are_read_wherever_they_stand() {
        assert_eq!(value("L=512 dk=128 heads=8", "dk"), Some(128));
        assert_eq!(value("SA (M=32 proj) of 32 x L=2048", "L"), Some(2048));
        assert_eq!(value("SA (M=32 proj)", "M"), Some(32));
        assert_eq!(value("XL=3", "L"), None);
        let of = |case, params| requests(&row("alone", case, params)).unwrap();
        assert_eq!(of("MHA", "64 x L=2048, 2 per channel"), (64, 2048));
        assert_eq!(of("pim_all32_512", "L=512 dk=128"), (32, 512));
        assert_eq!(of("pim_dk128_L32", "L=32 dk=128"), (1, 32));
        assert_eq!(of("x", "L=32 requests=7"), (7, 32));
    }

    #[test]
    fn rows_that_say_too_little_are_errors() {
        let error = |kind, case, params| Job::new(&row(kind, case, params)).unwrap_err();
        assert_eq!(error("pim", "", ""), RowError::Kind("pim".to_owned()));
        assert!(matches!(
            error("pim_logit", "x", "dk=3"),
            RowError::Missing { .. }
        ));
        assert!(matches!(
            error("concurrent", "x", "M=3 L=5"),
            RowError::Missing { .. }
        ));
        assert!(matches!(
            error("gemm", "7B fc1", "M=3"),
            RowError::Missing { .. }
        ));
        assert!(matches!(
            error("vector", "8B tp4 ln", "rows=3"),
            RowError::Missing { .. }
        ));
        assert_eq!(
            error("concurrent", "x", "single row buffer"),
            RowError::Blocked
        );
        let none = error("pim_logit", "x", "L=0 dk=128 heads=8");
        assert_eq!(none, RowError::Run(NeuPimsError::Size));
    }
}

//! Rows about NPU simulators. The configuration of a row says what was run: a SCALE-Sim array with or
//! without scratchpads, an ONNXim machine, an LLMCompass device.

use super::cells::{Cells, Row};
use super::compare::compare_figures;
use super::newton::Recorded;
use super::onnxim::{Layer, read_layer};
use super::table::TableError;
use crate::npu::Rates;
use crate::record::npu_validation::{Kind, NpuValidationRow};
use crate::scale_sim::layers::{MOST_CYCLES, MOST_FOLDS};
use crate::scale_sim::{Dataflow, Interface, Memory, Product, Report, Setup};
use memwall_models::spelling;

/// Columns that say what was run.
const KEYS: [&str; 8] = [
    "simulator",
    "config",
    "M",
    "K",
    "N",
    "array",
    "dataflow",
    "evidence",
];
/// Columns that are compared.
const FIGURES: [&str; 10] = [
    "cycles",
    "compute_cycles",
    "stall_cycles",
    "util_pct",
    "sram_ifmap_reads",
    "sram_filter_reads",
    "sram_ofmap_writes",
    "dram_ifmap_reads",
    "dram_filter_reads",
    "dram_ofmap_writes",
];
/// Columns that follow from others, or are of the host.
const PASSED_OVER: [&str; 4] = ["latency_us", "cpu_s", "peak_rss_mib", "note"];
/// Forms of a configuration, and how each begins.
const FORMS: [(&str, &str); 7] = [
    ("S-gen", "S-gen"),
    ("S-formula", "S-formula"),
    ("S-calc", "S-calc-KIB"),
    ("S-user", "S-user-KIB-RATE"),
    ("O", "O-CORESxSIDE"),
    ("L-A100", "L-A100"),
    ("L-TPUv3n", "L-TPUv3n"),
];
/// Simulators, by how their names begin.
const SIMULATORS: [&str; 3] = ["SCALE-Sim", "ONNXim", "LLMCompass"];
/// Devices of LLMCompass whose arrays its rows give: cores, arrays of each, rows and columns.
const DEVICES: [(&str, &str); 1] = [("L-A100", "108x4x16x16")];
/// Extents at most.
const MOST: u64 = 1 << 20;

/// What a row runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NpuCase {
    /// An array of SCALE-Sim.
    ScaleSim(Setup, Product),
    /// A machine of ONNXim: cores and the side of their arrays.
    Onnxim {
        /// Cores.
        cores: u64,
        /// Rows and columns of a core's array.
        side: u64,
        /// What it ran.
        work: Work,
    },
    /// A device of LLMCompass.
    LlmCompass(Work),
}

/// What a machine ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A product.
    Product(Product),
    /// A layer.
    Layer(Layer),
}

/// A row: what to run, and what came out there.
#[derive(Debug, Clone, PartialEq)]
pub struct NpuRow {
    /// What to run.
    pub case: NpuCase,
    /// Figures given.
    pub figures: Vec<Recorded>,
    /// The row as it is reported, with nothing compared yet.
    pub shown: NpuValidationRow,
}

/// The rows of a table, every one understood.
pub fn npu_rows(table: &Cells) -> Result<Vec<NpuRow>, TableError> {
    let known: Vec<&str> = KEYS.into_iter().chain(FIGURES).chain(PASSED_OVER).collect();
    table.refuse_others(&known)?;
    table.rows().map(|row| read(&row)).collect()
}

fn read(row: &Row<'_>) -> Result<NpuRow, TableError> {
    let (simulator, config) = (row.need("simulator")?, row.need("config")?);
    let mut figures = Vec::new();
    for column in FIGURES {
        if let Some((value, digits)) = row.figure(column)? {
            figures.push((column, value, digits));
        }
    }
    let (case, kind) = case(row, config)?;
    agrees(row, config, &case)?;
    if figures.is_empty() && kind != Kind::LlmCompass {
        return Err(row.fault("(whole row)", "has no figure to compare".to_owned()));
    }
    let workload = match case.work() {
        Work::Product(Product { m, k, n, .. }) => format!("{m} x {k} x {n}"),
        Work::Layer(layer) => layer.words,
    };
    let text = |column| row.get(column).unwrap_or("-").to_owned();
    let recorded = figures.iter().find(|(column, ..)| *column == "cycles");
    let shown = NpuValidationRow {
        line: row.line,
        simulator: simulator.to_owned(),
        config: config.to_owned(),
        workload,
        array: text("array"),
        dataflow: text("dataflow"),
        kind,
        recorded_cycles: recorded.map(|(_, cycles, _)| *cycles),
        figures: 0,
        error: None,
        worst: None,
        differing: Vec::new(),
        not_compared: figures
            .iter()
            .map(|(name, ..)| (*name).to_owned())
            .collect(),
        rule_cycles: None,
        machine: None,
        note: row.get("note").map(str::to_owned),
    };
    Ok(NpuRow {
        case,
        figures,
        shown,
    })
}

impl NpuCase {
    /// The product that it runs; none of a layer.
    pub fn product(&self) -> Option<Product> {
        match self.work() {
            Work::Product(product) => Some(product),
            Work::Layer(_) => None,
        }
    }

    fn work(&self) -> Work {
        match self {
            NpuCase::ScaleSim(_, product) => Work::Product(*product),
            NpuCase::Onnxim { work, .. } | NpuCase::LlmCompass(work) => work.clone(),
        }
    }
}

fn case(row: &Row<'_>, config: &str) -> Result<(NpuCase, Kind), TableError> {
    let unknown = || {
        let begins: Vec<&str> = config.splitn(3, '-').take(2).collect();
        let near = spelling::nearest(&begins.join("-"), FORMS.map(|(begins, _)| begins));
        let form = FORMS.iter().find(|(begins, _)| Some(*begins) == near);
        let forms = FORMS.map(|(_, form)| form);
        let rule = format!(
            "no configuration '{config}'; there are {}",
            forms.join(", ")
        );
        TableError {
            nearest: form.map(|(_, form)| (*form).to_owned()),
            ..row.fault("config", rule)
        }
    };
    let parts: Vec<&str> = config.split('-').collect();
    let number = |text: &str, most: u64| {
        let number = text.parse().ok();
        number
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(unknown)
    };
    match parts.as_slice() {
        ["S", "gen" | "formula"] => scale_sim(row, None),
        ["S", "calc", kib] => {
            let kib = number(kib, MOST)?;
            scale_sim(row, Some(Memory::kib(kib, kib, kib, Interface::Calculated)))
        }
        ["S", "user", kib, rate] => {
            let (kib, rate) = (number(kib, MOST)?, number(rate, MOST)?);
            let rates = Rates {
                inputs: rate,
                weights: rate,
                outputs: rate,
            };
            scale_sim(
                row,
                Some(Memory::kib(kib, kib, kib, Interface::User(rates))),
            )
        }
        ["O", machine] => {
            let (cores, side) = machine.split_once('x').ok_or_else(unknown)?;
            let case = NpuCase::Onnxim {
                cores: number(cores, 1 << 10)?,
                side: number(side, 1 << 12)?,
                work: work(row)?,
            };
            Ok((case, Kind::Onnxim))
        }
        ["L", "A100" | "TPUv3n"] => Ok((NpuCase::LlmCompass(work(row)?), Kind::LlmCompass)),
        _ => Err(unknown()),
    }
}

/// Refuses a simulator, an array or a dataflow that the configuration contradicts.
fn agrees(row: &Row<'_>, config: &str, case: &NpuCase) -> Result<(), TableError> {
    let (own, array) = match case {
        NpuCase::ScaleSim(..) => ("SCALE-Sim", None),
        NpuCase::Onnxim { cores, side, .. } => ("ONNXim", Some(format!("{cores}x{side}x{side}"))),
        NpuCase::LlmCompass(_) => {
            let known = DEVICES.iter().find(|(name, _)| *name == config);
            ("LLMCompass", known.map(|(_, array)| (*array).to_owned()))
        }
    };
    let simulator = row.need("simulator")?.to_lowercase();
    let named = SIMULATORS
        .iter()
        .find(|name| simulator.starts_with(&name.to_lowercase()));
    if let Some(other) = named.filter(|name| **name != own) {
        let rule = format!("{other} has no configuration '{config}': it is one of {own}");
        return Err(row.fault("simulator", rule));
    }
    if let (Some(array), Some(given)) = (array, row.get("array"))
        && array != given
    {
        let rule = format!("configuration '{config}' has {array}; found '{given}'");
        return Err(row.fault("array", rule));
    }
    let holds = |flow: &str| flow.starts_with("ws");
    if let (NpuCase::Onnxim { .. }, Some(flow)) = (case, row.get("dataflow"))
        && !holds(flow)
    {
        let rule = format!("configuration '{config}' holds weights (ws); found '{flow}'");
        return Err(row.fault("dataflow", rule));
    }
    Ok(())
}

fn product(row: &Row<'_>) -> Result<Product, TableError> {
    let whole = |column| row.whole(column, (1, MOST));
    Ok(Product::new(whole("M")?, whole("K")?, whole("N")?))
}

/// A product, or a layer whose name stands in place of the first extent.
fn work(row: &Row<'_>) -> Result<Work, TableError> {
    let first = row.need("M")?;
    if row.get("K").is_none() && row.get("N").is_none() && first.parse::<u64>().is_err() {
        let layer = read_layer(first).map_err(|fault| TableError {
            nearest: fault.nearest,
            ..row.fault("M", fault.rule)
        });
        return layer.map(Work::Layer);
    }
    product(row).map(Work::Product)
}

fn scale_sim(row: &Row<'_>, memory: Option<Memory>) -> Result<(NpuCase, Kind), TableError> {
    let array = row.need("array")?;
    let sides = array.split_once('x').and_then(|(rows, columns)| {
        let side = |text: &str| {
            text.parse()
                .ok()
                .filter(|side| (1..=1 << 16).contains(side))
        };
        Some((side(rows)?, side(columns)?))
    });
    let Some((rows, columns)) = sides else {
        let rule = format!("ROWSxCOLUMNS, each from 1 to 65536; found '{array}'");
        return Err(row.fault("array", rule));
    };
    let setup = Setup {
        rows,
        columns,
        dataflow: row.one_of("dataflow", &Dataflow::NAMES)?,
        memory,
    };
    let product = product(row)?;
    let (folds, cycles) = setup.size(product);
    if folds > MOST_FOLDS || (memory.is_some() && cycles > MOST_CYCLES) {
        let rule = format!(
            "at most {MOST_FOLDS} folds, and {MOST_CYCLES} cycles with scratchpads; these are {folds} \
             and {cycles}"
        );
        return Err(row.fault("(whole row)", rule));
    }
    let evidence = row.get("evidence").unwrap_or("run");
    let kinds = [("run", Kind::ScaleSim), ("formula", Kind::Formula)];
    let kind = kinds.iter().find(|(word, _)| evidence.starts_with(word));
    let Some((_, kind)) = kind else {
        let rule = format!("begins with run or formula; found '{evidence}'");
        return Err(row.fault("evidence", rule));
    };
    Ok((NpuCase::ScaleSim(setup, product), *kind))
}

impl NpuRow {
    /// Runs a row of SCALE-Sim and compares; another is returned as it was read.
    pub fn run(&self) -> NpuValidationRow {
        let NpuCase::ScaleSim(setup, product) = &self.case else {
            return self.shown.clone();
        };
        let report = setup.run(*product);
        // The formula counts outputs as they are, without what the tool adds.
        let formula = self.shown.kind == Kind::Formula;
        let mut shown = self.compare(|column| match column {
            "sram_ofmap_writes" if formula => Some(report.scratchpads.outputs as f64),
            _ => figure(&report, column),
        });
        shown.rule_cycles = report.ideal.map(|ideal| Report::printed(ideal.cycles()));
        if report.cycles.is_none() && shown.kind == Kind::ScaleSim {
            shown.kind = Kind::Stalled;
        }
        shown
    }

    /// The row with those of its figures compared that `ours` has.
    pub fn compare(&self, ours: impl Fn(&str) -> Option<f64>) -> NpuValidationRow {
        let (known, unknown): (Vec<Recorded>, Vec<Recorded>) = self
            .figures
            .iter()
            .partition(|(column, ..)| ours(column).is_some());
        let (error, worst, differing) = compare_figures(&known, &ours);
        NpuValidationRow {
            figures: known.len() as u64,
            error: (!known.is_empty()).then_some(error),
            worst,
            differing,
            not_compared: unknown
                .iter()
                .map(|(name, ..)| (*name).to_owned())
                .collect(),
            ..self.shown.clone()
        }
    }
}

/// A figure of the tool, in its convention.
fn figure(report: &Report, column: &str) -> Option<f64> {
    let reads = report.scratchpads;
    let behind =
        |of: fn(&crate::scale_sim::Traffic) -> Option<u64>| report.memory.as_ref().and_then(of);
    let count = match column {
        "cycles" => Report::printed(report.cycles?),
        "compute_cycles" => Report::printed(report.array_cycles),
        "stall_cycles" => report.stalls?,
        "util_pct" => {
            report.cycles?;
            return Some(100.0 * report.utilisation.overall);
        }
        "sram_ifmap_reads" => reads.inputs,
        "sram_filter_reads" => reads.weights,
        "sram_ofmap_writes" => report.printed_writes(),
        "dram_ifmap_reads" => behind(|traffic| traffic.inputs)?,
        "dram_filter_reads" => behind(|traffic| traffic.weights)?,
        "dram_ofmap_writes" => behind(|traffic| traffic.outputs)?,
        _ => return None,
    };
    Some(count as f64)
}

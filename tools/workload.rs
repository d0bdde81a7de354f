//! Workloads and models from files, from the bundled samples, or from two numbers.

use crate::cli::{BatchArguments, Common};
use crate::diagnostics::Failure;
use crate::embedded::is_path;
use memwall_models::{Model, registry};
use memwall_sim::record::WorkloadRecord;
use memwall_traces::{InFlight, Request, TraceReader, samples};

/// The model that `run` and `compare` use.
pub(crate) const BATCH_MODEL: &str = "gpt3-6.7b";

/// The sample that `run` and `compare` use.
const BATCH_SAMPLE: &str = "sharegpt-like-batch";

/// A batch in decode and its description.
pub(crate) struct Batch {
    pub rows: Vec<InFlight>,
    pub record: WorkloadRecord,
}

/// A model by embedded name or by path.
pub(crate) fn named_model(argument: &str) -> Result<Model, Failure> {
    if !is_path(argument, ".json") {
        return Ok(registry::get(argument)?);
    }
    let text = std::fs::read_to_string(argument)
        .map_err(|error| Failure::input(format!("{argument}: cannot be read: {error}")))?;
    Ok(Model::from_json(argument, &text)?)
}

/// The model of a simulation, or `default`, with `--layers`.
pub(crate) fn model(common: &Common, default: &str) -> Result<Model, Failure> {
    let mut model = named_model(common.model.as_deref().unwrap_or(default))?;
    if let Some(layers) = common.layers {
        if layers > model.layers {
            return Err(Failure::input(format!(
                "--layers {layers}: '{}' has {} layers",
                model.name, model.layers
            )));
        }
        model.layers = layers;
    }
    Ok(model)
}

/// The batch of `run` and `compare`.
pub(crate) fn batch(arguments: &BatchArguments) -> Result<Batch, Failure> {
    if let (Some(requests), Some(context_tokens)) = (arguments.batch, arguments.context) {
        if requests > 1 << 20 || context_tokens > memwall_traces::MAX_TOKENS {
            return Err(Failure::input(format!(
                "--batch {requests} --context {context_tokens}: at most {} requests of {} tokens",
                1 << 20,
                memwall_traces::MAX_TOKENS
            )));
        }
        let rows = (0..requests).map(|index| InFlight {
            line: index + 1,
            context_tokens,
            channel: (index % 32) as u32,
        });
        let source = format!("{requests} requests of {context_tokens} tokens");
        return Ok(described(source, rows.collect()));
    }
    let reader = match &arguments.trace {
        Some(path) => TraceReader::open(path)?,
        None => samples::open_sample(BATCH_SAMPLE)?,
    };
    let source = match &arguments.trace {
        Some(path) => file_name(path),
        None => format!("{BATCH_SAMPLE} (generated)"),
    };
    let mut rows = reader.in_flight()?.collect::<Result<Vec<_>, _>>()?;
    if let Some(requests) = arguments.batch {
        if requests as usize > rows.len() {
            return Err(Failure::input(format!(
                "--batch {requests}: {source} has {} requests",
                rows.len()
            )));
        }
        rows.truncate(requests as usize);
    }
    Ok(described(source, rows))
}

/// The file's own name: a record must not depend on where its inputs lie.
pub(crate) fn file_name(path: &std::path::Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn described(source: String, rows: Vec<InFlight>) -> Batch {
    let mut digest = Digest::default();
    for row in &rows {
        digest.row(0, row.context_tokens, 1, &[u64::from(row.channel)]);
    }
    Batch {
        record: digest.record(source),
        rows,
    }
}

/// Sums and hash of the rows used.
#[derive(Default)]
pub(crate) struct Digest {
    hasher: blake3::Hasher,
    requests: u64,
    input_tokens: u64,
    output_tokens: u64,
}

impl Digest {
    fn row(&mut self, arrival: u64, input: u64, output: u64, more: &[u64]) {
        let numbers = [arrival, input, output, more.len() as u64];
        for number in numbers.iter().chain(more) {
            self.hasher.update(&number.to_le_bytes());
        }
        self.requests += 1;
        self.input_tokens += input;
        self.output_tokens += output;
    }

    /// Takes note of a request.
    pub(crate) fn request(&mut self, request: &Request) {
        self.row(
            request.arrival_ns,
            request.input_tokens,
            request.output_tokens,
            &[],
        );
    }

    /// The description of all rows noted.
    pub(crate) fn record(&self, source: String) -> WorkloadRecord {
        WorkloadRecord {
            source,
            digest: self.hasher.finalize().to_hex().to_string(),
            requests: self.requests,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
        }
    }
}

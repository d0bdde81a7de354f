//! Two small traces that come with the program, so that it can be tried without a download.
//!
//! Both are generated: drawn from the published length and arrival statistics of real traces, not
//! cut out of them. `traces/samples/README.md` names the sources, the program and the seed.

use crate::error::TraceError;
use crate::nearest::nearest;
use crate::reader::TraceReader;

/// 256 requests in flight, in the NeuPIMs batch format; lengths after ShareGPT conversations.
pub const SHAREGPT_LIKE_BATCH: &str = include_str!("../samples/sharegpt-like-batch.csv");

/// 1000 requests over about three minutes, in the Azure LLM format; arrivals and lengths after
/// the conversation trace of 2023.
pub const AZURE_LIKE_ARRIVALS: &str = include_str!("../samples/azure-like-arrivals.csv");

const SAMPLES: [(&str, &str); 2] = [
    ("azure-like-arrivals", AZURE_LIKE_ARRIVALS),
    ("sharegpt-like-batch", SHAREGPT_LIKE_BATCH),
];

/// The names of the bundled samples, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    SAMPLES.iter().map(|(name, _)| *name)
}

/// Opens a bundled sample by its name, with or without `.csv`.
///
/// # Errors
///
/// [`TraceError::NoSuchSample`], with the nearest name, if none is called so.
pub fn open_sample(name: &str) -> Result<TraceReader, TraceError> {
    let stem = name.strip_suffix(".csv").unwrap_or(name);
    match SAMPLES.iter().find(|(sample, _)| *sample == stem) {
        Some((sample, text)) => {
            TraceReader::from_reader(&format!("bundled sample {sample}"), text.as_bytes())
        }
        None => Err(TraceError::NoSuchSample {
            origin: name.to_owned(),
            nearest: nearest(stem, names()),
        }),
    }
}

//! Draws the traces under `traces/samples` from published statistics.
//!
//! The program ships samples, and recorded traces are not ours to ship whole. What is published
//! about them - 29-point quantile tables - is enough to draw a load of the same shape. The program
//! is kept so that anyone can see how, and get the same bytes again.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;

const USAGE: &str = "usage: generate-samples DISTRIBUTIONS.json OUT_DIR [--seed N]";
const BATCH_ROWS: usize = 256;
const ARRIVAL_ROWS: usize = 1000;
/// PIM channels of the machine that the NeuPIMs batches are published for.
const CHANNELS: usize = 32;
/// GPT-3 has 2048 positions: a request that still has a token to generate holds 2047 at most.
const MAX_CONTEXT: u64 = 2047;
/// Azure stamps have seven digits of a second.
const TICKS_PER_SECOND: f64 = 1e7;

/// A file name and its text.
pub(crate) type Sample = (&'static str, String);

/// An inverse distribution function, linear between the points of a quantile table.
struct Quantiles(Vec<(f64, f64)>);

impl Quantiles {
    /// The table at `path` in the distributions file; percent become fractions.
    fn read(root: &Value, path: &str) -> Result<Self, String> {
        let numbers = |key: &str| -> Option<Vec<f64>> {
            let list = root.pointer(&format!("{path}/{key}"))?.as_array()?;
            list.iter().map(Value::as_f64).collect()
        };
        let table = numbers("quantiles_pct").zip(numbers("quantiles"));
        let (shares, values) = table.ok_or_else(|| format!("no quantile table at {path}"))?;
        let points: Vec<_> = shares.iter().map(|s| s / 100.0).zip(values).collect();
        // Strictly: equal shares would divide by zero below.
        let rises = points.is_sorted_by(|low, high| low.0 < high.0 && low.1 <= high.1);
        if rises && matches!(points[..], [(0.0, 0.0..), .., (1.0, _)]) {
            return Ok(Self(points));
        }
        Err(format!("the table at {path} does not rise from 0 to 100 %"))
    }

    fn at(&self, share: f64) -> f64 {
        let above = self.0.partition_point(|point| point.0 <= share);
        let above = above.clamp(1, self.0.len() - 1);
        let ((x0, y0), (x1, y1)) = (self.0[above - 1], self.0[above]);
        y0 + (share - x0) / (x1 - x0) * (y1 - y0)
    }

    fn draw_tokens(&self, random: &mut Pcg64) -> u64 {
        self.at(random.random()).round().max(1.0) as u64
    }

    /// Draws a value with a probability proportional to it, by rejection.
    fn draw_length_biased(&self, random: &mut Pcg64) -> u64 {
        let most = self.at(1.0);
        loop {
            let value = self.draw_tokens(random);
            if random.random::<f64>() * most <= value as f64 {
                return value;
            }
        }
    }
}

/// Both samples, as a function of nothing but the statistics and the seed.
pub(crate) fn generate(distributions: &str, seed: u64) -> Result<[Sample; 2], String> {
    let root: Value = serde_json::from_str(distributions).map_err(|error| error.to_string())?;
    let mut random = Pcg64::seed_from_u64(seed);
    // The order of the draws is part of the result.
    Ok([
        ("sharegpt-like-batch.csv", batch(&root, &mut random)?),
        ("azure-like-arrivals.csv", arrivals(&root, &mut random)?),
    ])
}

/// A batch as it would be found at a random moment of continuous batching.
///
/// By renewal theory, a slot is found in a request with a probability proportional to how long the
/// request stays, which in decode is its output length (inspection paradox), and at a uniformly
/// distributed point of it. So: a length-biased output, an independent input (the correlation of
/// their logarithms is 0.07), and a context of the input plus the tokens generated so far.
///
/// Rows descend by length and each goes to the channel with the fewest tokens so far, the lowest of
/// equals: greedy balancing as in the published batches, with tokens in place of their estimator.
fn batch(root: &Value, random: &mut Pcg64) -> Result<String, String> {
    let input = Quantiles::read(root, "/neupims_share_gpt2/filtered_1_4096/input_tokens")?;
    let output = Quantiles::read(root, "/neupims_share_gpt2/filtered_1_4096/output_tokens")?;
    let mut contexts: Vec<u64> = (0..BATCH_ROWS)
        .map(|_| {
            let prompt = input.draw_tokens(random);
            let length = output.draw_length_biased(random) as f64;
            let generated = (random.random::<f64>() * length).floor() as u64;
            (prompt + generated).clamp(1, MAX_CONTEXT)
        })
        .collect();
    contexts.sort_unstable_by(|a, b| b.cmp(a));
    let mut loads = [0; CHANNELS];
    let mut rows = vec!["seq_len,ch_idx".to_owned()];
    for context in contexts {
        let least_loaded = (0..CHANNELS).min_by_key(|&channel| loads[channel]);
        let channel = least_loaded.unwrap_or(0);
        loads[channel] += context;
        rows.push(format!("{context},{channel}"));
    }
    Ok(rows.join("\n") + "\n")
}

/// Arrivals whose gaps, inputs and outputs are drawn independently of each other: in the recorded
/// trace, successive gaps correlate by 0.06 and the logarithms of input and output by 0.09. The
/// slow drift of the load over the hour is lost. The date says that no recorded moment is meant.
fn arrivals(root: &Value, random: &mut Pcg64) -> Result<String, String> {
    let gap = Quantiles::read(root, "/azure2023_conv/interarrival_s")?;
    let input = Quantiles::read(root, "/azure2023_conv/input_tokens")?;
    let output = Quantiles::read(root, "/azure2023_conv/output_tokens")?;
    let mut rows = vec!["TIMESTAMP,ContextTokens,GeneratedTokens".to_owned()];
    let mut ticks = 0;
    for row in 0..ARRIVAL_ROWS {
        if row > 0 {
            ticks += (gap.at(random.random()) * TICKS_PER_SECOND).round() as u64;
        }
        let (seconds, fraction) = (ticks / 10_000_000, ticks % 10_000_000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 23 {
            return Err("the gaps between arrivals add up to more than a day".to_owned());
        }
        let (context, generated) = (input.draw_tokens(random), output.draw_tokens(random));
        let stamp = format!("2000-01-01 {hours:02}:{minutes:02}:{seconds:02}.{fraction:07}");
        rows.push(format!("{stamp},{context},{generated}"));
    }
    Ok(rows.join("\n") + "\n")
}

/// Writes `text` under a temporary name first, so that no reader ever sees half a sample.
fn write_whole(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, folder.join(name)))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
}

fn run(distributions: &str, folder: &str, seed: u64) -> Result<(), String> {
    let text =
        fs::read_to_string(distributions).map_err(|why| format!("{distributions}: {why}"))?;
    for (file, text) in generate(&text, seed).map_err(|why| format!("{distributions}: {why}"))? {
        write_whole(Path::new(folder), file, &text).map_err(|why| format!("{folder}: {why}"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Option<Vec<_>> = env::args_os()
        .skip(1)
        .map(|word| word.into_string().ok())
        .collect();
    let words = words.unwrap_or_default();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [from, to] => Some(run(from, to, 0)),
        [from, to, "--seed", seed] => seed.parse().ok().map(|seed| run(from, to, seed)),
        _ => None,
    };
    let (message, code) = match result {
        Some(Ok(())) => return ExitCode::SUCCESS,
        Some(Err(why)) => (format!("generate-samples: {why}"), 1),
        None => (USAGE.to_owned(), 2),
    };
    // Nothing is left to do where standard error is closed.
    drop(writeln!(io::stderr(), "{message}"));
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other numbers here would mean other samples, and other results wherever they are used.
    #[test]
    fn first_draws_are_pinned() {
        let mut random = Pcg64::seed_from_u64(0);
        let draws: [u64; 3] = random.random();
        assert_eq!(
            draws[..2],
            [2_354_861_276_966_075_475, 6_411_218_084_291_373_563]
        );
        let table = Quantiles(vec![(0.0, 0.0), (0.5, 10.0), (1.0, 1000.0)]);
        let drawn = [(); 4].map(|()| table.draw_tokens(&mut random));
        assert_eq!(drawn, [1, 715, 3, 4]);
        let drawn = [(); 4].map(|()| table.draw_length_biased(&mut random));
        assert_eq!(drawn, [831, 495, 762, 233]);
    }
}

//! Rows about machines of ONNXim: what a layer's words mean, and the figures of a run in the columns
//! of the table.

use super::npu::Work;
use crate::onnxim::{Activation, Machine, Report, Sequence, Shape, gemm, layer};
use memwall_models::{Model, registry, spelling};

/// Runs what a machine ran; why not, if it cannot be.
pub fn run_onnxim(machine: &Machine, work: &Work) -> Result<Report, String> {
    let report = match work {
        Work::Product(product) => gemm(machine, product.m, product.k, product.n),
        Work::Layer(block) => {
            let sequences = vec![block.sequence; block.batch as usize];
            layer(machine, &block.shape, &sequences)
        }
    };
    report.map_err(|error| error.to_string())
}

/// A figure of a run, in the convention of the table.
pub fn onnxim_figure(machine: &Machine, report: &Report, column: &str) -> Option<f64> {
    let arrays = machine.cores as f64 * (machine.core.array as f64).powi(2);
    match column {
        "cycles" => Some(report.cycles as f64),
        "util_pct" => Some(100.0 * report.macs as f64 / (report.cycles as f64 * arrays)),
        _ => None,
    }
}

/// OPT-125M: the model that the simulator's own examples run, too small for the registry.
const OPT_125M: Shape = Shape {
    hidden: 768,
    heads: 12,
    kv_heads: 12,
    ffn: 3072,
    activation: Activation::Relu,
    gated: false,
    vocabulary: 50_272,
    max_tokens: 2048,
};

/// A layer by the words of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The words.
    pub words: String,
    /// The block.
    pub shape: Shape,
    /// Each sequence of the batch.
    pub sequence: Sequence,
    /// Sequences.
    pub batch: u64,
}

/// Why words are no layer, and what was probably meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoLayer {
    pub(super) rule: String,
    pub(super) nearest: Option<String>,
}

impl From<String> for NoLayer {
    fn from(rule: String) -> NoLayer {
        NoLayer {
            rule,
            nearest: None,
        }
    }
}

/// Sizes that words may give.
const SIZES: [&str; 7] = ["d", "heads", "kv_heads", "ffn", "batch", "seq", "context"];

/// `prefill|decode MODEL layer batch=B seq=S`, or sizes `d=`, `heads=`, `kv_heads=`, `ffn=` in place
/// of the model: then an OPT block, its feed-forward network four times as wide where nothing is
/// said. A decode step has one new token, which `seq` counts.
pub(super) fn read_layer(text: &str) -> Result<Layer, NoLayer> {
    let mut words = text.split_whitespace();
    let phase = words.next().unwrap_or_default();
    let (mut shape, mut batch, mut seq) = (OPT_125M, 1, None);
    let (mut hidden, mut heads, mut kv_heads, mut ffn, mut named) = (None, None, None, None, false);
    for word in words.filter(|word| *word != "layer") {
        let Some((key, value)) = word.split_once('=') else {
            shape = model(word)?;
            named = true;
            continue;
        };
        let number = value.parse::<u64>().ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| format!("'{word}' needs a whole number from 1"))?;
        match key {
            "d" => hidden = Some(number),
            "heads" => heads = Some(number),
            "kv_heads" => kv_heads = Some(number),
            "ffn" => ffn = Some(number),
            "batch" => batch = number,
            "seq" | "context" => seq = Some(number),
            _ => {
                return Err(NoLayer {
                    rule: format!(
                        "no size '{key}' of a layer is known; there are {}",
                        SIZES.join(", ")
                    ),
                    nearest: spelling::nearest(key, SIZES).map(str::to_owned),
                });
            }
        }
    }
    if let Some(hidden) = hidden {
        shape.hidden = hidden;
        shape.ffn = 4 * hidden;
    } else if !named {
        return Err("a layer needs a model or 'd='".to_owned().into());
    }
    shape.heads = heads.unwrap_or(shape.heads);
    shape.kv_heads = kv_heads.or(heads).unwrap_or(shape.kv_heads);
    shape.ffn = ffn.unwrap_or(shape.ffn);
    let seq = seq.ok_or_else(|| "a layer needs 'seq='".to_owned())?;
    let sequence = match phase {
        "prefill" => Sequence {
            tokens: seq,
            cached: 0,
        },
        "decode" => Sequence {
            tokens: 1,
            cached: seq - 1,
        },
        _ => {
            return Err(NoLayer {
                rule: format!("a layer begins with prefill or decode, not '{phase}'"),
                nearest: spelling::nearest(phase, ["prefill", "decode"]).map(str::to_owned),
            });
        }
    };
    if batch > MOST_SEQUENCES {
        return Err(format!("a batch has at most {MOST_SEQUENCES} sequences").into());
    }
    Ok(Layer {
        words: text.to_owned(),
        shape,
        sequence,
        batch,
    })
}

const MOST_SEQUENCES: u64 = 1 << 16;

fn model(name: &str) -> Result<Shape, NoLayer> {
    let name = name.to_lowercase();
    let name = name.strip_suffix("-shape").unwrap_or(&name);
    if name == "opt-125m" {
        return Ok(OPT_125M);
    }
    let model = registry::get(name).map_err(|error| NoLayer {
        rule: format!(
            "no model '{name}' is known; there are opt-125m and those of memwall models list"
        ),
        nearest: error.nearest().map(str::to_owned),
    })?;
    Ok(shape(&model))
}

fn shape(model: &Model) -> Shape {
    Shape {
        hidden: model.hidden,
        heads: model.heads,
        kv_heads: model.kv_heads,
        ffn: model.ffn_width,
        activation: match model.activation {
            memwall_models::Activation::Relu => Activation::Relu,
            memwall_models::Activation::Gelu => Activation::Gelu,
            memwall_models::Activation::Silu => Activation::Swish,
        },
        gated: model.gated,
        vocabulary: model.vocab,
        max_tokens: model.max_positions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_layer() {
        let layer = read_layer("prefill OPT-125M layer batch=1 seq=512").unwrap();
        assert_eq!(layer.shape, OPT_125M);
        let whole = Sequence {
            tokens: 512,
            cached: 0,
        };
        assert_eq!((layer.sequence, layer.batch), (whole, 1));
        let layer = read_layer("decode d=4096 heads=32 batch=64 seq=1024").unwrap();
        assert_eq!((layer.shape.ffn, layer.shape.kv_heads), (16_384, 32));
        let step = Sequence {
            tokens: 1,
            cached: 1023,
        };
        assert_eq!((layer.sequence, layer.batch), (step, 64));
        let shape = read_layer("decode OPT-6.7B-shape layer batch=64 seq=1024")
            .unwrap()
            .shape;
        assert_eq!((shape.hidden, shape.ffn, shape.heads), (4096, 16_384, 32));
        let shape = read_layer("prefill llama-3.1-8b seq=8").unwrap().shape;
        assert!(shape.gated && shape.kv_heads == 8);
    }

    #[test]
    fn words_that_are_none() {
        for (words, why, nearest) in [
            ("prefill OPT-126M seq=5", "opt-126m", None),
            ("prefill llama-2-7c seq=5", "no model", Some("llama-2-7b")),
            ("train OPT-125M seq=5", "train", None),
            ("decod OPT-125M seq=5", "decod", Some("decode")),
            ("decode OPT-125M", "seq=", None),
            ("decode batch=3 seq=4", "model", None),
            ("decode OPT-125M seq=0", "seq=0", None),
            ("decode OPT-125M seq=4 bach=3", "bach", Some("batch")),
            ("decode OPT-125M seq=4 batch=100000", "65536", None),
        ] {
            let fault = read_layer(words).unwrap_err();
            assert!(fault.rule.contains(why), "{fault:?}");
            if nearest.is_some() {
                assert_eq!(fault.nearest.as_deref(), nearest);
            }
        }
    }
}

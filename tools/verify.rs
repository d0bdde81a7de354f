//! `memwall verify`: a small decoder on a machine, executed on values beside the reference.

use crate::cli::verify::{Kept, VerifyArguments};
use crate::diagnostics::Failure;
use crate::embedded::{is_path, machine, settings};
use crate::output;
use memwall_models::reference::{
    CheckpointError, Precision, Recipe, Reference, Tensors, Weights, greedy,
    parse as parse_tensors, read, synthetic,
};
use memwall_models::{Dtype, spelling};
use memwall_reports::table;
use memwall_sim::machine::{Device, Machine};
use memwall_sim::numerics::{
    Chance, Executed, Fault, NumericsError, OperatorCheck, StepCheck, Tolerance,
};
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::verify::{OperatorRecord, VerifyRecord};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::fmt::Write;
use std::path::Path;

/// Parameters of a model at most: a run multiplies each of them for every token, twice.
const MOST_PARAMETERS: u64 = 100_000_000;
/// Tokens of all sequences at most.
const MOST_TOKENS: u64 = 1 << 14;

pub(crate) fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let fault = match arguments.inject.as_deref() {
        Some("list") => return output::print(&faults()),
        Some(text) => Some(parse(text)?),
        None => None,
    };
    let machine = machine(&arguments.hw, &settings(&arguments.settings)?)?;
    let reference = reference(arguments)?;
    let mut chance = Chance::none();
    let mut injected = None;
    let mut record = run(arguments, &machine, &reference, &mut chance)?;
    if let Some((fault, place)) = fault {
        let places = chance.places(fault);
        if places == 0 {
            return Err(Failure::input(format!(
                "--inject {}: machine '{}' has no place for it",
                fault.name(),
                machine.name
            )));
        }
        let place = match place {
            Some(place) if place < places => place,
            Some(place) => {
                return Err(Failure::input(format!(
                    "--inject {}:{place}: this run has {places} places, from 0",
                    fault.name()
                )));
            }
            None => Pcg64::seed_from_u64(arguments.seed).random_range(0..places),
        };
        chance = Chance::at(fault, place);
        record = run(arguments, &machine, &reference, &mut chance)?;
        injected = Some(format!("{}, place {place} of {places}", fault.name()));
    }
    record.injected = injected;
    if arguments.json {
        output::print_json(&record)?;
    } else {
        output::print(&table::verify(&record))?;
        output::print(&table::verify_summary(&record))?;
    }
    match (&record.fault, &record.injected) {
        (Some(fault), _) => Err(Failure::Check(format!("{fault}\n"))),
        (None, Some(injected)) => Err(Failure::Check(format!("not found: {injected}\n"))),
        (None, None) => Ok(()),
    }
}

/// The defects, a line each.
fn faults() -> String {
    let mut text = String::new();
    for (name, _, does) in Fault::ALL {
        let _ = writeln!(text, "{name:<18} {does}");
    }
    text
}

fn parse(text: &str) -> Result<(Fault, Option<u64>), Failure> {
    let (name, place) = match text.split_once(':') {
        Some((name, place)) => {
            let number = place.parse().map_err(|_| {
                Failure::input(format!(
                    "--inject {text}: '{place}' is no number of a place"
                ))
            })?;
            (name, Some(number))
        }
        None => (text, None),
    };
    let known = Fault::ALL.iter().find(|(known, ..)| *known == name);
    if let Some((_, fault, _)) = known {
        return Ok((*fault, place));
    }
    let names = Fault::ALL.iter().map(|(name, ..)| *name);
    Err(Failure::misspelt(
        format!("--inject {text}: no defect has this name; `--inject list` names them"),
        spelling::nearest(name, names),
    ))
}

/// Their names.
const TOYS: [&str; 4] = ["llama", "mixtral", "opt", "gpt2"];

/// The decoders that need no file: 4 layers, 256 wide, of one family each.
fn toy(family: &str) -> Option<&'static str> {
    Some(match family {
        "llama" => {
            r#"{ "model_type": "llama", "hidden_size": 256, "intermediate_size": 688,
            "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2,
            "hidden_act": "silu", "max_position_embeddings": 16384, "rms_norm_eps": 1e-5,
            "vocab_size": 512, "torch_dtype": "float16" }"#
        }
        "mixtral" => {
            r#"{ "model_type": "mixtral", "hidden_size": 256, "intermediate_size": 344,
            "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2,
            "num_local_experts": 8, "num_experts_per_tok": 2,
            "hidden_act": "silu", "max_position_embeddings": 16384, "rms_norm_eps": 1e-5,
            "vocab_size": 512, "torch_dtype": "float16" }"#
        }
        "opt" => {
            r#"{ "model_type": "opt", "hidden_size": 256, "ffn_dim": 1024,
            "num_hidden_layers": 4, "num_attention_heads": 8, "activation_function": "relu",
            "max_position_embeddings": 16384, "vocab_size": 512, "torch_dtype": "float16" }"#
        }
        "gpt2" => {
            r#"{ "model_type": "gpt2", "n_embd": 256, "n_layer": 4, "n_head": 8,
            "n_positions": 16384, "activation_function": "gelu_new",
            "layer_norm_epsilon": 1e-5, "vocab_size": 512, "torch_dtype": "float16" }"#
        }
        _ => return None,
    })
}

fn reference(arguments: &VerifyArguments) -> Result<Reference<f32>, Failure> {
    let name = &arguments.model;
    let precision = match arguments.dtype {
        Kept::Fp32 => Precision::default(),
        Kept::Fp16 => Precision::uniform(Dtype::F16),
        Kept::Bf16 => Precision::uniform(Dtype::Bf16),
    };
    let recipe = if is_path(name, ".json") {
        let text = std::fs::read_to_string(name)
            .map_err(|error| Failure::input(format!("--model {name}: {error}")))?;
        Recipe::from_json(name, &text)?
    } else if let Some(text) = toy(name) {
        Recipe::from_json(name, text)?
    } else {
        return Err(Failure::misspelt(
            format!(
                "--model {name}: there are {}, and config.json files",
                TOYS.join(", ")
            ),
            spelling::nearest(name, TOYS),
        ));
    };
    let parameters = recipe.model.parameters().total();
    if parameters > MOST_PARAMETERS {
        return Err(Failure::input(format!(
            "--model {name}: {parameters} parameters, at most {MOST_PARAMETERS} are executed; \
             fewer layers or a narrower model check the same schedules"
        )));
    }
    let all = (arguments.context.saturating_add(arguments.decode)).saturating_mul(arguments.batch);
    if all > MOST_TOKENS {
        return Err(Failure::input(format!(
            "--batch, --context and --decode: {all} tokens, at most {MOST_TOKENS} are executed"
        )));
    }
    let (origin, tensors) = match &arguments.weights {
        Some(path) => (path.display().to_string(), tensors(path)?),
        None => (name.clone(), synthetic(&recipe.model, arguments.seed)),
    };
    let weights = Weights::new(&recipe, &origin, &tensors, precision.weights)
        .map_err(|error| weights(&error))?;
    Ok(Reference {
        recipe,
        weights,
        precision,
    })
}

/// The tensors of a file, or of a checkpoint's folder.
fn tensors(path: &Path) -> Result<Tensors, Failure> {
    if path.is_dir() {
        return read(|name| std::fs::read(path.join(name))).map_err(|error| weights(&error));
    }
    let name = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::input(format!("--weights {name}: {error}")))?;
    parse_tensors(&name, &bytes).map_err(|error| weights(&error))
}

fn weights(error: &CheckpointError) -> Failure {
    Failure::input(format!("--weights: {error}"))
}

fn numerics(error: NumericsError) -> Failure {
    match error {
        NumericsError::Machine(error) => error.into(),
        other => Failure::input(other.to_string()),
    }
}

fn run(
    arguments: &VerifyArguments,
    machine: &Machine,
    reference: &Reference<f32>,
    chance: &mut Chance,
) -> Result<VerifyRecord, Failure> {
    let tolerance = Tolerance {
        share: match arguments.dtype {
            Kept::Fp32 => 1e-4,
            Kept::Fp16 => 2e-2,
            Kept::Bf16 => 0.16,
        },
    };
    let model = &reference.recipe.model;
    let mut record = VerifyRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine.name.clone(),
        model: model.name.clone(),
        dtype: format!("{:?}", arguments.dtype).to_lowercase(),
        batch: (arguments.batch, arguments.context, arguments.decode),
        seed: arguments.seed,
        tolerance: tolerance.share,
        operators: Vec::new(),
        tokens: (0, 0),
        logits_max_abs: 0.0,
        injected: None,
        fault: None,
    };
    let sequences = arguments.batch as usize;
    let mut executed = Executed::new(machine, reference, sequences, tolerance).map_err(numerics)?;
    let mut random = Pcg64::seed_from_u64(arguments.seed);
    let mut tokens: Vec<Vec<u32>> = (0..sequences)
        .map(|_| {
            let all = 0..arguments.context;
            all.map(|_| random.random_range(0..model.vocab as u32))
                .collect()
        })
        .collect();
    for _ in 0..=arguments.decode {
        let batch: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
        let check = executed.step(&batch, chance).map_err(numerics)?;
        // What is decoded next is the reference's choice, so that one difference stays one.
        tokens = count(&mut record, machine, reference, &check);
        if record.fault.is_some() {
            break;
        }
    }
    Ok(record)
}

/// Adds a step to the record; returns the tokens that the reference chooses.
fn count(
    record: &mut VerifyRecord,
    machine: &Machine,
    reference: &Reference<f32>,
    check: &StepCheck,
) -> Vec<Vec<u32>> {
    let element = reference.recipe.model.dtype.bytes();
    let burst = match &machine.device {
        Device::Npu(device) => device.memory.burst_bytes(),
        Device::Gpu(_) => 1,
    };
    for operator in &check.operators {
        let known = record
            .operators
            .iter()
            .position(|known| known.name == operator.name);
        let index = known.unwrap_or_else(|| {
            record.operators.push(OperatorRecord {
                name: operator.name.to_owned(),
                ..OperatorRecord::default()
            });
            record.operators.len() - 1
        });
        let Some(own) = record.operators.get_mut(index) else {
            continue;
        };
        let (difference, touched) = (&operator.difference, operator.touched);
        own.runs += 1;
        own.elements += difference.elements;
        own.max_abs = own.max_abs.max(difference.max_abs);
        own.max_rel = own.max_rel.max(difference.max_rel);
        for (bin, found) in own.ulp.iter_mut().zip(difference.ulp) {
            *bin += found;
        }
        own.touched_bytes += element * (touched.weights + touched.kv_read + touched.kv_written);
        own.moved_bytes += operator.moved.commanded;
    }
    let mut next = Vec::new();
    for (got, expected) in check.logits.rows().into_iter().zip(check.expected.rows()) {
        let token = greedy(expected);
        record.tokens.0 += u64::from(greedy(got) == token);
        record.tokens.1 += 1;
        for (got, expected) in got.iter().zip(expected) {
            let apart = (f64::from(*got) - f64::from(*expected)).abs();
            record.logits_max_abs = record.logits_max_abs.max(apart);
        }
        next.push(vec![token as u32]);
    }
    let wrong = check.first_wrong().and_then(OperatorCheck::fault);
    record.fault = wrong.or_else(|| check.bytes_differ(element, burst));
    next
}

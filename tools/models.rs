//! `memwall models`: sizes of models, and the operators of a step.

use crate::cli::{ModelsArguments, ModelsCommand};
use crate::diagnostics::Failure;
use crate::output;
use crate::workload::named_model;
use memwall_models::graph::topological_order;
use memwall_models::{Model, Operator, Sequence, StepGraph, registry};
use memwall_reports::figures::count;
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Shown<'a> {
    model: &'a Model,
    parameters: u64,
    active_parameters: u64,
    weight_bytes: u64,
    kv_bytes_per_token: u64,
    tensor_parallel: u64,
    prologue: Vec<&'a Operator>,
    layers: Vec<ShownLayers<'a>>,
    epilogue: Vec<&'a Operator>,
}

#[derive(Serialize)]
struct ShownLayers<'a> {
    count: u64,
    operators: Vec<&'a Operator>,
}

pub(crate) fn models(arguments: &ModelsArguments) -> Result<(), Failure> {
    match &arguments.command {
        ModelsCommand::List { json } => list(*json),
        ModelsCommand::Show {
            model,
            tp,
            batch,
            context,
            json,
        } => show(&named_model(model)?, *tp, *batch, *context, *json),
    }
}

fn list(json: bool) -> Result<(), Failure> {
    let models = registry::names()
        .map(registry::get)
        .collect::<Result<Vec<Model>, _>>()?;
    if json {
        return output::print_json(&models);
    }
    let mut text = format!(
        "{:<26} {:>12} {:>7} {:>7} {:>9} {:>13}\n",
        "model", "parameters", "layers", "hidden", "KV heads", "KV B/token"
    );
    for model in models {
        let _ = writeln!(
            text,
            "{:<26} {:>10.3} B {:>7} {:>7} {:>9} {:>13}",
            model.name,
            model.parameters().total() as f64 / 1e9,
            model.layers,
            model.hidden,
            model.kv_heads,
            count(model.kv_bytes_per_token())
        );
    }
    output::print(&text)
}

fn show(model: &Model, degree: u64, batch: u64, context: u64, json: bool) -> Result<(), Failure> {
    if batch > 1 << 20 {
        return Err(Failure::input(format!(
            "--batch {batch}: at most {}",
            1 << 20
        )));
    }
    let sequence = Sequence {
        new_tokens: 1,
        context,
    };
    let graph = StepGraph::build(model, degree, &vec![sequence; batch as usize])?;
    let ordered = |part| -> Result<Vec<&Operator>, Failure> {
        let order = topological_order(part)?;
        Ok(order.into_iter().map(|node| &part[node]).collect())
    };
    let shown = Shown {
        model,
        parameters: model.parameters().total(),
        active_parameters: model.active_parameters(),
        weight_bytes: model.weight_bytes(),
        kv_bytes_per_token: model.kv_bytes_per_token(),
        tensor_parallel: degree,
        prologue: ordered(&graph.prologue)?,
        layers: graph
            .layers
            .iter()
            .map(|part| {
                Ok(ShownLayers {
                    count: part.count,
                    operators: ordered(&part.graph)?,
                })
            })
            .collect::<Result<_, Failure>>()?,
        epilogue: ordered(&graph.epilogue)?,
    };
    if json {
        return output::print_json(&shown);
    }
    let active = match model.experts {
        Some(experts) => format!(
            " ({} active: {} of {} experts)",
            count(shown.active_parameters),
            experts.per_token,
            experts.count
        ),
        None => String::new(),
    };
    let mut text = format!(
        "{} ({}): {} parameters{active}, {} bytes of weights, {} bytes of KV a token\n\n",
        model.name,
        model.architecture.name(),
        count(shown.parameters),
        count(shown.weight_bytes),
        count(shown.kv_bytes_per_token)
    );
    let _ = writeln!(
        text,
        "one decode step, {batch} requests of {context} tokens, a device of {degree}:\n\n\
         {:<22} {:>8} {:>8} {:>8} {:>16} {:>16} {:>14} {:>14}",
        "operator", "M", "K", "N", "weight B", "activation B", "KV read B", "KV written B"
    );
    let mut parts = vec![(&shown.prologue, 1)];
    parts.extend(
        shown
            .layers
            .iter()
            .map(|part| (&part.operators, part.count)),
    );
    parts.push((&shown.epilogue, 1));
    for (part, times) in parts {
        if times > 1 {
            let _ = writeln!(text, "each of {times} layers:");
        }
        for operator in part {
            push_operator(&mut text, operator);
        }
    }
    output::print(&text)
}

fn push_operator(text: &mut String, operator: &Operator) {
    let size = |index: usize| {
        let mkn = operator.mkn().map(|(m, k, n)| [m, k, n][index]);
        mkn.map_or_else(|| "-".to_owned(), count)
    };
    let bytes = &operator.bytes;
    let _ = writeln!(
        text,
        "{:<22} {:>8} {:>8} {:>8} {:>16} {:>16} {:>14} {:>14}",
        operator.name,
        size(0),
        size(1),
        size(2),
        count(bytes.weights),
        count(bytes.input + bytes.output),
        count(bytes.kv_read),
        count(bytes.kv_written)
    );
}

//! The operators of a mixture's experts, cut into those of one expert after another: an expert's
//! weights are of use to its own tokens alone, so its second product follows its first.

use memwall_models::{ExpertLoad, Operator, OperatorKind, Shape, TensorBytes};

/// Expert by expert, in the order of their rows, the operators of each.
pub(super) fn each(operators: &[&Operator]) -> Vec<(usize, Vec<Operator>)> {
    let own = operators.iter().filter(|operator| is_expert(operator));
    let own: Vec<&Operator> = own.copied().collect();
    let loads = operators.iter().find_map(|operator| match &operator.shape {
        Shape::Experts { loads, .. } => Some(loads.as_slice()),
        _ => None,
    });
    let all = loads.unwrap_or_default().iter();
    all.map(|load| {
        let parts = own.iter().map(|operator| part(operator, *load));
        (load.expert, parts.collect())
    })
    .collect()
}

/// Whether an operator is run expert by expert: the products, and the function between them.
pub(super) fn is_expert(operator: &Operator) -> bool {
    matches!(
        operator.kind,
        OperatorKind::ExpertUp | OperatorKind::ExpertDown | OperatorKind::Activation
    )
}

/// Whether a step has experts.
pub(super) fn are_there(operators: &[&Operator]) -> bool {
    let found = |operator: &&Operator| matches!(operator.shape, Shape::Experts { .. });
    operators.iter().any(found)
}

/// What one expert does of an operator.
fn part(operator: &Operator, load: ExpertLoad) -> Operator {
    let m = load.tokens;
    let (shape, rows, weights) = match &operator.shape {
        &Shape::Experts { ref loads, k, n } => {
            let rows = loads.iter().map(|load| load.tokens).sum();
            let weights = operator.bytes.weights / loads.len().max(1) as u64;
            (Shape::Gemm { m, k, n }, rows, weights)
        }
        &Shape::Rows { rows, width } => (Shape::Rows { rows: m, width }, rows, 0),
        other => (other.clone(), m, operator.bytes.weights),
    };
    // All rows are alike, so the division leaves nothing.
    let share = |bytes: u64| bytes / u64::max(rows, 1) * m;
    let bytes = TensorBytes {
        weights,
        input: share(operator.bytes.input),
        output: share(operator.bytes.output),
        ..TensorBytes::default()
    };
    Operator {
        shape,
        bytes,
        ..operator.clone()
    }
}

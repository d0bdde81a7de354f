//! The bundled samples are sound, and have the shape of what they were drawn from.

use memwall_traces::{InFlight, Request, samples};

use super::support::{Rows, drain};

fn sample(name: &str) -> Rows {
    drain(samples::open_sample(name).unwrap()).1.unwrap()
}

fn requests() -> Vec<Request> {
    match sample("azure-like-arrivals") {
        Rows::Arrivals(requests) => requests,
        Rows::Batch(_) | Rows::Memory(_) => panic!("a batch"),
    }
}

fn batch() -> Vec<InFlight> {
    match sample("sharegpt-like-batch.csv") {
        Rows::Batch(rows) => rows,
        Rows::Arrivals(_) | Rows::Memory(_) => panic!("arrivals"),
    }
}

/// Holds the share of `values` up to a quantile against its probability. Four standard deviations
/// of the binomial distribution are allowed: chance crosses them once in 16 000 samples.
fn check_quantile(what: &str, values: &[f64], share: f64, quantile: f64) {
    let rows = values.len() as f64;
    let below = values.iter().filter(|value| **value <= quantile).count() as f64 / rows;
    let allowed = 4.0 * (share * (1.0 - share) / rows).sqrt();
    assert!(
        (below - share).abs() < allowed,
        "{what}: {below} of the rows are up to {quantile}, not {share}"
    );
}

/// Median and 90th percentile of `azure2023_conv`, from the trace itself.
#[test]
fn arrivals_follow_the_conversation_trace() {
    let requests = requests();
    assert_eq!(requests.len(), 1000);
    let input: Vec<f64> = requests.iter().map(|row| row.input_tokens as f64).collect();
    let output: Vec<f64> = requests
        .iter()
        .map(|row| row.output_tokens as f64)
        .collect();
    let seconds = |pair: &[Request]| (pair[1].arrival_ns - pair[0].arrival_ns) as f64 * 1e-9;
    let gaps: Vec<f64> = requests.windows(2).map(seconds).collect();
    for (what, values, median, p90) in [
        ("input", &input, 1020.0, 2734.5),
        ("output", &output, 129.0, 424.0),
        ("gap", &gaps, 0.1184, 0.4207),
    ] {
        check_quantile(what, values, 0.5, median);
        check_quantile(what, values, 0.9, p90);
    }
}

/// Mean, median and 90th percentile of the context of a request in flight, worked out apart from
/// the generator by 400 000 weighted draws from the quantile tables of ShareGPT. The mean also
/// follows by hand: the mean input 73.6 plus half the length-biased mean output,
/// (294.7 + 215.4^2 / 294.7) / 2 = 226, gives 300.
#[test]
fn contexts_are_those_of_requests_in_flight() {
    let contexts: Vec<f64> = batch()
        .iter()
        .map(|row| row.context_tokens as f64)
        .collect();
    assert_eq!(contexts.len(), 256);
    check_quantile("context", &contexts, 0.5, 221.0);
    check_quantile("context", &contexts, 0.9, 633.0);
    let mean = contexts.iter().sum::<f64>() / 256.0;
    // Standard deviation 307, so 19 for the mean of 256.
    assert!((mean - 305.0).abs() < 4.0 * 19.0, "mean {mean}");
}

#[test]
fn batch_is_sorted_and_balanced() {
    let rows = batch();
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.context_tokens)));
    assert!(
        rows.iter()
            .all(|row| (1..=2047).contains(&row.context_tokens))
    );
    let mut loads = [0; 32];
    for row in &rows {
        let least = loads.iter().min().unwrap();
        assert_eq!(loads[row.channel as usize], *least, "line {}", row.line);
        loads[row.channel as usize] += row.context_tokens;
    }
}

#[test]
fn every_name_opens() {
    assert_eq!(
        samples::names().collect::<Vec<_>>(),
        ["azure-like-arrivals", "sharegpt-like-batch"]
    );
    assert!(samples::names().all(|name| samples::open_sample(name).is_ok()));
}

//! The plot of `compare`: how fast, how much, and why.

use super::axes::{EDGE, Frame, LABEL, TITLE};
use super::bars::{Bars, Labels, names_fit};
use super::palette::{FAINT_INK, INK};
use super::pen::{Canvas, Drawing, Drawn, HEIGHT, Pen, Type, WIDTH, fit, width};
use super::shares::{Shares, shares};
use crate::figures::{count, figure, ratio};
use memwall_sim::record::{IterationRecord, Record};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};

/// What the plot shows, read once for both files.
#[derive(Debug)]
pub(super) struct Comparison {
    title: String,
    subtitle: String,
    names: Vec<String>,
    latency: Bars,
    throughput: Bars,
    shares: Vec<Shares>,
}

impl Comparison {
    /// Reads the records; the first is the baseline.
    pub(super) fn new(records: &[(&Record, &IterationRecord)]) -> Self {
        let iterations = || records.iter().map(|(_, iteration)| *iteration);
        let names: Vec<String> = records
            .iter()
            .map(|(record, _)| record.machine.name.clone())
            .collect();
        let milliseconds: Vec<f64> = iterations().map(|shown| shown.iteration_ms).collect();
        let rates: Vec<f64> = iterations()
            .map(|shown| shown.throughput_tok_per_s)
            .collect();
        let baseline = rates.first().copied().unwrap_or_default();
        let first = names.first().map_or("", String::as_str);
        let plain = |values: &[f64]| Labels {
            note: String::new(),
            texts: values.iter().map(|value| figure(*value)).collect(),
        };
        let with_ratio = Labels {
            note: format!("; ratio to {first}"),
            texts: rates
                .iter()
                .map(|rate| format!("{} ({})", figure(*rate), ratio(*rate, baseline)))
                .collect(),
        };
        let mut labels = vec![plain(&rates)];
        // A machine alone has nothing to be compared with.
        if rates.len() > 1 {
            labels.insert(0, with_ratio);
        }
        Self {
            title: format!(
                "{}, tensor parallel {}, batch {}",
                each(records, |record| record.model.name.clone()),
                each(records, |record| record.tensor_parallel.to_string()),
                each(records, |record| count(record.workload.requests)),
            ),
            subtitle: format!(
                "One iteration of a batch in flight, sample {}",
                each(records, |record| record.workload.source.clone()),
            ),
            latency: Bars {
                caption: "Iteration latency (ms), lower is better".to_owned(),
                labels: vec![plain(&milliseconds)],
                values: milliseconds,
            },
            throughput: Bars {
                caption: "Throughput (tok/s), higher is better".to_owned(),
                labels,
                values: rates,
            },
            shares: iterations().map(Shares::new).collect(),
            names,
        }
    }
}

/// What all records have in common, or each of the different values once, in order.
fn each(records: &[(&Record, &IterationRecord)], value: impl Fn(&Record) -> String) -> String {
    let mut values: Vec<String> = Vec::new();
    for (record, _) in records {
        let value = value(record);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values.join(" / ")
}

impl Drawing for Comparison {
    fn draw<DB: DrawingBackend>(&self, root: &Canvas<DB>, pen: Pen) -> Drawn<DB> {
        heading(root, pen, &self.title, &self.subtitle)?;
        let right = WIDTH - EDGE;
        let latency = Frame {
            left: 88,
            right: 580,
            top: 92,
            bottom: 448,
        };
        let throughput = Frame {
            left: 676,
            right,
            ..latency
        };
        // Names too long for their bars are replaced by numbers, explained below.
        let numbers: Vec<String> = (1..=self.names.len()).map(|n| n.to_string()).collect();
        let numbered = self.names.iter().zip(&numbers);
        let numbered: Vec<String> = numbered.map(|(name, n)| format!("{name} ({n})")).collect();
        let (under, beside) = if names_fit(latency, &self.names) {
            (&self.names, &self.names)
        } else {
            (&numbers, &numbered)
        };
        let longest = beside.iter().map(|name| width(name, LABEL)).max();
        let shown = Frame {
            left: (EDGE + 16 + longest.unwrap_or(0)).clamp(88, 300),
            right,
            top: 506,
            bottom: HEIGHT - 48,
        };
        self.latency.draw(root, pen, latency, under)?;
        self.throughput.draw(root, pen, throughput, under)?;
        shares(root, pen, shown, &self.shares, beside)
    }
}

/// Writes the two lines at the top of a sheet.
pub(super) fn heading<DB: DrawingBackend>(
    root: &Canvas<DB>,
    pen: Pen,
    title: &str,
    subtitle: &str,
) -> Drawn<DB> {
    let room = WIDTH - 2 * EDGE;
    for (text, size, colour, y) in [(title, TITLE, INK, 36), (subtitle, LABEL, FAINT_INK, 66)] {
        let set = Type {
            size,
            colour,
            anchor: (HPos::Left, VPos::Center),
        };
        pen.text(root, &fit(text, size, room), (pen.px(EDGE), pen.px(y)), set)?;
    }
    Ok(())
}

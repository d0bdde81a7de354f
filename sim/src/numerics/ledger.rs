//! Bytes that a machine touched against those that the reference touched: two counts without a line
//! in common, one of elements at addresses and in banks, the other of arrays behind gates.

use super::machine::StepCheck;
use super::report::{OperatorCheck, Touched};
use std::collections::BTreeMap;

impl StepCheck {
    /// The first operator, layer and class of which machine and reference touched different bytes, or
    /// whose requests are not the bursts that the channels moved. Of activations all cross the pins, or
    /// none does; keys and values are compared layer by layer, whatever unit attends.
    pub fn bytes_differ(&self, element: u64, burst: u64) -> Option<String> {
        let mut all: BTreeMap<_, Touched> = BTreeMap::new();
        let mut read = 0;
        for operator in &self.operators {
            let at = |what: String| Some(format!("{}: {what}", title(operator)));
            let touched = operator.touched;
            for (name, used, crossed) in [
                ("activations", touched.input, touched.crossed[0]),
                ("outputs", touched.output, touched.crossed[1]),
            ] {
                if crossed != 0 && crossed != used {
                    return at(format!("{crossed} of {used} {name} crossed the pins"));
                }
            }
            let (asked, moved) = (operator.moved.bursts() * burst, operator.moved.commanded);
            if asked != moved {
                return at(format!(
                    "{asked} bytes asked for in bursts, {moved} moved by commands"
                ));
            }
            let sum = all.entry((operator.layer, operator.name)).or_default();
            *sum = sum.plus(touched);
            read += touched.kv_read * element;
        }
        for (&(layer, name), touched) in &all {
            let expected = self.ledger.bytes(layer, name);
            let product = touched.weights > 0;
            let differs = [
                (product, "weights", touched.weights, expected.weights),
                (product, "activations", touched.input, expected.input),
                (product, "outputs", touched.output, expected.output),
                (
                    name == "kv_append",
                    "keys and values",
                    touched.kv_written,
                    expected.kv_written,
                ),
            ]
            .into_iter()
            .find(|(applies, _, found, all)| *applies && found * element != *all);
            if let Some((_, class, found, expected)) = differs {
                let found = found * element;
                let place = of_layer(layer, name);
                return Some(format!(
                    "{place}: {class}: {found} bytes touched, reference {expected}"
                ));
            }
        }
        let expected = self.ledger.total().kv_read;
        (read != expected).then(|| {
            format!("attention: {read} bytes of keys and values multiplied, reference {expected}")
        })
    }
}

fn of_layer(layer: Option<usize>, name: &str) -> String {
    match layer {
        Some(layer) => format!("layer {layer}, {name}"),
        None => name.to_owned(),
    }
}

/// Layer and name of an operator.
fn title(operator: &OperatorCheck) -> String {
    let title = of_layer(operator.layer, operator.name);
    match operator.expert {
        Some(expert) => format!("{title} of expert {expert}"),
        None => title,
    }
}

impl OperatorCheck {
    /// What is wrong with it, and where, in a sentence; `None` if nothing is.
    pub fn fault(&self) -> Option<String> {
        if let Some(broken) = &self.broken {
            return Some(format!("{}: {broken}", title(self)));
        }
        let wrong = self.difference.wrong.as_ref()?;
        let place = self
            .place
            .as_deref()
            .map_or(String::new(), |place| format!("{place}, "));
        let (row, column) = wrong.index;
        let sequence = match self.expert {
            Some(_) => String::new(),
            None => format!("sequence {}, ", wrong.sequence),
        };
        Some(format!(
            "{}: {place}{sequence}element [{row}, {column}]: expected {:e}, got {:e}",
            title(self),
            wrong.expected,
            wrong.got
        ))
    }
}

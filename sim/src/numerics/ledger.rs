//! Bytes that a machine touched against those that the reference touched: two counts without a line
//! in common, one of elements at addresses and in banks, the other of arrays behind gates.

use super::machine::StepCheck;
use super::report::OperatorCheck;
use memwall_models::TensorBytes;

impl StepCheck {
    /// The first operator, layer and class of which machine and reference touched different bytes, or
    /// whose requests are not the bursts that the channels moved. Activations that stay on chip are
    /// not touched in memory; keys and values are compared layer by layer, whatever unit attends.
    pub fn bytes_differ(&self, element: u64, burst: u64) -> Option<String> {
        let mut read = 0;
        for operator in &self.operators {
            let at = |what: String| Some(format!("{}: {what}", title(operator)));
            let expected = self.ledger.bytes(operator.layer, operator.name);
            let touched = operator.touched;
            let same = |name: &str, found: u64, all: u64, may_stay: bool| {
                let found = found * element;
                let agrees = found == all || (may_stay && found == 0);
                (!agrees).then(|| format!("{name}: {found} bytes touched, reference {all}"))
            };
            let product = touched.weights > 0;
            let TensorBytes {
                weights,
                input,
                output,
                kv_written,
                ..
            } = expected;
            let differs = [
                (product, "weights", touched.weights, weights, false),
                (product, "activations", touched.input, input, true),
                (product, "outputs", touched.output, output, true),
                (
                    operator.name == "kv_append",
                    "keys and values",
                    touched.kv_written,
                    kv_written,
                    false,
                ),
            ]
            .into_iter()
            .filter(|(applies, ..)| *applies)
            .find_map(|(_, name, found, all, may_stay)| same(name, found, all, may_stay));
            if let Some(differs) = differs {
                return at(differs);
            }
            let (asked, moved) = (operator.moved.bursts() * burst, operator.moved.commanded);
            if asked != moved {
                return at(format!(
                    "{asked} bytes asked for in bursts, {moved} moved by commands"
                ));
            }
            read += touched.kv_read * element;
        }
        let expected = self.ledger.total().kv_read;
        (read != expected).then(|| {
            format!("attention: {read} bytes of keys and values multiplied, reference {expected}")
        })
    }
}

/// Layer and name of an operator.
pub(super) fn title(operator: &OperatorCheck) -> String {
    match operator.layer {
        Some(layer) => format!("layer {layer}, {}", operator.name),
        None => operator.name.to_owned(),
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
        Some(format!(
            "{}: {place}sequence {}, element [{row}, {column}]: expected {:e}, got {:e}",
            title(self),
            wrong.sequence,
            wrong.expected,
            wrong.got
        ))
    }
}

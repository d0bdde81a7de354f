//! What an execution found, operator by operator.

use super::difference::Difference;
use crate::exec::watch::Class;
use std::collections::BTreeMap;

/// Elements of each tensor class that an operator's loads, stores and multiplications touched, each
/// counted once however often it was. Counted at addresses and in banks, not by a formula of sizes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Touched {
    /// Weights and bias.
    pub weights: u64,
    /// Activations multiplied.
    pub input: u64,
    /// Activations made.
    pub output: u64,
    /// Of those, activations that came from memory, and that went there: all, or none where they
    /// stay on chip.
    pub crossed: [u64; 2],
    /// Keys and values multiplied.
    pub kv_read: u64,
    /// Keys and values written.
    pub kv_written: u64,
}

/// Bytes on the pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes asked for, and bursts, by class.
    pub asked: BTreeMap<Class, (u64, u64)>,
    /// Bytes of the bursts that the channels' commands moved.
    pub commanded: u64,
    /// Elements of keys and values handed over.
    pub(super) appended: u64,
}

impl Touched {
    pub(super) fn plus(self, other: Touched) -> Touched {
        Touched {
            weights: self.weights + other.weights,
            input: self.input + other.input,
            output: self.output + other.output,
            crossed: [0, 1].map(|way| self.crossed[way] + other.crossed[way]),
            kv_read: self.kv_read + other.kv_read,
            kv_written: self.kv_written + other.kv_written,
        }
    }
}

impl Moved {
    pub(super) fn add(&mut self, class: Class, bytes: u64, bursts: u64) {
        let own = self.asked.entry(class).or_default();
        own.0 += bytes;
        own.1 += bursts;
    }

    /// Bytes asked for of a class.
    pub fn of(&self, class: Class) -> u64 {
        self.asked.get(&class).map_or(0, |asked| asked.0)
    }

    /// Bursts of all classes.
    pub fn bursts(&self) -> u64 {
        self.asked.values().map(|asked| asked.1).sum()
    }
}

/// An operator as the machine ran it, beside the reference.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorCheck {
    /// Layer, for operators of the layers.
    pub layer: Option<usize>,
    /// Name.
    pub name: &'static str,
    /// Expert, for operators that each expert runs for itself.
    pub expert: Option<usize>,
    /// Values.
    pub difference: Difference,
    /// Where the first wrong element was made.
    pub place: Option<String>,
    /// What the schedule must not have done.
    pub broken: Option<String>,
    /// Elements touched.
    pub touched: Touched,
    /// Bytes on the pins.
    pub moved: Moved,
}

impl OperatorCheck {
    /// Whether values and schedule are as they should be.
    pub fn passes(&self) -> bool {
        self.difference.wrong.is_none() && self.broken.is_none()
    }
}

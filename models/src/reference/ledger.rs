//! What each operator touched, counted where it took hold of an array.
//!
//! An operator gets its operands through a [`Gate`] and hands its result back through it; the
//! gate adds the length of the very array that passes. No formula of a model's sizes enters,
//! so the counts are a second opinion on those of [`crate::StepGraph`], byte by byte.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView, Dimension};

use super::linear::Linear;
use super::norm::NormWeights;
use super::scalar::Scalar;
use crate::graph::TensorBytes;

/// Where an operator stands: its layer, if it belongs to one, and its name.
pub type Place = (Option<usize>, &'static str);

/// Bytes by operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    element: u64,
    operators: BTreeMap<Place, TensorBytes>,
}

impl Ledger {
    /// An empty ledger for elements of `element` bytes. Quantised weights count as stored.
    #[must_use]
    pub fn new(element: u64) -> Self {
        Self {
            element,
            operators: BTreeMap::new(),
        }
    }

    /// Bytes of one operator; zeros for one that did not run.
    #[must_use]
    pub fn bytes(&self, layer: Option<usize>, operator: &'static str) -> TensorBytes {
        let found = self.operators.get(&(layer, operator));
        found.copied().unwrap_or_default()
    }

    /// Every operator that ran, those outside the layers first, by layer and name.
    pub fn operators(&self) -> impl Iterator<Item = (Place, TensorBytes)> {
        self.operators.iter().map(|(place, bytes)| (*place, *bytes))
    }

    /// All operators together.
    #[must_use]
    pub fn total(&self) -> TensorBytes {
        let none = TensorBytes::default();
        let all = self.operators.values();
        all.fold(none, |sum, bytes| sum.plus(bytes, 1))
    }

    /// The gate of one operator.
    pub fn gate(&mut self, layer: Option<usize>, operator: &'static str) -> Gate<'_> {
        Gate {
            bytes: self.operators.entry((layer, operator)).or_default(),
            element: self.element,
        }
    }
}

/// The boundary of one operator. Each method returns what it was given.
#[derive(Debug)]
pub struct Gate<'a> {
    bytes: &'a mut TensorBytes,
    element: u64,
}

impl Gate<'_> {
    fn length<S, D: Dimension>(&self, array: &ArrayView<'_, S, D>) -> u64 {
        array.len() as u64 * self.element
    }

    /// An activation read.
    pub fn input<'v, S, D: Dimension>(
        &mut self,
        array: ArrayView<'v, S, D>,
    ) -> ArrayView<'v, S, D> {
        self.bytes.input += self.length(&array);
        array
    }

    /// An activation written.
    pub fn output<S>(&mut self, array: Array2<S>) -> Array2<S> {
        self.bytes.output += self.length(&array.view());
        array
    }

    /// Keys or values read from the cache.
    pub fn kv_read<'v, S, D: Dimension>(
        &mut self,
        array: ArrayView<'v, S, D>,
    ) -> ArrayView<'v, S, D> {
        self.bytes.kv_read += self.length(&array);
        array
    }

    /// Keys or values written to the cache.
    pub fn kv_written<'v, S, D: Dimension>(
        &mut self,
        array: ArrayView<'v, S, D>,
    ) -> ArrayView<'v, S, D> {
        self.bytes.kv_written += self.length(&array);
        array
    }

    /// A row of a table, or any other bare weights.
    pub fn weights<'v, S, D: Dimension>(
        &mut self,
        array: ArrayView<'v, S, D>,
    ) -> ArrayView<'v, S, D> {
        self.bytes.weights += self.length(&array);
        array
    }

    /// A matrix and its bias.
    pub fn linear<'v, S: Scalar>(&mut self, linear: &'v Linear<S>) -> &'v Linear<S> {
        self.bytes.weights += linear.stored_bytes(self.element);
        linear
    }

    /// A norm's scale and shift.
    pub fn norm<'v, S: Scalar>(&mut self, norm: &'v NormWeights<S>) -> &'v NormWeights<S> {
        for part in norm.parts() {
            self.weights(part);
        }
        norm
    }
}

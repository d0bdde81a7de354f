//! Products with weights.
//!
//! Matrices lie as `[in, out]` in standard layout, and only the two-dimensional product is
//! used: it adds the channels of a row in one order whatever the number of rows, so a row of a
//! batch equals the same row alone, bit for bit. The product of a one-dimensional array takes
//! another order and is not used anywhere in the reference.

use ndarray::{Array1, Array2, ArrayView2, CowArray, Ix2};

use super::quantised::{Format, Quantised};
use super::scalar::Scalar;
use super::storage::Storage;

/// A weight matrix as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Matrix<S> {
    /// Elements, `[in, out]`.
    Dense(Array2<S>),
    /// Codes that decode to `[in, out]`.
    Quantised(Quantised),
}

impl<S: Scalar> Matrix<S> {
    /// The elements, `[in, out]`.
    #[must_use]
    pub fn decode(&self) -> CowArray<'_, S, Ix2> {
        match self {
            Self::Dense(elements) => elements.into(),
            Self::Quantised(codes) => codes
                .decode()
                .mapv(|element| S::of(f64::from(element)))
                .into(),
        }
    }

    /// Bytes in memory when a dense element takes `element` bytes.
    #[must_use]
    pub fn stored_bytes(&self, element: u64) -> u64 {
        match self {
            Self::Dense(elements) => elements.len() as u64 * element,
            Self::Quantised(codes) => codes.stored_bytes(),
        }
    }
}

/// A matrix and its bias.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear<S> {
    /// `[in, out]`.
    pub matrix: Matrix<S>,
    /// `[out]`.
    pub bias: Option<Array1<S>>,
}

impl<S: Scalar> Linear<S> {
    /// A dense matrix `[in, out]` without bias.
    #[must_use]
    pub fn dense(matrix: Array2<S>) -> Self {
        Self {
            matrix: Matrix::Dense(matrix.as_standard_layout().into_owned()),
            bias: None,
        }
    }

    /// `input`, `[rows, in]`, times the matrix, plus the bias: `[rows, out]`.
    #[must_use]
    pub fn apply(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let output = product(input, self.matrix.decode().view());
        match &self.bias {
            Some(bias) => output + bias,
            None => output,
        }
    }

    /// Bytes in memory when a dense element takes `element` bytes.
    #[must_use]
    pub fn stored_bytes(&self, element: u64) -> u64 {
        let bias = self.bias.as_ref().map_or(0, Array1::len) as u64;
        self.matrix.stored_bytes(element) + bias * element
    }

    /// The same matrix in quantised form; a matrix that already is stays as it is. Biases keep
    /// their elements.
    #[must_use]
    pub fn quantise(self, format: Format) -> Self {
        let matrix = match self.matrix {
            Matrix::Dense(elements) => {
                let elements = elements.mapv(|element| element.wide() as f32);
                Matrix::Quantised(Quantised::encode(&elements, format))
            }
            quantised @ Matrix::Quantised(_) => quantised,
        };
        Self {
            matrix,
            bias: self.bias,
        }
    }

    /// Elements and bias as `storage` keeps them.
    #[must_use]
    pub fn stored(self, storage: Storage) -> Self {
        let matrix = match self.matrix {
            Matrix::Dense(elements) => Matrix::Dense(storage.store(elements)),
            quantised @ Matrix::Quantised(_) => quantised,
        };
        Self {
            matrix,
            bias: self
                .bias
                .map(|bias| bias.mapv(|value| storage.round(value))),
        }
    }
}

/// `[rows, k] x [k, columns]`, in standard layout, with an order of summation that does not
/// depend on the number of rows.
#[must_use]
pub fn product<S: Scalar>(left: ArrayView2<'_, S>, right: ArrayView2<'_, S>) -> Array2<S> {
    left.as_standard_layout().dot(&right.as_standard_layout())
}

//! Rotary positions: pairs of channels turned by an angle that grows with the position.
//!
//! Angles and their sines are taken in `f64` whatever the scalar: at position 100,000 an angle
//! in `f32` is already wrong in its second decimal.

use ndarray::{Array2, ArrayView2};
use std::f64::consts::TAU;

use super::scalar::Scalar;

/// Which two channels of a head form a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pairing {
    /// Channel `i` with `i + head_dim / 2`: the published checkpoints of llama, mistral, qwen2.
    HalfSplit,
    /// Channel `2 i` with `2 i + 1`: the original paper's form, used by DeepSeek's latent
    /// attention.
    Interleaved,
}

/// How frequencies are stretched beyond the length a model was trained for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// Not at all.
    None,
    /// Every frequency divided by the factor (`linear`).
    Linear {
        /// Ratio of the new length to the trained one.
        factor: f64,
    },
    /// Low frequencies divided, high ones kept, a ramp between (`llama3`).
    Llama3 {
        /// Divisor of low frequencies.
        factor: f64,
        /// Wavelengths beyond `original / low` are low frequencies.
        low: f64,
        /// Wavelengths below `original / high` are high frequencies.
        high: f64,
        /// Positions the model was first trained for.
        original: f64,
    },
}

impl Scaling {
    fn apply(self, frequency: f64) -> f64 {
        match self {
            Self::None => frequency,
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 {
                factor,
                low,
                high,
                original,
            } => {
                let turns = original * frequency / TAU;
                // From 0 for low frequencies to 1 for high ones.
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                frequency * (kept + (1.0 - kept) / factor)
            }
        }
    }
}

/// The rotation of one head.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotary {
    /// Radians per position of each pair of channels; `head_dim / 2` of them.
    pub frequencies: Vec<f64>,
    /// Which channels are paired.
    pub pairing: Pairing,
}

impl Rotary {
    /// Frequencies `base^(-2 i / head_dim)`, scaled.
    #[must_use]
    pub fn new(head_dim: usize, base: f64, scaling: Scaling, pairing: Pairing) -> Self {
        let frequency = |pair: usize| base.powf(-((2 * pair) as f64) / head_dim as f64);
        let frequencies = (0..head_dim / 2).map(|pair| scaling.apply(frequency(pair)));
        Self {
            frequencies: frequencies.collect(),
            pairing,
        }
    }

    /// Rotates every head of every row: `input` is `[tokens, heads * head_dim]`, `positions`
    /// has one entry a token.
    #[must_use]
    pub fn apply<S: Scalar>(&self, input: ArrayView2<'_, S>, positions: &[u64]) -> Array2<S> {
        let pairs = self.frequencies.len();
        let mut output = input.to_owned();
        if pairs == 0 {
            return output;
        }
        for (mut row, position) in output.rows_mut().into_iter().zip(positions) {
            let turns: Vec<(S, S)> = self
                .frequencies
                .iter()
                .map(|frequency| (*position as f64 * frequency).sin_cos())
                .map(|(sine, cosine)| (S::of(sine), S::of(cosine)))
                .collect();
            for head in 0..row.len() / (2 * pairs) {
                for (pair, (sine, cosine)) in turns.iter().enumerate() {
                    let (first, second) = match self.pairing {
                        Pairing::HalfSplit => (pair, pair + pairs),
                        Pairing::Interleaved => (2 * pair, 2 * pair + 1),
                    };
                    let (first, second) = (2 * head * pairs + first, 2 * head * pairs + second);
                    let (x, y) = (row[first], row[second]);
                    row[first] = x * *cosine - y * *sine;
                    row[second] = y * *cosine + x * *sine;
                }
            }
        }
        output
    }
}

#[cfg(test)]
mod tests {
    use super::{Pairing, Rotary, Scaling};
    use ndarray::{Array2, arr2};

    #[test]
    fn pairings_are_the_same_rotation_of_permuted_channels() {
        let make = |pairing| Rotary::new(4, 100.0, Scaling::None, pairing);
        let split = make(Pairing::HalfSplit).apply(arr2(&[[1.0_f64, 2.0, 3.0, 4.0]]).view(), &[3]);
        let mixed = make(Pairing::Interleaved).apply(arr2(&[[1.0, 3.0, 2.0, 4.0]]).view(), &[3]);
        let order = [0, 2, 1, 3];
        let permuted = Array2::from_shape_fn((1, 4), |(_, channel)| mixed[[0, order[channel]]]);
        assert_eq!(split, permuted);
        let (sine, cosine) = 3.0_f64.sin_cos();
        assert!((split[[0, 0]] - (cosine - 3.0 * sine)).abs() < 1e-15);
    }

    #[test]
    fn llama3_keeps_high_frequencies_and_divides_low_ones() {
        let scaling = Scaling::Llama3 {
            factor: 8.0,
            low: 1.0,
            high: 4.0,
            original: 8192.0,
        };
        let plain = Rotary::new(128, 500_000.0, Scaling::None, Pairing::HalfSplit);
        let scaled = Rotary::new(128, 500_000.0, scaling, Pairing::HalfSplit);
        let ratio = |pair: usize| plain.frequencies[pair] / scaled.frequencies[pair];
        assert!((ratio(0) - 1.0).abs() < 1e-12);
        assert!((ratio(63) - 8.0).abs() < 1e-12);
        let ratios: Vec<f64> = (0..64).map(ratio).collect();
        assert!(ratios.is_sorted());
        assert!(ratios.iter().any(|ratio| *ratio > 1.1 && *ratio < 7.0));
    }
}

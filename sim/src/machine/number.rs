//! Numbers of a configuration file. TOML accepts `nan`, `inf` and negative values everywhere; these
//! types reject what no machine can have, in words that name the rule and not a Rust type.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt;

/// Largest whole number accepted anywhere: far above any machine, low enough that products of a few
/// of them can be checked in 128 bits.
pub(super) const LARGEST: u64 = 1 << 40;

/// A whole number of at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Positive(pub u64);

/// A whole number of at least zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub u64);

/// A finite number above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount(pub f64);

/// A number of at least zero: a whole one, or a decimal fraction where the unit allows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Figure {
    Whole(u64),
    Fraction(f64),
}

struct WholeVisitor {
    least: u64,
}

impl Visitor<'_> for WholeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {LARGEST}", self.least)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        if (self.least..=LARGEST).contains(&value) {
            Ok(value)
        } else {
            Err(E::invalid_value(de::Unexpected::Unsigned(value), &self))
        }
    }
}

struct FigureVisitor;

impl Visitor<'_> for FigureVisitor {
    type Value = Figure;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from 0 to {LARGEST}")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Figure, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(de::Unexpected::Signed(value), &self)),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Figure, E> {
        if value <= LARGEST {
            Ok(Figure::Whole(value))
        } else {
            Err(E::invalid_value(de::Unexpected::Unsigned(value), &self))
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Figure, E> {
        if value.is_finite() && value >= 0.0 && value <= LARGEST as f64 {
            Ok(Figure::Fraction(value))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a finite number above 0 and below 1e15")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<f64, E> {
        if value.is_finite() && value > 0.0 && value < 1e15 {
            Ok(value)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<f64, E> {
        if value > 0 {
            self.visit_f64(value as f64)
        } else {
            Err(E::invalid_value(de::Unexpected::Signed(value), &self))
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<f64, E> {
        self.visit_f64(value as f64)
    }
}

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(WholeVisitor { least: 1 })?;
        Ok(Positive(value))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(WholeVisitor { least: 0 })?;
        Ok(Whole(value))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor).map(Amount)
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FigureVisitor)
    }
}

//! Products and sums that stick at the largest `u64` instead of wrapping.
//!
//! Sizes come from outside, so a product of four of them can exceed 64 bits. A wrapped
//! product looks like a small, valid size; a saturated one stays saturated through every
//! later sum, so that one comparison at the end finds it.

/// The product of `factors`, or `u64::MAX` when it does not fit.
pub(crate) fn product(factors: &[u64]) -> u64 {
    factors
        .iter()
        .fold(1, |all, factor| all.saturating_mul(*factor))
}

/// The sum of `terms`, or `u64::MAX` when it does not fit.
pub(crate) fn sum(terms: &[u64]) -> u64 {
    terms.iter().fold(0, |all, term| all.saturating_add(*term))
}

//! The one rule by which a misspelt name finds the name that was meant.
//!
//! Every error about a name ends in a suggestion. The rule lives here alone so that a model,
//! a field and a command-line option are all matched with the same tolerance.

use strsim::damerau_levenshtein;

/// The candidate nearest to `name` in Damerau-Levenshtein distance, or `None` when no
/// candidate is within `1 + length / 4` edits (length in characters of `name`).
///
/// Of equally near candidates the first wins, so the order of `candidates` decides ties.
///
/// ```
/// use memwall_models::spelling::nearest;
///
/// assert_eq!(nearest("lama", ["gpt2", "llama", "opt"]), Some("llama"));
/// assert_eq!(nearest("bert", ["gpt2", "llama", "opt"]), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let tolerance = 1 + length / 4;
    candidates
        .into_iter()
        // The difference in length is a lower bound of the distance; testing it first keeps
        // the quadratic comparison away from names of absurd length.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= tolerance)
        .map(|candidate| (damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

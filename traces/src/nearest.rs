//! Offers the name that was probably meant.
//!
//! Most missing files and columns are spelt slightly wrong; naming the neighbour saves a search.

use crate::fault::excerpt;

/// The candidate closest to `wanted`, letter case aside, if at most a third of its letters differ.
/// Equally close candidates are decided by alphabet, so that a message is the same on every run.
pub(crate) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let folded = wanted.to_lowercase();
    let letters = folded.chars().count();
    let allowed = (letters / 3).max(1);
    candidates
        .into_iter()
        // The comparison takes memory by the product of the lengths, and a name of a hostile file
        // may be a line long.
        .filter(|name| name.chars().count().abs_diff(letters) <= allowed)
        .map(|name| {
            (
                strsim::damerau_levenshtein(&folded, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| excerpt(name))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn offers_close_names_only() {
        let names = ["seq_len", "ch_idx"];
        assert_eq!(nearest("seqlen", names).as_deref(), Some("seq_len"));
        assert_eq!(nearest("CH_IDX", names).as_deref(), Some("ch_idx"));
        assert_eq!(nearest("timestamp", names), None);
        assert_eq!(nearest("", []), None);
        assert_eq!(nearest("seq_len", ["s".repeat(1 << 20).as_str()]), None);
    }
}

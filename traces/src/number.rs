//! Whole numbers with bounds, as every column but the time stamp holds them.
//!
//! Bounds are part of the format here: a count that no model could serve is a slip in the file,
//! and finding it in its row beats an overflow in a simulation hours later.

use crate::fault::Fault;

/// The largest token count a row may hold: far above any context window (10^6 to 10^7 tokens),
/// and far below where sums over a trace could overflow.
pub const MAX_TOKENS: u64 = 100_000_000;

/// Reads `text` as a whole number of `what`, from 0 to `max`.
///
/// Only digits are taken: `str::parse` would let a leading `+` through, which no writer of these
/// formats produces.
pub(crate) fn whole_number(column: &str, text: &str, what: &str, max: u64) -> Result<u64, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| digits && *number <= max)
        .ok_or_else(|| {
            Fault::broken(
                column,
                format!("must be a whole number of {what} from 0 to {max}"),
                text,
            )
        })
}

/// Reads a token count.
pub(crate) fn tokens(column: &str, text: &str) -> Result<u64, Fault> {
    whole_number(column, text, "tokens", MAX_TOKENS)
}

#[cfg(test)]
mod tests {
    use super::{MAX_TOKENS, tokens};

    #[test]
    fn takes_digits_within_the_bounds_only() {
        assert_eq!(tokens("n", "0").unwrap(), 0);
        assert_eq!(tokens("n", "100000000").unwrap(), MAX_TOKENS);
        for bad in [
            "",
            "+1",
            "-1",
            "1.0",
            "1e3",
            "100000001",
            "99999999999999999999999",
            "\u{664}",
        ] {
            assert!(tokens("n", bad).is_err(), "{bad}");
        }
    }
}

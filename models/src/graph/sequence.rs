//! What a step needs to know of each sequence in its batch.

use serde::Serialize;

/// One sequence's part in a step. Lengths in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Sequence {
    /// Tokens processed in this step: 1 in decode, a prompt or a chunk of one in prefill.
    pub new_tokens: u64,
    /// Tokens already in the sequence's KV cache.
    pub context: u64,
}

impl Sequence {
    /// Tokens whose keys and values the step reads for this sequence, its new ones included.
    ///
    /// Under a sliding window of `w` tokens each query sees itself and the `w - 1` tokens
    /// before it, so `n` new queries together see at most `w + n - 1`.
    #[must_use]
    pub fn attended(&self, window: Option<u64>) -> u64 {
        let all = self.context.saturating_add(self.new_tokens);
        window.map_or(all, |window| {
            all.min(window.saturating_add(self.new_tokens.saturating_sub(1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Sequence;

    #[test]
    fn a_window_limits_what_each_new_token_sees() {
        let decode = Sequence {
            new_tokens: 1,
            context: 9_000,
        };
        assert_eq!(decode.attended(None), 9_001);
        assert_eq!(decode.attended(Some(4_096)), 4_096);
        let chunk = Sequence {
            new_tokens: 512,
            context: 9_000,
        };
        assert_eq!(chunk.attended(Some(4_096)), 4_096 + 511);
        let short = Sequence {
            new_tokens: 16,
            context: 0,
        };
        assert_eq!(short.attended(Some(4_096)), 16);
    }
}

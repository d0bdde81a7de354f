//! Fused attention. In decode it streams keys and values; in prefill it computes blocks of scores,
//! one thread block for each tile of queries of each head, the last of which sees the most keys.

use super::{Peaks, hundredths_us, ratio, share};
use crate::time::Ps;

/// Queries of a tile, and keys of a block.
pub const BLOCK: u64 = 128;

/// Attention of a batch on one device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttentionWork {
    /// Bytes to and from memory: queries, keys, values, outputs.
    pub bytes: u64,
    /// Streams of decode: sequences times KV heads.
    pub streams: u64,
    /// Blocks of [`BLOCK`] queries by [`BLOCK`] keys of prefill, those wholly masked left out.
    pub blocks: u64,
    /// Blocks of the longest tile of queries.
    pub longest: u64,
    /// Channels of a head.
    pub dim: u64,
}

/// Parameters of decode, in the steps in which they are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeParameters {
    /// Fixed time, hundredths of a microsecond: scheduling, and the sum over splits of a sequence.
    pub overhead: u64,
    /// Thousandths of the memory peak that long streams reach.
    pub bandwidth: u64,
    /// Time lost while multiprocessors fill and drain, hundredths of a microsecond; of it counts
    /// what the streams fill, and no more than the stream itself takes.
    pub ramp: u64,
    /// What one stream takes at least on a multiprocessor, hundredths of a microsecond.
    pub stream: u64,
}

/// Parameters of prefill, in the steps in which they are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefillParameters {
    /// Fixed time, hundredths of a microsecond.
    pub overhead: u64,
    /// Thousandths of the arithmetic peak that a multiprocessor reaches within a block.
    pub compute: u64,
}

/// A machine's fused attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    multiprocessors: u64,
    bytes_per_s: u64,
    flop_per_s: u64,
    decode_overhead: Ps,
    prefill_overhead: Ps,
    ramp: Ps,
    stream: Ps,
}

impl Attention {
    /// From the data sheet and the fits.
    pub fn new(peaks: &Peaks, decode: &DecodeParameters, prefill: &PrefillParameters) -> Attention {
        Attention {
            multiprocessors: peaks.multiprocessors.max(1),
            bytes_per_s: share(peaks.bytes_per_s, decode.bandwidth),
            flop_per_s: share(peaks.flop_per_s, prefill.compute),
            decode_overhead: hundredths_us(decode.overhead),
            prefill_overhead: hundredths_us(prefill.overhead),
            ramp: hundredths_us(decode.ramp),
            stream: hundredths_us(decode.stream),
        }
    }

    /// Time of one kernel. Keys and values come from memory: between two runs of a layer all other
    /// layers pass through the cache of the GPU.
    pub fn time(&self, work: &AttentionWork) -> Ps {
        let mut overhead = Ps::ZERO;
        if work.streams > 0 {
            overhead = self.decode_overhead;
        }
        if work.blocks > 0 {
            overhead = overhead.max(self.prefill_overhead);
        }
        overhead + self.streaming(work).max(self.blocks(work))
    }

    fn streaming(&self, work: &AttentionWork) -> Ps {
        let stream = ratio(work.bytes, self.bytes_per_s);
        let filled = self.ramp.times(work.streams).0 / (work.streams + self.multiprocessors);
        let (stream_ps, filled) = (u128::from(stream.0), u128::from(filled));
        let lost = (stream_ps * filled)
            .checked_div(stream_ps + filled)
            .unwrap_or(0);
        let waves = work.streams.div_ceil(self.multiprocessors);
        (stream + Ps(lost as u64)).max(self.stream.times(waves))
    }

    /// Tiles of queries go to whichever multiprocessor is free, so all are busy until the work runs
    /// out, and then half of the longest tile is left on average.
    fn blocks(&self, work: &AttentionWork) -> Ps {
        let halves = 2 * u128::from(work.blocks)
            + u128::from(work.longest) * u128::from(self.multiprocessors);
        let block = 4 * BLOCK * BLOCK * work.dim;
        let ps = halves * u128::from(block) * 500_000_000_000 / u128::from(self.flop_per_s.max(1));
        Ps(u64::try_from(ps).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attention() -> Attention {
        let peaks = Peaks {
            flop_per_s: 165_200_000_000_000,
            bytes_per_s: 1_008_000_000_000,
            multiprocessors: 128,
        };
        let decode = DecodeParameters {
            overhead: 1000,
            bandwidth: 950,
            ramp: 6000,
            stream: 500,
        };
        let prefill = PrefillParameters {
            overhead: 100,
            compute: 800,
        };
        Attention::new(&peaks, &decode, &prefill)
    }

    #[test]
    fn long_streams_reach_the_rate_and_short_ones_their_wave() {
        let attention = attention();
        let work = |bytes, streams| AttentionWork {
            bytes,
            streams,
            ..AttentionWork::default()
        };
        let long = attention.time(&work(100_000_000_000, 2048));
        let pins = ratio(100_000_000_000, 957_600_000_000);
        assert!(long.since(pins).0 < 70_000_000);
        // 2,048 streams of next to nothing: 16 waves.
        assert_eq!(
            attention.time(&work(4096, 2048)),
            Ps(10_000_000 + 80_000_000)
        );
    }

    #[test]
    fn prefill_is_blocks_over_multiprocessors_and_half_a_tile() {
        // 2,048 tokens, 32 heads: 16 tiles a head of 1 to 16 blocks.
        let work = AttentionWork {
            bytes: 1,
            streams: 0,
            blocks: 32 * 136,
            longest: 16,
            dim: 128,
        };
        let block_us = 4.0 * 128.0 * 128.0 * 128.0 / (0.8 * 165.2e12 / 128.0) * 1e6;
        let expected = 1.0 + block_us * (34.0 + 8.0);
        let found = attention().time(&work).0 as f64 / 1e6;
        assert!((found - expected).abs() < 0.01, "{found} {expected}");
    }

    proptest! {
        #[test]
        fn time_grows_with_the_work(bytes in 0u64..10_000_000_000, streams in 0u64..4096, blocks in 0u64..100_000, more in 1u64..5000) {
            let base = AttentionWork { bytes, streams, blocks, longest: blocks.min(16), dim: 128 };
            let time = attention().time(&base);
            for larger in [
                AttentionWork { bytes: bytes + more, ..base },
                AttentionWork { streams: streams + more, ..base },
                AttentionWork { blocks: blocks + more, ..base },
                AttentionWork { longest: base.longest + more, ..base },
            ] {
                prop_assert!(attention().time(&larger) >= time, "{larger:?}");
            }
        }
    }
}

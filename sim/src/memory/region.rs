//! What a device asks of memory: bytes of a tensor, and the bursts of each channel they are.

use crate::dram::{Descriptor, Direction, Organisation};

/// Bytes that are asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Part of a block that lies in one piece.
    Span {
        /// First byte of the block.
        base: u64,
        /// First byte asked for.
        from: u64,
        /// Byte after the last asked for.
        to: u64,
        /// Byte after the last of the block.
        end: u64,
    },
    /// Pieces of equal size at equal distances: columns of a matrix that lies row by row.
    Strided {
        /// First byte.
        base: u64,
        /// Bytes of a piece.
        bytes: u64,
        /// Number of pieces.
        pieces: u64,
        /// Bytes from the start of a piece to that of the next.
        pitch: u64,
    },
}

impl Region {
    /// Bytes asked for.
    pub fn bytes(&self) -> u64 {
        match *self {
            Region::Span { from, to, .. } => to - from,
            Region::Strided { bytes, pieces, .. } => bytes * pieces,
        }
    }

    /// The same bytes as a block of their own: each channel then has what of them lies on it. All
    /// parts of a block have to be taken out of it, or none: those that stay count on the others.
    #[must_use]
    pub fn apart(self) -> Region {
        match self {
            Region::Span { from, to, .. } => Region::Span {
                base: from,
                from,
                to,
                end: to,
            },
            strided @ Region::Strided { .. } => strided,
        }
    }

    /// The first bytes of the region, at most `most` or a piece, and the rest; `None` if that is all.
    pub fn split(&self, most: u64) -> Option<(Region, Region)> {
        match *self {
            Region::Span {
                base,
                from,
                to,
                end,
            } if to - from > most => {
                let cut = from + most;
                let part = |from, to| Region::Span {
                    base,
                    from,
                    to,
                    end,
                };
                Some((part(from, cut), part(cut, to)))
            }
            Region::Strided {
                base,
                bytes,
                pieces,
                pitch,
            } if pieces > 1 && bytes * pieces > most => {
                let first = (most / bytes).max(1);
                let part = |skipped, pieces| Region::Strided {
                    base: base + skipped * pitch,
                    bytes,
                    pieces,
                    pitch,
                };
                Some((part(0, first), part(first, pieces - first)))
            }
            _ => None,
        }
    }

    /// Whether all channels have the same slots of it.
    pub(super) fn is_even(&self, organisation: &Organisation) -> bool {
        let stripe = organisation.stripe_bytes();
        match *self {
            Region::Span { from, to, .. } => {
                from.is_multiple_of(stripe) && to.is_multiple_of(stripe)
            }
            Region::Strided {
                base, bytes, pitch, ..
            } => [base, bytes, pitch]
                .iter()
                .all(|bytes| bytes.is_multiple_of(stripe)),
        }
    }

    /// The bursts of one channel. A block that starts at a stripe is cut in every channel where the
    /// first channel cuts: channels then differ in its tail only and can share their simulation, and
    /// a part is there when the channel with most of it has all of it.
    pub(super) fn of_channel(
        &self,
        organisation: &Organisation,
        channel: usize,
        direction: Direction,
        into: &mut Vec<Descriptor>,
    ) {
        match *self {
            Region::Span { .. } => {
                let (first, last) = self.slots_of_span(organisation, channel);
                if last > first {
                    into.push(Descriptor::sequential(direction, first, last - first));
                }
            }
            Region::Strided {
                base,
                bytes,
                pieces,
                pitch,
            } => {
                for piece in 0..pieces {
                    let start = base + piece * pitch;
                    // Whole bursts: a piece that begins within one takes all of it.
                    let start = start / organisation.burst_bytes * organisation.burst_bytes;
                    let first = organisation.slots_below(channel, start);
                    let last = organisation.slots_below(channel, base + piece * pitch + bytes);
                    if last > first {
                        append(into, first, last - first, direction);
                    }
                }
            }
        }
    }

    /// First slot of one channel, and the slot after the last; none for pieces.
    fn slots_of_span(&self, organisation: &Organisation, channel: usize) -> (u64, u64) {
        let Region::Span {
            base,
            from,
            to,
            end,
        } = *self
        else {
            return (0, 0);
        };
        let slot = |byte| {
            if base.is_multiple_of(organisation.stripe_bytes()) {
                let last = organisation.slots_below(channel, end);
                organisation.slots_below(0, byte).min(last)
            } else {
                organisation.slots_below(channel, byte)
            }
        };
        (slot(from), slot(to))
    }

    /// Bursts of the channel that has most of the region; of pieces their mean.
    pub(super) fn most_of_a_channel(&self, organisation: &Organisation) -> u64 {
        let of = |channel| {
            let (first, last) = self.slots_of_span(organisation, channel);
            last.saturating_sub(first)
        };
        match *self {
            // The first channel has most of what begins with it.
            Region::Span { base, .. } if base.is_multiple_of(organisation.stripe_bytes()) => of(0),
            Region::Span { .. } => (0..organisation.channels).map(of).max().unwrap_or(0),
            Region::Strided { .. } => self
                .bursts(organisation.burst_bytes)
                .div_ceil(organisation.channels as u64),
        }
    }

    /// Bursts of the whole region over all channels. A block's bursts are counted with its last
    /// part, so that the parts add up to the block.
    pub(crate) fn bursts(&self, burst: u64) -> u64 {
        match *self {
            Region::Span { base, to, end, .. } if to == end => {
                end.div_ceil(burst) - base.div_ceil(burst)
            }
            Region::Span { .. } => 0,
            Region::Strided {
                base,
                bytes,
                pieces,
                pitch,
            } => (0..pieces)
                .map(|piece| base + piece * pitch)
                .map(|start| (start + bytes).div_ceil(burst) - start / burst)
                .sum(),
        }
    }
}

/// Adds a piece, joined to the stream before it where the two are alike and the distance fits.
fn append(into: &mut Vec<Descriptor>, start: u64, bursts: u64, direction: Direction) {
    if let Some(last) = into.last_mut()
        && last.bursts == bursts
        && start >= last.start
    {
        let step = start - last.start;
        if last.pieces == 1 && step > 0 {
            last.stride = step;
            last.pieces = 2;
            return;
        }
        if last.pieces > 1 && step == last.stride * last.pieces {
            last.pieces += 1;
            return;
        }
    }
    into.push(Descriptor::sequential(direction, start, bursts));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn organisation() -> Organisation {
        crate::pim::testing::standard().organisation
    }

    fn total(region: Region) -> u64 {
        let mut all = Vec::new();
        for channel in 0..32 {
            region.of_channel(&organisation(), channel, Direction::Read, &mut all);
        }
        all.iter().map(Descriptor::total_bursts).sum()
    }

    #[test]
    fn equal_distances_are_one_stream() {
        // Rows of 64 KiB, of which each channel has 2 KiB: its slots are 32 apart.
        let region = Region::Strided {
            base: 0,
            bytes: 64,
            pieces: 100,
            pitch: 64 << 10,
        };
        let mut streams = Vec::new();
        region.of_channel(&organisation(), 0, Direction::Read, &mut streams);
        assert_eq!(streams.len(), 1);
        assert_eq!((streams[0].stride, streams[0].pieces), (32, 100));
    }

    proptest! {
        #[test]
        fn parts_of_a_block_add_up_over_channels(
            base in 0u64..1 << 20, cuts in proptest::collection::vec(1u64..100_000, 1..6), aligned: bool,
        ) {
            let base = if aligned { base.next_multiple_of(32 << 10) } else { base.next_multiple_of(64) };
            let end = base + cuts.iter().sum::<u64>();
            let mut from = base;
            let (mut moved, mut counted) = (0, 0);
            for cut in cuts {
                let region = Region::Span { base, from, to: from + cut, end };
                let part = total(region);
                let most = region.most_of_a_channel(&organisation());
                prop_assert!(most <= part && part <= 32 * most);
                moved += part;
                counted += region.bursts(64);
                from += cut;
            }
            prop_assert_eq!(moved, end.div_ceil(64) - base / 64);
            prop_assert_eq!(counted, moved);
        }

        #[test]
        fn strided_bursts_add_up_over_channels(base in 0u64..1 << 20, bytes in 1u64..5000, pieces in 1u64..40, gap in 0u64..5000) {
            let region = Region::Strided { base, bytes, pieces, pitch: bytes + gap };
            prop_assert_eq!(total(region), region.bursts(64));
        }
    }
}

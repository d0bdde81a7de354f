//! Where tensors lie and which channel a line belongs to.

use super::OnnximError;

/// Tensors begin at multiples of this many bytes.
const ALIGNMENT: u64 = 256;

/// Gives out addresses from zero on; nothing is ever given back.
#[derive(Debug, Default)]
pub(super) struct Allocator {
    base: u64,
}

impl Allocator {
    /// The address of a new tensor. Between two tensors lie 1 to 256 bytes, never none.
    pub(super) fn allocate(&mut self, bytes: u64) -> u64 {
        let at = self.base.next_multiple_of(ALIGNMENT);
        let end = at + bytes;
        self.base = end + ALIGNMENT - end % ALIGNMENT;
        at
    }
}

/// Which bits of a line number each bit of the channel number is the parity of: pseudo-random
/// interleaving over GF(2) (Rau, ISCA 1991), for 16, 32 and 64 channels (`Hashing.cc`).
const PARITIES_16: [&[u32]; 4] = [
    &[0, 3, 4, 6, 8, 9, 10, 11],
    &[0, 1, 3, 5, 6, 7, 8, 12],
    &[1, 2, 4, 6, 7, 8, 9],
    &[2, 3, 5, 7, 8, 9, 10],
];
const PARITIES_32: [&[u32]; 5] = [
    &[0, 3, 5, 6, 9, 10, 11, 12, 13],
    &[1, 4, 6, 7, 10, 11, 12, 13, 14],
    &[0, 2, 3, 6, 7, 8, 9, 10, 14],
    &[1, 3, 4, 7, 8, 9, 10, 11],
    &[2, 4, 5, 8, 9, 10, 11, 12],
];
const PARITIES_64: [&[u32]; 6] = [
    &[0, 5, 6, 10, 12, 15, 16, 17, 18],
    &[0, 1, 5, 7, 10, 11, 12, 13, 15],
    &[1, 2, 6, 8, 11, 12, 13, 14, 16],
    &[2, 3, 7, 9, 12, 13, 14, 15, 17],
    &[3, 4, 8, 10, 13, 14, 15, 16, 18],
    &[4, 5, 9, 11, 14, 15, 16, 17],
];

/// From a line number to channel and place in the channel.
#[derive(Debug, Clone)]
pub(super) struct Interleaving {
    /// Contribution of each byte of the line number: the hash is linear.
    tables: [[u8; 256]; 3],
    channels: u64,
    /// Bits of the line number that the place in the channel leaves out.
    shift: u32,
}

impl Interleaving {
    pub(super) fn new(channels: usize) -> Result<Interleaving, OnnximError> {
        let parities: &[&[u32]] = match channels {
            1..=16 => &PARITIES_16,
            32 => &PARITIES_32,
            64 => &PARITIES_64,
            _ => return Err(OnnximError::Channels(channels)),
        };
        let mut tables = [[0; 256]; 3];
        for (byte, table) in tables.iter_mut().enumerate() {
            for (value, hash) in table.iter_mut().enumerate() {
                let line = (value as u64) << (8 * byte);
                for (bit, parity) in parities.iter().enumerate() {
                    let ones = parity.iter().filter(|&&of| line >> of & 1 == 1).count();
                    *hash |= ((ones % 2) as u8) << bit;
                }
            }
        }
        Ok(Interleaving {
            tables,
            channels: channels as u64,
            shift: channels.ilog2(),
        })
    }

    /// Channel of a line.
    #[inline]
    pub(super) fn channel(&self, line: u64) -> usize {
        let [low, middle, high] = &self.tables;
        let bytes = line.to_le_bytes();
        let hash = low[bytes[0] as usize] ^ middle[bytes[1] as usize] ^ high[bytes[2] as usize];
        (u64::from(hash) % self.channels) as usize
    }

    /// Burst within the channel. Lines of one channel that lie in a block of as many lines as there
    /// are channels would meet; with a power of two of channels from 16 on there is only one.
    #[inline]
    pub(super) fn slot(&self, line: u64) -> u64 {
        line >> self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_lie_apart() {
        let mut allocator = Allocator::default();
        assert_eq!(allocator.allocate(1), 0);
        assert_eq!(allocator.allocate(256), 256);
        // Never adjacent: a whole unit between them where the last ends on a boundary.
        assert_eq!(allocator.allocate(5), 768);
        assert_eq!(allocator.allocate(5), 1024);
    }

    #[test]
    fn a_block_of_lines_meets_every_channel_once() {
        for channels in [16, 32, 64] {
            let interleaving = Interleaving::new(channels).unwrap();
            for block in [0, 1, 77, 4095] {
                let lines = (0..channels as u64).map(|line| block * channels as u64 + line);
                let mut met: Vec<usize> = lines.map(|line| interleaving.channel(line)).collect();
                met.sort_unstable();
                assert_eq!(met, (0..channels).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn parities_are_those_of_single_bits() {
        let interleaving = Interleaving::new(16).unwrap();
        // Bit 0 is in the parities of channel bits 0 and 1, bit 11 in that of 0, bit 13 in none.
        assert_eq!(interleaving.channel(1), 3);
        assert_eq!(interleaving.channel(1 << 11), 1);
        assert_eq!(interleaving.channel(1 << 13), 0);
        assert_eq!(interleaving.channel(1 << 11 | 1), 2);
    }

    #[test]
    fn other_counts_have_no_hash() {
        assert_eq!(
            Interleaving::new(24).unwrap_err(),
            OnnximError::Channels(24)
        );
        assert!(Interleaving::new(0).is_err());
    }
}

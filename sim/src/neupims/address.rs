//! Where lines lie, and which lines a transfer touches. The artifact ignores the addresses of
//! tensors: a counter runs through memory, two bytes for every element of every transfer.

use super::line_set::LineSet;
use crate::pim::newton::port::Coordinates;

/// Bytes of a line, one burst of a channel.
pub const LINE_BYTES: u64 = 64;
/// Channels; consecutive lines go round them.
pub const CHANNELS: usize = 32;
/// Bytes of an element.
pub(super) const ELEMENT_BYTES: u64 = 2;

const CHANNEL_BITS: u32 = CHANNELS.trailing_zeros();
const COLUMN_BITS: u32 = 4;
const BANK_BITS: u32 = 2;
const GROUP_BITS: u32 = 2;
const RANK_BITS: u32 = 1;

/// Channel and place of a line: channel lowest, then column, bank, group, rank, row.
pub(super) fn place(line: u64) -> (usize, Coordinates) {
    let mut rest = line;
    let mut digit = |bits: u32| {
        let value = rest & ((1 << bits) - 1);
        rest >>= bits;
        value
    };
    let channel = digit(CHANNEL_BITS) as usize;
    let column = digit(COLUMN_BITS) as u16;
    let bank = digit(BANK_BITS) as u8;
    let group = digit(GROUP_BITS) as u8;
    let rank = digit(RANK_BITS) as u8;
    let row = rest as u32;
    let at = Coordinates {
        rank,
        group,
        bank,
        row,
        column,
    };
    (channel, at)
}

/// The address under which the artifact keeps a line while it collects a transfer: column below
/// channel. Only the order of lines depends on it.
fn key(line: u64) -> u64 {
    let channel = line & ((1 << CHANNEL_BITS) - 1);
    let column = (line >> CHANNEL_BITS) & ((1 << COLUMN_BITS) - 1);
    let above = line >> (CHANNEL_BITS + COLUMN_BITS);
    let swapped = (above << (CHANNEL_BITS + COLUMN_BITS)) | (channel << COLUMN_BITS) | column;
    swapped * LINE_BYTES
}

fn line_of(key: u64) -> u64 {
    let swapped = key / LINE_BYTES;
    let column = swapped & ((1 << COLUMN_BITS) - 1);
    let channel = (swapped >> COLUMN_BITS) & ((1 << CHANNEL_BITS) - 1);
    let above = swapped >> (CHANNEL_BITS + COLUMN_BITS);
    (above << (CHANNEL_BITS + COLUMN_BITS)) | (column << CHANNEL_BITS) | channel
}

/// The running counter.
#[derive(Debug)]
pub(super) struct AddressCounter {
    last: u64,
    end: u64,
    lines: LineSet,
}

impl AddressCounter {
    /// A counter that starts again at `end` bytes.
    pub(super) fn new(end: u64) -> AddressCounter {
        AddressCounter {
            last: 0,
            end: end.max(ELEMENT_BYTES),
            lines: LineSet::new(),
        }
    }

    /// Lines of the next `elements` elements, in the order in which they are asked for. The counter
    /// moves before it is used: a transfer that begins with a line ends one line further.
    pub(super) fn transfer(&mut self, elements: u64) -> impl Iterator<Item = u64> {
        self.lines.clear();
        let mut left = elements;
        while left > 0 {
            let mut address = self.last + ELEMENT_BYTES;
            if address >= self.end {
                address = 0;
            }
            let line = address / LINE_BYTES;
            let bound = ((line + 1) * LINE_BYTES).min(self.end);
            let here = (bound - address).div_ceil(ELEMENT_BYTES).min(left);
            self.lines.insert(key(line));
            self.last = address + (here - 1) * ELEMENT_BYTES;
            left -= here;
        }
        self.lines.lines().map(line_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_round_the_channels_then_along_the_row() {
        assert_eq!(place(0).0, 0);
        assert_eq!(place(31).0, 31);
        let (channel, at) = place(32 + 5);
        assert_eq!((channel, at.column, at.bank), (5, 1, 0));
        let (_, at) = place(32 * 16);
        assert_eq!((at.column, at.bank, at.group), (0, 1, 0));
        assert_eq!(place(1 << 14).1.row, 1);
        for line in [0, 1, 31, 32, 511, 512, 123_456] {
            assert_eq!(line_of(key(line)), line);
        }
    }

    #[test]
    fn a_transfer_touches_a_line_more_than_it_fills() {
        let mut counter = AddressCounter::new(1 << 20);
        // 512 elements fill 16 lines; the first lies at 2.
        assert_eq!(counter.transfer(512).count(), 17);
        assert_eq!(counter.last, 1024);
        let mut second: Vec<u64> = counter.transfer(512).collect();
        second.sort_unstable();
        assert_eq!(second, (16..=32).collect::<Vec<_>>());
        assert_eq!(counter.transfer(0).count(), 0);
    }

    #[test]
    fn the_counter_starts_again_at_its_end() {
        let mut counter = AddressCounter::new(256);
        let mut lines: Vec<u64> = counter.transfer(128).collect();
        lines.sort_unstable();
        assert_eq!((lines, counter.last), (vec![0, 1, 2, 3], 0));
    }
}

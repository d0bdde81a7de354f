//! One half of a scratchpad: its pieces, and what each still waits for.

use super::OnnximError;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy)]
struct State {
    /// Fills and results still to come; 0 makes the piece valid.
    awaited: u64,
}

/// A half.
#[derive(Debug)]
pub(super) struct Half {
    pieces: BTreeMap<u64, State>,
    lines: u64,
    capacity_lines: u64,
}

impl Half {
    pub(super) fn new(capacity_lines: u64) -> Half {
        Half {
            pieces: BTreeMap::new(),
            lines: 0,
            capacity_lines,
        }
    }

    /// Forgets everything.
    pub(super) fn flush(&mut self) {
        self.pieces.clear();
        self.lines = 0;
    }

    /// Whether a piece is there and complete.
    pub(super) fn is_valid(&self, at: u64) -> bool {
        self.pieces.get(&at).is_some_and(|state| state.awaited == 0)
    }

    /// Makes room for a piece that will be complete after so many fills.
    pub(super) fn allocate(&mut self, at: u64, lines: u64, fills: u64) -> Result<(), OnnximError> {
        if self.pieces.contains_key(&at) {
            return Err(OnnximError::Occupied(at));
        }
        self.lines += lines;
        if self.lines > self.capacity_lines {
            return Err(OnnximError::Scratchpad {
                needed: self.lines,
                available: self.capacity_lines,
            });
        }
        self.pieces.insert(at, State { awaited: fills });
        Ok(())
    }

    /// One more result will come into a piece, which is made if it is not there.
    pub(super) fn expect(&mut self, at: u64, lines: u64) -> Result<(), OnnximError> {
        match self.pieces.get_mut(&at) {
            Some(state) => {
                state.awaited += 1;
                Ok(())
            }
            None => self.allocate(at, lines, 1),
        }
    }

    /// Takes in what was awaited. A piece that was flushed meanwhile is not there any more.
    pub(super) fn fill(&mut self, at: u64, fills: u64) {
        if let Some(state) = self.pieces.get_mut(&at) {
            state.awaited = state.awaited.saturating_sub(fills);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_valid_when_nothing_is_awaited() {
        let mut half = Half::new(10);
        half.allocate(4, 3, 3).unwrap();
        assert!(!half.is_valid(4));
        half.fill(4, 3);
        assert!(half.is_valid(4));
        half.expect(4, 3).unwrap();
        assert!(!half.is_valid(4));
        half.fill(4, 1);
        assert!(half.is_valid(4));
        half.flush();
        assert!(!half.is_valid(4));
    }

    #[test]
    fn lines_are_limited() {
        let mut half = Half::new(10);
        half.expect(1, 6).unwrap();
        let error = half.expect(2, 5).unwrap_err();
        let full = OnnximError::Scratchpad {
            needed: 11,
            available: 10,
        };
        assert_eq!(error, full);
        assert_eq!(half.allocate(1, 1, 1), Err(OnnximError::Occupied(1)));
    }
}

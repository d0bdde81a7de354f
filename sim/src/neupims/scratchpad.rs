//! Places of a scratchpad half: whether what they wait for has come.

/// Not reserved since the half was last given to a tile.
const ABSENT: u32 = u32::MAX;

/// Counts of outstanding fills, by place.
#[derive(Debug, Default)]
pub(super) struct Half {
    waiting: Vec<u32>,
}

impl Half {
    /// Forgets all places.
    pub(super) fn flush(&mut self) {
        self.waiting.clear();
    }

    /// A place waits for `count` fills, whatever it waited for before.
    pub(super) fn reserve(&mut self, place: u32, count: u32) {
        let index = place as usize;
        if index >= self.waiting.len() {
            self.waiting.resize(index + 1, ABSENT);
        }
        self.waiting[index] = count;
    }

    /// A place waits for one more.
    pub(super) fn expect(&mut self, place: u32) {
        match self.waiting.get_mut(place as usize) {
            Some(count) if *count != ABSENT => *count += 1,
            _ => self.reserve(place, 1),
        }
    }

    /// Something came.
    pub(super) fn fill(&mut self, place: u32) {
        if let Some(count) = self.waiting.get_mut(place as usize)
            && *count != ABSENT
        {
            *count = count.saturating_sub(1);
        }
    }

    /// Everything came that was waited for.
    pub(super) fn ready(&self, place: u32) -> bool {
        self.waiting.get(place as usize) == Some(&0)
    }
}

//! Which bursts wait, by slot: asked once for every request, so that most answers must come from a
//! counter. Exact all the same.

const COUNTERS: usize = 1024;

/// Slots that wait, each with its entry.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    counters: Vec<u16>,
    slots: Vec<(u64, u16)>,
}

fn counter(slot: u64) -> usize {
    // Fibonacci hashing: streams and strides of powers of two spread alike.
    (slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % COUNTERS
}

impl Pending {
    pub(super) fn new() -> Pending {
        Pending {
            counters: vec![0; COUNTERS],
            slots: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn find(&self, slot: u64) -> Option<u16> {
        if self.counters[counter(slot)] == 0 {
            return None;
        }
        let found = self.slots.iter().find(|(known, _)| *known == slot);
        found.map(|&(_, entry)| entry)
    }

    #[inline]
    pub(super) fn insert(&mut self, slot: u64, entry: u16) {
        self.counters[counter(slot)] += 1;
        self.slots.push((slot, entry));
    }

    /// Moves every slot.
    pub(super) fn shift(&mut self, to: impl Fn(u64) -> u64) {
        let slots = std::mem::take(&mut self.slots);
        self.counters.fill(0);
        for (slot, entry) in slots {
            self.insert(to(slot), entry);
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, entry: u16) {
        if let Some(i) = self.slots.iter().position(|&(_, known)| known == entry) {
            let (slot, _) = self.slots.swap_remove(i);
            self.counters[counter(slot)] -= 1;
        }
    }
}

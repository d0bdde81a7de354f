//! What a part's file says of the controllers that serve single requests. Each policy has a preset;
//! what a file names replaces the preset's value, and what it leaves out stays.

use super::bank_queues::{self, RefreshOrder};
use super::window::{self, Blocking, Forwarding, Pages, RefreshKind, Scheduling};

/// Settings of the `[requests]` table; absent ones are the policy's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tuning {
    /// Entries of the read buffer, or of each transaction queue of the bank-queue controller.
    pub read_buffer: Option<usize>,
    /// Entries of the write buffer.
    pub write_buffer: Option<usize>,
    /// Writes from which on writes are served.
    pub write_high: Option<usize>,
    /// Writes at which reads are served again.
    pub write_low: Option<usize>,
    /// Column commands after which a row may be given up although hits wait; 0 is without bound.
    pub hit_cap: Option<u32>,
    /// Order of requests.
    pub scheduling: Option<Scheduling>,
    /// When idle rows are closed.
    pub pages: Option<Pages>,
    /// Refresh commands.
    pub refresh: Option<RefreshKind>,
    /// What a refresh that is due holds up.
    pub blocking: Option<Blocking>,
    /// Units refreshed in turn instead of all at once.
    pub stagger: Option<bool>,
    /// Reads answered from writes that wait.
    pub forwarding: Option<bool>,
    /// Equal requests share a command.
    pub merging: Option<bool>,
    /// Entries of the queue of a bank (bank-queue controller).
    pub bank_queue: Option<usize>,
    /// Writes above which an idle channel drains (bank-queue controller).
    pub drain_above: Option<usize>,
}

fn replace<T>(value: &mut T, by: Option<T>) {
    if let Some(by) = by {
        *value = by;
    }
}

impl Tuning {
    /// A window controller's preset with the settings in place. Watermarks that a smaller write
    /// buffer cannot reach move with it, unless they are set too.
    pub fn window(&self, preset: window::Parameters) -> window::Parameters {
        let mut parameters = preset;
        replace(&mut parameters.read_buffer, self.read_buffer);
        if let Some(entries) = self.write_buffer {
            let scaled = |mark: usize| mark * entries / preset.write_buffer;
            parameters.write_buffer = entries;
            parameters.write_high = scaled(preset.write_high).max(1);
            parameters.write_low = scaled(preset.write_low).min(parameters.write_high - 1);
        }
        replace(&mut parameters.write_high, self.write_high);
        replace(&mut parameters.write_low, self.write_low);
        let cap = self.hit_cap.map(|cap| (cap > 0).then_some(cap));
        replace(&mut parameters.hit_cap, cap);
        replace(&mut parameters.scheduling, self.scheduling);
        replace(&mut parameters.pages, self.pages);
        replace(&mut parameters.refresh.kind, self.refresh);
        replace(&mut parameters.refresh.blocking, self.blocking);
        replace(&mut parameters.refresh.stagger, self.stagger);
        if let Some(forwarding) = self.forwarding {
            parameters.forwarding = match (forwarding, preset.forwarding) {
                (false, _) => Forwarding::Off,
                (true, Forwarding::Off) => Forwarding::After(1),
                (true, kept) => kept,
            };
        }
        replace(&mut parameters.coalescing, self.merging);
        replace(&mut parameters.merging, self.merging);
        parameters
    }

    /// The bank-queue controller's preset with the settings in place, or what it has no part for.
    pub fn bank_queues(
        &self,
        preset: bank_queues::Parameters,
    ) -> Result<bank_queues::Parameters, String> {
        let absent = [
            ("requests.write_buffer", self.write_buffer.is_some()),
            ("requests.write_high", self.write_high.is_some()),
            ("requests.write_low", self.write_low.is_some()),
            ("requests.scheduling", self.scheduling.is_some()),
            ("requests.pages", self.pages.is_some()),
            ("requests.refresh_blocks", self.blocking.is_some()),
            ("requests.forwarding", self.forwarding.is_some()),
        ];
        if let Some((key, _)) = absent.into_iter().find(|(_, set)| *set) {
            return Err(format!("it has no part for {key}"));
        }
        let mut parameters = preset;
        replace(&mut parameters.transactions, self.read_buffer);
        replace(&mut parameters.bank_queue, self.bank_queue);
        replace(&mut parameters.drain_above, self.drain_above);
        let cap = self
            .hit_cap
            .map(|cap| if cap == 0 { u32::MAX } else { cap });
        replace(&mut parameters.hit_cap, cap);
        replace(&mut parameters.merging, self.merging);
        parameters.refresh = match (self.refresh, self.stagger) {
            (Some(RefreshKind::None), _) => RefreshOrder::Off,
            (Some(RefreshKind::PerBank | RefreshKind::SameBank), _) => {
                return Err("it refreshes all banks of a rank".into());
            }
            (_, Some(false)) => RefreshOrder::Simultaneous,
            (_, Some(true)) => RefreshOrder::Staggered,
            (_, None) => preset.refresh,
        };
        let bounds = [
            ("requests.read_buffer", parameters.transactions, 255),
            ("requests.bank_queue", parameters.bank_queue, 32),
        ];
        for (key, entries, most) in bounds {
            if !(1..=most).contains(&entries) {
                return Err(format!("{key} is 1 to {most}, not {entries}"));
            }
        }
        Ok(parameters)
    }
}

//! The refresh at the head of the queue: closes its banks, then refreshes them.

use super::Phase;
use super::Window;
use super::bits::Banks;
use super::gates::Kind;
use super::parameters::Blocking;
use crate::dram::observer::Observer;
use crate::time::Tick;

impl Window {
    /// Queues what is due at `t` and holds up what must wait for it.
    pub(super) fn fall_due(&mut self, t: Tick) {
        self.refreshes.fall_due(t);
        self.maintain_at = self.maintain_at.min(t);
        self.block();
    }

    fn block(&mut self) {
        self.blocked = match self.refreshes.head() {
            None => Banks::default(),
            Some(_) if self.parameters.refresh.blocking == Blocking::Channel => {
                (0..self.banks.len()).collect()
            }
            Some(head) => head.banks,
        };
    }

    /// No request is chosen from the buffers, nor is it asked which buffer to serve.
    #[inline]
    pub(super) fn channel_waits(&self) -> bool {
        self.refreshes.waits() && self.parameters.refresh.blocking == Blocking::Channel
    }

    /// Brings the refresh at the head of the queue one command further, if it can be at `t`.
    pub(super) fn maintain(&mut self, t: Tick, observer: &mut impl Observer) -> bool {
        if self.maintain_at > t {
            return false;
        }
        let Some(&head) = self.refreshes.head() else {
            self.maintain_at = Tick::MAX;
            return false;
        };
        let open = |&bank: &usize| self.banks[bank].phase != Phase::Closed;
        let open: Banks = head.banks.iter().filter(open).collect();
        let busy = self.activating.map(|(bank, ..)| bank);
        let free = |bank: usize| !self.active.has(bank) && busy != Some(bank);
        if open.is_empty() {
            self.maintain_at = self.rising(self.gates.ready_wide(head.kind, head.banks));
            if self.maintain_at > t {
                return false;
            }
            self.issue_wide(head.kind, head.banks, t, observer);
            self.refreshes.done();
            self.block();
            if !self.refreshes.waits() {
                self.maintain_at = Tick::MAX;
            }
            self.forget_plans();
            return true;
        }
        if head.kind == Kind::Ref {
            if !open.iter().all(free) {
                self.maintain_at = Tick::MAX;
                return false;
            }
            let ready = self.gates.ready_wide(Kind::PreAll, head.banks);
            let pseudo_channel = self.gates.pseudo_channel_of(head.banks.first());
            let at = ready.max(self.row_floor);
            let barred = at == self.barred.0 && self.is_barred(None, pseudo_channel);
            self.maintain_at = at + u64::from(barred);
            if self.maintain_at > t {
                return false;
            }
            self.issue_wide(Kind::PreAll, head.banks, t, observer);
            return true;
        }
        let Some(bank) = open.iter().find(|&bank| free(bank)) else {
            self.maintain_at = Tick::MAX;
            return false;
        };
        self.maintain_at = self.precharge_at(bank);
        if self.maintain_at > t {
            return false;
        }
        self.precharge(bank, t, observer);
        true
    }
}

//! Command-to-command distances as flat lists: after a command is issued at `t`, each rule of its
//! list raises the earliest time of a later command.
//!
//! The host rules are the constraints of the standard; the PIM rules are those of the NeuPIMs
//! channel (ASPLOS 2024). Where the simulator of the latter
//! departs from what a die could do, the departure is a flag of [`crate::pim::PimQuirks`].
#![deny(clippy::float_arithmetic)]

use super::command::{Command, PerCommand};
use super::constraint::{Constraint, Scope};
use super::organisation::Organisation;
use super::timing::Timing;
use crate::pim::{PimTiming, RowBuffers};
use crate::time::Tick;

/// Which banks a rule reaches, seen from the bank of the issued command. `Group` and `Rank`
/// include the narrower scopes, so the distance of a wider scope never exceeds the narrower one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The same bank.
    Bank,
    /// The other banks of the same bank group.
    OtherBanks,
    /// Every bank of the same bank group.
    Group,
    /// Every bank of the other groups of the same rank.
    OtherGroups,
    /// Every bank of the same rank.
    Rank,
    /// Every bank of the other ranks of the same pseudo-channel.
    OtherRanks,
    /// Every bank of the same pseudo-channel, where the channel has several.
    PseudoChannel,
    /// Every bank of the other pseudo-channels.
    OtherPseudoChannels,
    /// Every bank of the channel.
    Channel,
}

/// One constraint: `then` not before `base + per_comp * comps` ticks after the issued command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Banks reached.
    pub reach: Reach,
    /// Constrained command.
    pub then: Command,
    /// Ticks independent of the command's length.
    pub base: Tick,
    /// Ticks for each multiply-accumulate step; zero for commands of fixed length.
    pub per_comp: Tick,
}

/// The rules of every command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    after: PerCommand<Vec<Rule>>,
}

impl Rules {
    /// The rules that start when `command` is issued.
    pub fn after(&self, command: Command) -> &[Rule] {
        &self.after[command as usize]
    }

    /// The table of the stream channel: the constraints among the five commands it issues, and the
    /// PIM rules. It activates in one phase, precharges bank by bank and starts no data clock, so
    /// what a standard says of ACT2, PREA, RDA, WRA and CAS does not concern it.
    pub fn build(
        constraints: &[Constraint],
        organisation: &Organisation,
        t: &Timing,
        pim: Option<&PimTiming>,
    ) -> Rules {
        use Command::{Act, Pre, Rd, Ref, Wr};
        let issued = |command| matches!(command, Act | Pre | Rd | Wr | Ref);
        let of_channel: Vec<Constraint> = constraints
            .iter()
            .filter(|constraint| issued(constraint.first) && issued(constraint.then))
            .copied()
            .collect();
        let mut rules = Rules::of(&of_channel, organisation);
        if let Some(pim) = pim {
            rules.pim(t, pim);
        }
        rules
    }

    /// The table of any constraints; windows are apart.
    pub fn of(constraints: &[Constraint], organisation: &Organisation) -> Rules {
        let mut rules = Rules::default();
        let together = constraints
            .iter()
            .filter(|constraint| constraint.window == 1 && constraint.distance > 0);
        for constraint in together {
            let reach = reach(constraint, organisation);
            let list = &mut rules.after[constraint.first as usize];
            // A length that grows and one that does not are two rules: the longer one counts.
            let same = |rule: &&mut Rule| {
                rule.reach == reach
                    && rule.then == constraint.then
                    && rule.per_comp == constraint.per_step
            };
            match list.iter_mut().find(same) {
                Some(rule) => rule.base = rule.base.max(constraint.distance),
                None => list.push(Rule {
                    reach,
                    then: constraint.then,
                    base: constraint.distance,
                    per_comp: constraint.per_step,
                }),
            }
        }
        rules
    }

    fn add(&mut self, first: Command, reach: Reach, then: Command, base: Tick) {
        self.after[first as usize].push(Rule {
            reach,
            then,
            base,
            per_comp: 0,
        });
    }

    fn add_comps(&mut self, reach: Reach, then: Command, base: Tick, per_comp: Tick) {
        self.after[Command::CompsReadres as usize].push(Rule {
            reach,
            then,
            base,
            per_comp,
        });
    }

    fn pim(&mut self, t: &Timing, pim: &PimTiming) {
        use Command::{Act, CompsReadres, GAct, Gwrite, PimPre, Pre, Rd, Ref, Wr};
        use Reach::{Bank, Channel, Group, Rank};
        let write_to_column = t.cwl + t.burst + t.wtr_s;
        self.add(Act, Bank, Gwrite, t.rcd_rd);
        self.add(Rd, Channel, Gwrite, t.ccd_l.max(t.burst));
        self.add(Wr, Channel, Gwrite, t.cwl + t.burst + t.wtr_l);
        // A GWRITE streams the row over the bank's column path and the channel's vector bus.
        self.add(Gwrite, Bank, Rd, pim.gwrite);
        self.add(Gwrite, Bank, Wr, pim.gwrite);
        self.add(Gwrite, Bank, Pre, pim.gwrite);
        self.add(Gwrite, Channel, Rd, t.ccd_l.max(t.burst));
        let read_to_write = (t.cl + t.burst + t.rtrs).saturating_sub(t.cwl);
        self.add(Gwrite, Channel, Wr, read_to_write);
        self.add(Gwrite, Channel, Gwrite, pim.gwrite);
        self.add(Gwrite, Channel, CompsReadres, pim.gwrite);

        let activate_apart = match pim.row_buffers {
            RowBuffers::Dual => t.rrd_l,
            RowBuffers::Blocked => t.rc,
        };
        self.add(Act, Bank, GAct, activate_apart);
        self.add(Act, Group, GAct, t.rrd_l);
        self.add(Act, Rank, GAct, t.rrd_s);
        self.add(GAct, Group, Act, activate_apart);
        self.add(GAct, Rank, Act, t.faw.max(t.rrd_s));
        self.add(GAct, Group, GAct, t.rc);
        self.add(GAct, Rank, GAct, t.faw.max(t.rrd_s));
        self.add(GAct, Rank, CompsReadres, t.rcd_rd);
        self.add(Ref, Rank, GAct, t.rfc);
        // With one buffer a PIM row is closed by the ordinary precharge.
        let close = pim.row_buffers.close_command();
        self.add(GAct, Group, close, t.ras);
        self.add(close, Bank, GAct, t.rp);
        if close == PimPre {
            self.add(PimPre, Rank, Ref, t.rp);
        }

        // As in the artifact, a read-out waits for host columns under way. Once its steps run, each
        // bank works on its PIM row buffer and host columns go on beside it; what both share is the
        // data bus, which the channel reserves for the result.
        self.add(Rd, Channel, CompsReadres, t.ccd_s.max(t.burst));
        self.add(Wr, Channel, CompsReadres, write_to_column);
        self.add_comps(Channel, CompsReadres, pim.comp, pim.comp);
        // The rows and the vector buffer are in use until the last step.
        let in_use = if pim.quirks.early_pim_release {
            0
        } else {
            pim.comp
        };
        self.add_comps(Channel, close, t.rtp, in_use);
        self.add_comps(Channel, Gwrite, t.ccd_l.max(t.burst), in_use);
        if pim.quirks.result_off_bus {
            let read_to_write = (t.cl + t.burst + t.rtrs).saturating_sub(t.cwl);
            self.add_comps(Channel, Rd, t.burst + t.rtrs, 0);
            self.add_comps(Channel, Wr, read_to_write, 0);
        }
    }
}

fn reach(constraint: &Constraint, organisation: &Organisation) -> Reach {
    match (constraint.scope, constraint.sibling) {
        (Scope::Bank, false) => Reach::Bank,
        (Scope::Bank, true) => Reach::OtherBanks,
        (Scope::Group, false) => Reach::Group,
        (Scope::Group, true) => Reach::OtherGroups,
        (Scope::Rank, false) => Reach::Rank,
        (Scope::Rank, true) => Reach::OtherRanks,
        // One pseudo-channel is the channel, whose gates are the cheapest to raise and to read.
        (Scope::PseudoChannel, false) if organisation.pseudo_channels == 1 => Reach::Channel,
        (Scope::PseudoChannel, false) => Reach::PseudoChannel,
        (Scope::PseudoChannel, true) => Reach::OtherPseudoChannels,
        (Scope::Channel, _) => Reach::Channel,
    }
}

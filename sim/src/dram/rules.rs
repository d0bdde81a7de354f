//! Command-to-command distances, built from named timing parameters and kept as flat lists: after
//! a command is issued at `t`, each rule of its list raises the earliest time of a later command.
//!
//! The host rules follow the bank-state model of JEDEC HBM data sheets as DRAMsim3 resolves them;
//! the PIM rules those of the NeuPIMs channel (ASPLOS 2024). Where the simulator of the latter
//! departs from what a die could do, the departure is a flag of [`crate::pim::PimQuirks`].
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::timing::Timing;
use crate::pim::{PimTiming, RowBuffers};
use crate::time::Tick;

/// Which banks a rule reaches, seen from the bank of the issued command. `Group` and `Rank`
/// include the narrower scopes, so the distance of a wider scope never exceeds the narrower one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The same bank.
    Bank,
    /// Every bank of the same bank group.
    Group,
    /// Every bank of the same rank.
    Rank,
    /// Every bank of the other ranks.
    OtherRanks,
    /// Every bank of the channel.
    Channel,
}

/// One constraint: `then` not before `base + per_comp * comps` ticks after the issued command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Banks reached.
    pub scope: Scope,
    /// Constrained command.
    pub then: Command,
    /// Ticks independent of the command's length.
    pub base: Tick,
    /// Ticks for each multiply-accumulate step; zero for commands of fixed length.
    pub per_comp: Tick,
}

/// The rules of every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    after: [Vec<Rule>; COMMANDS],
}

impl Rules {
    /// The rules that start when `command` is issued.
    pub fn after(&self, command: Command) -> &[Rule] {
        &self.after[command as usize]
    }

    /// Builds the table for a host-only channel (`pim` is `None`) or a PIM channel.
    pub fn build(t: &Timing, pim: Option<&PimTiming>) -> Rules {
        let mut rules = Rules {
            after: Default::default(),
        };
        rules.host(t);
        if let Some(pim) = pim {
            rules.pim(t, pim);
        }
        rules
    }

    fn add(&mut self, first: Command, scope: Scope, then: Command, base: Tick) {
        self.after[first as usize].push(Rule {
            scope,
            then,
            base,
            per_comp: 0,
        });
    }

    fn add_comps(&mut self, scope: Scope, then: Command, base: Tick, per_comp: Tick) {
        self.after[Command::CompsReadres as usize].push(Rule {
            scope,
            then,
            base,
            per_comp,
        });
    }

    fn host(&mut self, t: &Timing) {
        use Command::{Act, Pre, Rd, Ref, Wr};
        use Scope::{Bank, Channel, Group, OtherRanks, Rank};
        let ccd_l = t.ccd_l.max(t.burst);
        let ccd_s = t.ccd_s.max(t.burst);
        let read_to_write = (t.cl + t.burst + t.rtrs).saturating_sub(t.cwl);
        self.add(Act, Bank, Act, t.rc);
        self.add(Act, Group, Act, t.rrd_l);
        self.add(Act, Rank, Act, t.rrd_s);
        self.add(Act, Bank, Rd, t.rcd_rd);
        self.add(Act, Bank, Wr, t.rcd_wr);
        self.add(Act, Bank, Pre, t.ras);
        self.add(Pre, Bank, Act, t.rp);
        self.add(Pre, Rank, Ref, t.rp);
        self.add(Rd, Group, Rd, ccd_l);
        self.add(Rd, Rank, Rd, ccd_s);
        self.add(Rd, OtherRanks, Rd, t.burst + t.rtrs);
        self.add(Rd, Channel, Wr, read_to_write);
        self.add(Rd, Bank, Pre, t.rtp);
        self.add(Wr, Group, Wr, ccd_l);
        self.add(Wr, Rank, Wr, ccd_s);
        self.add(Wr, OtherRanks, Wr, t.burst);
        self.add(Wr, Group, Rd, t.cwl + t.burst + t.wtr_l);
        self.add(Wr, Rank, Rd, t.cwl + t.burst + t.wtr_s);
        let write_to_other = (t.cwl + t.burst + t.rtrs).saturating_sub(t.cl);
        self.add(Wr, OtherRanks, Rd, write_to_other);
        self.add(Wr, Bank, Pre, t.cwl + t.burst + t.wr);
        self.add(Ref, Rank, Act, t.rfc);
        self.add(Ref, Rank, Ref, t.rfc);
    }

    fn pim(&mut self, t: &Timing, pim: &PimTiming) {
        use Command::{Act, CompsReadres, GAct, Gwrite, PimPre, Pre, Rd, Ref, Wr};
        use Scope::{Bank, Channel, Group, Rank};
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

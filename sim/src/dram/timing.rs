//! Resolved core timing of a channel, in clock ticks: what the rules are built from.

use super::command::Command;
use super::constraint::{Constraint, Scope};
use crate::time::Tick;

/// Timing parameters in ticks of the command clock (tCK). Names are those of JEDEC data sheets
/// without the leading `t`; `_s` and `_l` are the short (other bank group) and long (same bank
/// group) forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Timing {
    /// Column read command to first data.
    pub cl: Tick,
    /// Column write command to first data.
    pub cwl: Tick,
    /// Ticks a burst occupies the data bus.
    pub burst: Tick,
    pub rcd_rd: Tick,
    pub rcd_wr: Tick,
    pub rp: Tick,
    pub ras: Tick,
    /// ACT to ACT of one bank; `ras + rp` unless the part states more.
    pub rc: Tick,
    pub rrd_s: Tick,
    pub rrd_l: Tick,
    /// Window in which a rank may open four rows.
    pub faw: Tick,
    pub ccd_s: Tick,
    pub ccd_l: Tick,
    pub wtr_s: Tick,
    pub wtr_l: Tick,
    /// End of write data to precharge.
    pub wr: Tick,
    pub rtp: Tick,
    /// Idle ticks on the data bus when it changes hands between ranks or directions.
    pub rtrs: Tick,
    pub rfc: Tick,
    pub refi: Tick,
}

impl Timing {
    /// Read command to the end of its data.
    pub fn read_done(&self) -> Tick {
        self.cl + self.burst
    }

    /// Write command to the end of its data.
    pub fn write_done(&self) -> Tick {
        self.cwl + self.burst
    }

    /// The constraints of a standard with one-tick commands and bank groups, as DRAMsim3 resolves
    /// JEDEC data sheets: for parts put together in code. Shipped parts name a rules file.
    pub fn constraints(&self) -> Vec<Constraint> {
        use Command::{Act, Pre, Rd, Ref, Wr};
        use Scope::{Bank, Channel, Group, Rank};
        let ccd_l = self.ccd_l.max(self.burst);
        let ccd_s = self.ccd_s.max(self.burst);
        let read_to_write = (self.cl + self.burst + self.rtrs).saturating_sub(self.cwl);
        let write_to_other = (self.cwl + self.burst + self.rtrs).saturating_sub(self.cl);
        let write_done = self.write_done();
        let own = [
            (Act, Bank, Act, self.rc),
            (Act, Group, Act, self.rrd_l),
            (Act, Rank, Act, self.rrd_s),
            (Act, Bank, Rd, self.rcd_rd),
            (Act, Bank, Wr, self.rcd_wr),
            (Act, Bank, Pre, self.ras),
            (Pre, Bank, Act, self.rp),
            (Pre, Rank, Ref, self.rp),
            (Rd, Group, Rd, ccd_l),
            (Rd, Rank, Rd, ccd_s),
            (Rd, Channel, Wr, read_to_write),
            (Rd, Bank, Pre, self.rtp),
            (Wr, Group, Wr, ccd_l),
            (Wr, Rank, Wr, ccd_s),
            (Wr, Group, Rd, write_done + self.wtr_l),
            (Wr, Rank, Rd, write_done + self.wtr_s),
            (Wr, Bank, Pre, write_done + self.wr),
            (Ref, Rank, Act, self.rfc),
            (Ref, Rank, Ref, self.rfc),
        ];
        let other_ranks = [
            (Rd, Rank, Rd, self.burst + self.rtrs),
            (Wr, Rank, Wr, self.burst),
            (Wr, Rank, Rd, write_to_other),
        ];
        let with = |sibling| {
            move |(first, scope, then, distance)| Constraint {
                first,
                then,
                scope,
                sibling,
                distance,
                per_step: 0,
                window: 1,
            }
        };
        let mut constraints: Vec<Constraint> = own.into_iter().map(with(false)).collect();
        constraints.extend(other_ranks.into_iter().map(with(true)));
        constraints.push(Constraint {
            window: 4,
            ..with(false)((Act, Rank, Act, self.faw))
        });
        constraints
    }
}

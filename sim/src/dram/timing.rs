//! Resolved core timing of a channel, in clock ticks: what the rules are built from.

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

    /// Distance of column commands that hit the same open row.
    pub fn column_stride(&self) -> Tick {
        self.ccd_l.max(self.burst)
    }
}

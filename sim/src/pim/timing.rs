//! The PIM side of a part: units, registers and policies of its banks, resolved from `[pim]` and
//! `[quirks]`. Distances between commands are not here but in the part's constraint list.

use super::format::Format;
use crate::dram::command::Command;
use crate::dram::{Organisation, Standard};
use crate::time::Tick;

/// How the normal and the PIM rows of a bank share its sense amplifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowBuffers {
    /// One row buffer a bank (Newton): host commands and PIM tiles exclude each other.
    Blocked,
    /// A second row buffer for PIM (NeuPIMs, ASPLOS 2024): both proceed, one row open in each.
    Dual,
}

impl RowBuffers {
    /// The command that closes a PIM row of one bank.
    pub fn close_command(self) -> Command {
        match self {
            RowBuffers::Blocked => Command::Pre,
            RowBuffers::Dual => Command::PimPre,
        }
    }

    /// The command that closes the PIM rows of a rank; with one row buffer it closes all rows.
    pub fn close_all_command(self) -> Command {
        match self {
            RowBuffers::Blocked => Command::PreAll,
            RowBuffers::Dual => Command::PimPreAll,
        }
    }
}

/// Banks that one command opens for the multipliers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// A bank group (G_ACT of Newton, ACT4 of AiM).
    Group,
    /// All banks of a rank (ACT16 of AiM, ACTAB of AttAcc).
    Rank,
}

impl Activation {
    /// The command.
    pub fn command(self) -> Command {
        match self {
            Activation::Group => Command::GAct,
            Activation::Rank => Command::ActAb,
        }
    }
}

/// Which stream goes first where host and PIM commands meet on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arbitration {
    /// A PIM command that is ready goes before any host command.
    PimFirst,
    /// A PIM operation starts only while no host request waits.
    MemoryFirst,
    /// PIM operations start in the first `pim` ticks of every `pim + host`, and host rows are opened
    /// and accessed in the others, as long as both kinds of work are there.
    TimeSliced {
        /// Ticks of a PIM slice.
        pim: Tick,
        /// Ticks of a host slice.
        host: Tick,
    },
}

/// An average-power cap of the multipliers and the rows they open, for one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Power {
    /// Femtojoules that a tick allows.
    pub fj_per_tick: u64,
    /// Opening and closing a row of one bank.
    pub activate_fj: u64,
    /// One step of one bank.
    pub comp_fj: u64,
}

/// Departures of the NeuPIMs artifact's channel from what a die could do. All off by default; a
/// machine that turns one on is a parity machine. Each is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PimQuirks {
    /// PIM rows may be closed, and the vector buffer refilled, as if a COMPS_READRES were over when
    /// it is issued, while its MACs still run.
    pub early_pim_release: bool,
    /// A read-out reserves no data-bus slot; reads are held 4 ticks at its issue instead, and its
    /// result is there a read latency after the issue whatever the number of MAC steps.
    pub result_off_bus: bool,
    /// A G_ACT opens four rows but is not entered in the four-activate window.
    pub gact_outside_window: bool,
    /// The refresh guard counts 5 ticks for every precharge and no MAC step of the last read-out.
    pub coarse_guard: bool,
    /// PIM rows are closed bank by bank, a command slot each.
    pub per_bank_precharge: bool,
    /// One command opens a row in every bank of a rank, as if no four-activate window limited the
    /// current (AttAcc's simulator, Samsung's PIMSimulator).
    pub all_bank_act_outside_window: bool,
}

impl PimQuirks {
    /// Flags by the names that rules files use.
    pub fn flags(&self) -> [(&'static str, bool); 6] {
        [
            ("early_pim_release", self.early_pim_release),
            ("result_off_bus", self.result_off_bus),
            ("gact_outside_window", self.gact_outside_window),
            ("coarse_guard", self.coarse_guard),
            ("per_bank_precharge", self.per_bank_precharge),
            (
                "all_bank_act_outside_window",
                self.all_bank_act_outside_window,
            ),
        ]
    }
}

/// Timing and organisation of the PIM side of a channel, in channel ticks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PimTiming {
    /// Sharing of the row buffers.
    pub row_buffers: RowBuffers,
    /// Copy of one row into the global vector buffer.
    pub gwrite: Tick,
    /// One multiply-accumulate step of all banks: the longer of what the column path and what the
    /// supply current allow.
    pub comp: Tick,
    /// Bytes that a bank delivers to its multipliers in a step, where that is not a burst.
    pub step_bytes: Option<u64>,
    /// Steps a read-out takes at least: the depth of the MAC pipeline.
    pub min_comps: Tick,
    /// Fp16 elements that one bank multiplies in a step.
    pub macs_per_bank: u64,
    /// Elements a step of the other formats that the multipliers take.
    pub other_formats: Vec<(Format, u64)>,
    /// Rows that the global vector buffer holds.
    pub vector_buffer_rows: u64,
    /// Partial sums that a bank keeps while its rows and the vector change. One, and every row ends
    /// in a read-out.
    pub accumulators: u64,
    /// Bytes of a partial sum as it leaves its bank.
    pub result_bytes: u64,
    /// Whether a tile is announced by a P_HEADER, which takes a command slot.
    pub header: bool,
    /// Banks that an activation opens.
    pub activation: Activation,
    /// Whether the steps of a read-out and the read-out are one command (NeuPIMs' COMPS_READRES)
    /// or a command each (Newton).
    pub composite: bool,
    /// Host against PIM.
    pub arbitration: Arbitration,
    /// Cap of the average power.
    pub power: Option<Power>,
    /// Quirks of a parity machine.
    pub quirks: PimQuirks,
}

impl PimTiming {
    /// Steps that a read-out of `comps` steps occupies the MACs.
    pub fn steps(&self, comps: u32) -> Tick {
        Tick::from(comps).max(self.min_comps)
    }

    /// Steps that the command stream counts as occupied by one read-out: a composite command holds
    /// the MACs until its pipeline is drained.
    pub fn occupied(&self, comps: u32) -> Tick {
        if self.composite {
            self.steps(comps)
        } else {
            Tick::from(comps)
        }
    }

    /// Ticks from the first bank that an all-bank activation opens to each, that one included: four
    /// within a window, tRRD apart, as the single activations that they are on a die. All zero where
    /// a quirk drops the window.
    pub fn opening(&self, std: &Standard) -> impl Iterator<Item = Tick> + use<> {
        let organisation = &std.organisation;
        let banks = (organisation.banks() / organisation.units()) as Tick;
        let t = &std.timing;
        // The banks of a command are opened round the groups.
        let groups = (organisation.bank_groups as Tick).max(1);
        let apart = t.rrd_s.max(t.rrd_l.div_ceil(groups));
        let window = t.faw.max(4 * apart);
        let at_once = self.quirks.all_bank_act_outside_window;
        (0..banks).map(move |bank| {
            if at_once {
                0
            } else {
                bank / 4 * window + bank % 4 * apart
            }
        })
    }

    /// Ticks until the last bank of an all-bank activation opens; zero for those of a group.
    pub fn opening_ticks(&self, std: &Standard) -> Tick {
        match self.activation {
            Activation::Group => 0,
            Activation::Rank => self.opening(std).last().unwrap_or(0),
        }
    }

    /// Bursts in which one read-out leaves each data bus of a channel, a partial sum from every bank.
    pub fn read_out_bursts(&self, organisation: &Organisation) -> u64 {
        let banks = organisation.banks() as u64 / organisation.pseudo_channels as u64;
        (banks * self.result_bytes).div_ceil(organisation.burst_bytes)
    }

    /// Bytes of these bursts, on all data buses of a channel.
    pub fn read_out_bytes(&self, organisation: &Organisation) -> u64 {
        let buses = organisation.pseudo_channels as u64;
        self.read_out_bursts(organisation) * buses * organisation.burst_bytes
    }

    /// The same, where they take up time of the data bus.
    pub fn bus_bytes_of_read_out(&self, organisation: &Organisation) -> u64 {
        if self.quirks.result_off_bus {
            0
        } else {
            self.read_out_bytes(organisation)
        }
    }

    /// Ticks of a read-out on the data bus.
    pub fn read_out_ticks(&self, std: &Standard) -> Tick {
        let apart = std.timing.burst.max(std.timing.ccd_s);
        (self.read_out_bursts(&std.organisation) - 1) * apart + std.timing.burst
    }

    /// Elements of a format that one bank multiplies in a step; `None` where it cannot.
    pub fn macs(&self, format: Format) -> Option<u64> {
        if format == Format::Fp16 {
            return Some(self.macs_per_bank);
        }
        let mut others = self.other_formats.iter();
        others
            .find(|(known, _)| *known == format)
            .map(|(_, macs)| *macs)
    }

    /// What rules files may name besides the part's own timing.
    pub fn parameters(&self) -> [(String, Tick); 2] {
        [
            ("gwrite".to_owned(), self.gwrite),
            ("comp".to_owned(), self.comp),
        ]
    }
}

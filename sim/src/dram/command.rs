//! The commands a channel can put on its command bus, host and PIM alike: one numbering, so that
//! every pair can be constrained by one table.

/// A command of the channel. The comment gives its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Command {
    /// Opens a row in the normal row buffer of one bank.
    Act,
    /// Closes the normal row buffer of one bank.
    Pre,
    /// Reads one burst from an open row of one bank.
    Rd,
    /// Writes one burst into an open row of one bank.
    Wr,
    /// Refreshes all banks of one rank or pseudo-channel, all of them closed.
    Ref,
    /// Second half of an activation in two phases (LPDDR5); [`Command::Act`] is the first.
    Act2,
    /// Closes every bank of one rank or pseudo-channel.
    PreAll,
    /// Reads one burst and closes the row.
    RdA,
    /// Writes one burst and closes the row.
    WrA,
    /// Refreshes one bank.
    RefBank,
    /// Refreshes the banks of one index in all bank groups of a rank (DDR5 same-bank refresh).
    RefSame,
    /// Starts the data clock for a column command (LPDDR5 WCK synchronisation).
    Cas,
    /// Copies an open row of one bank into the channel's global vector buffer (PIM).
    Gwrite,
    /// Opens the same row in the PIM row buffers of one bank group.
    GAct,
    /// Closes the PIM row buffer of one bank; with dual row buffers only.
    PimPre,
    /// Announces a PIM tile; occupies a command slot, nothing else.
    Header,
    /// All banks of the channel: a burst of multiply-accumulates on the open PIM rows, then the
    /// read-out of one partial sum per bank.
    CompsReadres,
}

/// Number of commands; sizes the gate arrays.
pub const COMMANDS: usize = 17;

impl Command {
    /// Every command, in numbering order.
    pub const ALL: [Command; COMMANDS] = [
        Command::Act,
        Command::Pre,
        Command::Rd,
        Command::Wr,
        Command::Ref,
        Command::Act2,
        Command::PreAll,
        Command::RdA,
        Command::WrA,
        Command::RefBank,
        Command::RefSame,
        Command::Cas,
        Command::Gwrite,
        Command::GAct,
        Command::PimPre,
        Command::Header,
        Command::CompsReadres,
    ];

    /// The mnemonic of data sheets and the PIM literature.
    pub fn mnemonic(self) -> &'static str {
        match self {
            Command::Act => "ACT",
            Command::Pre => "PRE",
            Command::Rd => "RD",
            Command::Wr => "WR",
            Command::Ref => "REF",
            Command::Act2 => "ACT2",
            Command::PreAll => "PREA",
            Command::RdA => "RDA",
            Command::WrA => "WRA",
            Command::RefBank => "REFPB",
            Command::RefSame => "REFSB",
            Command::Cas => "CAS",
            Command::Gwrite => "GWRITE",
            Command::GAct => "G_ACT",
            Command::PimPre => "PIM_PRECHARGE",
            Command::Header => "P_HEADER",
            Command::CompsReadres => "COMPS_READRES",
        }
    }

    /// Commands that a standard's file may name; those of PIM come with the PIM device.
    pub const HOST: [(&'static str, Command); 12] = [
        ("act", Command::Act),
        ("act2", Command::Act2),
        ("pre", Command::Pre),
        ("pre_all", Command::PreAll),
        ("rd", Command::Rd),
        ("rd_a", Command::RdA),
        ("wr", Command::Wr),
        ("wr_a", Command::WrA),
        ("ref", Command::Ref),
        ("ref_bank", Command::RefBank),
        ("ref_same", Command::RefSame),
        ("cas", Command::Cas),
    ];
}

//! The commands a channel can put on its command bus, host and PIM alike: one numbering, so that
//! every pair can be constrained by one table.

use std::ops::{Deref, DerefMut};

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
    /// Copies an open row of one bank into the channel's global vector buffer (Newton, AiM).
    Gwrite,
    /// Opens the same row in the PIM row buffers of one bank group (Newton, AiM).
    GAct,
    /// Closes the PIM row buffer of one bank; with dual row buffers only (NeuPIMs).
    PimPre,
    /// Closes the PIM row buffers of every bank of a rank.
    PimPreAll,
    /// Announces a PIM tile; occupies a command slot, nothing else (NeuPIMs).
    Header,
    /// One multiply-accumulate step of every bank of the channel on the open PIM rows (Newton,
    /// AiM).
    Comp,
    /// Reads one partial sum per bank out of the accumulators (Newton, AiM).
    Readres,
    /// A run of [`Command::Comp`] and the [`Command::Readres`] behind it as one command (NeuPIMs).
    CompsReadres,
    /// Writes into the open PIM row of a bank (NeuPIMs).
    Pwrite,
    /// Opens the same row in all banks (HBM-PIM in all-bank mode, AttAcc).
    ActAb,
    /// Closes all banks that an all-bank activation opened.
    PreAb,
    /// Reads one burst in all banks; in PIM mode it drives one instruction (HBM-PIM).
    RdAb,
    /// Writes one burst in all banks, or a register file; in PIM mode it drives one instruction
    /// (HBM-PIM).
    WrAb,
    /// One multiply-accumulate step of all banks (AttAcc, bank level).
    MacAb,
    /// Opens a row in the bank of one index of every bank group (AttAcc, bank-group level).
    ActSb,
    /// Closes the bank of one index of every bank group.
    PreSb,
    /// One multiply-accumulate step of the bank of one index of every bank group (AttAcc).
    MacSb,
    /// Opens a row in one bank of every pseudo-channel (AttAcc, buffer level).
    ActPb,
    /// Closes one bank of every pseudo-channel.
    PrePb,
    /// One multiply-accumulate step on one bank of every pseudo-channel (AttAcc).
    MacPb,
    /// Writes a burst of the vector into the GEMV buffers (AttAcc).
    WrGb,
    /// Moves results into the softmax buffer (AttAcc).
    MvSb,
    /// Moves the softmax's output into the GEMV buffers (AttAcc).
    MvGb,
    /// Softmax on the buffer die (AttAcc).
    Sfm,
}

/// Number of commands; sizes the gate arrays.
pub const COMMANDS: usize = 36;

impl Command {
    /// Every command in numbering order, with its name in files and its mnemonic in data sheets and
    /// the PIM literature.
    pub const NAMES: [(&'static str, Command, &'static str); COMMANDS] = [
        ("act", Command::Act, "ACT"),
        ("pre", Command::Pre, "PRE"),
        ("rd", Command::Rd, "RD"),
        ("wr", Command::Wr, "WR"),
        ("ref", Command::Ref, "REF"),
        ("act2", Command::Act2, "ACT2"),
        ("pre_all", Command::PreAll, "PREA"),
        ("rd_a", Command::RdA, "RDA"),
        ("wr_a", Command::WrA, "WRA"),
        ("ref_bank", Command::RefBank, "REFPB"),
        ("ref_same", Command::RefSame, "REFSB"),
        ("cas", Command::Cas, "CAS"),
        ("gwrite", Command::Gwrite, "GWRITE"),
        ("g_act", Command::GAct, "G_ACT"),
        ("pim_pre", Command::PimPre, "PIM_PRECHARGE"),
        ("pim_pre_all", Command::PimPreAll, "PIM_PRECHARGE_ALL"),
        ("p_header", Command::Header, "P_HEADER"),
        ("comp", Command::Comp, "COMP"),
        ("readres", Command::Readres, "READRES"),
        ("comps_readres", Command::CompsReadres, "COMPS_READRES"),
        ("pwrite", Command::Pwrite, "PWRITE"),
        ("act_ab", Command::ActAb, "ACTAB"),
        ("pre_ab", Command::PreAb, "PREAB"),
        ("rd_ab", Command::RdAb, "RDAB"),
        ("wr_ab", Command::WrAb, "WRAB"),
        ("mac_ab", Command::MacAb, "MACAB"),
        ("act_sb", Command::ActSb, "ACTSB"),
        ("pre_sb", Command::PreSb, "PRESB"),
        ("mac_sb", Command::MacSb, "MACSB"),
        ("act_pb", Command::ActPb, "ACTPB"),
        ("pre_pb", Command::PrePb, "PREPB"),
        ("mac_pb", Command::MacPb, "MACPB"),
        ("wr_gb", Command::WrGb, "WRGB"),
        ("mv_sb", Command::MvSb, "MVSB"),
        ("mv_gb", Command::MvGb, "MVGB"),
        ("sfm", Command::Sfm, "SFM"),
    ];

    /// Every command, in numbering order.
    pub fn all() -> impl Iterator<Item = Command> {
        Command::NAMES.into_iter().map(|(_, command, _)| command)
    }

    /// The mnemonic of data sheets and the PIM literature.
    pub fn mnemonic(self) -> &'static str {
        Command::NAMES[self as usize].2
    }
}

/// A value for every command, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerCommand<T>(pub [T; COMMANDS]);

impl<T: Default> Default for PerCommand<T> {
    fn default() -> Self {
        PerCommand(std::array::from_fn(|_| T::default()))
    }
}

impl<T> Deref for PerCommand<T> {
    type Target = [T; COMMANDS];

    fn deref(&self) -> &[T; COMMANDS] {
        &self.0
    }
}

impl<T> DerefMut for PerCommand<T> {
    fn deref_mut(&mut self) -> &mut [T; COMMANDS] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn names_stand_in_numbering_order() {
        for (number, (_, command, _)) in Command::NAMES.into_iter().enumerate() {
            assert_eq!(command as usize, number);
        }
    }
}

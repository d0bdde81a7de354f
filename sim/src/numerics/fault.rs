//! Defects of a schedule, made on purpose at one place of a run: a check that has never caught one is
//! no check.

use std::collections::BTreeMap;

/// A defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Bytes that were asked for do not reach the scratchpad, where zeros are used in their place.
    LoseLoad,
    /// A load brings the first element of its region for all others.
    WrongAddress,
    /// The products of a block do not reach the accumulators.
    DropPartialSum,
    /// They do twice.
    AddTwice,
    /// Accumulators are not stored.
    LoseStore,
    /// The last element of a reduction is left out, in an array or in the banks.
    ShortReduction,
    /// The keys and values of a new token are not written.
    SkipKvAppend,
    /// The keys and values of the token before are written in their place.
    StaleKv,
    /// The products of a block of keys or values are those of the next KV head.
    WrongHead,
    /// A query sees a token that the mask hides, or does not see its own.
    WrongMask,
    /// Softmax leaves a block of scores out of its sum.
    LoseBlockSum,
    /// Two banks exchange what they read out.
    SwapBanks,
    /// A tile opens the row after its own.
    WrongRow,
    /// A vector is not copied into the buffer, which keeps the one before.
    LoseGwrite,
    /// A token is sorted to an expert in the place of another.
    MisplaceToken,
    /// An expert's first matrix is that of the next expert.
    WrongExpert,
    /// The result of one of a token's experts is not added.
    LoseExpert,
}

impl Fault {
    /// All faults, with their names and what they do.
    pub const ALL: [(&'static str, Fault, &'static str); 17] = [
        (
            "lose-load",
            Fault::LoseLoad,
            "a load does not reach its scratchpad",
        ),
        (
            "wrong-address",
            Fault::WrongAddress,
            "a load brings one element for all",
        ),
        (
            "drop-partial-sum",
            Fault::DropPartialSum,
            "the products of a block are lost",
        ),
        (
            "add-twice",
            Fault::AddTwice,
            "the products of a block are added twice",
        ),
        (
            "lose-store",
            Fault::LoseStore,
            "accumulators are not stored",
        ),
        (
            "short-reduction",
            Fault::ShortReduction,
            "the last element of a reduction is left out",
        ),
        (
            "skip-kv-append",
            Fault::SkipKvAppend,
            "keys and values of a token are not written",
        ),
        (
            "stale-kv",
            Fault::StaleKv,
            "those of the token before are written again",
        ),
        (
            "wrong-head",
            Fault::WrongHead,
            "a block is taken from the next KV head",
        ),
        (
            "wrong-mask",
            Fault::WrongMask,
            "a query does not see its own token",
        ),
        (
            "lose-block-sum",
            Fault::LoseBlockSum,
            "softmax leaves a block out of its sum",
        ),
        (
            "swap-banks",
            Fault::SwapBanks,
            "two banks exchange their results",
        ),
        (
            "wrong-row",
            Fault::WrongRow,
            "a tile opens the row after its own",
        ),
        (
            "lose-gwrite",
            Fault::LoseGwrite,
            "the vector buffer keeps the vector before",
        ),
        (
            "misplace-token",
            Fault::MisplaceToken,
            "an expert is given another token",
        ),
        (
            "wrong-expert",
            Fault::WrongExpert,
            "an expert is run with the weights of the next",
        ),
        (
            "lose-expert",
            Fault::LoseExpert,
            "the result of a token's expert is not added",
        ),
    ];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        let known = Fault::ALL.iter().find(|(_, fault, _)| *fault == self);
        known.map_or("", |(name, _, _)| name)
    }
}

/// Where a fault may strike, and whether it does.
#[derive(Debug, Clone, Default)]
pub struct Chance {
    at: Option<(Fault, u64)>,
    met: BTreeMap<Fault, u64>,
    struck: bool,
}

impl Chance {
    /// No fault: counts the places.
    pub fn none() -> Chance {
        Chance::default()
    }

    /// `fault` at its place number `place`.
    pub fn at(fault: Fault, place: u64) -> Chance {
        Chance {
            at: Some((fault, place)),
            ..Chance::default()
        }
    }

    /// Places met so far at which a fault could strike.
    pub fn places(&self, fault: Fault) -> u64 {
        self.met.get(&fault).copied().unwrap_or(0)
    }

    /// Whether the fault was made.
    pub fn has_struck(&self) -> bool {
        self.struck
    }

    /// Whether `fault` is made here.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let met = self.met.entry(fault).or_default();
        let here = self.at == Some((fault, *met));
        *met += 1;
        self.struck |= here;
        here
    }
}

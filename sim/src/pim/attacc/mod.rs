//! AttAcc (Park et al., ASPLOS 2024): attention in HBM3 at bank, bank-group or buffer level, with
//! the softmax on the buffer die.
//!
//! One stack is simulated: the host's front end hands each channel requests of a [`mod@stream`] in one
//! order, and every channel's controller ([`mod@channel`]) turns them into commands. [`mod@attention`] and
//! [`mod@gemv`] write streams; [`mod@bound`] says what no stream can beat. Distances come from the part's
//! rules (`hw-configs/rules/attacc.toml`). The published simulator (scale-snu/attacc_simulator
//! c600051, on Ramulator 2.0) is reproduced with [`Quirks::parity`].
//!
//! Not modelled: the time that the softmax unit itself takes (its command occupies the data path as
//! a move does; the simulator has no figure either), and the size of the GEMV buffers.

mod activations;
pub mod attention;
pub mod bound;
pub mod channel;
mod gates;
pub mod gemv;
pub mod request;
mod stack;
pub mod stream;

use crate::dram::Standard;
use crate::dram::command::{Command, PerCommand};
use crate::time::Tick;

pub use attention::{Attention, attention};
pub use bound::{Bound, bound};
pub use gemv::gemv;
pub use stack::{Seen, run, run_seen};

/// Where the multipliers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// In every bank; one command works on all banks of the channel.
    Bank,
    /// One unit for a bank group; one command works on the bank of one index in every group.
    BankGroup,
    /// On the buffer die, one unit for a pseudo-channel; one command reads one bank of each.
    Buffer,
}

impl Level {
    /// Levels with their names in options and, where it is another, in the published tables.
    pub const NAMES: [(&'static str, Level); 5] = [
        ("bank", Level::Bank),
        ("bg", Level::BankGroup),
        ("buffer", Level::Buffer),
        ("ba", Level::Bank),
        ("bank_group", Level::BankGroup),
    ];

    /// The command that opens a row.
    pub fn act(self) -> Command {
        [Command::ActAb, Command::ActSb, Command::ActPb][self as usize]
    }

    /// The command that closes it.
    pub fn pre(self) -> Command {
        [Command::PreAb, Command::PreSb, Command::PrePb][self as usize]
    }

    /// One multiply-accumulate step on it.
    pub fn mac(self) -> Command {
        [Command::MacAb, Command::MacSb, Command::MacPb][self as usize]
    }

    /// Banks of a channel that one step reads a burst from.
    pub fn banks(self, standard: &Standard) -> usize {
        let o = &standard.organisation;
        match self {
            Level::Bank => o.banks(),
            Level::BankGroup => o.groups(),
            Level::Buffer => o.pseudo_channels,
        }
    }

    /// Banks of one rank that one activation opens.
    pub fn banks_of_rank(self, standard: &Standard) -> usize {
        let o = &standard.organisation;
        match self {
            Level::Bank => o.bank_groups * o.banks_per_group,
            Level::BankGroup => o.bank_groups,
            Level::Buffer => 1,
        }
    }
}

/// Departures of the published simulator from what a die could do, or from the work that it says it
/// does. All off by default; each is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks {
    /// An activation of several banks is entered in no four-activate window and keeps no tRRD.
    /// Else it is that many activations of each rank, as close as tRRD and tFAW let them follow.
    pub all_bank_act_outside_window: bool,
    /// Steps and moves pass each other: no distance between them holds.
    pub macs_beside_moves: bool,
    /// A command of many banks is held to the distances of one path through the stack (that of the
    /// bank in its address), and a command of a whole pseudo-channel or channel to the channel's
    /// distances alone: a refresh does not wait for tRP, and the next activation only for the
    /// refresh of the first pseudo-channel.
    pub checked_on_one_path: bool,
    /// A step on one bank of both pseudo-channels also holds back the precharge of another bank: that
    /// of its index in the bank group of the first rank whose number is the step's rank.
    pub per_bank_marks_astray: bool,
    /// A barrier behind a barrier takes a command slot, and at most three go in one tick.
    pub barriers_take_slots: bool,
    /// One command a tick, although rows and columns have a bus each: the recorded runs issue no
    /// second one, whatever the published source says.
    pub one_command_a_tick: bool,
    /// Rows are neither opened nor closed for requests behind a barrier.
    pub rows_wait_at_barriers: bool,
    /// The last round, when it has none to be paired with, repeats its softmax and the move of its
    /// output after every group of scores.
    pub softmax_every_group: bool,
    /// The second round of a pair computes its context from the values, and for the heads, of the
    /// first.
    pub second_context_as_first: bool,
    /// Moves that do not divide evenly over the groups that they run beside are cut off.
    pub moves_cut_off: bool,
    /// The first step of the first round is taken twice.
    pub warm_up_step: bool,
    /// The region of a head is laid out as if an element were a byte, so that long heads run into
    /// the next head's rows.
    pub byte_regions: bool,
}

impl Quirks {
    /// The published simulator. Its results come from two controllers: with row commands that pass
    /// barriers, as published, and with [`Quirks::rows_wait_at_barriers`].
    pub fn parity() -> Quirks {
        Quirks {
            all_bank_act_outside_window: true,
            macs_beside_moves: true,
            checked_on_one_path: true,
            per_bank_marks_astray: true,
            barriers_take_slots: true,
            one_command_a_tick: true,
            rows_wait_at_barriers: false,
            softmax_every_group: true,
            second_context_as_first: true,
            moves_cut_off: true,
            warm_up_step: true,
            byte_regions: true,
        }
    }
}

/// What a run needs beside the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Where the multipliers are.
    pub level: Level,
    /// Bytes of an element.
    pub element_bytes: u64,
    /// Requests that the queue of a channel holds.
    pub queue: usize,
    /// Tokens that the region of a head has place for; a longer sequence gets a longer one.
    pub region_tokens: u64,
    /// Departures from a die.
    pub quirks: Quirks,
}

impl Parameters {
    /// A die: fp16, queues of 32 requests, regions of 4096 tokens.
    pub fn new(level: Level) -> Parameters {
        Parameters {
            level,
            element_bytes: 2,
            queue: 32,
            region_tokens: 4096,
            quirks: Quirks::default(),
        }
    }

    /// The published simulator: its queues of 32 take one more.
    pub fn parity(level: Level, element_bytes: u64) -> Parameters {
        Parameters {
            element_bytes,
            queue: 33,
            quirks: Quirks::parity(),
            ..Parameters::new(level)
        }
    }

    /// Elements of a burst: what one multiplier unit takes in a step. At least one.
    pub(crate) fn lanes(&self, standard: &Standard) -> u64 {
        (standard.organisation.burst_bytes / self.element_bytes.max(1)).max(1)
    }
}

/// The first command of a level, of its moves or its refresh that a part lacks. A part with all of
/// them can be run.
pub fn lacks(standard: &Standard, level: Level) -> Option<Command> {
    let moves = [Command::WrGb, Command::MvSb, Command::MvGb, Command::Sfm];
    let rows = [level.act(), level.pre(), level.mac()];
    [Command::Ref, Command::PreAb]
        .into_iter()
        .chain(rows)
        .chain(moves)
        .find(|&command| standard.interface.form(command).is_none())
}

/// What a run of one stack came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Ticks until every request has been issued on every channel.
    pub ticks: Tick,
    /// Commands of all channels together.
    pub commands: PerCommand<u64>,
    /// Bytes of the matrices, or keys and values, that the work needs, each read once; padding of
    /// remainders is not in it.
    pub weight_bytes: u64,
}

impl Run {
    /// Commands of one kind.
    pub fn of(&self, command: Command) -> u64 {
        self.commands[command as usize]
    }

    /// Multiply-accumulate steps, of whatever level.
    pub fn macs(&self) -> u64 {
        self.of(Command::MacAb) + self.of(Command::MacSb) + self.of(Command::MacPb)
    }
}

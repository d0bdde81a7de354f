//! The tables of processing in memory as written.

use super::number::{Amount, Positive};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `[pim]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPim {
    /// Rules files of its commands, added to those of the part.
    pub rules: Vec<String>,
    /// Sharing of the row buffers.
    pub row_buffers: RawRowBuffers,
    /// Fp16 elements multiplied a step in each bank.
    pub macs_per_bank: Positive,
    /// Elements a step of the other formats that the multipliers take, by name of the format.
    #[serde(default)]
    pub formats: BTreeMap<String, Positive>,
    /// Bytes that a bank delivers to its multipliers in a step, where they do not sit behind the
    /// column multiplexer that its bursts take; a burst if absent.
    pub step_bytes: Option<Positive>,
    /// Ticks between two multiply-accumulate steps.
    pub comp_tck: Positive,
    /// Least steps of a read-out.
    pub min_comps: Positive,
    /// Copy of a row into the vector buffer.
    pub gwrite_tck: Positive,
    /// Rows the vector buffer of a channel holds.
    pub vector_buffer_rows: Positive,
    /// Partial sums that a bank keeps while its rows change; one if absent.
    pub accumulators: Option<Positive>,
    /// Bytes of a partial sum as it is read out; those of fp16 if absent.
    pub result_bytes: Option<Positive>,
    /// Whether tiles are announced by a header command.
    pub header: bool,
    /// Banks that one command opens; a bank group if absent.
    pub activation: Option<RawActivation>,
    /// Whether steps and read-out are one command.
    pub composite: bool,
    /// Host against PIM; PIM first if absent.
    pub arbitration: Option<RawArbitration>,
    /// Slices of `time_sliced`: PIM, then host.
    pub slices_tck: Option<[Positive; 2]>,
    /// Least ticks between two steps that the supply current allows.
    pub comp_current_tck: Option<Positive>,
    /// Cap of the average power.
    pub power: Option<RawPower>,
    /// Choice of the channel of a request's KV cache; the least loaded one if absent.
    pub balance: Option<RawBalance>,
    /// What appending a token to the V layout costs; direct writes if absent.
    pub v_append: Option<RawVAppend>,
}

/// `[attacc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAttAcc {
    /// Where the multipliers are.
    pub level: RawLevel,
    /// Requests that the queue of a channel holds.
    pub queue: Positive,
    /// Departures of the published simulator.
    #[serde(default)]
    pub quirks: RawAttAccQuirks,
}

/// `level`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLevel {
    /// In every bank.
    Bank,
    /// One unit a bank group.
    BankGroup,
    /// On the buffer die.
    Buffer,
}

/// `[attacc.quirks]`: those that concern products; all off unless named.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub(super) struct RawAttAccQuirks {
    pub all_bank_act_outside_window: bool,
    pub macs_beside_moves: bool,
    pub checked_on_one_path: bool,
    pub barriers_take_slots: bool,
    pub one_command_a_tick: bool,
}

/// `[hbm_pim]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHbmPim {
    /// Bursts that the command queue of a channel holds.
    pub queue_bursts: Positive,
    /// Departures of PIMSimulator.
    #[serde(default)]
    pub quirks: RawHbmPimQuirks,
}

/// `[hbm_pim.quirks]`: all off unless named.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub(super) struct RawHbmPimQuirks {
    pub two_bank_view: bool,
    pub no_activation_window: bool,
    pub refresh_beside_precharge: bool,
    pub refresh_yields: bool,
}

/// `row_buffers`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRowBuffers {
    /// One buffer a bank.
    Blocked,
    /// A second buffer for PIM.
    Dual,
}

/// `activation`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawActivation {
    /// A bank group.
    Group,
    /// All banks of a rank.
    Rank,
}

/// `arbitration`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawArbitration {
    /// PIM commands first.
    PimFirst,
    /// PIM while no host request waits.
    MemoryFirst,
    /// In turn, by `slices_tck`.
    TimeSliced,
}

/// `[pim.power]`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPower {
    /// Cap of the multipliers and the rows they open, all channels together.
    pub average_w: Amount,
    /// Opening and closing a row of one bank.
    pub activate_nj: Amount,
    /// One step of one bank.
    pub comp_pj: Amount,
}

/// `balance`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawBalance {
    /// Channels in turn.
    RoundRobin,
    /// The channel with the least estimated PIM load.
    LeastLoad,
    /// The channel that the batch names.
    Trace,
}

/// `v_append`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawVAppend {
    /// One masked column write for each feature of the new token.
    Direct,
    /// Not timed, as in the NeuPIMs artifact.
    Untimed,
}

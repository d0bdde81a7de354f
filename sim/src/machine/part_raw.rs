//! Memory part files and rules files as written.

use super::number::{Amount, Figure, Positive, Whole};
use super::part_requests::RawRequests;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A memory part file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMemory {
    /// One sentence for `hw list`.
    pub description: String,
    /// What is taken over from another part for want of a source.
    pub inherited: Option<String>,
    /// Command clock by frequency.
    pub clock_mhz: Option<Positive>,
    /// Command clock by frequency, where it is no whole number of megahertz.
    pub clock_khz: Option<Positive>,
    /// Command clock by period.
    pub tck_ps: Option<Positive>,
    /// How times become ticks.
    #[serde(default)]
    pub rounding: RawRounding,
    /// Rules files that the part follows, in order.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Shape.
    pub organisation: RawOrganisation,
    /// Timing parameters, each with its unit.
    pub timing: BTreeMap<String, Figure>,
    /// Host-side controller.
    pub controller: RawController,
    /// Settings of the controllers of single requests.
    #[serde(default)]
    pub requests: RawRequests,
    /// What commands and time cost.
    pub energy: Option<RawEnergy>,
    /// As in a rules file, added to it.
    pub interface: Option<RawInterface>,
    /// As in a rules file, in place of its command of that name.
    #[serde(default)]
    pub commands: BTreeMap<String, RawCommand>,
    /// As in a rules file, before those.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// As in a rules file.
    #[serde(default)]
    pub optional: Vec<String>,
    /// As in a rules file, after those.
    #[serde(default)]
    pub constraint: Vec<RawConstraint>,
}

/// A rules file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRules {
    /// One sentence.
    #[allow(dead_code)] // for the reader of the file
    pub description: String,
    /// Command interface; one of a part's rules files has it.
    pub interface: Option<RawInterface>,
    /// Commands by name.
    #[serde(default)]
    pub commands: BTreeMap<String, RawCommand>,
    /// Parameters that a part may leave out, as expressions of others.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
    /// Parameters without which the constraints that name them do not exist.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Distances.
    pub constraint: Vec<RawConstraint>,
}

/// `rounding`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRounding {
    /// To the next whole tick.
    #[default]
    Up,
    /// To the nearest tick, halves up.
    Nearest,
    /// Up, after 2.5 % of a tick is taken off (JESD79-4).
    Ddr4,
    /// Up, after 0.3 % of a tick is taken off (JESD79-5).
    Ddr5,
}

/// `[organisation]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawOrganisation {
    pub channels: Positive,
    pub pseudo_channels: Option<Positive>,
    pub ranks: Positive,
    pub bank_groups: Positive,
    pub banks_per_group: Positive,
    pub rows: Positive,
    pub row_bytes: Positive,
    pub burst_bytes: Positive,
    /// Address digits, most significant first, as in DRAMsim3: `rorabgbachco`.
    pub mapping: String,
    /// Digits hashed with the row, each as `ba^ro` or `bg^ro>>2`.
    #[serde(default)]
    pub xor: Vec<String>,
}

/// `[controller]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawController {
    pub bank_queue_bursts: Positive,
    pub write_high_bursts: Positive,
    pub write_low_bursts: Whole,
    pub page_policy: RawPagePolicy,
    /// Refreshes in one `t_refi`: 2 above 85 °C.
    pub refresh_rate: Option<Positive>,
    /// When the ranks of a channel are refreshed under streams and PIM; in turn if absent.
    pub refresh: Option<RawRefresh>,
}

/// `refresh`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRefresh {
    /// Evenly spread over the interval.
    Staggered,
    /// All at once.
    Together,
}

/// `page_policy`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawPagePolicy {
    /// Rows stay open.
    Open,
    /// Rows are closed when the channel is idle.
    CloseOnIdle,
}

/// `[interface]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInterface {
    /// Commands a tick.
    pub slots: RawSlots,
    /// Ticks from ACT within which ACT2 follows; an expression.
    pub activation_deadline: Option<String>,
    /// Ticks that the data clock runs on after a burst; an expression. Needs `data_clock_start`.
    pub data_clock_postamble: Option<String>,
    /// Ticks from CAS to its column command; an expression.
    pub data_clock_start: Option<String>,
    /// Row commands at a rising edge bar precharges at the paired falling edge.
    #[serde(default)]
    pub paired_edges: bool,
}

/// `slots`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawSlots {
    One,
    RowAndColumn,
}

/// An entry of `[commands]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCommand {
    /// Banks it acts on.
    pub acts: RawActs,
    /// Bus it takes.
    pub slot: RawSlot,
    /// Ticks on that bus; one if absent.
    pub cycles: Option<Positive>,
    /// Data it moves.
    #[serde(default)]
    pub data: RawData,
    /// May start on rising edges only.
    #[serde(default)]
    pub rising_edge: bool,
}

/// `acts`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawActs {
    Bank,
    Group,
    /// The bank of one index in every group of a rank.
    SameBank,
    Rank,
    PseudoChannel,
    Channel,
}

/// `slot`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawSlot {
    Row,
    Column,
}

/// `data`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawData {
    #[default]
    None,
    Read,
    Write,
}

/// An entry of `constraint`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConstraint {
    /// Commands that were issued.
    pub first: Vec<String>,
    /// Commands that wait.
    pub then: Vec<String>,
    /// Banks reached.
    pub scope: RawScope,
    /// The other units of that level inside the same parent.
    #[serde(default)]
    pub sibling: bool,
    /// Counts from the command so many before the last.
    pub window: Option<Positive>,
    /// Ticks; an expression.
    pub distance: String,
    /// Ticks more for every multiply-accumulate step of the first command; an expression.
    pub per_step: Option<String>,
    /// Holds only where this flag of `[quirks]` is set.
    pub when: Option<String>,
    /// Holds only where this flag of `[quirks]` is not set.
    pub unless: Option<String>,
}

/// `scope`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawScope {
    Bank,
    Group,
    Rank,
    PseudoChannel,
    Channel,
}

/// `[energy]`: one of its tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEnergy {
    /// Supply currents.
    pub idd: Option<RawIdd>,
    /// Energy per bit.
    pub per_bit: Option<RawPerBit>,
}

/// `[energy.idd]`: currents of one device, in mA.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawIdd {
    pub vdd_v: Amount,
    /// Devices that work in lock step.
    pub devices: Positive,
    /// One bank opened and closed every tRC.
    pub idd0_ma: Amount,
    /// Standby, all banks closed.
    pub idd2n_ma: Amount,
    /// Standby, a row open.
    pub idd3n_ma: Amount,
    pub idd4r_ma: Amount,
    pub idd4w_ma: Amount,
    /// Refresh of all banks.
    pub idd5ab_ma: Amount,
    /// Refresh of one bank.
    pub idd5pb_ma: Option<Amount>,
}

/// `[energy.per_bit]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawPerBit {
    pub cell_pj: Option<Amount>,
    pub mux_pj: Option<Amount>,
    pub global_pj: Option<Amount>,
    pub tsv_pj: Option<Amount>,
    pub io_pj: Option<Amount>,
    /// Opening and closing one row, whole; not per bit.
    pub activate_nj: Option<Amount>,
    /// Refresh of all banks of a rank, whole.
    pub refresh_nj: Option<Amount>,
}

//! What no run can beat: rows must be opened before steps read them, and steps keep their distance
//! (the bound `T_row` of a single activation of all banks, and `T_pipe` where sets of banks are
//! opened behind each other). Where the banks of an activation open one after the other, as on a die,
//! that time is part of every row; moves and refreshes only add to it.
#![deny(clippy::float_arithmetic)]

use super::{Level, Parameters};
use crate::dram::Standard;
use crate::dram::command::Command;
use crate::dram::constraint::Scope;
use crate::pim::bound::{ClosedForm, RowPass};
use crate::time::Tick;

/// The bound of one channel at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Ticks from one row of a set of banks to the next row of the same set, all its bursts read:
    /// `max(tRCD + n tCCD + tRTP, tRAS) + tRP`, at least tRC, as the rate is published. The last
    /// step counts whole in it, although its recovery runs from its issue.
    pub row_ticks: Tick,
    /// The same from issue to issue, which is what a command stream cannot beat.
    pub row_cycle: Tick,
    /// Ticks between steps of the channel.
    pub step_ticks: Tick,
    /// Steps that read a row.
    pub steps_of_row: u64,
    /// Sets of banks of which one may be opened while another is read.
    pub sets: u64,
    /// Bytes that a step reads.
    pub step_bytes: u64,
    /// Ticks from an activation to the first step on its row.
    pub opening_ticks: Tick,
    /// Ticks from the first to the last bank of a rank that an activation opens; zero at levels
    /// where other sets of banks are read meanwhile.
    pub activation_ticks: Tick,
}

/// The bound of a part at a level. Distances are the part's; at buffer level rows of 32 sets follow
/// each other fast enough that steps alone count.
pub fn bound(standard: &Standard, parameters: &Parameters) -> Bound {
    let level = parameters.level;
    let (act, mac, pre) = (level.act(), level.mac(), level.pre());
    let longest = |first: Command, then: Command| {
        let of = |(_, scope)| standard.distances.get(first, then, scope);
        Scope::NAMES.into_iter().map(of).max().unwrap_or(0)
    };
    let o = &standard.organisation;
    let steps_of_row = o.columns().max(1);
    let opening = longest(act, mac);
    let own = match level {
        // Bursts of one bank follow each other only round all bank groups.
        Level::Buffer => standard.distances.get(mac, mac, Scope::Channel),
        _ => longest(mac, mac),
    };
    let step = own.max(1);
    let row = |steps: u64| {
        let open = (opening + steps * step + longest(mac, pre)).max(longest(act, pre));
        (open + longest(pre, act)).max(longest(act, act))
    };
    Bound {
        row_ticks: row(steps_of_row),
        row_cycle: row(steps_of_row - 1),
        step_ticks: step,
        steps_of_row,
        sets: match level {
            Level::Bank => 1,
            Level::BankGroup => o.banks_per_group as u64,
            Level::Buffer => (o.banks() / o.pseudo_channels.max(1)) as u64,
        },
        step_bytes: level.banks(standard) as u64 * o.burst_bytes,
        opening_ticks: opening,
        activation_ticks: match level {
            Level::Bank => windows(standard, parameters).1,
            _ => 0,
        },
    }
}

/// Windows in which a rank opens all its banks and their length, and the ticks from the first bank to
/// the last.
fn windows(standard: &Standard, parameters: &Parameters) -> ((u64, Tick), Tick) {
    if parameters.quirks.all_bank_act_outside_window {
        return ((1, 0), 0);
    }
    let o = &standard.organisation;
    let distances = &standard.distances;
    let act = Command::Act;
    let (count, length) = distances.window(act, Scope::Rank).unwrap_or((1, 0));
    let (count, groups) = (u64::from(count.max(1)), o.bank_groups.max(1) as u64);
    let long = distances.get(act, act, Scope::Group);
    let apart = distances
        .get(act, act, Scope::Rank)
        .max(long.div_ceil(groups));
    let length = length.max(count * apart);
    let last = (o.bank_groups * o.banks_per_group) as u64 - 1;
    let span = last / count * length + last % count * apart;
    ((last / count + 1, length), span)
}

impl Bound {
    /// Ticks that so many steps on consecutive bursts of a channel take at least.
    pub fn least_ticks(&self, steps: u64) -> Tick {
        if steps == 0 {
            return 0;
        }
        let opening = self.opening_ticks + self.activation_ticks;
        let by_steps = opening + (steps - 1) * self.step_ticks;
        if self.sets > 1 {
            return by_steps;
        }
        // Every row but the last is opened, read and closed before the next.
        let rows = (steps - 1) / self.steps_of_row;
        let rest = steps - 1 - rows * self.steps_of_row;
        let cycle = self.row_cycle + self.activation_ticks;
        by_steps.max(rows * cycle + opening + rest * self.step_ticks)
    }

    /// Bytes per second of all channels of a stack that streams rows without end: the smaller of
    /// rows in time and steps in time.
    pub fn bytes_per_s(&self, standard: &Standard) -> u64 {
        let channels = standard.organisation.channels as u128;
        let bytes = channels * u128::from(self.sets * self.steps_of_row * self.step_bytes);
        let steps = self.sets * self.steps_of_row * self.step_ticks;
        let ticks = self.row_ticks.max(steps).max(1);
        let rate = bytes * u128::from(standard.clock.hz()) / u128::from(ticks);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

/// The same as parts of a row pass. Where sets of banks open behind each other's steps, opening and
/// closing are hidden and the steps alone are left.
pub fn closed_form(standard: &Standard, parameters: &Parameters) -> ClosedForm {
    let bound = bound(standard, parameters);
    let t = &standard.timing;
    let hidden = bound.sets > 1;
    let seen = |ticks: Tick| if hidden { 0 } else { ticks };
    let steps = bound.sets * bound.steps_of_row;
    let ((groups, apart), _) = windows(standard, parameters);
    ClosedForm {
        pass: RowPass {
            activations: bound.activation_ticks,
            steps: steps * bound.step_ticks,
            rcd: seen(t.rcd_rd),
            rtp: seen(t.rtp),
            ras: seen(t.ras),
            rp: seen(t.rp),
            groups,
            apart,
        },
        steps,
        bytes: standard.organisation.channels as u64 * steps * bound.step_bytes,
        refresh: (t.refi, t.rfc),
        hz: standard.clock.hz(),
    }
}

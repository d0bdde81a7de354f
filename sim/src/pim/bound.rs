//! Closed forms that no product in the banks can beat, and which of them binds: the row pass of
//! all-bank multiply-accumulate, in which every row must be open before the first step.
//!
//! `T_row = activations + max(tRCD + n tCCD + tRTP, tRAS) + tRP`, with `(groups - 1) max(tFAW, tRRD)`
//! for the activations of a rank's bank groups; ranks open theirs side by side. Refresh takes its
//! share of the time once for each rank refreshed apart, because a step needs all of them.
#![deny(clippy::float_arithmetic)]

use super::program::{PimOp, PimProgram, Tile};
use super::{Activation, PimTiming};
use crate::dram::Standard;
use crate::time::Tick;

/// What limits a row pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Rows opened within the four-activate window.
    Activation,
    /// The multipliers, or the column path that feeds them.
    Steps,
    /// Opening and closing a row: tRCD, tRTP, tRP.
    Row,
    /// The time a row stays open at least.
    RowOpen,
}

impl Rule {
    /// All of them.
    pub const OF_A_PASS: [Rule; 4] = [Rule::Activation, Rule::Steps, Rule::Row, Rule::RowOpen];

    /// In the words of the field.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Activation => "activation limit (tFAW)",
            Rule::Steps => "multiply-accumulate steps (tCCD)",
            Rule::Row => "row opening and closing (tRCD + tRTP + tRP)",
            Rule::RowOpen => "row active time (tRAS)",
        }
    }
}

/// The parts of a row pass of `n` steps, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowPass {
    /// From the first to the last activation of a rank.
    pub activations: Tick,
    /// Steps.
    pub steps: Tick,
    /// tRCD.
    pub rcd: Tick,
    /// From the last step to the precharge: tRTP.
    pub rtp: Tick,
    /// tRAS.
    pub ras: Tick,
    /// tRP.
    pub rp: Tick,
    /// Activations of a bank group in a rank, were each bank opened behind the steps.
    pub groups: u64,
    /// Between two activations of a rank.
    pub apart: Tick,
}

impl RowPass {
    /// Of `steps` multiply-accumulate steps on one set of open rows.
    pub fn new(std: &Standard, pim: &PimTiming, steps: u64) -> RowPass {
        let t = &std.timing;
        let apart = t.faw.max(t.rrd_s);
        let organisation = &std.organisation;
        let of_rank = (organisation.banks() / organisation.units()) as u64;
        let (groups, activations) = match pim.activation {
            Activation::Group => {
                let groups = organisation.bank_groups as u64;
                (groups, (groups - 1) * apart)
            }
            Activation::Rank if pim.quirks.all_bank_act_outside_window => (1, 0),
            Activation::Rank => (of_rank.div_ceil(4), pim.opening_ticks(std)),
        };
        RowPass {
            activations,
            steps: steps * pim.comp,
            rcd: t.rcd_rd,
            // A bound is that of a die: with `early_pim_release` the artifact closes rows sooner.
            rtp: t.rtp,
            ras: t.ras,
            rp: t.rp,
            groups,
            apart,
        }
    }

    /// Ticks from one pass to the next: T_row.
    pub fn ticks(&self) -> Tick {
        self.activations + (self.rcd + self.steps + self.rtp).max(self.ras) + self.rp
    }

    /// Ticks if banks could compute as they open and close behind the steps: T_pipe.
    pub fn pipelined(&self) -> Tick {
        let alone = (self.rcd + self.steps + self.rtp).max(self.ras) + self.rp;
        self.steps.max(self.groups * self.apart).max(alone)
    }

    /// The pass without a rule.
    #[must_use]
    pub fn without(&self, rule: Rule) -> RowPass {
        let mut pass = *self;
        match rule {
            Rule::Activation => pass.activations = 0,
            Rule::Steps => pass.steps = 0,
            Rule::Row => (pass.rcd, pass.rtp, pass.rp) = (0, 0, 0),
            Rule::RowOpen => pass.ras = 0,
        }
        pass
    }

    /// Ticks that a rule asks for.
    pub fn part(&self, rule: Rule) -> Tick {
        match rule {
            Rule::Activation => self.activations,
            Rule::Steps => self.steps,
            Rule::Row => self.rcd + self.rtp + self.rp,
            Rule::RowOpen => self.ras,
        }
    }

    /// The rule without which a pass would be shortest.
    pub fn binding(&self) -> Rule {
        let shortest = Rule::OF_A_PASS
            .into_iter()
            .min_by_key(|rule| self.without(*rule).ticks());
        shortest.unwrap_or(Rule::Activation)
    }
}

/// Ticks between two refreshes that hold up the steps, and the ticks each takes.
fn refresh(std: &Standard) -> (Tick, Tick) {
    let apart = if std.controller.refresh_together {
        1
    } else {
        std.refresh_units.len().max(1) as Tick
    };
    (std.timing.refi / apart, std.timing.rfc)
}

/// A row pass with what it covers: enough to say what a whole device can read of a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedForm {
    /// The pass.
    pub pass: RowPass,
    /// Its steps.
    pub steps: u64,
    /// Bytes of matrix that one pass of every channel reads.
    pub bytes: u64,
    /// Ticks between two refreshes that hold up the steps, and the ticks each takes.
    pub refresh: (Tick, Tick),
    /// Clock.
    pub hz: u64,
}

impl ClosedForm {
    /// Of `steps` all-bank steps on a row (Newton, AiM, NeuPIMs), which read `of_bank` bytes of every
    /// bank's row: fewer than the steps take in where several vectors share them.
    pub fn new(std: &Standard, pim: &PimTiming, steps: u64, of_bank: u64) -> ClosedForm {
        let organisation = &std.organisation;
        let banks = (organisation.channels * organisation.banks()) as u64;
        ClosedForm {
            pass: RowPass::new(std, pim, steps),
            steps,
            bytes: banks * of_bank.min(organisation.row_bytes),
            refresh: refresh(std),
            hz: std.clock.hz(),
        }
    }

    /// Bytes of matrix a second if a pass takes so many ticks, before refresh.
    pub fn bytes_per_s(&self, ticks: Tick) -> u64 {
        (u128::from(self.bytes) * u128::from(self.hz) / u128::from(ticks.max(1))) as u64
    }

    /// What refresh leaves of a rate.
    pub fn after_refresh(&self, bytes_per_s: u64) -> u64 {
        let (interval, taken) = self.refresh;
        let left = u128::from(interval.saturating_sub(taken));
        (u128::from(bytes_per_s) * left / u128::from(interval.max(1))) as u64
    }
}

/// Least ticks in which the host writes so many rows into one channel.
pub fn upload(std: &Standard, rows: u64) -> Tick {
    let bursts = rows * std.organisation.columns();
    bursts * std.timing.burst.max(std.timing.ccd_s)
}

/// Least ticks of a program on a channel that has nothing else to do, from its first activation to
/// its last step.
pub fn program(std: &Standard, pim: &PimTiming, program: &PimProgram) -> Tick {
    let (mut tiles, mut copies) = (0, 0);
    let mut waiting = 0;
    let (mut last, mut row) = (None, None);
    for op in &program.ops {
        let Some(tile) = op.tile() else {
            if matches!(op, PimOp::Gwrite { .. }) {
                waiting += pim.gwrite;
            }
            continue;
        };
        let mut pass = RowPass::new(std, pim, steps(tile));
        let same = row.replace(tile.row) == Some(tile.row);
        let Some(before) = last.replace(pass) else {
            copies += waiting;
            waiting = 0;
            continue;
        };
        if same {
            // The row is open already: the pass goes on.
            pass.steps += before.steps + waiting;
            last = Some(pass);
            waiting = 0;
            continue;
        }
        tiles += before.ticks();
        // A copy stands where the row before it would be closed.
        let held = before.rcd + before.steps + waiting;
        let floor = (before.rcd + before.steps + before.rtp).max(before.ras);
        copies += held.saturating_sub(floor);
        waiting = 0;
    }
    let tail = last.map_or(0, |pass| pass.activations + pass.rcd + pass.steps);
    let alone = tiles + tail;
    let longest = program.ops.iter().filter_map(|op| op.tile());
    let longest = longest.map(|tile| RowPass::new(std, pim, steps(tile)).ticks());
    // A copy may run beside the refresh of a rank it does not touch: the longer of the two counts.
    (alone + copies).max(with_refresh(std, alone, longest.max().unwrap_or(0)))
}

fn steps(tile: Tile) -> u64 {
    u64::from(tile.results) * u64::from(tile.comps)
}

/// Ticks of steady work with the refreshes that must have come in between. Those that fell due during
/// the last tile may still be owed; those of several ranks that pile up behind a long tile run side by
/// side, so one rank's are counted.
fn with_refresh(std: &Standard, ticks: Tick, longest: Tick) -> Tick {
    let (mut interval, taken) = refresh(std);
    if 2 * longest >= interval {
        interval = std.timing.refi;
    }
    let owed = 1 + longest.div_ceil(interval.max(1));
    let mut total = ticks;
    loop {
        let refreshes = (total / interval.max(1)).saturating_sub(owed);
        let next = ticks + refreshes * taken;
        if next <= total {
            return total;
        }
        total = next;
    }
}

//! `[requests]` of a memory part: settings of the controllers that serve single requests.

use super::number::{Positive, Whole};
use crate::dram::Tuning;
use crate::dram::window::{Blocking, Pages, RefreshKind, Scheduling};
use serde::Deserialize;

/// `[requests]`: every key replaces the value of the policy's preset.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRequests {
    read_buffer: Option<Positive>,
    write_buffer: Option<Positive>,
    write_high: Option<Positive>,
    write_low: Option<Whole>,
    /// 0: no cap.
    hit_cap: Option<Whole>,
    scheduling: Option<RawScheduling>,
    pages: Option<RawPages>,
    /// Ticks without an access after which a row is closed; with `pages = "timeout"`.
    pub(super) page_timeout_tck: Option<Positive>,
    refresh: Option<RawRefresh>,
    refresh_blocks: Option<RawBlocking>,
    stagger: Option<bool>,
    forwarding: Option<bool>,
    merging: Option<bool>,
    bank_queue: Option<Positive>,
    drain_above: Option<Whole>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawScheduling {
    FrFcfs,
    RowHit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawPages {
    Open,
    Closed,
    Timeout,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawRefresh {
    None,
    AllBank,
    PerBank,
    SameBank,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawBlocking {
    Channel,
    Target,
}

/// Largest buffer: far beyond any controller, and what the engines can number.
const MOST: u64 = 4096;

impl RawRequests {
    /// The settings, or the key and the rule it breaks.
    pub(super) fn tuning(&self) -> Result<Tuning, (&'static str, String)> {
        let sizes = [
            ("read_buffer", self.read_buffer.map(|n| n.0)),
            ("write_buffer", self.write_buffer.map(|n| n.0)),
            ("write_high", self.write_high.map(|n| n.0)),
            ("write_low", self.write_low.map(|n| n.0)),
            ("hit_cap", self.hit_cap.map(|n| n.0)),
            ("bank_queue", self.bank_queue.map(|n| n.0)),
            ("drain_above", self.drain_above.map(|n| n.0)),
        ];
        for (key, value) in sizes {
            if let Some(value) = value.filter(|value| *value > MOST) {
                return Err((key, format!("at most {MOST}; found {value}")));
            }
        }
        let timeout = self.page_timeout_tck.map(|ticks| ticks.0);
        let pages = match (self.pages, timeout) {
            (Some(RawPages::Timeout), Some(ticks)) => Some(Pages::Timeout(ticks)),
            (Some(RawPages::Timeout), None) => {
                return Err(("pages", "'timeout' needs page_timeout_tck".into()));
            }
            (_, Some(_)) => {
                return Err(("page_timeout_tck", "goes with pages = 'timeout'".into()));
            }
            (Some(RawPages::Open), None) => Some(Pages::Open),
            (Some(RawPages::Closed), None) => Some(Pages::Closed),
            (None, None) => None,
        };
        let size = |value: Option<Positive>| value.map(|n| n.0 as usize);
        let whole = |value: Option<Whole>| value.map(|n| n.0 as usize);
        Ok(Tuning {
            read_buffer: size(self.read_buffer),
            write_buffer: size(self.write_buffer),
            write_high: size(self.write_high),
            write_low: whole(self.write_low),
            hit_cap: self.hit_cap.map(|n| n.0 as u32),
            scheduling: self.scheduling.map(|order| match order {
                RawScheduling::FrFcfs => Scheduling::FrFcfs,
                RawScheduling::RowHit => Scheduling::RowHit,
            }),
            pages,
            refresh: self.refresh.map(|kind| match kind {
                RawRefresh::None => RefreshKind::None,
                RawRefresh::AllBank => RefreshKind::AllBank,
                RawRefresh::PerBank => RefreshKind::PerBank,
                RawRefresh::SameBank => RefreshKind::SameBank,
            }),
            blocking: self.refresh_blocks.map(|blocks| match blocks {
                RawBlocking::Channel => Blocking::Channel,
                RawBlocking::Target => Blocking::Target,
            }),
            stagger: self.stagger,
            forwarding: self.forwarding,
            merging: self.merging,
            bank_queue: size(self.bank_queue),
            drain_above: whole(self.drain_above),
        })
    }
}

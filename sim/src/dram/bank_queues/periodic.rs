//! Whole periods of a described stream skipped.
use super::engine::BankQueues;
use crate::dram::request::{Period, Source};

pub(super) struct Periodic;
impl Periodic {
    pub(super) fn new(_period: Option<Period>) -> Option<Periodic> { None }
    pub(super) fn refreshed(&mut self, _c: &mut BankQueues, _s: &mut impl Source) {}
}

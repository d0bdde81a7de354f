//! From the counts of a product in the banks to its figures.

use super::traffic::tick_ns;
use crate::dram::command::PerCommand;
use crate::dram::{Command, Standard};
use crate::pim::bound::{ClosedForm, Rule};
use crate::pim::gemv::{Gemv, Run};
use crate::record::pim::{BoundRecord, PimResult, RuleRecord};
use crate::time::Tick;

/// What every command set tells of a product, in ticks and bytes.
#[derive(Debug, Clone)]
pub struct Product {
    /// Whole time.
    pub ticks: Tick,
    /// Of it, before the first program.
    pub upload: Option<Tick>,
    /// No run is shorter.
    pub bound: Tick,
    /// Channels with work.
    pub channels: u64,
    /// Reading out results that this time leaves in the banks; absent where it is part of it.
    pub read_out: Option<Tick>,
    /// Commands of all channels.
    pub commands: PerCommand<u64>,
    /// Bytes of vectors written.
    pub vector_bytes: u64,
    /// Bytes of results read.
    pub result_bytes: u64,
    /// Multiply-accumulates needed, and those that the steps had room for.
    pub macs: (u64, u64),
    /// Reading the matrix over the pins instead.
    pub streaming: Tick,
}

impl From<&Run> for Product {
    fn from(run: &Run) -> Product {
        Product {
            ticks: run.ticks,
            upload: Some(run.upload),
            bound: run.bound,
            channels: run.channels,
            read_out: None,
            commands: run.commands,
            vector_bytes: run.vector_bytes,
            result_bytes: run.result_bytes,
            macs: run.useful_macs,
            streaming: run.streaming,
        }
    }
}

/// The figures of a product.
pub fn result(standard: &Standard, gemv: &Gemv, product: &Product) -> PimResult {
    let tick_ns = tick_ns(standard.clock);
    let us = |ticks: Tick| ticks as f64 * tick_ns / 1e3;
    let of = |value: u64| value as f64;
    let ratio = |a: u64, b: u64| of(a) / of(b.max(1));
    PimResult {
        tick_ns,
        ticks: product.ticks,
        time_us: us(product.ticks),
        upload_us: product.upload.map(us),
        read_out_us: product.read_out.map(us),
        weight_bytes: gemv.weight_bytes(),
        weight_gb_per_s: of(gemv.weight_bytes()) / (of(product.ticks.max(1)) * tick_ns),
        useful_macs: ratio(product.macs.0, product.macs.1),
        bound_fraction: ratio(product.bound, product.ticks),
        channels: product.channels,
        commands: Command::all()
            .map(|command| (command, product.commands[command as usize]))
            .filter(|(_, count)| *count > 0)
            .map(|(command, count)| (command.mnemonic().to_owned(), count))
            .collect(),
        vector_bytes: product.vector_bytes,
        result_bytes: product.result_bytes,
        streaming_us: us(product.streaming),
        speed_up: ratio(product.streaming, product.ticks),
    }
}

/// The closed forms of a device; `time` is the bound of a product.
pub fn bound(standard: &Standard, form: &ClosedForm, time: Option<Tick>) -> BoundRecord {
    let tick_ns = tick_ns(standard.clock);
    let gb = |ticks: Tick| form.bytes_per_s(ticks) as f64 / 1e9;
    let pass = form.pass;
    let at = form.bytes_per_s(pass.ticks());
    let rules = Rule::OF_A_PASS.map(|rule| RuleRecord {
        rule: rule.name().to_owned(),
        ticks: pass.part(rule),
        without_gb_per_s: gb(pass.without(rule).ticks()),
    });
    BoundRecord {
        time_us: time.map(|ticks| ticks as f64 * tick_ns / 1e3),
        steps_a_row: form.steps,
        row_ticks: pass.ticks(),
        binding: pass.binding().name().to_owned(),
        gb_per_s: at as f64 / 1e9,
        after_refresh_gb_per_s: form.after_refresh(at) as f64 / 1e9,
        multipliers_gb_per_s: gb(pass.steps),
        pipelined_gb_per_s: gb(pass.pipelined()),
        pins_gb_per_s: standard.peak_bytes_per_s() as f64 / 1e9,
        rules: rules.to_vec(),
    }
}

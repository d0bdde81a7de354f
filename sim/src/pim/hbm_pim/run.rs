//! Kernels on a part, timed: the public entry.
#![deny(clippy::float_arithmetic)]

use super::channel::Channel;
use super::elementwise::{Elementwise, Operation};
use super::gemv::Gemv;
use super::parameters::{self, HbmPimError, Parameters};
use super::streaming::{self, Transfer};
use crate::dram::command::PerCommand;
use crate::dram::{Direction, NoObserver, Observer, Standard};
use crate::time::Tick;

/// What a kernel took. All channels do the same work at the same time, so ticks are those of any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Ticks with PIM, from the first access to the end of the last data: with parking, mode changes,
    /// program, input and partial sums stored in the banks, without reading them out.
    pub ticks: Tick,
    /// Ticks to read the partial sums out into the host, from idle channels; zero where the result
    /// stays in the banks.
    pub read_out_ticks: Tick,
    /// Additions that are left to the host: the lanes of every output.
    pub host_additions: u64,
    /// Ticks without PIM: operands and results stream over the pins of all channels.
    pub streaming_ticks: Tick,
    /// Commands of one channel with PIM, by kind.
    pub commands: PerCommand<u64>,
    /// Bytes of weights, or of the vectors in the banks, read by the units; without padding.
    pub weight_bytes: u64,
    /// Bytes sent over the pins of all channels with PIM: the vector goes to each of them.
    pub upload_bytes: u64,
    /// Channels at work.
    pub channels: u64,
    /// Clock in hertz.
    pub clock_hz: u64,
}

/// Times an `m x k` product of fp16.
pub fn gemv(
    standard: &Standard,
    parameters: &Parameters,
    m: u64,
    k: u64,
) -> Result<Run, HbmPimError> {
    observe_gemv(standard, parameters, m, k, &mut NoObserver)
}

/// [`gemv`], with the commands of one channel shown.
pub fn observe_gemv(
    standard: &Standard,
    parameters: &Parameters,
    m: u64,
    k: u64,
    observer: &mut impl Observer,
) -> Result<Run, HbmPimError> {
    parameters::check(standard, parameters)?;
    let gemv = Gemv::new(standard, m, k)?;
    let mut channel = Channel::new(standard, parameters);
    let ticks = channel.serve(gemv.accesses(standard), observer);
    let mut idle = Channel::new(standard, parameters);
    let read_out_ticks = idle.serve(gemv.read_out(), &mut NoObserver);
    let (input, output) = (2 * k, 2 * m);
    let streaming_ticks = stream(
        standard,
        parameters,
        &[
            read(gemv.weight_bytes().saturating_add(input)),
            write(output),
        ],
    )?;
    let channels = standard.organisation.channels as u64;
    Ok(Run {
        ticks,
        read_out_ticks,
        host_additions: m * (parameters::LANES - 1),
        streaming_ticks,
        commands: channel.commands,
        weight_bytes: gemv.weight_bytes(),
        upload_bytes: gemv.upload_bytes() * channels,
        channels,
        clock_hz: standard.clock.hz(),
    })
}

/// Times an element-wise kernel over vectors of `elements` fp16.
pub fn elementwise(
    standard: &Standard,
    parameters: &Parameters,
    operation: Operation,
    elements: u64,
) -> Result<Run, HbmPimError> {
    observe_elementwise(standard, parameters, operation, elements, &mut NoObserver)
}

/// [`elementwise`], with the commands of one channel shown.
pub fn observe_elementwise(
    standard: &Standard,
    parameters: &Parameters,
    operation: Operation,
    elements: u64,
    observer: &mut impl Observer,
) -> Result<Run, HbmPimError> {
    parameters::check(standard, parameters)?;
    let kernel = Elementwise::new(standard, operation, elements)?;
    let mut channel = Channel::new(standard, parameters);
    let ticks = channel.serve(kernel.accesses(standard), observer);
    let (bytes, inputs) = (kernel.vector_bytes(), operation.inputs());
    let moves = [read(bytes * inputs), write(bytes)];
    Ok(Run {
        ticks,
        read_out_ticks: 0,
        host_additions: 0,
        streaming_ticks: stream(standard, parameters, &moves)?,
        commands: channel.commands,
        weight_bytes: bytes * inputs,
        upload_bytes: 0,
        channels: standard.organisation.channels as u64,
        clock_hz: standard.clock.hz(),
    })
}

/// Ticks of transfers over the pins of all channels, each after the end of the one before.
pub fn stream(
    standard: &Standard,
    parameters: &Parameters,
    transfers: &[Transfer],
) -> Result<Tick, HbmPimError> {
    stream_of_channel(standard, parameters, 0, transfers, &mut NoObserver)
}

/// [`stream`] as one channel sees it, with its commands shown. Channel 0, which stands for all, has
/// the first burst of each turn and so no fewer than any other.
pub fn stream_of_channel(
    standard: &Standard,
    parameters: &Parameters,
    channel: usize,
    transfers: &[Transfer],
    observer: &mut impl Observer,
) -> Result<Tick, HbmPimError> {
    parameters::check(standard, parameters)?;
    let mut served = Channel::new(standard, parameters);
    let mut ticks = 0;
    for transfer in streaming::transfers(standard, channel, transfers)? {
        ticks = served.serve(transfer, observer);
    }
    Ok(ticks)
}

fn read(bytes: u64) -> Transfer {
    Transfer {
        direction: Direction::Read,
        bytes,
    }
}

fn write(bytes: u64) -> Transfer {
    Transfer {
        direction: Direction::Write,
        bytes,
    }
}

//! Kernels on values: the column commands of a timed channel, in the order in which it issued them,
//! carried out by the units of every channel.

use super::access::Access;
use super::channel::Channel;
use super::elementwise::{Elementwise, Operation, Vector};
use super::gemv::Gemv;
use super::parameters::{self, HbmPimError, LANES, Parameters};
use super::program::Program;
use super::unit::Units;
use super::values::{Burst, ZERO, f16};
use crate::dram::{NoObserver, Standard};

/// Partial sums of every output of `weights` (`m x k`, row by row) times `vector`; the host adds the
/// lanes ([`super::values::sum`]).
pub fn gemv(
    standard: &Standard,
    parameters: &Parameters,
    weights: &[f16],
    vector: &[f16],
) -> Result<Vec<Burst>, HbmPimError> {
    parameters::check(standard, parameters)?;
    let k = vector.len();
    if k == 0 || !weights.len().is_multiple_of(k) {
        return Err(HbmPimError::Shape {
            what: "the weights",
            expected: k as u64,
            found: weights.len() as u64,
        });
    }
    let kernel = Gemv::new(standard, (weights.len() / k) as u64, k as u64)?;
    let mut channels = vec![Units::new(standard); standard.organisation.channels];
    for (output, row) in weights.chunks(k).enumerate() {
        for (input, values) in row.chunks(LANES as usize).enumerate() {
            let spot = kernel.weight(output as u64, input as u64);
            let units = &mut channels[spot.channel as usize];
            units.store(spot.bank, spot.row, spot.column, padded(values));
        }
    }
    let program = kernel.program();
    let issued = issued(standard, parameters, kernel.accesses(standard));
    run(&mut channels, &issued, &program, vector);
    let result = |output| {
        let spot = kernel.result(output);
        channels[spot.channel as usize].load(spot.bank, spot.row, spot.column)
    };
    Ok((0..kernel.m()).map(result).collect())
}

/// An element-wise kernel of one or two vectors of one length; ReLU takes no `b`.
pub fn elementwise(
    standard: &Standard,
    parameters: &Parameters,
    operation: Operation,
    a: &[f16],
    b: &[f16],
) -> Result<Vec<f16>, HbmPimError> {
    parameters::check(standard, parameters)?;
    let expected = if operation.inputs() == 2 { a.len() } else { 0 };
    if b.len() != expected {
        return Err(HbmPimError::Shape {
            what: "the second vector",
            expected: expected as u64,
            found: b.len() as u64,
        });
    }
    let kernel = Elementwise::new(standard, operation, a.len() as u64)?;
    let mut channels = vec![Units::new(standard); standard.organisation.channels];
    for (vector, values) in [(Vector::A, a), (Vector::B, b)] {
        for (burst, values) in values.chunks(LANES as usize).enumerate() {
            let spot = kernel.spot(vector, burst as u64);
            let units = &mut channels[spot.channel as usize];
            units.store(spot.bank, spot.row, spot.column, padded(values));
        }
    }
    let program = kernel.program();
    let issued = issued(standard, parameters, kernel.accesses(standard));
    run(&mut channels, &issued, &program, &[]);
    let bursts = (a.len() as u64).div_ceil(LANES);
    let mut values: Vec<f16> = (0..bursts)
        .flat_map(|burst| {
            let spot = kernel.spot(Vector::Result, burst);
            channels[spot.channel as usize].load(spot.bank, spot.row, spot.column)
        })
        .collect();
    values.truncate(a.len());
    Ok(values)
}

/// Column commands of a channel in issue order.
fn issued(
    standard: &Standard,
    parameters: &Parameters,
    accesses: impl Iterator<Item = Access>,
) -> Vec<Access> {
    let mut issued = Vec::new();
    let mut channel = Channel::new(standard, parameters);
    channel.serve_columns(accesses, &mut NoObserver, &mut |access: &Access| {
        issued.push(*access);
    });
    issued
}

/// The same commands on every channel.
fn run(channels: &mut [Units], issued: &[Access], program: &Program, vector: &[f16]) {
    let burst = |index: u64| {
        let first = index as usize * LANES as usize;
        let end = vector.len().min(first + LANES as usize);
        vector.get(first..end).map_or(ZERO, padded)
    };
    for units in channels {
        for access in issued {
            units.column(access, program, burst);
        }
    }
}

/// A burst of what is left of a row, filled with zeros.
fn padded(values: &[f16]) -> Burst {
    let mut burst = ZERO;
    burst[..values.len()].copy_from_slice(values);
    burst
}

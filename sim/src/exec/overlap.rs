//! A sum over the group in chunks beside the product that makes it.
//!
//! The product is cut into tiles of output columns, so that every weight is read once whatever
//! the number of tiles. Tile `i` of `k` is summed when it is complete and the sum of tile `i - 1`
//! is over. Sums read and write device memory, which the product shares: the traffic of all tiles
//! but the last, which is summed when the product is over, is added to the product's time.

use super::group::Sums;
use crate::gpu::ratio;
use crate::time::Ps;

/// The product before a sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    /// Alone.
    pub time: Ps,
}

/// What an overlapped sum adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overlapped {
    /// Time from the end of the product alone to the end of the sum.
    pub exposed: Ps,
    /// Bytes of device memory that the sum reads and writes on one device.
    pub traffic: u64,
}

/// Reads and writes of device memory by an all-reduce: what is sent is read, what is received is
/// written, and where it is added the own part is read.
fn traffic(bytes: u64, devices: u64) -> u64 {
    let share = bytes.div_ceil(devices.max(1)) * (devices.max(1) - 1);
    5 * share
}

/// The best number of chunks up to `most`, the whole included: never later than one after the
/// other.
pub(super) fn exposed(
    product: Product,
    bytes: u64,
    devices: u64,
    most: u64,
    bytes_per_s: u64,
    sums: &Sums,
) -> Overlapped {
    let whole = sums.time(bytes, devices);
    let traffic = traffic(bytes, devices);
    let ends = (2..=most).filter_map(|chunks| {
        let sum = sums.chunk(bytes, devices, chunks)?;
        let shared = ratio(traffic - traffic / chunks, bytes_per_s);
        Some(pipelined(product.time + shared, sum, chunks))
    });
    // One after the other, a sum has the memory to itself, and its traffic is part of its time.
    let serial = product.time + whole;
    match ends.min().filter(|end| *end < serial) {
        Some(end) => Overlapped {
            exposed: end.since(product.time),
            traffic,
        },
        None => Overlapped {
            exposed: whole,
            traffic: 0,
        },
    }
}

/// End of `chunks` sums behind the tiles of a product that takes `product`.
fn pipelined(product: Ps, sum: Ps, chunks: u64) -> Ps {
    let tile = |index: u64| {
        let end = u128::from(product.0) * u128::from(index + 1) / u128::from(chunks);
        Ps(end as u64)
    };
    (0..chunks).fold(Ps::ZERO, |free, index| free.max(tile(index)) + sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Fabric, Link, Overlap, Ring};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn overlap_lies_between_serial_and_the_longer_part(
            product in 1u64..10_000_000_000,
            bytes in 1u64..1_000_000_000,
            devices in 2u64..9,
            rate in 1u64..1000,
            latency in 0u64..10_000_000,
            most in 1u64..17,
        ) {
            let link = Link {
                fabric: Fabric::Ring(Ring {
                    bytes_per_s: rate * 1_000_000_000,
                    step_latency: Ps(latency),
                }),
                overlap: Overlap::Chunks(most),
                measured: None,
            };
            let mut sums = Sums::default();
            sums.learn(Some(&link), bytes, devices).unwrap();
            let whole = sums.time(bytes, devices);
            let product = Product { time: Ps(product) };
            let done = exposed(product, bytes, devices, most, 2_000_000_000_000, &sums);
            let end = product.time + done.exposed;
            prop_assert!(end <= product.time + whole);
            prop_assert!(end >= product.time.max(whole));
        }
    }

    #[test]
    fn equal_parts_hide_all_but_a_chunk() {
        // Eight tiles of 10 with sums of 10 each: 80 and the last sum.
        assert_eq!(pipelined(Ps(80), Ps(10), 8), Ps(90));
        assert_eq!(pipelined(Ps(80), Ps(20), 8), Ps(10 + 160));
    }
}

//! Random work for a channel: host streams below half of the rows, PIM programs above.

use memwall_sim::dram::{
    Channel, CommandLog, Completion, Descriptor, Direction, Standard, Stop, Watch,
};
use memwall_sim::pim::{PimOp, PimProgram};
use memwall_sim::time::Tick;
use proptest::prelude::*;
use std::sync::Arc;

/// One piece of work, released some ticks after the one before.
#[derive(Debug, Clone)]
pub enum Item {
    Stream(Tick, Descriptor),
    Program(Tick, PimProgram),
}

fn stream() -> impl Strategy<Value = Item> {
    let direction = prop_oneof![2 => Just(Direction::Read), 1 => Just(Direction::Write)];
    (
        0u64..400,
        direction,
        0u64..20_000,
        1u64..80,
        1u64..6,
        0u64..600,
    )
        .prop_map(|(gap, direction, start, bursts, pieces, hole)| {
            let stride = bursts + hole;
            Item::Stream(
                gap,
                Descriptor {
                    direction,
                    start,
                    bursts,
                    stride,
                    pieces,
                },
            )
        })
}

fn program() -> impl Strategy<Value = Item> {
    let gwrite = (0u16..32, 0u32..4).prop_map(|(bank, row)| PimOp::Gwrite {
        bank,
        row: 20_000 + row,
    });
    let tile = (0u32..6, 1u32..5, 1u32..33).prop_map(|(row, results, comps)| PimOp::Tile {
        row: 16_384 + row,
        results,
        comps,
    });
    let op = prop_oneof![1 => gwrite, 3 => tile];
    (0u64..2000, prop::collection::vec(op, 1..6))
        .prop_map(|(gap, ops)| Item::Program(gap, PimProgram { ops }))
}

/// Host streams, with PIM programs among them if asked for.
pub fn items(pim: bool) -> impl Strategy<Value = Vec<Item>> {
    let item = if pim {
        prop_oneof![3 => stream(), 1 => program()].boxed()
    } else {
        stream().boxed()
    };
    prop::collection::vec(item, 1..40)
}

/// What came out of a channel.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub log: Vec<memwall_sim::dram::Issued>,
    pub completions: Vec<Completion>,
}

/// Hands all work over; the release of the last piece.
fn hand_over(channel: &mut Channel, items: &[Item]) -> Tick {
    let mut release = 0;
    for item in items {
        match item {
            Item::Stream(gap, stream) => {
                release += gap;
                channel.push(release, *stream, Watch::Record);
            }
            Item::Program(gap, program) => {
                release += gap;
                channel.push_pim(release, program.clone(), Watch::Record);
            }
        }
    }
    release
}

/// What came out of a channel whose work is done.
fn finished(channel: &mut Channel, mut log: CommandLog, items: &[Item]) -> Outcome {
    assert!(channel.is_drained(), "work left at {}", channel.now());
    let completions = channel.take_completions();
    assert_eq!(completions.len(), items.len(), "a request was lost");
    let end = completions.iter().map(|done| done.at).max().unwrap_or(0);
    log.0.retain(|issued| issued.at <= end);
    Outcome {
        log: log.0,
        completions,
    }
}

/// Hands all work over at once and runs to the end.
pub fn run(standard: &Arc<Standard>, items: &[Item]) -> Outcome {
    let mut channel = Channel::new(Arc::clone(standard));
    let mut log = CommandLog::default();
    // A channel that stops making progress would loop for ever: no work of this size takes long.
    let horizon = hand_over(&mut channel, items) + 10_000_000;
    assert_eq!(channel.advance(horizon, &mut log), Stop::Horizon);
    finished(&mut channel, log, items)
}

/// Runs as [`run`], looking at the channel at every one of `stops` on the way.
pub fn run_with_stops(standard: &Arc<Standard>, items: &[Item], stops: &[Tick]) -> Outcome {
    let mut channel = Channel::new(Arc::clone(standard));
    let mut log = CommandLog::default();
    let end = hand_over(&mut channel, items) + 10_000_000;
    let mut horizon = 0;
    for stop in stops {
        horizon += stop;
        assert_eq!(channel.advance(horizon, &mut log), Stop::Horizon);
        assert!(channel.now() >= horizon);
    }
    assert_eq!(channel.advance(end, &mut log), Stop::Horizon);
    finished(&mut channel, log, items)
}

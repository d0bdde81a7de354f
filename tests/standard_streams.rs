//! The stream channel, and with it the NPU machines, can use any shipped standard: what it issues
//! keeps every distance of the standard's file, and a long stream comes near the pins.

use crate::standards::{parts, reaches};
use memwall_sim::dram::{
    Channel, Command, CommandLog, Constraint, Descriptor, Direction, Issued, NoObserver, Standard,
    Stop, Watch,
};
use memwall_sim::time::Tick;
use std::sync::Arc;

/// Commands of a mix of streams: reads and writes, long runs and single bursts far apart.
fn mixed(part: &Arc<Standard>) -> Vec<Issued> {
    let mut channel = Channel::new(Arc::clone(part));
    let columns = part.organisation.columns();
    let far = columns * part.organisation.banks() as u64 * 3 + 1;
    for (direction, start) in [(Direction::Read, 0), (Direction::Write, 1 << 20)] {
        channel.push(
            0,
            Descriptor::sequential(direction, start, 600),
            Watch::Record,
        );
        let scattered = Descriptor {
            direction,
            start: start + 17,
            bursts: 1,
            stride: far,
            pieces: 200,
        };
        channel.push(500, scattered, Watch::Record);
        let rows = Descriptor {
            stride: columns,
            pieces: 100,
            ..scattered
        };
        channel.push(part.timing.refi - 50, rows, Watch::Record);
    }
    let mut log = CommandLog::default();
    assert_eq!(channel.advance(Tick::MAX, &mut log), Stop::Idle);
    log.0
}

fn check(part: &Standard, commands: &[Issued], constraints: &[Constraint]) {
    let longest = constraints.iter().map(|c| c.distance).max().unwrap_or(0);
    for (index, then) in commands.iter().enumerate() {
        for first in commands[..index].iter().rev() {
            if then.at >= first.at + longest {
                break;
            }
            for c in constraints {
                let pair = (c.first, c.then) == (first.command, then.command);
                if pair && c.window == 1 && reaches(part, c, first.bank, then.bank) {
                    assert!(
                        then.at >= first.at + c.distance,
                        "{}: {c:?}: {first:?} {then:?}",
                        part.name
                    );
                }
            }
        }
    }
    for window in part.distances.windows() {
        for bank in 0..part.organisation.banks() {
            let whole = Constraint {
                first: Command::Act,
                then: Command::Act,
                scope: window.scope,
                sibling: false,
                distance: 0,
                per_step: 0,
                window: 1,
            };
            let acts: Vec<Tick> = commands
                .iter()
                .filter(|c| c.command == Command::Act && reaches(part, &whole, bank, c.bank))
                .map(|c| c.at)
                .collect();
            let count = usize::from(window.count);
            for pair in acts.windows(count + 1) {
                assert!(pair[count] >= pair[0] + window.distance, "{}", part.name);
            }
        }
    }
}

#[test]
fn streams_keep_every_distance_of_every_standard() {
    for part in parts() {
        let commands = mixed(&part);
        let of = |command| commands.iter().filter(|c| c.command == command).count();
        assert!(of(Command::Ref) > 0, "{}", part.name);
        assert!(of(Command::Rd) >= 900 && of(Command::Wr) >= 900);
        let issued: Vec<Constraint> = part
            .constraints
            .iter()
            .filter(|c| of(c.first) > 0 && of(c.then) > 0)
            .copied()
            .collect();
        check(&part, &commands, &issued);
    }
}

#[test]
fn a_long_read_comes_near_the_pins() {
    for part in parts() {
        let mut channel = Channel::new(Arc::clone(&part));
        let bursts = 40_000;
        let block = channel.push(
            0,
            Descriptor::sequential(Direction::Read, 0, bursts),
            Watch::Record,
        );
        assert_eq!(channel.advance(Tick::MAX, &mut NoObserver), Stop::Idle);
        let ticks = channel.completed(block).expect("done");
        let pins = part.organisation.pseudo_channels as u64;
        let least = bursts * part.timing.burst.max(part.timing.ccd_s) / pins;
        let share = least as f64 / ticks as f64;
        println!("{:<30} {share:.3}", part.name);
        assert!((0.2..=1.0).contains(&share), "{}: {share}", part.name);
    }
}

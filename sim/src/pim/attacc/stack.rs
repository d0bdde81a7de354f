//! One stack: a front end that hands out requests in one order, as many a tick as there is room
//! for, and waits at the first that finds a full queue; and the channels behind it.
#![deny(clippy::float_arithmetic)]

use super::channel::Channel;
use super::stream::Stream;
use super::{Parameters, Run};
use crate::dram::Standard;
use crate::dram::command::{COMMANDS, PerCommand};
use crate::dram::observer::Issued;

/// A command, and the channels that issued it in that tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Channels, all alike.
    pub channels: std::ops::Range<u16>,
    /// The command.
    pub issued: Issued,
}

/// Runs a stream to its end. Ticks are those until every queue is empty.
pub fn run(standard: &Standard, parameters: &Parameters, stream: &Stream) -> Run {
    run_seen(standard, parameters, stream, |_| {})
}

/// The same; `seen` gets every command, those of one tick in order of channels.
pub fn run_seen(
    standard: &Standard,
    parameters: &Parameters,
    stream: &Stream,
    mut seen: impl FnMut(Seen),
) -> Run {
    let cuts = stream.classes();
    let class_of = |channel: u16| cuts.partition_point(|&cut| cut < channel);
    let count = cuts.len() - 1;
    let mut channels = vec![Channel::new(standard, parameters); count];
    let mut next = vec![1; count];
    let mut front = Front::default();
    let mut now = 0;
    loop {
        // The front end is ahead of the channels in every tick.
        front.hand_out(stream, class_of, &mut channels, |class| {
            next[class] = 0;
        });
        for (class, next) in next.iter_mut().enumerate() {
            if *next <= now {
                *next = channels[class].next(now);
            }
        }
        if front.step == stream.steps.len() && channels.iter().all(Channel::idle) {
            break;
        }
        now = next.iter().copied().min().unwrap_or(now + 1);
        for (class, channel) in channels.iter_mut().enumerate() {
            if next[class] == now {
                let range = cuts[class]..cuts[class + 1];
                channel.tick(now, &mut |issued| {
                    seen(Seen {
                        channels: range.clone(),
                        issued,
                    });
                });
            }
        }
    }
    let mut commands = PerCommand::default();
    for (class, channel) in channels.iter().enumerate() {
        let alike = u64::from(cuts[class + 1] - cuts[class]);
        for command in 0..COMMANDS {
            commands[command] += alike * channel.commands()[command];
        }
    }
    Run {
        ticks: now,
        commands,
        weight_bytes: 0,
    }
}

/// Place of the front end in the stream: the next step, and the class of channels in it.
#[derive(Debug, Clone, Copy, Default)]
struct Front {
    step: usize,
    handed: usize,
}

impl Front {
    /// Hands out what there is room for; `pushed` is told every class that got something.
    fn hand_out(
        &mut self,
        stream: &Stream,
        class_of: impl Fn(u16) -> usize,
        channels: &mut [Channel],
        mut pushed: impl FnMut(usize),
    ) {
        while let Some(step) = stream.steps.get(self.step) {
            let classes = class_of(step.first)..class_of(step.end);
            let first = classes.start + self.handed;
            for (class, channel) in (first..).zip(&mut channels[first..classes.end]) {
                if !channel.has_room() {
                    return;
                }
                channel.push(step.request);
                pushed(class);
                self.handed += 1;
            }
            self.step += 1;
            self.handed = 0;
        }
    }
}

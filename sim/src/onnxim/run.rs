//! A run: cores, channels and crossbar in clocks of their own, in this order where edges coincide.
//! Edges at which nothing can happen are passed over.

use super::address::Interleaving;
use super::channel::Channel;
use super::core::Core;
use super::crossbar::Output;
use super::machine::Machine;
use super::operator::Operator;
use super::pool::Access;
use super::schedule::{OperatorLog, Schedule};
use super::{MOST_WORK, OnnximError};

/// What a channel served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Lines read.
    pub reads: u64,
    /// Lines written.
    pub writes: u64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Core cycles until nothing was left to do, acknowledgements of stores included.
    pub cycles: u64,
    /// Operators in order.
    pub operators: Vec<OperatorLog>,
    /// Channels.
    pub channels: Vec<Served>,
    /// Multiply-accumulates of all products.
    pub macs: u64,
}

impl Report {
    /// Lines read and written over all channels.
    pub fn lines(&self) -> Served {
        Served {
            reads: self.channels.iter().map(|channel| channel.reads).sum(),
            writes: self.channels.iter().map(|channel| channel.writes).sum(),
        }
    }
}

struct Run<'a> {
    machine: &'a Machine,
    cores: Vec<Core>,
    schedule: Schedule,
    channels: Vec<Channel>,
    interleaving: Interleaving,
    /// To the channels, and to the ports of the cores.
    forth: Vec<Output<Access>>,
    back: Vec<Output<Access>>,
    /// Lines in the crossbar and in the queues at its edges.
    moving: u64,
    core_ps: u64,
    memory_ps: u64,
    crossbar_ps: u64,
    /// First core cycle that is not yet past.
    core_floor: u64,
}

/// Runs operators one after the other.
pub(super) fn run(machine: &Machine, operators: Vec<Operator>) -> Result<Report, OnnximError> {
    let needed = operators
        .iter()
        .fold(0, |sum: u64, operator| sum.saturating_add(operator.work()));
    if needed > MOST_WORK {
        return Err(OnnximError::Large {
            needed,
            most: MOST_WORK,
        });
    }
    let channels = machine.memory.organisation.channels;
    let ports = machine.cores * machine.ports_per_core;
    let made: Result<Vec<Channel>, OnnximError> = (0..channels)
        .map(|_| Channel::new(&machine.memory))
        .collect();
    let core = |_| Core::new(machine.core, machine.line_bytes());
    let mut run = Run {
        machine,
        cores: (0..machine.cores).map(core).collect(),
        schedule: Schedule::new(operators, machine.cores),
        channels: made?,
        interleaving: Interleaving::new(channels)?,
        forth: (0..channels).map(|_| Output::new(ports)).collect(),
        back: (0..ports).map(|_| Output::new(channels)).collect(),
        moving: 0,
        core_ps: Machine::period_ps(machine.core_mhz),
        memory_ps: Machine::period_ps(machine.memory_mhz),
        crossbar_ps: Machine::period_ps(machine.crossbar_mhz),
        core_floor: 0,
    };
    run.wake_all();
    let end = run.until_done()?;
    let served = |channel: &Channel| Served {
        reads: channel.served[0],
        writes: channel.served[1],
    };
    Ok(Report {
        cycles: end / run.core_ps + 1,
        channels: run.channels.iter().map(served).collect(),
        macs: run.schedule.macs(),
        operators: run.schedule.log,
    })
}

impl Run<'_> {
    fn wake_all(&mut self) {
        for (index, core) in self.cores.iter_mut().enumerate() {
            if self.schedule.has_tile(index) {
                core.wake = 0;
            }
        }
    }

    fn is_done(&self) -> bool {
        self.schedule.is_done() && !self.cores.iter().any(Core::is_busy)
    }

    /// Goes on until nothing is left to do; the time of the last edge.
    fn until_done(&mut self) -> Result<u64, OnnximError> {
        let mut crossbar_floor = 0;
        let mut memory_wake = 0;
        loop {
            let core = self.cores.iter().map(|core| core.wake).min();
            let core = core.unwrap_or(u64::MAX).max(self.core_floor);
            let core_at = core.saturating_mul(self.core_ps);
            let memory_at = u64::saturating_mul(memory_wake, self.memory_ps);
            let crossbar_at = if self.moving > 0 {
                u64::saturating_mul(crossbar_floor, self.crossbar_ps)
            } else {
                u64::MAX
            };
            let now = core_at.min(memory_at).min(crossbar_at);
            if now == u64::MAX {
                return Err(OnnximError::Stalled(self.core_floor));
            }
            if core_at == now {
                self.tick_cores(core)?;
                if self.is_done() {
                    return Ok(now);
                }
            }
            self.core_floor = now / self.core_ps + 1;
            if memory_at == now {
                self.tick_channels(memory_wake);
            }
            // What cores and channels did at this edge the crossbar sees at the same edge.
            let mut edge = crossbar_at;
            if crossbar_at == u64::MAX && self.moving > 0 {
                crossbar_floor = now.div_ceil(self.crossbar_ps);
                edge = crossbar_floor * self.crossbar_ps;
            }
            if edge == now {
                self.tick_crossbar(crossbar_floor, now / self.memory_ps + 1);
                crossbar_floor += 1;
                if self.is_done() {
                    return Ok(now);
                }
            }
            let wake = self.channels.iter().map(|channel| channel.wake).min();
            memory_wake = match wake.unwrap_or(u64::MAX) {
                u64::MAX => u64::MAX,
                tick => tick - 1,
            };
        }
    }

    /// Core cycle `now`.
    fn tick_cores(&mut self, now: u64) -> Result<(), OnnximError> {
        for index in 0..self.cores.len() {
            if self.cores[index].wake > now {
                continue;
            }
            if self.cores[index].pop_finished().is_some() && self.schedule.finish(now) {
                self.wake_all();
            }
            let core = &mut self.cores[index];
            if core.can_issue()
                && let Some(tile) = self.schedule.pop(index)
            {
                core.issue(tile);
            }
            let asked = core.has_requests();
            core.tick(now)?;
            if !asked && core.has_requests() {
                self.moving += 1;
            }
        }
        Ok(())
    }

    /// The memory edge before which `now` ticks have passed.
    fn tick_channels(&mut self, now: u64) {
        for channel in &mut self.channels {
            if channel.wake <= now + 1 {
                let answers = channel.answers.len();
                channel.tick(now + 1);
                self.moving += (channel.answers.len() - answers) as u64;
            }
        }
    }

    /// Crossbar cycle `now`; channels see what comes from their tick `next` on.
    fn tick_crossbar(&mut self, now: u64, next: u64) {
        let (ports, latency) = (self.machine.ports_per_core, self.machine.crossbar_latency);
        for (index, core) in self.cores.iter_mut().enumerate() {
            let asked = core.has_requests();
            for port in index * ports..(index + 1) * ports {
                if let Some(request) = core.pop_request() {
                    let channel = self.interleaving.channel(request.line);
                    let access = Access {
                        slot: self.interleaving.slot(request.line) as u32,
                        tag: request.tag,
                        core: index as u16,
                        write: request.write,
                    };
                    self.forth[channel].push(port, access, now, latency);
                    self.moving += 1;
                }
                if let Some(answer) = self.back[port].through.pop_front() {
                    self.moving -= 1;
                    if core.answered(answer.tag) {
                        core.wake = 0;
                    }
                }
            }
            // A core with requests counts as one line.
            if asked && !core.has_requests() {
                self.moving -= 1;
            }
        }
        for (index, channel) in self.channels.iter_mut().enumerate() {
            if channel.has_room()
                && let Some(access) = self.forth[index].through.pop_front()
            {
                channel.push(access, next + 1);
                self.moving -= 1;
            }
            if let Some(answer) = channel.answers.pop_front() {
                let port = usize::from(answer.core) * ports + index % ports;
                self.back[port].push(index, answer, now, latency);
            }
        }
        for output in self.forth.iter_mut().chain(&mut self.back) {
            output.tick(now);
        }
    }
}

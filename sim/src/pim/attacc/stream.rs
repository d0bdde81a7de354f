//! The order in which the front end hands out requests: steps, each the same request to channels
//! that follow each other.

use super::request::{Ask, Request};

/// A request to channels `first..end`, in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// The request.
    pub request: Request,
    /// First channel.
    pub first: u16,
    /// One past the last channel.
    pub end: u16,
}

/// All requests of a stack, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stream {
    /// Channels of the stack.
    pub channels: u16,
    /// Steps in order; none is empty.
    pub steps: Vec<Step>,
}

impl Stream {
    /// An empty stream.
    pub fn new(channels: usize) -> Stream {
        Stream {
            channels: u16::try_from(channels).unwrap_or(u16::MAX),
            steps: Vec::new(),
        }
    }

    /// One request to channels `first..end`.
    pub fn push(&mut self, request: Request, first: u64, end: u64) {
        let end = end.min(u64::from(self.channels)) as u16;
        if first < u64::from(end) {
            self.steps.push(Step {
                request,
                first: first as u16,
                end,
            });
        }
    }

    /// A barrier in every channel.
    pub fn barrier(&mut self) {
        let channels = u64::from(self.channels);
        self.push(Request::bare(Ask::Barrier), 0, channels);
    }

    /// The list `items x channels` (channels counted fastest), from `from` to `to`.
    pub fn slice(&mut self, items: &[Request], channels: u64, from: u64, to: u64) {
        let to = to.min(items.len() as u64 * channels);
        let mut at = from;
        while at < to {
            let (item, first) = (at / channels, at % channels);
            let end = channels.min(first + to - at);
            self.push(items[item as usize], first, end);
            at += end - first;
        }
    }

    /// First channel of each run of channels that every step treats alike, then the number of
    /// channels. Handed their requests one right after the other, channels of a run are in equal
    /// states between ticks, so that one stands for all: where the front end has to wait for one of
    /// them, it waits for the first.
    pub fn classes(&self) -> Vec<u16> {
        let mut cut = vec![false; usize::from(self.channels) + 1];
        cut[0] = true;
        for step in &self.steps {
            cut[usize::from(step.first)] = true;
            cut[usize::from(step.end)] = true;
        }
        cut[usize::from(self.channels)] = true;
        (0..=self.channels)
            .filter(|&channel| cut[usize::from(channel)])
            .collect()
    }
}

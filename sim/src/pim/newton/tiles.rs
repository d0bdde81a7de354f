//! Tiles on new rows, sent to a channel as fast as it takes them: the loads with which its speed is
//! stated.

use super::channel::Newton;
use super::port::{Answer, Ask, Coordinates, Port, Transaction};
use crate::dram::observer::Observer;
use crate::pim::RowBuffers;
use crate::time::Tick;

/// Equal tiles one after the other. Their rows count from 1, so that none is the row 0 from which
/// vectors are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// Number of tiles.
    pub count: u32,
    /// Read-outs of a tile.
    pub read_outs: u32,
    /// Multiply-accumulate steps before each.
    pub comps: u32,
    /// Every tile on the same row.
    pub same_row: bool,
    /// A vector is copied to the buffer before the first tile.
    pub gwrite: bool,
}

/// When the results of tiles came, in ticks gone through until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first result.
    pub first_result: Tick,
    /// The first result of the last tile.
    pub last_tile: Tick,
    /// The last result.
    pub total: Tick,
    /// Transactions sent.
    pub transactions: u64,
}

impl Tiles {
    /// The transactions of a channel. The tag of what brings a result is the number of its tile, from
    /// 1; all others have the tag 0.
    pub fn transactions(self, buffers: RowBuffers) -> impl Iterator<Item = Transaction> {
        let vector = self.gwrite.then(|| on(0, 0, Ask::Gwrite));
        let tiles = (1..=self.count).flat_map(move |tile| {
            let row = if self.same_row { 1 } else { tile };
            self.tile(buffers).map(move |ask| match ask {
                Ask::CompsReadres { .. } | Ask::Readres { .. } => on(row, tile, ask),
                _ => on(row, 0, ask),
            })
        });
        vector.into_iter().chain(tiles)
    }

    fn tile(self, buffers: RowBuffers) -> impl Iterator<Item = Ask> {
        let Tiles {
            comps, read_outs, ..
        } = self;
        let header = Ask::Header {
            comps: comps.saturating_mul(read_outs).next_power_of_two(),
            read_outs: read_outs.next_power_of_two(),
        };
        let runs = (1..=read_outs).flat_map(move |read_out| {
            let last = read_out == read_outs;
            let (steps, end) = match buffers {
                RowBuffers::Dual => (0, Ask::CompsReadres { comps, last }),
                RowBuffers::Blocked => (comps, Ask::Readres { last }),
            };
            (0..steps).map(|_| Ask::Comp).chain([end])
        });
        std::iter::once(header).chain(runs)
    }

    /// Runs them on an idle channel; `None` where there are none.
    pub fn run(self, channel: &mut Newton, observer: &mut impl Observer) -> Option<Pace> {
        let from = channel.now();
        let buffers = channel.buffers();
        let mut waiting = self.transactions(buffers).peekable();
        let (mut sent, mut unanswered) = (0, 0_u64);
        let (mut first, mut last_tile, mut total) = (None, None, None);
        loop {
            while let Some(next) = waiting.next_if(|next| channel.has_room(next.ask)) {
                sent += 1;
                unanswered += u64::from(!matches!(next.ask, Ask::Header { .. }));
                channel.offer(next);
            }
            if waiting.peek().is_some() {
                // The next event is the earliest that could make room.
                channel.advance(channel.next_event() + 1, observer);
            } else if unanswered > 0 {
                channel.advance_to_answer(Tick::MAX, observer);
            } else {
                break;
            }
            while let Some(Answer { tag, at }) = channel.answer() {
                unanswered -= 1;
                if tag == 0 {
                    continue;
                }
                let ticks = at + 1 - from;
                first = first.or(Some(ticks));
                if tag == self.count {
                    last_tile = last_tile.or(Some(ticks));
                }
                total = Some(ticks);
            }
        }
        Some(Pace {
            first_result: first?,
            last_tile: last_tile?,
            total: total?,
            transactions: sent,
        })
    }
}

fn on(row: u32, tag: u32, ask: Ask) -> Transaction {
    let at = Coordinates {
        row,
        ..Coordinates::default()
    };
    Transaction { ask, at, tag }
}

//! A product simulated command by command: upload of the vectors, the programs of the channels, the
//! results on the bus.

use super::{Gemv, Mapping, Order, Share};
use crate::dram::command::PerCommand;
use crate::dram::{
    Channel, Command, Descriptor, Direction, NoObserver, Observer, Standard, Stop, Watch,
};
use crate::pim::{PimTiming, bound};
use crate::time::Tick;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a product came to. Ticks are those of the part's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Layout.
    pub mapping: Mapping,
    /// From the first byte of the vectors to the last result of the slowest channel.
    pub ticks: Tick,
    /// Of them, until the vectors lay in the rows that the slowest channel copies them from.
    pub upload: Tick,
    /// No program of this layout ends before (closed forms, uploads included).
    pub bound: Tick,
    /// Channels with work.
    pub channels: u64,
    /// Row activations in all banks of a channel together, summed over channels.
    pub tiles: u64,
    /// Multiply-accumulate steps, each of all banks of a channel, summed over channels.
    pub steps: u64,
    /// Rows of DRAM that a row of the matrix takes in the slowest channel.
    pub chunks: u64,
    /// Steps of the longest row pass of the slowest channel, for the closed form beside it.
    pub steps_a_row: u64,
    /// Bytes of the matrix that this pass reads in a bank, padding of steps included.
    pub bytes_a_row: u64,
    /// Commands of all channels.
    pub commands: PerCommand<u64>,
    /// Bytes written before and read after the products, over the pins.
    pub vector_bytes: u64,
    /// Bytes of results and partial sums read out.
    pub result_bytes: u64,
    /// Multiply-accumulates of the product over those that the steps have room for.
    pub useful_macs: (u64, u64),
    /// Reading the matrix over the pins of all channels instead.
    pub streaming: Tick,
}

/// Why a product cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The multipliers do not take the format.
    Format,
    /// The matrix needs so many rows of every bank, and there are fewer.
    Capacity {
        /// Rows needed at least.
        rows: u64,
        /// Rows there are for it.
        available: u64,
    },
    /// The part has no PIM side.
    NoPim,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Format => f.write_str(
                "the multipliers in the banks do not take this format; [pim.formats] gives the \
                 elements a step of those they take",
            ),
            Failed::Capacity { rows, available } => write!(
                f,
                "the matrix takes {rows} rows of every bank, and there are {available} for it"
            ),
            Failed::NoPim => f.write_str("the part has no PIM side"),
        }
    }
}

impl std::error::Error for Failed {}

/// One channel's share, simulated.
struct Simulated {
    ticks: Tick,
    upload: Tick,
    bound: Tick,
    channel: Channel,
    tiles: u64,
    steps_a_row: u64,
    result_reads: u64,
}

/// Simulates a product on an idle part. `observer` sees the commands of the slowest channel's kind
/// of share, run once more for it where it watches at all.
pub fn run<O: Observer>(gemv: &Gemv, std: &Arc<Standard>, observer: &mut O) -> Result<Run, Failed> {
    let pim = std.pim.as_ref().ok_or(Failed::NoPim)?;
    let organisation = &std.organisation;
    let bank_rows = (organisation.channels * organisation.banks()) as u64 * organisation.row_bytes;
    let rows = gemv.weight_bytes().div_ceil(bank_rows);
    if rows > organisation.rows {
        return Err(Failed::Capacity {
            rows,
            available: organisation.rows,
        });
    }
    let mapping = Mapping::choose(gemv, std, pim).ok_or(Failed::Format)?;
    let shares = mapping.shares(gemv, std, pim);
    let mut kinds: BTreeMap<Share, u64> = BTreeMap::new();
    for share in shares {
        *kinds.entry(share).or_default() += 1;
    }
    let mut run = Run {
        mapping,
        ticks: 0,
        upload: 0,
        bound: 0,
        channels: kinds.values().sum(),
        tiles: 0,
        steps: 0,
        steps_a_row: 0,
        bytes_a_row: 0,
        chunks: 0,
        commands: PerCommand::default(),
        vector_bytes: 0,
        result_bytes: 0,
        useful_macs: (gemv.macs(), 0),
        streaming: streaming(gemv.weight_bytes(), std),
    };
    let of_bank = pim.macs(gemv.format).unwrap_or(1);
    let macs = of_bank * std.organisation.banks() as u64;
    let mut slowest = None;
    for (&share, &count) in &kinds {
        let one = simulate(&mapping, share, gemv, std, pim, &mut NoObserver)?;
        let counters = *one.channel.counters();
        for (sum, more) in run.commands.iter_mut().zip(counters.commands.iter()) {
            *sum += more * count;
        }
        let steps = one.steps_of_programs();
        run.tiles += one.tiles * count;
        run.steps += steps * count;
        run.useful_macs.1 += steps * macs * count;
        let rows = mapping.vector_rows(share, gemv, std);
        run.vector_bytes += rows * std.organisation.row_bytes * count;
        run.result_bytes += one.result_reads * pim.read_out_bytes(&std.organisation) * count;
        // A bound of the whole is that of any of its parts.
        run.bound = run.bound.max(one.bound);
        if one.ticks > run.ticks {
            (run.ticks, run.upload) = (one.ticks, one.upload);
            run.steps_a_row = one.steps_a_row;
            // Each vector that shares the row takes the same bytes again.
            let once = one.steps_a_row / mapping.vectors_at_once.max(1);
            run.bytes_a_row = gemv.format.bytes(once * of_bank);
            run.chunks = mapping.vector_rows(share, gemv, std) / gemv.vectors.max(1);
            slowest = Some(share);
        }
    }
    if !O::IDLE
        && let Some(share) = slowest
    {
        simulate(&mapping, share, gemv, std, pim, observer)?;
    }
    Ok(run)
}

impl Simulated {
    fn steps_of_programs(&self) -> u64 {
        self.channel.counters().comp_steps
    }
}

fn simulate(
    mapping: &Mapping,
    share: Share,
    gemv: &Gemv,
    std: &Arc<Standard>,
    pim: &PimTiming,
    observer: &mut impl Observer,
) -> Result<Simulated, Failed> {
    let organisation = &std.organisation;
    let columns = organisation.columns();
    let vectors = mapping.vector_rows(share, gemv, std);
    // Vectors lie in the uppermost rows of the banks in turn, the matrix below them.
    let banks = organisation.banks() as u64;
    let vector_rows = vectors.div_ceil(banks);
    let first = organisation.rows.saturating_sub(vector_rows);
    let place = |index: u64| {
        let row = first + index / banks;
        ((index % banks) as u16, row as u32)
    };
    let mut highest = 0;
    let program = mapping.program(share, gemv, std, pim, |row| row as u32, place);
    for tile in program.ops.iter().filter_map(|op| op.tile()) {
        highest = highest.max(u64::from(tile.row));
    }
    if highest >= first {
        return Err(Failed::Capacity {
            rows: highest + 1,
            available: first,
        });
    }
    let mut channel = Channel::new(Arc::clone(std));
    let mut upload = 0;
    let mut blocks = Vec::new();
    for index in 0..vectors {
        let (bank, row) = place(index);
        let slot = organisation.slot_of(usize::from(bank), row);
        let write = Descriptor::sequential(Direction::Write, slot, columns);
        blocks.push(channel.push(0, write, Watch::Record));
    }
    while channel.advance(Tick::MAX, observer) != Stop::Idle {}
    for block in blocks {
        upload = upload.max(channel.completed(block).unwrap_or(0));
    }
    let tiles = program.tiles();
    let bound = bound::program(std, pim, &program) + bound::upload(std, vectors);
    let passes = program.ops.iter().filter_map(|op| op.tile());
    let steps_a_row = passes
        .map(|tile| u64::from(tile.results) * u64::from(tile.comps))
        .max()
        .unwrap_or(0);
    let result_reads = program
        .ops
        .iter()
        .filter_map(|op| op.tile())
        .filter(|tile| tile.read_out)
        .map(|tile| u64::from(tile.results))
        .sum();
    let block = channel.push_pim(upload, program, Watch::Record);
    while channel.advance(Tick::MAX, observer) != Stop::Idle {}
    Ok(Simulated {
        ticks: channel.completed(block).unwrap_or(upload),
        upload,
        bound,
        channel,
        tiles,
        steps_a_row,
        result_reads,
    })
}

/// Bursts of a stream that are simulated before its pace is taken for steady.
const STEADY: u64 = 1 << 18;

/// Ticks in which all channels together read so many bytes from consecutive slots. Long streams go
/// on at the pace of their first bursts, over many refreshes.
pub fn streaming(bytes: u64, std: &Arc<Standard>) -> Tick {
    let organisation = &std.organisation;
    let bursts = bytes.div_ceil(organisation.burst_bytes);
    let mine = bursts.div_ceil(organisation.channels as u64);
    let read = |bursts: u64| {
        let mut channel = Channel::new(Arc::clone(std));
        let read = Descriptor::sequential(Direction::Read, 0, bursts);
        let block = channel.push(0, read, Watch::Record);
        while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
        channel.completed(block).unwrap_or(0)
    };
    if mine <= 2 * STEADY {
        return read(mine);
    }
    let (half, whole) = (read(STEADY), read(2 * STEADY));
    let more = u128::from(mine - 2 * STEADY) * u128::from(whole - half);
    whole + (more / u128::from(STEADY)) as Tick
}

impl Run {
    /// Commands of one kind.
    pub fn of(&self, command: Command) -> u64 {
        self.commands[command as usize]
    }

    /// Whether the device adds partial sums of chunks or splits.
    pub fn adds_partial_sums(&self) -> bool {
        self.mapping.column_splits > 1 || (self.mapping.order == Order::ReadOut && self.chunks > 1)
    }
}

//! Attention in the banks: programs of a channel, executed on the rows of its banks.
//!
//! The layout is that of NeuPIMs (ASPLOS 2024, section 5.2): a key row holds consecutive features of
//! one token, with bank = token mod banks; a value row consecutive tokens of one feature, with bank =
//! feature mod banks. Nothing here asks how the programs were made: a tile multiplies what lies in the
//! row that it opens by what lies in the vector buffer.

use super::attention::Attention;
use super::fault::{Chance, Fault};
use super::unit::Unit;
use super::values::Values;
use crate::dram::{Organisation, Standard};
use crate::exec::watch::{Act, BankRows, Half};
use crate::pim::program::{PimOp, PimProgram, Tile};
use crate::pim::tiling::Geometry;
use std::collections::BTreeMap;

/// The banks of all channels.
pub(super) struct Banks<'a> {
    standard: &'a Standard,
    geometry: Geometry,
    channels: BTreeMap<usize, Channel>,
}

impl<'a> Banks<'a> {
    /// Those of a part with units beside its banks; `None` if it has none.
    pub(super) fn new(standard: &'a Standard) -> Option<Banks<'a>> {
        let pim = standard.pim.as_ref()?;
        Some(Banks {
            standard,
            geometry: Geometry::new(&standard.organisation, pim),
            channels: BTreeMap::new(),
        })
    }
}

impl Unit for Banks<'_> {
    fn act(&mut self, act: &Act<'_>, values: &mut Values<'_>, chance: &mut Chance) {
        let (Act::Banks { entry, channel, .. }
        | Act::Vectors { entry, channel, .. }
        | Act::Program { entry, channel, .. }) = *act
        else {
            return;
        };
        let Some(attention) = values.attentions.get_mut(entry) else {
            return;
        };
        attention.channel = Some(channel);
        let part = Part {
            organisation: &self.standard.organisation,
            geometry: self.geometry,
        };
        let channel = self.channels.entry(channel).or_default();
        match *act {
            Act::Banks { rows, .. } => part.place(channel, attention, rows),
            Act::Vectors { half, slots, .. } => part.vectors(channel, attention, half, slots),
            Act::Program { half, program, .. } => {
                part.run(channel, attention, half, program, chance);
            }
            _ => {}
        }
    }
}

/// The rows of the banks of one channel that hold anything.
#[derive(Debug, Clone, Default)]
struct Channel {
    rows: BTreeMap<(u64, u32), Vec<f32>>,
}

impl Channel {
    fn write(&mut self, (bank, row): (u64, u32), column: u64, value: f32, elements: u64) {
        let row = self
            .rows
            .entry((bank, row))
            .or_insert_with(|| vec![0.0; elements as usize]);
        row[column as usize] = value;
    }

    fn read(&self, bank: u64, row: u32, column: u64) -> f32 {
        let row = self.rows.get(&(bank, row));
        row.map_or(0.0, |row| row[column as usize])
    }
}

/// The vector buffer of a channel.
struct Buffer {
    rows: Vec<Vec<f32>>,
    /// Rows of the filling in use.
    held: usize,
}

/// What the programs of a channel need to know of it.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    organisation: &'a Organisation,
    geometry: Geometry,
}

impl Part<'_> {
    /// Row of a bank, from its number in the region of keys and values.
    fn row(&self, number: u64) -> u32 {
        let rows = self.organisation.rows;
        (rows / 2 + number % std::cmp::max(rows * 3 / 8, 1)) as u32
    }

    /// Lays keys and values of a sequence into the banks.
    fn place(&self, channel: &mut Channel, attention: &Attention, rows: BankRows) {
        let head = attention.entry.head;
        let geometry = self.geometry;
        let elements = geometry.row_elements;
        let together = geometry.heads_per_row(head.dim);
        let groups = head.tokens.div_ceil(geometry.banks);
        let windows = head.tokens.div_ceil(elements);
        let across = head.dim.div_ceil(geometry.banks);
        for ((token, column), value) in attention.keys.indexed_iter() {
            let (token, column) = (token as u64, column as u64);
            let (kv, feature) = (column / head.dim, column % head.dim);
            let number = u64::from(rows.keys) + kv / together * groups + token / geometry.banks;
            let place = (token % geometry.banks, self.row(number));
            channel.write(place, kv % together * head.dim + feature, *value, elements);
        }
        for ((token, column), value) in attention.values.indexed_iter() {
            let (token, column) = (token as u64, column as u64);
            let (kv, feature) = (column / head.dim, column % head.dim);
            let window = kv * windows + token / elements;
            let number = u64::from(rows.values) + window * across + feature / geometry.banks;
            let place = (feature % geometry.banks, self.row(number));
            channel.write(place, token % elements, *value, elements);
        }
    }

    /// Lays the queries, or the probabilities, of a sequence into rows of a channel. Queries of the
    /// heads that share a key row lie beside one another; the probabilities of a head and query take
    /// as many rows as its tokens fill.
    fn vectors(
        &self,
        channel: &mut Channel,
        attention: &Attention,
        half: Half,
        (first, pitch): (u64, u64),
    ) {
        let head = attention.entry.head;
        let elements = self.geometry.row_elements;
        let together = self.geometry.heads_per_row(head.dim);
        let mut put = |index: u64, column: u64, value: f32| {
            let at = self.organisation.locate(first + index * pitch);
            channel.write((at.bank as u64, at.row), column, value, elements);
        };
        for kv in 0..head.kv_heads {
            for query in 0..head.queries {
                let row = attention.row(kv, query, 0);
                if half == Half::Logit {
                    let index = kv / together * head.queries + query;
                    for feature in 0..head.dim {
                        let value = attention.queries[[row, feature as usize]];
                        put(index, kv % together * head.dim + feature, value);
                    }
                } else {
                    let windows = head.tokens.div_ceil(elements);
                    for token in 0..head.tokens {
                        let value = attention.probabilities[[row, token as usize]];
                        let index = (kv * head.queries + query) * windows + token / elements;
                        put(index, token % elements, value);
                    }
                }
            }
        }
    }

    /// Executes a program; results go where their order says.
    fn run(
        &self,
        channel: &Channel,
        attention: &mut Attention,
        half: Half,
        program: &PimProgram,
        chance: &mut Chance,
    ) {
        let elements = self.geometry.row_elements;
        let mut buffer = Buffer {
            rows: vec![vec![0.0; elements as usize]; self.geometry.buffer_rows as usize],
            held: 0,
        };
        let (mut filling, mut number) = (0, 0);
        for op in &program.ops {
            if let &PimOp::Gwrite { bank, row } = op {
                if number > 0 {
                    (filling, number, buffer.held) = (filling + 1, 0, 0);
                }
                let lost = chance.strikes(Fault::LoseGwrite);
                if let (Some(slot), false) = (buffer.rows.get_mut(buffer.held), lost) {
                    let read = |column| channel.read(u64::from(bank), row, column);
                    *slot = (0..elements).map(read).collect();
                }
                buffer.held += 1;
            } else if let Some(tile) = op.tile() {
                let at = (filling, number);
                self.tile((channel, &buffer), attention, half, &tile, at, chance);
                number += 1;
            }
        }
    }

    /// One row of every bank, and every result of it.
    fn tile(
        &self,
        (channel, buffer): (&Channel, &Buffer),
        attention: &mut Attention,
        half: Half,
        tile: &Tile,
        (filling, number): (u64, u64),
        chance: &mut Chance,
    ) {
        let head = attention.entry.head;
        let Geometry {
            banks,
            row_elements,
            macs,
            buffer_rows,
        } = self.geometry;
        let together = self.geometry.heads_per_row(head.dim);
        let fillings = head.queries.div_ceil(buffer_rows);
        let (of, pass) = (filling / fillings, filling % fillings);
        let windows = head.tokens.div_ceil(row_elements);
        let held = (buffer.held as u64).max(1);
        let row = tile.row + u32::from(chance.strikes(Fault::WrongRow));
        for result in 0..u64::from(tile.results) {
            let swapped = chance.strikes(Fault::SwapBanks);
            let lost = chance.strikes(Fault::DropPartialSum);
            let short = chance.strikes(Fault::ShortReduction);
            let within = match half {
                Half::Logit => result / held,
                Half::Attend => 0,
            };
            let slot = result % held;
            let query = pass * buffer_rows + slot;
            // What the elements of the row are, beyond which the operand is nothing.
            let (begin, length) = match half {
                Half::Logit => (within * head.dim, head.dim),
                Half::Attend => (
                    0,
                    (head.tokens - of % windows * row_elements).min(row_elements),
                ),
            };
            let length = length.min(u64::from(tile.comps) * macs) - u64::from(short);
            for bank in 0..banks {
                let from = if swapped && bank < 2 { 1 - bank } else { bank };
                let mut sum = 0.0;
                for column in begin..begin + length {
                    sum += channel.read(from, row, column)
                        * buffer.rows[slot as usize][column as usize];
                }
                if lost {
                    continue;
                }
                let item = number * banks + bank;
                if half == Half::Logit {
                    let kv = of * together + within;
                    if item < head.tokens && kv < head.kv_heads {
                        for feature in 0..length {
                            let column = (kv * head.dim + feature) as usize;
                            attention.met[0][[item as usize, column]] = true;
                        }
                        let at = [attention.row(kv, query, 0), item as usize];
                        attention.scores[at] += sum;
                        attention.tiles[0][at] = (from, row, number);
                    }
                } else if item < head.dim {
                    let column = (of / windows * head.dim + item) as usize;
                    let first = of % windows * row_elements;
                    for token in first..first + length {
                        attention.met[1][[token as usize, column]] = true;
                    }
                    let at = [attention.row(of / windows, query, 0), item as usize];
                    attention.out[at] += sum;
                    attention.tiles[1][at] = (from, row, number);
                }
            }
        }
    }
}

//! Attention in the banks: the program of K q with softmax, and of V p with the sums over rows of
//! tokens. All requests of a batch are one tile, one stream of instructions.

use super::NeuPimsError;
use super::address::ELEMENT_BYTES;
use super::batch::{BANKS, Placed, ROW_ELEMENTS};
use super::model::Model;
use super::tile::{Compute, Load, Store, Tile, Unit};
use super::vector::UNIT;
use crate::npu::vector::VectorOp;
use crate::pim::newton::port::{Ask, Coordinates};

/// Elements multiplied in a bank by a COMP.
const COMP_ELEMENTS: u64 = 16;
/// Bytes of a scratchpad over bytes of an element, as the artifact limits the requests of a tile.
const TILE_LIMIT: u64 = 134_218 * 1024 / ELEMENT_BYTES;
/// Row of the vectors copied into the vector buffer, of bank 0.
const VECTOR_ROW: u32 = 0;
/// Columns of a GWRITE: the header's encoding marks that of attend in the column.
const LOGIT_COLUMN: u16 = 0;
const ATTEND_COLUMN: u16 = 8;

/// Largest power of two that is not larger.
fn power_below(count: u64) -> u32 {
    1 << count.max(1).ilog2()
}

fn row(row: u32) -> Coordinates {
    Coordinates {
        row,
        ..Coordinates::default()
    }
}

/// How the steps and the read-out of a partial sum are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As one transaction.
    Composite,
    /// Each step, and the read-out.
    Apart,
}

/// A tile that is being written.
struct Writer {
    tile: Tile,
    encoding: Encoding,
    channel: u16,
}

impl Writer {
    fn new(encoding: Encoding) -> Writer {
        Writer {
            tile: Tile::default(),
            encoding,
            channel: 0,
        }
    }
}

impl Writer {
    fn gwrite(&mut self, column: u16) {
        let at = Coordinates {
            column,
            ..row(VECTOR_ROW)
        };
        self.pim(Ask::Gwrite, at, None);
    }

    /// The read-outs of a row, each of `comps` steps, counted by the operands given.
    fn tile(
        &mut self,
        at: u32,
        header: Ask,
        comps: u64,
        operands: impl ExactSizeIterator<Item = u32>,
    ) {
        self.pim(header, row(at), None);
        let last = operands.len();
        for (index, operand) in (1..).zip(operands) {
            let last = index == last;
            let ask = match self.encoding {
                Encoding::Composite => Ask::CompsReadres {
                    comps: comps as u32,
                    last,
                },
                Encoding::Apart => {
                    (0..comps).for_each(|_| self.pim(Ask::Comp, row(at), None));
                    Ask::Readres { last }
                }
            };
            self.pim(ask, row(at), Some(operand));
        }
    }

    fn pim(&mut self, ask: Ask, at: Coordinates, into: Option<u32>) {
        if let Some(operand) = into {
            let operand = operand as usize;
            if self.tile.answers.len() <= operand {
                self.tile.answers.resize(operand + 1, 0);
            }
            self.tile.answers[operand] += 1;
        }
        self.tile.loads.push(Load::Pim {
            channel: self.channel,
            ask,
            at,
            into,
        });
    }

    /// Computes from an operand, and stores `elements`.
    fn finish(&mut self, operand: u32, cycles: u64, elements: u64) {
        let result = self.tile.computes.len() as u32;
        self.tile.computes.push(Compute {
            unit: Unit::Vector(cycles),
            needs: [operand; 3],
            result,
        });
        self.tile.stores.push(Store { elements, result });
    }
}

/// Requests of each tile: a tile ends before the scratchpad would be full, and its last request
/// begins the next one again.
fn spans(batch: &[Placed], need: impl Fn(&Placed) -> u64) -> Vec<&[Placed]> {
    let mut spans = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (index, placed) in batch.iter().enumerate() {
        let more = need(placed);
        bytes += more;
        if bytes > TILE_LIMIT && index > 0 {
            spans.push(&batch[from..index]);
            from = index - 1;
            bytes = more;
        }
    }
    spans.push(&batch[from..]);
    spans
}

/// Tiles of logit and softmax.
pub(super) fn logit(
    model: &Model,
    encoding: Encoding,
    batch: &[Placed],
) -> Result<Vec<Tile>, NeuPimsError> {
    let (heads, dim) = (model.device_heads(), model.dim());
    let width = heads * dim;
    let chunks = width.div_ceil(ROW_ELEMENTS);
    let heads_per_row = ROW_ELEMENTS.div_ceil(dim);
    let in_last = match width % ROW_ELEMENTS {
        0 => heads_per_row,
        rest => rest.div_ceil(dim),
    };
    // Each head has to come out of one row.
    if dim > ROW_ELEMENTS || heads_per_row * (chunks - 1) + in_last < heads {
        return Err(NeuPimsError::Heads { heads, dim });
    }
    let comps = dim.div_ceil(COMP_ELEMENTS);
    let tile = |span: &[Placed]| {
        let mut writer = Writer::new(encoding);
        for placed in span {
            writer.channel = placed.request.channel as u16;
            let first = writer.tile.answers.len() as u32;
            for chunk in 0..chunks {
                writer.gwrite(LOGIT_COLUMN);
                let here = if chunk + 1 == chunks {
                    in_last
                } else {
                    heads_per_row
                };
                // Rounded down, where they are no powers of two.
                let header = Ask::Header {
                    comps: power_below(comps * here),
                    read_outs: power_below(here),
                };
                let head = first + (chunk * heads_per_row) as u32;
                for group in 0..placed.request.tokens.div_ceil(BANKS) {
                    let at = placed.keys + (group * chunks + chunk) as u32;
                    writer.tile(at, header, comps, head..head + here as u32);
                }
            }
            let elements = placed.request.tokens;
            // The row is given in bytes.
            let cycles = UNIT.row(VectorOp::Softmax, elements * ELEMENT_BYTES);
            for head in 0..heads as u32 {
                writer.finish(first + head, cycles, elements);
            }
        }
        writer.tile
    };
    let need = |placed: &Placed| (2 * placed.request.tokens + dim) * heads * ELEMENT_BYTES;
    Ok(spans(batch, need).into_iter().map(tile).collect())
}

/// Tiles of attend. Results of requests whose tokens fill more than a row are added up and stored;
/// others stay in the core.
pub(super) fn attend(model: &Model, encoding: Encoding, batch: &[Placed]) -> Vec<Tile> {
    let (heads, dim) = (model.device_heads(), model.dim());
    let groups = dim.div_ceil(BANKS);
    let tile = |span: &[Placed]| {
        let mut writer = Writer::new(encoding);
        for placed in span {
            writer.channel = placed.request.channel as u16;
            let tokens = placed.request.tokens;
            let chunks = tokens.div_ceil(ROW_ELEMENTS);
            for _ in 0..heads {
                let first = writer.tile.answers.len() as u32;
                for chunk in 0..chunks {
                    writer.gwrite(ATTEND_COLUMN);
                    let here = (tokens - chunk * ROW_ELEMENTS).min(ROW_ELEMENTS);
                    let comps = here.div_ceil(COMP_ELEMENTS);
                    let header = Ask::Header {
                        comps: comps.next_power_of_two() as u32,
                        read_outs: 1,
                    };
                    for group in 0..groups {
                        // Heads share their rows.
                        let at = placed.values + (group * chunks + chunk) as u32;
                        writer.tile(at, header, comps, std::iter::once(first + group as u32));
                    }
                }
                if chunks > 1 {
                    let bytes = groups * BANKS * ELEMENT_BYTES;
                    for group in 0..groups {
                        let cycles = UNIT.row(VectorOp::Add, bytes);
                        writer.finish(first + group as u32, cycles, dim);
                    }
                }
            }
        }
        writer.tile
    };
    // What is taken for the tokens is the length of a head.
    let kept = (ROW_ELEMENTS / dim.max(1)).max(1) * dim;
    let chunks = (heads * dim).div_ceil(kept);
    let need = |_: &Placed| (dim + chunks * dim) * heads * ELEMENT_BYTES;
    spans(batch, need).into_iter().map(tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neupims::batch::{Request, place};
    use proptest::prelude::*;

    fn model(heads: u64, dim: u64) -> Model {
        Model {
            embedding: heads * dim,
            heads,
            devices: 1,
        }
    }

    fn batch(model: &Model, requests: &[(usize, u64)]) -> Vec<Placed> {
        let requests: Vec<Request> = requests
            .iter()
            .map(|&(channel, tokens)| Request { channel, tokens })
            .collect();
        place(model, &requests).unwrap()
    }

    fn steps(tile: &Tile) -> u64 {
        let comps = tile.loads.iter().map(|load| match load {
            Load::Pim {
                ask: Ask::CompsReadres { comps, .. },
                ..
            } => u64::from(*comps),
            _ => 0,
        });
        comps.sum()
    }

    proptest! {
        /// Every key and value is multiplied, and each head's softmax and store are there.
        #[test]
        fn programs_cover_the_matrix(power in 5u32..9, heads in 1u64..20, requests in proptest::collection::vec((0usize..32, 1u64..1500), 1..6)) {
            let dim = 1 << power;
            let model = model(heads, dim);
            let batch = batch(&model, &requests);
            let tokens: u64 = requests.iter().map(|(_, tokens)| tokens).sum();
            let macs = BANKS * COMP_ELEMENTS;
            let logit = logit(&model, Encoding::Composite, &batch).unwrap();
            prop_assert_eq!(logit.len(), 1);
            prop_assert!(steps(&logit[0]) * macs >= heads * dim * tokens);
            prop_assert_eq!(logit[0].computes.len() as u64, heads * requests.len() as u64);
            prop_assert_eq!(logit[0].stores.iter().map(|s| s.elements).sum::<u64>(), heads * tokens);
            let attend = attend(&model, Encoding::Composite, &batch);
            prop_assert!(steps(&attend[0]) * macs >= heads * dim * tokens);
            for tile in [&logit[0], &attend[0]] {
                let operands = tile.operands();
                prop_assert_eq!(operands, tile.answers.len());
                prop_assert!(tile.answers.iter().all(|answers| *answers > 0));
                prop_assert!(tile.computes.iter().all(|c| (c.needs[0] as usize) < operands));
            }
        }
    }

    #[test]
    fn gpt3_7b_on_four_devices_has_the_published_program() {
        let model = Model::GPT3_7B_TP4;
        let batch = batch(&model, &[(0, 512)]);
        let count = |tile: &Tile, of: fn(&Ask) -> bool| {
            let asks = tile.loads.iter().filter(|load| match load {
                Load::Pim { ask, .. } => of(ask),
                Load::Lines { .. } => false,
            });
            asks.count()
        };
        let gwrites = |ask: &Ask| *ask == Ask::Gwrite;
        let headers = |ask: &Ask| matches!(ask, Ask::Header { .. });
        let logit = &logit(&model, Encoding::Composite, &batch).unwrap()[0];
        assert_eq!((count(logit, gwrites), count(logit, headers)), (2, 32));
        let attend = &attend(&model, Encoding::Composite, &batch)[0];
        assert_eq!((count(attend, gwrites), count(attend, headers)), (8, 32));
        assert!(attend.stores.is_empty());
    }

    #[test]
    fn headers_round_to_powers_of_two() {
        // Three heads of 128 in the last row, and a last row of 300 tokens: 24 and 19 steps.
        let model = model(3, 128);
        let batch = batch(&model, &[(0, 300)]);
        let header = |tile: &Tile| match tile.loads[1] {
            Load::Pim {
                ask: Ask::Header { comps, read_outs },
                ..
            } => (comps, read_outs),
            _ => (0, 0),
        };
        assert_eq!(
            header(&logit(&model, Encoding::Composite, &batch).unwrap()[0]),
            (16, 2)
        );
        assert_eq!(
            header(&attend(&model, Encoding::Composite, &batch)[0]),
            (32, 1)
        );
    }

    #[test]
    fn heads_that_no_row_holds_are_an_error() {
        let model = model(2, 1024);
        let batch = batch(&model, &[(0, 300)]);
        let error = logit(&model, Encoding::Composite, &batch).unwrap_err();
        assert_eq!(
            error,
            NeuPimsError::Heads {
                heads: 2,
                dim: 1024
            }
        );
    }

    #[test]
    fn a_batch_too_large_for_a_tile_repeats_a_request() {
        let model = Model::GPT3_7B_TP4;
        let requests: Vec<(usize, u64)> = (0..20).map(|index| (index, 1)).collect();
        let batch = batch(&model, &requests);
        let spans = spans(&batch, |_| TILE_LIMIT / 8);
        let sizes: Vec<usize> = spans.iter().map(|span| span.len()).collect();
        assert_eq!(sizes, [8, 9, 5]);
    }
}

//! Attention of one sequence, fused (`Attention.cc`): per key and value head and block of queries a
//! tile that multiplies, normalises step by step as flash attention does, and multiplies again.

use super::instruction::{Compute, Instruction, Piece, Work};
use super::lines::Lines;
use super::machine::{FULL_BYTES, Machine};
use super::tile::Header;

/// Sizes and lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Query heads.
    pub(super) heads: u64,
    /// Key and value heads.
    pub(super) kv_heads: u64,
    /// Elements of a head.
    pub(super) dim: u64,
    /// New tokens.
    pub(super) queries: u64,
    /// All tokens.
    pub(super) keys: u64,
}

impl Sizes {
    fn heads_per_kv(&self) -> u64 {
        self.heads / self.kv_heads
    }
}

/// Attention of a sequence and its tensors.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    sizes: Sizes,
    query: u64,
    key: u64,
    value: u64,
    output: u64,
    /// Queries, and keys, of a tile.
    tile_queries: u64,
    tile_keys: u64,
    /// Tiles by head and query block; by key block.
    head_tiles: u64,
    key_tiles: u64,
    machine: Machine,
}

impl Attention {
    pub(super) fn new(
        machine: &Machine,
        sizes: Sizes,
        [query, key, value, output]: [u64; 4],
    ) -> Attention {
        let bytes = machine.element_bytes;
        let operands = machine.core.scratchpad_bytes / 2;
        let results = machine.core.accumulator_bytes / 2;
        let query_bytes = sizes.heads_per_kv() * sizes.dim * bytes;
        let kv_bytes = 2 * sizes.keys * sizes.dim * bytes;
        let room = operands.saturating_sub(query_bytes).max(1);
        let key_tiles = (sizes.keys * bytes)
            .div_ceil(results)
            .max(kv_bytes.div_ceil(room));
        let (tile_queries, tile_keys, head_tiles) = if key_tiles > 1 {
            let tile_keys = sizes.keys.div_ceil(key_tiles);
            (1, tile_keys, sizes.queries * sizes.kv_heads)
        } else {
            // Of each query a row of logits, and two figures in full precision.
            let row = sizes.keys * bytes + 2 * FULL_BYTES;
            let by_results = results / (row * sizes.heads_per_kv());
            let by_operands = operands.saturating_sub(kv_bytes) / query_bytes;
            let queries = sizes.queries.min(by_results).min(by_operands).max(1);
            let blocks = sizes.queries.div_ceil(queries);
            (queries, sizes.keys, blocks * sizes.kv_heads)
        };
        Attention {
            sizes,
            query,
            key,
            value,
            output,
            tile_queries,
            tile_keys,
            head_tiles,
            key_tiles: sizes.keys.div_ceil(tile_keys),
            machine: machine.clone(),
        }
    }

    pub(super) fn tiles(&self) -> usize {
        (self.head_tiles * self.key_tiles) as usize
    }

    /// Lines of keys and values, as often as tiles load them; blocks of the arrays; and rows that are
    /// normalised.
    pub(super) fn work(&self) -> u64 {
        let Sizes {
            heads,
            kv_heads,
            dim,
            queries,
            keys,
        } = self.sizes;
        let array = self.machine.core.array;
        let elements = (self.machine.line_bytes() / self.machine.element_bytes).max(1);
        let product = |factors: [u64; 4]| factors.into_iter().fold(1, u64::saturating_mul);
        let query_blocks = self.head_tiles.div_ceil(kv_heads);
        let loaded = product([2, self.head_tiles, keys, dim.div_ceil(elements)]);
        let in_tile = self
            .tile_queries
            .div_ceil(array)
            .saturating_mul(query_blocks);
        let along = keys.div_ceil(array).saturating_mul(dim.div_ceil(array));
        let blocks = product([2, heads, in_tile, along]);
        let rows = product([heads, queries, self.key_tiles, 1]);
        loaded.saturating_add(blocks).saturating_add(rows)
    }

    /// Multiplications and additions of both products.
    pub(super) fn macs(&self) -> u64 {
        let sizes = &self.sizes;
        2 * sizes.heads * sizes.queries * sizes.keys * sizes.dim
    }

    /// Tiles of further keys never find the accumulators of those before: each has a number of its
    /// own.
    pub(super) fn header(&self, tile: usize) -> Header {
        let turn = tile as u64 / self.key_tiles;
        Header {
            core: Some(turn as usize % self.machine.cores),
            accumulates: !(tile as u64).is_multiple_of(self.key_tiles),
            fused: tile,
            skipped: false,
        }
    }

    pub(super) fn instructions(&self, tile: usize) -> Vec<Instruction> {
        let (head_tile, key_tile) = (tile as u64 / self.key_tiles, tile as u64 % self.key_tiles);
        let blocks = self.head_tiles / self.sizes.kv_heads;
        let tile = Part {
            of: self,
            first_head: head_tile / blocks * self.sizes.heads_per_kv(),
            block: head_tile % blocks,
            key_tile,
            bytes: self.machine.element_bytes,
            line: self.machine.line_bytes(),
        };
        let mut list = tile.loads();
        tile.scores(&mut list);
        for head in 0..self.sizes.heads_per_kv() {
            tile.softmax(head, &mut list);
        }
        tile.values(&mut list);
        if key_tile + 1 == self.key_tiles {
            for head in 0..self.sizes.heads_per_kv() {
                tile.result(head, &mut list);
            }
        }
        list
    }
}

/// One tile in the making.
struct Part<'a> {
    of: &'a Attention,
    first_head: u64,
    block: u64,
    key_tile: u64,
    bytes: u64,
    line: u64,
}

impl Part<'_> {
    fn sizes(&self) -> &Sizes {
        &self.of.sizes
    }

    fn queries(&self, head: u64) -> Piece {
        Piece::operand(head * self.of.tile_queries * self.sizes().dim * self.bytes)
    }

    /// Place of keys, or behind them of values.
    fn kv(&self, values: bool) -> Piece {
        let sizes = self.sizes();
        let shared = sizes.heads_per_kv();
        let one = sizes.dim * self.of.tile_keys * self.bytes;
        let mut at = self.of.tile_queries * sizes.dim * shared * self.bytes;
        if values {
            at += one * shared.div_ceil(sizes.kv_heads);
        }
        Piece::operand(at + self.kv_head() * one)
    }

    /// The head whose keys are read: by number of key heads, not of queries that share one.
    fn kv_head(&self) -> u64 {
        self.first_head / self.sizes().kv_heads
    }

    fn logits_of(&self, head: u64) -> u64 {
        head * self.of.tile_queries * self.of.tile_keys * self.bytes
    }

    fn logits(&self, head: u64) -> Piece {
        Piece::accumulator(self.logits_of(head))
    }

    /// Maxima and sums of a head's rows, behind the logits of all sizes.
    fn figures(&self, head: u64) -> Piece {
        Piece::accumulator(self.logits_of(head) + self.logits_of(self.sizes().heads_per_kv()))
    }

    fn loads(&self) -> Vec<Instruction> {
        let (of, sizes) = (self.of, self.sizes());
        let row = sizes.dim * self.bytes;
        let past = self.key_tile * of.tile_keys;
        let keys = of.tile_keys.min(sizes.keys - past);
        // Always the first keys of the head, whichever the tile.
        let from = self.kv_head() * sizes.keys * row;
        let load = |to, base: u64| Instruction::Load {
            to,
            lines: Lines::range(base + from, keys * row, self.line),
        };
        let mut list = vec![load(self.kv(false), of.key)];
        let first = self.block * of.tile_queries;
        let count = of.tile_queries.min(sizes.queries.saturating_sub(first));
        for head in 0..sizes.heads_per_kv() {
            let at = ((self.first_head + head) * sizes.queries + first) * row;
            list.push(Instruction::Load {
                to: self.queries(head),
                lines: Lines::range(of.query + at, count * row, self.line),
            });
        }
        list.push(load(self.kv(true), of.value));
        list
    }

    fn product(&self, head: u64, first: Piece, second: Piece) -> Instruction {
        Instruction::Compute(Compute {
            work: Work::Product {
                rows: self.of.tile_queries,
                preload: head == 0,
            },
            to: self.logits(head),
            lines: self.of.tile_queries * self.bytes / self.line,
            from: [Some(first), Some(second)],
        })
    }

    /// Blocks of one array over keys and head elements.
    fn blocks(&self) -> u64 {
        let array = self.of.machine.core.array;
        self.of.tile_keys.div_ceil(array) * self.sizes().dim.div_ceil(array)
    }

    fn scores(&self, list: &mut Vec<Instruction>) {
        for _ in 0..self.blocks() {
            for head in 0..self.sizes().heads_per_kv() {
                list.push(self.product(head, self.queries(head), self.kv(false)));
            }
        }
    }

    fn values(&self, list: &mut Vec<Instruction>) {
        for _ in 0..self.blocks() {
            for head in 0..self.sizes().heads_per_kv() {
                list.push(self.product(head, self.logits(head), self.kv(true)));
            }
        }
    }

    fn softmax(&self, head: u64, list: &mut Vec<Instruction>) {
        let core = &self.of.machine.core;
        let latencies = &core.latencies;
        let (rows, keys) = (self.of.tile_queries, self.of.tile_keys);
        let (logits, figures) = (self.logits(head), self.figures(head));
        let all = rows * keys * self.bytes / self.line;
        let one = rows * self.bytes / self.line;
        let full = rows * keys * FULL_BYTES;
        let mut step = |cycles, to, lines, from: &[Piece]| {
            list.push(Instruction::vector(cycles, to, lines, from));
        };
        // The greatest of a row, and of those before it.
        step(
            core.tree(keys * self.bytes + 1, rows),
            figures,
            all,
            &[logits],
        );
        let shifted = rows * (keys + 1) * self.bytes;
        step(
            core.steps(shifted) * latencies.add,
            logits,
            all,
            &[logits, figures],
        );
        let exponents = rows * (keys + 1) * FULL_BYTES;
        step(
            core.steps(exponents) * latencies.exp,
            logits,
            all,
            &[logits],
        );
        step(core.tree(keys * FULL_BYTES, rows), figures, all, &[logits]);
        step(core.steps(full) * latencies.mac, figures, all, &[figures]);
        step(
            core.steps(rows * FULL_BYTES) * latencies.div,
            logits,
            one,
            &[figures],
        );
        step(
            core.steps(full) * latencies.mul,
            logits,
            all,
            &[logits, figures],
        );
    }

    /// Sized by all queries, not by those of the tile.
    fn result(&self, head: u64, list: &mut Vec<Instruction>) {
        let (of, sizes) = (self.of, self.sizes());
        let core = &of.machine.core;
        let (logits, figures) = (self.logits(head), self.figures(head));
        let rows = sizes.queries * FULL_BYTES;
        let lines = sizes.queries * self.bytes / self.line;
        let divide = core.steps(rows) * core.latencies.div;
        list.push(Instruction::vector(divide, logits, lines, &[figures]));
        let scale = core.steps(rows * sizes.dim) * core.latencies.mul;
        list.push(Instruction::vector(
            scale,
            logits,
            lines * sizes.dim,
            &[logits, figures],
        ));
        // Rows are taken by the number of the key tile.
        let first = self.key_tile * of.tile_queries;
        let last = sizes.queries.min(first + of.tile_queries);
        let row = sizes.dim * self.bytes;
        let place = |query: u64| of.output + (query * sizes.heads + self.first_head + head) * row;
        list.push(Instruction::Store {
            from: logits,
            lines: Lines::rows((first..last.max(first)).map(place), row, self.line),
        });
    }
}

//! One block of a language model as `LanguageModel.cc` builds it: operators in order of execution,
//! tensors in order of allocation.

use super::OnnximError;
use super::address::Allocator;
use super::attention::{Attention, Sizes};
use super::machine::Machine;
use super::operator::{Kind, Operator};
use super::product::Product;
use super::rowwise::{self, Activation, Rowwise};
use crate::npu::gemmini::Extents;

/// Shape of a block. Vocabulary and longest sequence are not computed with; they decide where the
/// tensors behind them lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Elements of a token.
    pub hidden: u64,
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Elements between the two layers of the feed-forward network.
    pub ffn: u64,
    /// Its activation.
    pub activation: Activation,
    /// Two halves of the first layer are multiplied.
    pub gated: bool,
    /// Words.
    pub vocabulary: u64,
    /// Tokens that the caches of a sequence have room for.
    pub max_tokens: u64,
}

/// A sequence of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// New tokens: the prompt, or one.
    pub tokens: u64,
    /// Tokens in the caches.
    pub cached: u64,
}

/// Largest extent: what the simulator keeps in 32 bits must fit.
const MOST: u64 = 1 << 24;

impl Shape {
    fn head(&self) -> u64 {
        self.hidden / self.heads
    }

    fn check(&self, machine: &Machine, sequences: &[Sequence]) -> Result<(), OnnximError> {
        let sizes = [
            self.hidden,
            self.heads,
            self.kv_heads,
            self.ffn,
            self.vocabulary,
        ];
        let extents = sequences.iter().map(|s| s.tokens);
        let fits = |size: u64| (1..=MOST).contains(&size);
        if sequences.is_empty() || !sizes.into_iter().chain(extents).all(fits) {
            return Err(OnnximError::Size);
        }
        let divides =
            self.hidden.is_multiple_of(self.heads) && self.heads.is_multiple_of(self.kv_heads);
        // Rows of every tensor begin at lines.
        let elements = machine.line_bytes() / machine.element_bytes;
        let aligned = [self.head(), self.ffn]
            .iter()
            .all(|extent| extent.is_multiple_of(elements));
        if !divides || !aligned {
            return Err(OnnximError::Shape(elements));
        }
        if self.heads / self.kv_heads > self.kv_heads {
            return Err(OnnximError::Groups);
        }
        let longest = sequences.iter().map(|s| s.tokens + s.cached).max();
        if longest.unwrap_or(0) > self.max_tokens || self.max_tokens > MOST {
            return Err(OnnximError::Length(self.max_tokens));
        }
        Ok(())
    }
}

/// Weights of a block, in order of allocation.
struct Weights {
    qkv: [u64; 2],
    projection: [u64; 2],
    first: [u64; 2],
    second: [u64; 2],
}

/// Operators of one block over a batch.
pub(super) fn operators(
    machine: &Machine,
    shape: &Shape,
    sequences: &[Sequence],
) -> Result<Vec<Operator>, OnnximError> {
    shape.check(machine, sequences)?;
    let mut builder = Builder {
        machine,
        allocator: Allocator::default(),
        list: Vec::new(),
    };
    builder.block(shape, sequences);
    Ok(builder.list)
}

struct Builder<'a> {
    machine: &'a Machine,
    allocator: Allocator,
    list: Vec<Operator>,
}

impl Builder<'_> {
    fn tensor(&mut self, rows: u64, columns: u64) -> u64 {
        let bytes = rows * columns * self.machine.element_bytes;
        self.allocator.allocate(bytes)
    }

    /// A matrix and a vector behind it.
    fn layer(&mut self, rows: u64, columns: u64) -> [u64; 2] {
        [self.tensor(rows, columns), self.tensor(1, columns)]
    }

    fn weights(&mut self, shape: &Shape, wide: u64, ffn: u64) -> Weights {
        self.layer(1, shape.hidden);
        let qkv = self.layer(shape.hidden, wide);
        let projection = self.layer(shape.hidden, shape.hidden);
        self.layer(1, shape.hidden);
        let weights = Weights {
            qkv,
            projection,
            first: self.layer(shape.hidden, ffn),
            second: self.layer(shape.ffn, shape.hidden),
        };
        self.tensor(shape.hidden, shape.vocabulary);
        weights
    }

    /// Adds a product; its output.
    fn product(
        &mut self,
        name: &str,
        (m, k, n): (u64, u64, u64),
        input: u64,
        [weights, bias]: [u64; 2],
        biased: bool,
    ) -> u64 {
        let output = self.tensor(m, n);
        let extents = Extents { m, k, n };
        let bias = biased.then_some(bias);
        let product = Product::new(self.machine, extents, [input, weights, output], bias);
        self.list.push(Operator::new(name, Kind::Product(product)));
        output
    }

    fn rowwise(
        &mut self,
        name: &str,
        kind: rowwise::Kind,
        (tokens, width): (u64, u64),
        [input, second]: [u64; 2],
        columns: u64,
    ) -> u64 {
        let output = self.tensor(tokens, columns);
        let tensors = [input, second, output];
        let rowwise = Rowwise::new(self.machine, kind, (tokens, width), tensors);
        self.list.push(Operator::new(name, Kind::Rowwise(rowwise)));
        output
    }

    fn block(&mut self, shape: &Shape, sequences: &[Sequence]) {
        let (hidden, head) = (shape.hidden, shape.head());
        let wide = 2 * head * shape.kv_heads + hidden;
        let ffn = if shape.gated {
            2 * shape.ffn
        } else {
            shape.ffn
        };
        let weights = self.weights(shape, wide, ffn);
        let mut caches = Vec::new();
        for _ in sequences {
            let columns = head * shape.kv_heads;
            caches.push([0; 2].map(|_| self.tensor(shape.max_tokens, columns)));
        }
        let tokens = sequences.iter().map(|sequence| sequence.tokens).sum();
        let input = self.tensor(tokens, hidden);
        self.product("qkv", (tokens, hidden, wide), input, weights.qkv, true);
        let queries: Vec<u64> = sequences
            .iter()
            .map(|sequence| self.tensor(sequence.tokens, hidden))
            .collect();
        let appended = tokens * wide * self.machine.element_bytes;
        let tiles = appended.div_ceil(self.machine.core.scratchpad_bytes / 2);
        let skipped = |name, tiles| Operator::new(name, Kind::Skipped(tiles));
        self.list.push(skipped("kv append", tiles as usize));
        for (index, sequence) in sequences.iter().enumerate() {
            let heads = Sizes {
                heads: shape.heads,
                kv_heads: shape.kv_heads,
                dim: head,
                queries: sequence.tokens,
                keys: sequence.tokens + sequence.cached,
            };
            let output = self.tensor(sequence.tokens, hidden);
            let [key, value] = caches[index];
            let tensors = [queries[index], key, value, output];
            let attention = Attention::new(self.machine, heads, tensors);
            let name = format!("attention {index}");
            self.list
                .push(Operator::new(name, Kind::Attention(attention)));
        }
        self.list.push(skipped("concat", 1));
        let joined = self.tensor(tokens, hidden);
        let size = (tokens, hidden, hidden);
        let projected = self.product("projection", size, joined, weights.projection, true);
        let rows = (tokens, hidden);
        let norm = rowwise::Kind::Norm;
        let middle = self.rowwise("norm 1", norm, rows, [input, projected], hidden);
        let size = (tokens, hidden, ffn);
        let first = self.product("ffn 1", size, middle, weights.first, false);
        let activation = rowwise::Kind::Activation {
            function: shape.activation,
            gated: shape.gated,
        };
        let operands = [first, weights.first[1]];
        let active = self.rowwise("activation", activation, (tokens, ffn), operands, shape.ffn);
        let size = (tokens, shape.ffn, hidden);
        let second = self.product("ffn 2", size, active, weights.second, true);
        self.rowwise("norm 2", norm, rows, [middle, second], hidden);
    }
}

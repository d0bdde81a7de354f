//! Operators, each a list of tiles that are made when they are issued.

use super::attention::Attention;
use super::instruction::Instruction;
use super::product::Product;
use super::rowwise::Rowwise;
use super::tile::{Header, Tile};

/// What an operator does.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Product(Product),
    Attention(Attention),
    Rowwise(Rowwise),
    /// So many tiles that are passed over: appending to the caches, joining outputs.
    Skipped(usize),
}

/// An operator of a run.
#[derive(Debug, Clone)]
pub(super) struct Operator {
    pub(super) name: String,
    pub(super) kind: Kind,
}

impl Operator {
    pub(super) fn new(name: impl Into<String>, kind: Kind) -> Operator {
        Operator {
            name: name.into(),
            kind,
        }
    }

    pub(super) fn tiles(&self) -> usize {
        match &self.kind {
            Kind::Product(product) => product.tiles(),
            Kind::Attention(attention) => attention.tiles(),
            Kind::Rowwise(rowwise) => rowwise.tiles(),
            Kind::Skipped(tiles) => *tiles,
        }
    }

    pub(super) fn header(&self, tile: usize) -> Header {
        match &self.kind {
            Kind::Product(product) => product.header(tile),
            Kind::Attention(attention) => attention.header(tile),
            Kind::Rowwise(_) => Rowwise::header(),
            Kind::Skipped(_) => Header {
                core: None,
                accumulates: false,
                fused: 0,
                skipped: true,
            },
        }
    }

    /// The tile, as operator `index`.
    pub(super) fn tile(&self, index: usize, tile: usize) -> Tile {
        let instructions: Vec<Instruction> = match &self.kind {
            Kind::Product(product) => product.instructions(tile),
            Kind::Attention(attention) => attention.instructions(tile),
            Kind::Rowwise(rowwise) => rowwise.instructions(tile),
            Kind::Skipped(_) => Vec::new(),
        };
        Tile {
            operator: index,
            header: self.header(tile),
            instructions: instructions.into(),
        }
    }

    /// Lines and blocks that a run follows one by one, about.
    pub(super) fn work(&self) -> u64 {
        match &self.kind {
            Kind::Product(product) => product.work(),
            Kind::Attention(attention) => attention.work(),
            Kind::Rowwise(rowwise) => rowwise.work(),
            Kind::Skipped(tiles) => *tiles as u64,
        }
    }

    /// Multiply-accumulates of its products.
    pub(super) fn macs(&self) -> u64 {
        match &self.kind {
            Kind::Product(product) => {
                let extents = &product.extents;
                extents.m * extents.k * extents.n
            }
            Kind::Attention(attention) => attention.macs(),
            Kind::Rowwise(_) | Kind::Skipped(_) => 0,
        }
    }
}

//! How many weights a model has, and how many bytes its weights and KV cache take.
//!
//! Counts are exact, per class, and include norms and biases: capacity checks compare them
//! with real devices, and the totals are the numbers models are known by.

use serde::Serialize;

use crate::arithmetic::{product, sum};
use crate::model::{Model, Norm, Positions};

/// Weights of a model by class. Counts, not bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Parameters {
    /// Token embedding.
    pub embedding: u64,
    /// Learned position table; 0 under rotary positions.
    pub positions: u64,
    /// Q, K, V and output projections of all layers, with their biases.
    pub attention: u64,
    /// Feed-forward matrices of all layers, with their biases; of a mixture, those of all experts.
    pub ffn: u64,
    /// The matrices that choose experts.
    pub router: u64,
    /// Two norms a layer and the final one.
    pub norms: u64,
    /// The head; 0 when it is the token embedding.
    pub lm_head: u64,
}

impl Parameters {
    /// All weights, or `u64::MAX` when they do not fit.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            embedding,
            positions,
            attention,
            ffn,
            router,
            norms,
            lm_head,
        } = *self;
        sum(&[embedding, positions, attention, ffn, router, norms, lm_head])
    }
}

impl Model {
    /// Weights by class.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let table = product(&[self.vocab, self.embed_dim]);
        Parameters {
            embedding: table,
            positions: match self.positions {
                Positions::Rotary => 0,
                Positions::Learned { rows } => product(&[rows, self.hidden]),
            },
            attention: product(&[self.layers, self.attention_weights()]),
            ffn: product(&[
                self.layers,
                self.experts.map_or(1, |experts| experts.count),
                self.ffn_weights(),
            ]),
            router: self.experts.map_or(0, |experts| {
                product(&[self.layers, self.hidden, experts.count])
            }),
            norms: product(&[sum(&[product(&[2, self.layers]), 1]), self.norm_weights()]),
            lm_head: if self.tied_embeddings { 0 } else { table },
        }
    }

    /// Weights that one token meets: of a mixture, those of its own experts alone.
    #[must_use]
    pub fn active_parameters(&self) -> u64 {
        let all = self.parameters().total();
        let idle = self.experts.map_or(0, |experts| {
            product(&[
                self.layers,
                experts.count.saturating_sub(experts.per_token),
                self.ffn_weights(),
            ])
        });
        all.saturating_sub(idle)
    }

    /// Bytes of all weights, each stored once.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        product(&[self.parameters().total(), self.dtype.bytes()])
    }

    /// Bytes that one token adds to the KV cache, over all layers and KV heads.
    #[must_use]
    pub fn kv_bytes_per_token(&self) -> u64 {
        product(&[
            2,
            self.layers,
            self.kv_heads,
            self.head_dim,
            self.dtype.bytes(),
        ])
    }

    /// Weights of one layer's attention block, without its norm.
    fn attention_weights(&self) -> u64 {
        let query = product(&[self.heads, self.head_dim]);
        let qkv = sum(&[query, product(&[2, self.kv_heads, self.head_dim])]);
        sum(&[
            product(&[self.hidden, qkv]),
            product(&[query, self.hidden]),
            if self.qkv_bias { qkv } else { 0 },
            if self.out_bias { self.hidden } else { 0 },
        ])
    }

    /// Weights of one layer's feed-forward block, or of one expert, without its norm.
    fn ffn_weights(&self) -> u64 {
        let up = product(&[if self.gated { 2 } else { 1 }, self.ffn_width]);
        sum(&[
            product(&[self.hidden, up]),
            product(&[self.ffn_width, self.hidden]),
            if self.ffn_bias {
                sum(&[up, self.hidden])
            } else {
                0
            },
        ])
    }

    /// Weights of one norm.
    pub(crate) fn norm_weights(&self) -> u64 {
        match self.norm {
            Norm::Layer => product(&[2, self.hidden]),
            Norm::Rms => self.hidden,
        }
    }
}

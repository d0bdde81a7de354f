//! Sizes of a model on one device, as the artifact's model files give them.

use super::NeuPimsError;

/// A transformer of which each device holds a share of heads and of inner columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Elements of the embedding, of the whole model.
    pub embedding: u64,
    /// Heads of the whole model.
    pub heads: u64,
    /// Devices that share each layer.
    pub devices: u64,
}

impl Model {
    /// GPT-3 7B on four devices (`configs/model_configs/gpt3-7B.json`).
    pub const GPT3_7B_TP4: Model = Model {
        embedding: 4096,
        heads: 32,
        devices: 4,
    };

    /// The artifact's model files (`configs/model_configs`), by their size; for other numbers of
    /// devices than they have as well.
    pub fn named(name: &str, devices: u64) -> Option<Model> {
        let (embedding, heads) = match name {
            "7B" => (4096, 32),
            "13B" => (5120, 40),
            "30B" => (7168, 56),
            "175B" => (12_288, 96),
            _ => return None,
        };
        Some(Model {
            embedding,
            heads,
            devices,
        })
    }

    /// Heads of a device.
    pub(super) fn device_heads(&self) -> u64 {
        self.heads / self.devices.max(1)
    }

    /// Elements of a head.
    pub(super) fn dim(&self) -> u64 {
        self.embedding / self.heads.max(1)
    }

    /// Bytes through which the addresses of transfers run: ten times the square of the embedding,
    /// shared among the devices.
    pub fn address_space(&self) -> u64 {
        self.embedding * self.embedding * 10 / self.devices.max(1)
    }

    /// Whether the sizes divide as the artifact needs it.
    pub(super) fn check(&self) -> Result<(), NeuPimsError> {
        let sane = |size: u64| (1..=1 << 20).contains(&size);
        let divides = sane(self.embedding)
            && sane(self.heads)
            && sane(self.devices)
            && self.heads.is_multiple_of(self.devices)
            && self.embedding.is_multiple_of(self.heads);
        if divides {
            Ok(())
        } else {
            Err(NeuPimsError::Model(*self))
        }
    }
}

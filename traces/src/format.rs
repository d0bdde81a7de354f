//! The formats this crate knows, and how it tells them apart.
//!
//! File names say little (`trace.csv`, `1.csv.gz`), so the first line decides: a column or key
//! that belongs to one format only is enough to recognise it. What is missing next to it is then
//! reported by name, which helps more than "unknown format".

use std::fmt;

use crate::memory::format_of;

/// A trace format, recognised by the first line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Azure LLM inference trace: CSV with `TIMESTAMP` (date and time), `ContextTokens` and
    /// `GeneratedTokens`, as published in Azure/AzurePublicDataset for 2023 and 2024. The 2025
    /// multimodal trace adds `NumImages`; that and any further column is read past.
    AzureLlm,
    /// Mooncake trace: one JSON object a line with `timestamp` (ms), `input_length`,
    /// `output_length` (tokens) and `hash_ids` (one id for each 512-token block of the prompt, equal
    /// ids for equal prefixes), as published in kvcache-ai/Mooncake.
    Mooncake,
    /// NeuPIMs batch: CSV with `seq_len` (tokens in the KV cache) and `ch_idx` (PIM channel that
    /// holds them), one in-flight request a row, as published in casys-kaist/NeuPIMs.
    NeupimsBatch,
    /// DRAMsim3 trace: hexadecimal byte address, `READ` or `WRITE`, cycle, with spaces between them,
    /// as its trace-driven CPU reads it.
    DramSim3,
    /// Ramulator 2 load-store trace: `LD` or `ST` and a byte address, decimal or after `0x`.
    RamulatorLoadStore,
    /// Ramulator 2 read-write trace: `R` or `W` and coordinates with commas between them, from the
    /// channel down to the column.
    RamulatorReadWrite,
}

/// What the rows of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Requests that arrive one after another.
    Arrivals,
    /// The requests in flight in one batch.
    Batch,
    /// Single requests to a memory.
    Memory,
}

impl Format {
    /// Every format that [`TraceReader`](crate::TraceReader) recognises.
    pub const ALL: [Self; 6] = [
        Self::AzureLlm,
        Self::Mooncake,
        Self::NeupimsBatch,
        Self::DramSim3,
        Self::RamulatorLoadStore,
        Self::RamulatorReadWrite,
    ];

    /// The columns or keys that a file of this format must have.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::AzureLlm => &["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
            Self::Mooncake => &["timestamp", "input_length", "output_length", "hash_ids"],
            Self::NeupimsBatch => &["seq_len", "ch_idx"],
            Self::DramSim3 => &["address", "READ|WRITE", "cycle"],
            Self::RamulatorLoadStore => &["LD|ST", "address"],
            Self::RamulatorReadWrite => &["R|W", "coordinates"],
        }
    }

    /// What the rows of this format are.
    pub const fn content(self) -> Content {
        match self {
            Self::AzureLlm | Self::Mooncake => Content::Arrivals,
            Self::NeupimsBatch => Content::Batch,
            Self::DramSim3 | Self::RamulatorLoadStore | Self::RamulatorReadWrite => Content::Memory,
        }
    }

    /// The format of a file that begins with `line`, if it is one of [`Format::ALL`].
    pub(crate) fn of_first_line(line: &str) -> Option<Self> {
        if line.trim_start().starts_with('{') {
            // `timestamp` alone says nothing: every log has it. The text is searched, not parsed,
            // so that a first row cut short is reported as a broken row of the right format.
            let telling = &Self::Mooncake.columns()[1..];
            let found = telling
                .iter()
                .any(|key| line.contains(&format!("\"{key}\"")));
            return found.then_some(Self::Mooncake);
        }
        [Self::AzureLlm, Self::NeupimsBatch]
            .into_iter()
            .find(|format| {
                line.split(',')
                    .any(|name| format.columns().contains(&name.trim()))
            })
            .or_else(|| format_of(line))
    }

    /// The formats with their columns, for a message that says what would have been accepted.
    pub(crate) fn list() -> String {
        let described =
            Self::ALL.map(|format| format!("{format} ({})", format.columns().join(", ")));
        described.join("; ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::AzureLlm => "Azure LLM CSV",
            Self::Mooncake => "Mooncake JSON lines",
            Self::NeupimsBatch => "NeuPIMs batch CSV",
            Self::DramSim3 => "DRAMsim3 trace",
            Self::RamulatorLoadStore => "Ramulator 2 load-store trace",
            Self::RamulatorReadWrite => "Ramulator 2 read-write trace",
        })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Arrivals => "requests that arrive over time",
            Self::Batch => "one batch of requests in flight",
            Self::Memory => "single requests to a memory",
        })
    }
}

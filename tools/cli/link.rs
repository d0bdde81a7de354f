//! Arguments of the commands about links.

use clap::{Args, Subcommand, ValueEnum};
use memwall_sim::link::collective::{Algorithm, Collective};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    #[command(subcommand)]
    pub command: LinkCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    /// Topologies and link standards, a line each
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// A topology as resolved: rates, and the routes from its first device
    Show {
        #[command(flatten)]
        topology: TopologyArguments,
    },
    /// Transfers between nodes, sharing what they cross
    Transfer(TransferArguments),
    /// All-reduce over the first devices, each with BYTES
    Allreduce(CollectiveArguments),
    /// Another collective over the first devices
    Collective {
        /// What
        #[arg(value_enum, value_name = "COLLECTIVE")]
        collective: Named,
        #[command(flatten)]
        arguments: CollectiveArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TopologyArguments {
    /// Topology: an embedded name (`memwall link list`) or a TOML file
    #[arg(long, default_value = "dgx-a100", value_name = "NAME|FILE")]
    pub topology: String,
    /// One key of the topology; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Print the record as JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall link transfer 10GB --from dram --to gpu0 --topology host-offload-pcie4
  memwall link transfer 28MB --from drive0 --to gpu0 --topology csd-switch-pcie4
  memwall link transfer 1GB --from dram --to gpu0 --beside 1GB:gpu0:dram --topology host-offload-pcie4
  memwall link transfer 27MB --from dram --to gpu0 --beside 300MB:dram:gpu0:class=1,chunk=27MB \\
      --topology host-offload-pcie4
A transfer beside starts at time zero; class 0 goes before class 1, which gives way at the end of a \
chunk. The default chunk is a packet; chunk=whole never gives way.")]
pub(crate) struct TransferArguments {
    /// Payload: bytes, or with kB, MB, GB, KiB, MiB, GiB
    #[arg(value_name = "BYTES", value_parser = size)]
    pub bytes: u64,
    /// Source node
    #[arg(long, value_name = "NODE")]
    pub from: String,
    /// Destination node
    #[arg(long, value_name = "NODE")]
    pub to: String,
    /// Hand the transfer over at this time
    #[arg(long, default_value_t = 0, value_name = "NS", value_parser = instant)]
    pub at_ns: u64,
    /// Transfers that start at time zero beside the first.
    #[arg(long, value_name = "TRANSFER", value_parser = beside, help = BESIDE)]
    pub beside: Vec<Beside>,
    #[command(flatten)]
    pub topology: TopologyArguments,
    /// Folder for the record; none is written without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall link allreduce 402MB --devices 4
  memwall link allreduce 402MB --topology 4xa100-nvlink --devices 4 --algorithm ring
  memwall link allreduce 16MiB --topology 8x4090-pcie4 --devices 8 --json
  memwall link collective all-to-all 14MB --topology dgx-a100 --devices 8
Without --algorithm, the fastest of those that the topology's library has. BYTES are one device's: \
of an all-reduce, a reduce-scatter and an all-to-all what each holds before, of an all-gather what each \
holds after (its own share is BYTES over the devices), of a broadcast what the first device sends.")]
pub(crate) struct CollectiveArguments {
    /// Bytes of one device (of an all-gather, after it): plain, or with kB, MB, GB, KiB, MiB, GiB
    #[arg(value_name = "BYTES", value_parser = size)]
    pub bytes: u64,
    /// Devices [default: all of the topology]
    #[arg(long, value_name = "N", value_parser = super::at_least_one)]
    pub devices: Option<u64>,
    /// Algorithm
    #[arg(long, value_enum, default_value = "auto")]
    pub algorithm: Way,
    #[command(flatten)]
    pub topology: TopologyArguments,
    /// Folder for the record; none is written without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `--algorithm`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// The fastest of the library's
    Auto,
    /// Shares round a ring
    Ring,
    /// Up and down a binomial tree
    Tree,
    /// Every share straight to where it belongs
    Direct,
}

impl Way {
    pub(crate) fn algorithm(self) -> Option<Algorithm> {
        match self {
            Way::Auto => None,
            Way::Ring => Some(Algorithm::Ring),
            Way::Tree => Some(Algorithm::Tree),
            Way::Direct => Some(Algorithm::Direct),
        }
    }
}

/// A collective by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Named {
    /// Sum everywhere
    AllReduce,
    /// Each keeps its share of the sum
    ReduceScatter,
    /// Each share everywhere; BYTES are all shares together
    AllGather,
    /// Each sends a share to each other
    AllToAll,
    /// The first device's BYTES everywhere
    Broadcast,
}

impl From<Named> for Collective {
    fn from(named: Named) -> Collective {
        match named {
            Named::AllReduce => Collective::AllReduce,
            Named::ReduceScatter => Collective::ReduceScatter,
            Named::AllGather => Collective::AllGather,
            Named::AllToAll => Collective::AllToAll,
            Named::Broadcast => Collective::Broadcast,
        }
    }
}

/// `--beside`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beside {
    pub bytes: u64,
    pub from: String,
    pub to: String,
    pub class: u8,
    /// `None` for the whole transfer.
    pub chunk: Option<u64>,
}

const BESIDE: &str =
    "Another transfer at time zero: BYTES:FROM:TO[:class=N][,chunk=BYTES|whole]; may be repeated";

fn beside(text: &str) -> Result<Beside, String> {
    const FORM: &str = "must be BYTES:FROM:TO[:class=N][,chunk=BYTES|whole]";
    let mut parts = text.split([':', ',']);
    let mut next = || parts.next().filter(|part| !part.is_empty()).ok_or(FORM);
    let mut beside = Beside {
        bytes: size(next()?)?,
        from: next()?.to_owned(),
        to: next()?.to_owned(),
        class: 0,
        chunk: Some(1),
    };
    for option in parts {
        match option.split_once('=') {
            Some(("class", class)) => {
                beside.class = class
                    .parse()
                    .map_err(|_| "class must be a whole number from 0 to 255")?;
            }
            Some(("chunk", "whole")) => beside.chunk = None,
            Some(("chunk", chunk)) => beside.chunk = Some(size(chunk)?),
            _ => return Err(FORM.to_owned()),
        }
    }
    Ok(beside)
}

/// A time within the first half of what is simulated.
fn instant(text: &str) -> Result<u64, String> {
    const MOST: u64 = 9_000_000_000_000_000;
    match text.parse::<u64>() {
        Ok(ns) if ns <= MOST => Ok(ns),
        _ => Err("must be whole nanoseconds from 0 to 9 x 10^15 (104 days)".to_owned()),
    }
}

/// Bytes with a unit.
fn size(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1 << 50;
    const UNITS: [(&str, u64); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000),
        ("MB", 1_000_000),
        ("kB", 1_000),
        ("B", 1),
    ];
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
        .unwrap_or((text, 1));
    let bytes = match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(unit),
        Err(_) => number
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && *number > 0.0 && unit > 1)
            .map(|number| (number * unit as f64).round() as u64),
    };
    match bytes {
        Some(bytes) if (1..=MOST).contains(&bytes) => Ok(bytes),
        _ => Err("must be bytes from 1 to 2^50, such as 4096, 402MB or 1.5GiB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{beside, size};

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("402MB"), Ok(402_000_000));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "0", "-1", "1.5", "4XB", "nanMB", "1e40GB", "MB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_transfer_has_a_class_and_a_chunk() {
        let read = beside("300MB:dram:gpu0:class=1,chunk=27MB").expect("a transfer");
        assert_eq!((read.class, read.chunk), (1, Some(27_000_000)));
        assert_eq!(
            beside("1kB:a:b:chunk=whole").expect("a transfer").chunk,
            None
        );
        for wrong in [
            "1kB",
            "1kB:a",
            "1kB:a:b:klass=1",
            "1kB::b",
            "1kB:a:b:class=999",
        ] {
            assert!(beside(wrong).is_err(), "{wrong}");
        }
    }
}

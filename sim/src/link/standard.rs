//! Link standards as data: signalling rate, encoding and packets, from which the rate that a
//! payload can reach is derived. What a machine measures below that is its topology's business.

use serde::Deserialize;

/// A generation of a link standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standard {
    /// 8 GT/s a lane, 128b/130b.
    Pcie3,
    /// 16 GT/s a lane, 128b/130b.
    Pcie4,
    /// 32 GT/s a lane, 128b/130b.
    Pcie5,
    /// 64 GT/s a lane, flits of 256 B of which 236 carry packets.
    Pcie6,
    /// 25 GB/s a link and direction (A100: 12 links).
    NvLink3,
    /// 25 GB/s a link and direction (H100: 18 links).
    NvLink4,
    /// 450 GB/s a direction between a Grace and a Hopper die.
    C2c,
    /// PCIe 5 lanes, flits of 68 B.
    Cxl2,
    /// PCIe 6 lanes, flits of 256 B.
    Cxl3,
}

/// Bytes that a packet carries and adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Framing {
    /// Most payload of a packet.
    pub payload: u64,
    /// Header, check and framing of a packet.
    pub overhead: u64,
}

impl Framing {
    /// Rate of the payload of whole packets on a wire of `bytes_per_s`.
    pub fn payload_rate(self, bytes_per_s: u64) -> u64 {
        let wire = self.payload + self.overhead;
        (u128::from(bytes_per_s) * u128::from(self.payload) / u128::from(wire)) as u64
    }
}

impl Standard {
    /// All, in the order of their names in a file.
    pub const ALL: [(&'static str, Standard); 9] = [
        ("pcie3", Standard::Pcie3),
        ("pcie4", Standard::Pcie4),
        ("pcie5", Standard::Pcie5),
        ("pcie6", Standard::Pcie6),
        ("nvlink3", Standard::NvLink3),
        ("nvlink4", Standard::NvLink4),
        ("c2c", Standard::C2c),
        ("cxl2", Standard::Cxl2),
        ("cxl3", Standard::Cxl3),
    ];

    /// Bytes a second of one direction after line encoding, before packets. `width` is lanes of
    /// PCIe and CXL, links of NVLink.
    pub fn bytes_per_s(self, width: u64) -> u64 {
        // Transfers a second and lane, and the share of them that are data.
        let (rate, data, coded) = match self {
            Standard::Pcie3 => (8_000_000_000, 128, 130),
            Standard::Pcie4 => (16_000_000_000, 128, 130),
            Standard::Pcie5 | Standard::Cxl2 => (32_000_000_000, 128, 130),
            Standard::Pcie6 => (64_000_000_000, 236, 256),
            Standard::Cxl3 => (64_000_000_000, 1, 1),
            Standard::NvLink3 | Standard::NvLink4 => (200_000_000_000, 1, 1),
            Standard::C2c => (3_600_000_000_000, 1, 1),
        };
        (u128::from(width) * rate / 8 * data / coded) as u64
    }

    /// Packets.
    ///
    /// PCIe up to 5: 256 B of payload behind a framing token of 4 B, a header of four words with
    /// a 64-bit address, and a check of 4 B; PCIe 6 checks the flit instead. NVLink 3 and 4: 16 B
    /// to 256 B, as LLMCompass has it (hardware_model/interconnect.py). CXL: a line of 64 B takes
    /// four slots of 16 B and a header slot, of which a flit of 68 B carries four and one of 256 B
    /// fifteen. C2C: no public packet format, so its overhead stays in what is measured.
    pub fn framing(self) -> Framing {
        let (payload, overhead) = match self {
            Standard::Pcie3 | Standard::Pcie4 | Standard::Pcie5 => (256, 24),
            Standard::Pcie6 | Standard::NvLink3 | Standard::NvLink4 => (256, 16),
            Standard::C2c => (128, 0),
            Standard::Cxl2 => (64, 21),
            Standard::Cxl3 => (64, 22),
        };
        Framing { payload, overhead }
    }

    /// Widths that exist.
    pub fn allows(self, width: u64) -> bool {
        match self {
            Standard::NvLink3 => (1..=12).contains(&width),
            Standard::NvLink4 => (1..=18).contains(&width),
            Standard::C2c => width == 1,
            _ => matches!(width, 1 | 2 | 4 | 8 | 16),
        }
    }

    /// What a width counts, and which there are.
    pub fn widths(self) -> &'static str {
        match self {
            Standard::NvLink3 => "1 to 12 links",
            Standard::NvLink4 => "1 to 18 links",
            Standard::C2c => "1 link",
            _ => "1, 2, 4, 8 or 16 lanes",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_rates_are_the_published_ones() {
        let gb = |standard: Standard, width| standard.bytes_per_s(width) / 10_000_000;
        // 15.75, 31.5 and 63 GB/s a direction of sixteen lanes; 3.94 of four lanes of PCIe 3.
        assert_eq!(gb(Standard::Pcie3, 16), 1575);
        assert_eq!(gb(Standard::Pcie4, 16), 3150);
        assert_eq!(gb(Standard::Pcie5, 16), 6301);
        assert_eq!(gb(Standard::Pcie3, 4), 393);
        assert_eq!(gb(Standard::NvLink3, 12), 30000);
        assert_eq!(gb(Standard::NvLink4, 18), 45000);
        assert_eq!(gb(Standard::C2c, 1), 45000);
    }

    #[test]
    fn packets_cost_what_the_drive_model_of_mqsim_says() {
        // csd model: m = 128, o = 28 leave 82 % of 7.0 GB/s, 5.74 GB/s measured.
        let framing = Framing {
            payload: 128,
            overhead: 28,
        };
        assert_eq!(framing.payload_rate(7_000_000_000), 5_743_589_743);
    }
}

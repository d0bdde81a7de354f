//! Element formats that the multipliers in the banks take.

/// Format of the elements of a matrix in the banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// IEEE half precision.
    Fp16,
    /// Brain float, 8 bits of exponent.
    Bf16,
    /// 8-bit integers.
    Int8,
    /// 8-bit floats (E4M3, E5M2).
    Fp8,
    /// 4-bit integers.
    Int4,
}

impl Format {
    /// Names in files and on the command line.
    pub const NAMES: [(&'static str, Format); 5] = [
        ("fp16", Format::Fp16),
        ("bf16", Format::Bf16),
        ("int8", Format::Int8),
        ("fp8", Format::Fp8),
        ("int4", Format::Int4),
    ];

    /// Name in files.
    pub fn name(self) -> &'static str {
        Format::NAMES[self as usize].0
    }

    /// Bits of an element.
    pub fn bits(self) -> u64 {
        match self {
            Format::Fp16 | Format::Bf16 => 16,
            Format::Int8 | Format::Fp8 => 8,
            Format::Int4 => 4,
        }
    }

    /// Elements that fit in so many bytes.
    pub fn elements(self, bytes: u64) -> u64 {
        bytes * 8 / self.bits()
    }

    /// Bytes of so many elements, packed.
    pub fn bytes(self, elements: u64) -> u64 {
        (elements * self.bits()).div_ceil(8)
    }
}

//! Area of the parts of a device for which there is a figure.

use super::{Energies, Figure};
use crate::machine::{Device, Machine};

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaPart {
    /// Name.
    pub name: &'static str,
    /// How many units or bits.
    pub count: u64,
    /// Square nanometres of one, if there is a source.
    pub each: Option<Figure>,
}

/// The parts of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// Parts.
    pub parts: Vec<AreaPart>,
}

impl AreaPart {
    /// Square micrometres.
    pub fn square_um(&self) -> Option<u64> {
        let each = self.each.as_ref()?;
        let nm = u128::from(self.count) * u128::from(each.amount);
        u64::try_from(nm / 1_000_000).ok()
    }
}

/// Area of a machine's NPU; a GPU is given by rates and has none. Vector unit, control, memory
/// interface and links have no figure.
pub fn area(energies: &Energies, machine: &Machine) -> Option<Area> {
    let Device::Npu(device) = &machine.device else {
        return None;
    };
    let npu = &device.npu;
    let part = |name, count, each: &Option<Figure>| AreaPart {
        name,
        count,
        each: each.clone(),
    };
    let cores = &npu.cores;
    let own = cores.count * (npu.scratchpad_bytes + npu.accumulator_bytes);
    let bits = 8 * (own + cores.shared.map_or(0, |shared| shared.bytes));
    Some(Area {
        parts: vec![
            part("arrays", npu.macs_per_cycle(), &energies.mac_area),
            part("scratchpad and accumulators", bits, &energies.sram_bit_area),
            part("vector unit, control, interfaces", 1, &None),
        ],
    })
}

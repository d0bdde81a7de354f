//! Counts times figures.

use super::{Energies, Figure};
use crate::exec::Usage;
use crate::machine::{Device, Machine};
use crate::time::Ps;

/// One line of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What was done.
    pub name: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// How often, on one device; absent where the fidelity does not count it.
    pub count: Option<u64>,
    /// Femtojoules of one, if there is a source.
    pub each: Option<Figure>,
}

impl Component {
    /// Count times figure, femtojoules.
    pub fn energy_fj(&self) -> Option<u128> {
        let each = self.each.as_ref()?;
        Some(u128::from(self.count?) * u128::from(each.amount))
    }

    /// Whether it happened, or may have, and cannot be paid for.
    pub fn is_missing(&self) -> bool {
        self.count != Some(0) && self.energy_fj().is_none()
    }
}

/// The account of a step on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// Lines.
    pub components: Vec<Component>,
}

impl Spent {
    /// Sum of what is known, femtojoules.
    pub fn total_fj(&self) -> u128 {
        self.components
            .iter()
            .filter_map(Component::energy_fj)
            .sum()
    }

    /// Whether something is missing from the sum.
    pub fn is_partial(&self) -> bool {
        self.components.iter().any(Component::is_missing)
    }
}

/// The account of `usage` over `time` on a device of `machine`, whose elements are of `format`.
/// `commands` says whether memory commands were counted.
pub fn spent(
    energies: &Energies,
    machine: &Machine,
    format: &str,
    usage: &Usage,
    time: Ps,
    commands: bool,
) -> Spent {
    let line = |name, unit, count: Option<u64>, each: Option<Figure>| Component {
        name,
        unit,
        count,
        each,
    };
    let mac = energies.mac.get(format).cloned();
    let mut components = vec![line("array", "MAC", Some(usage.array_macs), mac)];
    let mut own = None;
    match &machine.device {
        Device::Npu(device) => {
            let sram = energies.sram_of(device.npu.scratchpad_bytes);
            let byte = sram.map(|sram| sram.byte.clone());
            let vector = energies.vector.clone();
            components.push(line("scratchpad", "byte", Some(usage.sram_bytes), byte));
            components.push(line(
                "vector",
                "element",
                Some(usage.vector_elements),
                vector,
            ));
            if device.pim.is_some() {
                let mac = energies.pim_mac.clone();
                components.push(line("PIM", "MAC", Some(usage.pim_macs), mac));
            }
            own = device
                .memory
                .part()
                .and_then(|part| Some((part.energy.as_ref()?, part)));
        }
        Device::Gpu(_) => {
            components.push(line("on-chip memory", "byte", None, None));
        }
    }
    let counted = |count: u64| commands.then_some(count);
    if let Some((energy, memory)) = own {
        let of_part = |amount: u64| {
            let source = format!("part {}", memory.name);
            Some(Figure { amount, source })
        };
        let bursts = usage.bus_bytes / memory.organisation.burst_bytes.max(1);
        let activate = of_part(energy.activate_fj);
        components.push(line(
            "DRAM activate",
            "row",
            counted(usage.activations),
            activate,
        ));
        // Reads and writes differ in no part by more than their currents; the mean is taken.
        let burst = of_part(u64::midpoint(energy.read_fj, energy.write_fj));
        components.push(line("DRAM read/write", "burst", Some(bursts), burst));
        let refresh = energy.refresh_fj.and_then(of_part);
        components.push(line(
            "DRAM refresh",
            "refresh",
            counted(usage.refreshes),
            refresh,
        ));
    } else {
        let activate = energies.dram_activate.clone();
        let bits = usage.bus_bytes * 8;
        components.push(line(
            "DRAM activate",
            "row",
            counted(usage.activations),
            activate,
        ));
        components.push(line(
            "DRAM read/write",
            "bit",
            Some(bits),
            energies.dram_bit.clone(),
        ));
        components.push(line(
            "DRAM refresh",
            "refresh",
            counted(usage.refreshes),
            None,
        ));
    }
    let link = energies.link_bit.clone();
    components.push(line("link", "bit", Some(usage.link_bytes * 8), link));
    let standby = energies.standby.clone();
    components.push(line("standby", "ns", Some(time.0 / 1000), standby));
    Spent { components }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(count: Option<u64>, amount: Option<u64>) -> Component {
        Component {
            name: "array",
            unit: "MAC",
            count,
            each: amount.map(|amount| Figure {
                amount,
                source: "a table".to_owned(),
            }),
        }
    }

    #[test]
    fn a_missing_figure_is_no_zero() {
        let known = component(Some(3), Some(500));
        assert_eq!(known.energy_fj(), Some(1500));
        let account = |other: Component| Spent {
            components: vec![known.clone(), other],
        };
        // Without a figure, or without a count, the total is partial.
        for other in [component(Some(7), None), component(None, Some(9))] {
            assert!(account(other.clone()).is_partial());
            assert_eq!(account(other).total_fj(), 1500);
        }
        // What did not happen needs no figure.
        assert!(!account(component(Some(0), None)).is_partial());
    }

    #[test]
    fn large_counts_do_not_overflow() {
        let most = component(Some(u64::MAX), Some(u64::MAX));
        assert_eq!(
            most.energy_fj(),
            Some(u128::from(u64::MAX) * u128::from(u64::MAX))
        );
    }
}

//! The rules between keys. What passes here can be simulated.

use super::error::ConfigError;
use super::load::{Document, PartDocuments, PartSource};
use super::raw::RawMachine;
use super::{Device, DeviceMemory, Machine, NpuDevice, gpu, link, npu, pim, plain};
use std::sync::Arc;

pub(super) fn resolve(
    name: &str,
    machine: &Document<RawMachine>,
    memory: Option<&PartDocuments>,
    source: &dyn PartSource,
) -> Result<Machine, ConfigError> {
    let raw = &machine.raw;
    let device = match (&raw.npu, &raw.gpu) {
        (Some(_), Some(_)) => {
            return Err(machine.fault("gpu", "a machine has an [npu] or a [gpu], not both"));
        }
        (None, None) => {
            return Err(machine.fault("", "a machine needs an [npu] or a [gpu] table"));
        }
        (None, Some(raw_gpu)) => {
            let surplus = [
                ("memory", raw.memory.is_some()),
                ("plain_memory", raw.plain_memory.is_some()),
                ("pim", raw.pim.is_some()),
                ("hbm_pim", raw.hbm_pim.is_some()),
                ("attacc", raw.attacc.is_some()),
                ("quirks", raw.quirks.is_some()),
            ];
            if let Some((key, _)) = surplus.into_iter().find(|(_, present)| *present) {
                return Err(machine.fault(key, "belongs to a machine with an [npu]"));
            }
            Device::Gpu(Box::new(gpu::resolve(machine, raw_gpu, source)?))
        }
        (Some(raw_npu), None) => {
            let alone = [
                ("hbm_pim", raw.hbm_pim.is_some()),
                ("attacc", raw.attacc.is_some()),
            ];
            if let Some((key, _)) = alone.into_iter().find(|(_, given)| *given) {
                let rule = "an iteration is lowered to [pim] only; memwall pim gemv runs products";
                return Err(machine.fault(key, rule));
            }
            let memory = match (memory, &raw.plain_memory) {
                (Some(memory), None) => {
                    DeviceMemory::Part(Arc::new(pim::standard(machine, memory)?))
                }
                (None, Some(raw_plain)) => {
                    if raw.pim.is_some() {
                        return Err(machine.fault("pim", "belongs to a machine with a memory part"));
                    }
                    DeviceMemory::Plain(plain::resolve(machine, raw_plain)?)
                }
                (Some(_), Some(_)) => {
                    let rule = "a machine names its 'memory' part or has [plain_memory], not both";
                    return Err(machine.fault("plain_memory", rule));
                }
                (None, None) => {
                    let rule =
                        "a machine with an [npu] names its 'memory' part, or has [plain_memory]";
                    return Err(machine.fault("npu", rule));
                }
            };
            Device::Npu(NpuDevice {
                npu: npu::resolve(machine, raw_npu)?,
                memory,
                pim: raw.pim.as_ref().map(pim::policy),
            })
        }
    };
    let mut configuration = machine.table.clone();
    if let Some(memory) = memory {
        configuration.insert(
            "memory".into(),
            toml::Value::Table(memory.part.table.clone()),
        );
    }
    Ok(Machine {
        name: name.to_owned(),
        description: raw.description.clone(),
        device,
        link: link::resolve(machine)?,
        energy: None,
        configuration,
    })
}

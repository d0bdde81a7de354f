//! `memwall validate`: our figures against recorded figures of reference simulators.

mod dram;
mod pim_attention;

use crate::cli::memory::{Suite, ValidateArguments};
use crate::diagnostics::Failure;

pub(crate) fn validate(arguments: &ValidateArguments) -> Result<(), Failure> {
    match &arguments.suite {
        Suite::Dram(arguments) => dram::dram(arguments),
        Suite::PimAttention(arguments) => pim_attention::pim_attention(arguments),
    }
}

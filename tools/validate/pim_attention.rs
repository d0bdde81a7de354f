//! The suite `pim-attention`: attention layers on one HBM3 stack with PIM beside the results that the
//! authors of AttAcc ship with their simulator.

use super::{finish, reference};
use crate::cli::pim_attention::{ControllerName, ValidatePimAttentionArguments};
use crate::diagnostics::Failure;
use crate::embedded::part;
use crate::host::Host;
use memwall_sim::record::validation::ValidationRow;
use memwall_sim::validation::pim_attention::{RecordedBy, parse};
use rayon::prelude::*;

/// The table that the program carries.
const EMBEDDED: (&str, &str) = (
    "tests/reference/attacc.tsv",
    include_str!("../../tests/reference/attacc.tsv"),
);

/// The parts of the published configuration, with and without the power budget.
const PARTS: [&str; 2] = ["attacc-hbm3-5200", "attacc-hbm3-5200-npc"];

pub(crate) fn pim_attention(arguments: &ValidatePimAttentionArguments) -> Result<(), Failure> {
    Host::start(arguments.comparison.threads);
    let (origin, text) = reference(arguments.reference.as_deref(), EMBEDDED)?;
    let rows = parse(&origin, &text)?;
    let [limited, free] = PARTS;
    let (limited, free) = (part(limited, &[])?, part(free, &[])?);
    let by: &[RecordedBy] = match arguments.controller {
        ControllerName::Either => &[RecordedBy::Published, RecordedBy::Earlier],
        ControllerName::Published => &[RecordedBy::Published],
        ControllerName::Earlier => &[RecordedBy::Earlier],
    };
    let rows: Vec<ValidationRow> = rows
        .par_iter()
        .filter_map(|row| row.compare(if row.power_limit { &limited } else { &free }, by))
        .collect();
    finish("pim-attention", &origin, &text, rows, &arguments.comparison)
}

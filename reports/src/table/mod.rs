//! Tables for a terminal. A table has the same bytes on a terminal, on a pipe and in a file: no
//! colour, and no wrapping to the width of a window, so that outputs can be compared and kept.

mod comparison;
mod energy;
mod gemm;
mod gpu_validation;
mod group;
mod layers;
mod link;
mod memory;
mod npu_validation;
mod operators;
mod pim;
mod replay;
mod traffic;
mod validation;
mod verify;

pub use comparison::comparison;
pub use energy::energy;
pub use gemm::gemm;
pub use gpu_validation::gpu_validation;
pub use group::group;
pub use layers::{layers, layers_summary, layers_words};
pub use link::{collective, topology, transfers};
pub use memory::memory;
pub use npu_validation::{npu_validation, npu_validation_summary};
pub use operators::operators;
pub use pim::{pim, pim_bound};
pub use replay::replay;
pub use traffic::{traffic, traffic_commands, traffic_energy, traffic_latency};
pub use validation::{validation, validation_summary};
pub use verify::{verify, verify_summary};

use crate::figures::ABSENT;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle, presets};

/// A table with these headings, the first `names` columns aligned left and figures right.
fn table(headings: Vec<String>, names: usize, rows: Vec<Vec<String>>) -> String {
    let mut table = laid_out(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(headings).add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        // Narrow, that the comparison with its eight columns fits into 80 characters.
        column.set_padding((1, 0));
        if index >= names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// The same without the columns, behind the first `kept`, in which no row has anything.
fn table_without_empty(
    mut headings: Vec<String>,
    names: usize,
    kept: usize,
    mut rows: Vec<Vec<String>>,
) -> String {
    for index in (kept..headings.len()).rev() {
        let empty = |row: &Vec<String>| row.get(index).is_none_or(|cell| cell == ABSENT);
        if rows.iter().all(empty) {
            headings.remove(index);
            for row in rows.iter_mut().filter(|row| index < row.len()) {
                row.remove(index);
            }
        }
    }
    table(headings, names, rows)
}

/// Names and what they are, without lines.
fn listing(rows: Vec<Vec<String>>) -> String {
    let mut table = laid_out(presets::NOTHING);
    table.add_rows(rows);
    table.trim_fmt() + "\n"
}

fn laid_out(style: TableStyle) -> Table {
    let mut table = Table::new();
    table
        .load_style(style)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

//! Tables for a terminal. A table has the same bytes on a terminal, on a pipe and in a file: no
//! colour, and no wrapping to the width of a window, so that outputs can be compared and kept.

mod comparison;
mod gemm;
mod layers;
mod memory;
mod npu_validation;
mod operators;
mod pim;
mod replay;
mod traffic;
mod validation;

pub use comparison::comparison;
pub use gemm::gemm;
pub use layers::{layers, layers_summary, layers_words};
pub use memory::memory;
pub use npu_validation::{npu_validation, npu_validation_summary};
pub use operators::operators;
pub use pim::{pim, pim_bound};
pub use replay::replay;
pub use traffic::{traffic, traffic_commands, traffic_energy, traffic_latency};
pub use validation::{validation, validation_summary};

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

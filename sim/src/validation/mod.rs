//! Our figures beside figures that somebody recorded with a reference simulator: the table, the
//! error of each row, the distribution of errors. Knows columns, and nothing of any row.

mod cells;
mod compare;
pub mod die;
mod figures;
pub mod gpu;
mod neupims;
mod newton;
pub mod npu;
mod onnxim;
pub mod pim_attention;
mod table;

pub use cells::{Cells, Row};
pub use compare::{compare, summary};
pub use figures::Figure;
pub use neupims::ArtifactCase;
pub use newton::{Batches, NewtonCase, NewtonError, NewtonRow, Recorded, newton_rows};
pub use onnxim::{Layer, onnxim_figure, run_onnxim};
pub use table::{ReferenceRow, ReferenceTable, TableError};

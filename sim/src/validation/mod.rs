//! Our figures beside figures that somebody recorded with a reference simulator: the table, the
//! error of each row, the distribution of errors. Knows columns, and nothing of any row.

mod compare;
mod figures;
pub mod pim_attention;
mod table;

pub use compare::{compare, summary};
pub use figures::Figure;
pub use table::{ReferenceRow, ReferenceTable, TableError};

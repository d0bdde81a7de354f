//! Defects of the physical PIM side that a review found and must not come back; each test is named
//! for its defect.

use crate::support::try_pim;

/// What is wrong with a PIM device, in words.
fn refused(name: &str, settings: &[&str]) -> String {
    match try_pim(name, settings) {
        Ok(_) => panic!("{name} with {settings:?} was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn rules_of_other_row_buffers_ran_faster_than_the_bound() {
    let blocked = "pim.row_buffers=\"blocked\"";
    let said = refused("neupims-hbm2", &[blocked]);
    assert!(said.contains("pim-blocked"), "{said}");
    assert!(said.contains("G_ACT") && said.contains("PRE"), "{said}");
    let said = refused("newton-hbm2", &["pim.row_buffers=\"dual\""]);
    assert!(said.contains("PIM_PRECHARGE"), "{said}");
    // By the distances, not by the file's name.
    let both = "pim.rules=[\"pim-newton\",\"pim-dual\",\"pim-blocked\"]";
    assert!(try_pim("neupims-hbm2", &[blocked, both]).is_ok());
}

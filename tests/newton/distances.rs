//! The parts' distances as a table, written down once more from the description of the published
//! controllers: from a command to a later one in the same bank, another bank of the group, another
//! group of the rank, and another rank.

use crate::support::part;
use memwall_sim::dram::constraint::by_relation;
use memwall_sim::dram::{Command, Constraint};
use std::collections::BTreeSet;

type Line = (Command, Command, [u64; 4]);

/// Commands that the controllers issue.
fn lines(constraints: &[Constraint], commands: &[Command]) -> BTreeSet<Line> {
    let mut lines = BTreeSet::new();
    for &first in commands {
        for &then in commands {
            let [bank, group, rank, channel, _] = by_relation(constraints, first, then);
            if bank + group + rank + channel > 0 {
                lines.insert((first, then, [bank, group, rank, channel]));
            }
        }
    }
    lines
}

#[rustfmt::skip]
fn host() -> Vec<Line> {
    use Command::{Act, Pre, Rd, Ref, Wr};
    vec![
        (Act, Act, [48, 6, 4, 0]), (Act, Rd, [14, 0, 0, 0]), (Act, Wr, [14, 0, 0, 0]),
        (Act, Pre, [34, 0, 0, 0]),
        (Pre, Act, [14, 0, 0, 0]), (Pre, Ref, [14, 14, 14, 0]),
        (Rd, Rd, [2, 2, 2, 4]), (Rd, Wr, [14; 4]), (Rd, Pre, [5, 0, 0, 0]),
        (Wr, Rd, [14, 14, 12, 0]), (Wr, Wr, [2; 4]), (Wr, Pre, [22, 0, 0, 0]),
        (Ref, Act, [260, 260, 260, 0]), (Ref, Ref, [260, 260, 260, 0]),
    ]
}

#[rustfmt::skip]
fn vector() -> Vec<Line> {
    use Command::{Act, Gwrite, Pre, Rd, Wr};
    vec![
        (Act, Gwrite, [14, 0, 0, 0]), (Rd, Gwrite, [2, 2, 2, 0]), (Wr, Gwrite, [14, 14, 12, 0]),
        (Gwrite, Rd, [96, 2, 2, 0]), (Gwrite, Wr, [96, 14, 14, 0]), (Gwrite, Pre, [96, 0, 0, 0]),
        (Gwrite, Gwrite, [0, 96, 96, 0]),
    ]
}

#[test]
#[rustfmt::skip]
fn with_two_row_buffers() {
    use Command::{Act, CompsReadres, GAct, Gwrite, PimPre, Pre, Rd, Ref, Wr};
    let mut expected = host();
    expected.extend(vector());
    expected.extend([
        (Act, GAct, [6, 6, 4, 0]), (Ref, GAct, [260, 260, 260, 0]),
        (Rd, CompsReadres, [0, 0, 2, 0]), (Wr, CompsReadres, [0, 0, 12, 0]),
        (Gwrite, CompsReadres, [96, 96, 96, 0]),
        // Of a group: the ACT's 6 there are hidden by the rank's 30.
        (GAct, Act, [30, 30, 30, 0]), (GAct, GAct, [48, 48, 30, 0]),
        (GAct, CompsReadres, [14, 14, 14, 0]), (GAct, PimPre, [34, 34, 0, 0]),
        (PimPre, GAct, [14, 0, 0, 0]), (PimPre, Ref, [14, 14, 14, 0]),
        (CompsReadres, Rd, [4; 4]), (CompsReadres, Wr, [14; 4]), (CompsReadres, Gwrite, [2; 4]),
        (CompsReadres, PimPre, [5; 4]), (CompsReadres, GAct, [19; 4]),
        // Six steps and the read-out; more steps have a line of their own.
        (CompsReadres, CompsReadres, [14; 4]),
    ]);
    let part = part("newtonsim-hbm2-dual", &[]);
    let commands = [Act, Pre, Rd, Wr, Ref, Gwrite, GAct, PimPre, CompsReadres];
    assert_eq!(lines(&part.constraints, &commands), expected.into_iter().collect());
    let growing: Vec<_> = part.constraints.iter().filter(|c| c.per_step > 0).collect();
    assert_eq!(growing.len(), 1);
    let growing = growing[0];
    assert_eq!((growing.first, growing.then), (CompsReadres, CompsReadres));
    assert_eq!((growing.distance, growing.per_step), (2, 2));
}

#[test]
#[rustfmt::skip]
fn with_one_row_buffer() {
    use Command::{Act, Comp, GAct, Gwrite, Pre, Rd, Readres, Ref, Wr};
    let mut expected = host();
    expected.extend(vector());
    expected.extend([
        (Act, GAct, [48, 6, 4, 0]), (Ref, GAct, [260, 260, 260, 0]),
        (Rd, Comp, [2, 2, 2, 0]), (Wr, Comp, [14, 14, 12, 0]),
        (Rd, Readres, [2, 2, 2, 4]), (Wr, Readres, [14, 14, 12, 0]),
        (Gwrite, Comp, [96, 96, 96, 0]), (Gwrite, Readres, [0, 96, 96, 0]),
        (GAct, Act, [48, 48, 30, 0]), (GAct, GAct, [48, 48, 30, 0]),
        (GAct, Comp, [14, 14, 14, 0]), (GAct, Readres, [14, 14, 0, 0]),
        (Comp, Rd, [2; 4]), (Comp, Wr, [14; 4]), (Comp, Gwrite, [2; 4]), (Comp, Comp, [2; 4]),
        (Comp, Readres, [2; 4]), (Comp, Pre, [5; 4]),
        (Readres, Rd, [4; 4]), (Readres, Wr, [14; 4]), (Readres, Gwrite, [2; 4]),
        (Readres, Comp, [2; 4]), (Readres, Readres, [2; 4]), (Readres, GAct, [19; 4]),
        (Readres, Pre, [5; 4]),
    ]);
    let part = part("newtonsim-hbm2-blocked", &[]);
    let commands = [Act, Pre, Rd, Wr, Ref, Gwrite, GAct, Comp, Readres];
    assert_eq!(lines(&part.constraints, &commands), expected.into_iter().collect());
    assert_eq!(part.parameter("t_comp_fill"), Some(6));
}

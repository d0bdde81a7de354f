//! What is a matter of speed or of the caller changes no command: a lease is worth its single
//! commands, and a channel may be looked at as often as one likes.

use crate::streams::{Item, items, run, run_with_stops};
use crate::support::{PARITY, standard};
use memwall_sim::dram::{Completion, Standard};
use proptest::prelude::*;
use std::sync::Arc;

fn single(standard: &Arc<Standard>) -> Arc<Standard> {
    let mut single = (**standard).clone();
    single.controller.max_lease = 1;
    Arc::new(single)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn leases_change_no_command_of_a_host_channel(work in items(false), depth in 16u64..129, high in 2u64..64) {
        let depth = format!("memory.controller.bank_queue_bursts={depth}");
        let high = format!("memory.controller.write_high_bursts={high}");
        let low = "memory.controller.write_low_bursts=1";
        let standard = standard("npu-only", &[&depth, &high, low]);
        prop_assert_eq!(run(&standard, &work), run(&single(&standard), &work));
    }

    #[test]
    fn leases_change_no_command_where_bank_groups_hold_columns_longer(work in items(false)) {
        let standard = standard("npu-only", &["memory.timing.t_ccd_l_tck=5", "memory.timing.t_ccd_s_tck=3"]);
        prop_assert_eq!(run(&standard, &work), run(&single(&standard), &work));
    }

    #[test]
    fn leases_change_no_command_beside_pim(work in items(true)) {
        for name in ["neupims", "npu-pim"] {
            let standard = standard(name, &[]);
            prop_assert_eq!(run(&standard, &work), run(&single(&standard), &work));
        }
        let parity = standard("neupims", &PARITY);
        prop_assert_eq!(run(&parity, &work), run(&single(&parity), &work));
    }

    #[test]
    fn looking_at_a_channel_changes_no_command(
        work in items(true), stops in prop::collection::vec(0u64..500, 0..80),
    ) {
        for (name, parity) in [("npu-only", false), ("neupims", false), ("npu-pim", false), ("neupims", true)] {
            let standard = standard(name, if parity { &PARITY } else { &[] });
            let work: Vec<_> = work
                .iter()
                .filter(|item| standard.pim.is_some() || matches!(item, Item::Stream(..)))
                .cloned()
                .collect();
            let (once, often) = (run(&standard, &work), run_with_stops(&standard, &work, &stops));
            prop_assert_eq!(once.log, often.log, "{}, parity {}", name, parity);
            // Known in another order, at the same ticks.
            let sorted = |mut done: Vec<Completion>| { done.sort_by_key(|done| (done.at, done.block)); done };
            prop_assert_eq!(sorted(once.completions), sorted(often.completions));
        }
    }
}

//! Places of weights and partial sums: none twice, none in a reserved row, and the reads of a channel
//! pass over exactly the bursts where weights lie.

use super::{DIE, with};
use memwall_sim::pim::hbm_pim::access::RESERVED;
use memwall_sim::pim::hbm_pim::gemv::Gemv;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_burst_has_a_place_of_its_own(m in 1u64..500, k in 1u64..2000) {
        let standard = with(DIE, &[("channels", 3)], &[]);
        let gemv = Gemv::new(&standard, m, k).expect("it fits");
        let read: BTreeSet<(u32, u16, u8)> = gemv
            .accesses(&standard)
            .filter(|access| !access.write && access.row < RESERVED)
            .map(|access| (access.row, access.column, access.bank % 2))
            .collect();
        let mut seen = BTreeSet::new();
        for output in 0..m {
            for input in 0..gemv.input_bursts() {
                let spot = gemv.weight(output, input);
                prop_assert!(spot.row < RESERVED && spot.channel < 3);
                prop_assert!(read.contains(&(spot.row, spot.column, spot.bank % 2)));
                prop_assert!(seen.insert((spot.channel, spot.bank, spot.row, spot.column)));
            }
        }
        for output in 0..m {
            let spot = gemv.result(output);
            prop_assert!(spot.row < RESERVED && spot.bank % 2 == 1);
            prop_assert!(seen.insert((spot.channel, spot.bank, spot.row, spot.column)));
        }
    }
}

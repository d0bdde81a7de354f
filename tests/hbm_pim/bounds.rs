//! Closed forms of the units' bandwidth, and that no run is faster.

use super::{DIE, with};
use crate::support::part;
use memwall_sim::pim::hbm_pim::{self, Parameters, bound};
use proptest::prelude::*;

/// 32 columns at tCCD_L 4: 14 + 128 + 5 + 14; eight units of 32 bytes every 4 ns.
#[test]
fn closed_forms_give_the_published_rates() {
    let die = part(DIE, &[]);
    assert_eq!(bound::row_ticks(&die), 161);
    assert_eq!(bound::peak_bytes_per_s(&die), 64 * 64_000_000_000);
    let channel = bound::row_bytes_per_s(&die) / 64;
    assert_eq!(channel / 1_000_000, 50_881);
    // 64 rows of 8 KiB a channel.
    assert_eq!(bound::gemv_ticks(&die, 2 * 4096 * 4096), 64 * 161);
    // Short rows are bound by the row cycle.
    let slow = with(DIE, &[], &[("t_rc_tck", 500)]);
    assert_eq!(bound::row_ticks(&slow), 500);
}

/// A large product comes near its bound: vector uploads, mode changes and refresh remain.
#[test]
fn a_large_product_comes_near_its_bound() {
    let die = part(DIE, &[]);
    let run = hbm_pim::gemv(&die, &Parameters::default(), 8192, 8192).expect("it fits");
    let bound = bound::gemv_ticks(&die, run.weight_bytes);
    assert!(
        run.ticks > bound && run.ticks < bound * 4 / 3,
        "{} {bound}",
        run.ticks
    );
    assert!(run.ticks < run.streaming_ticks);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_product_is_faster_than_its_bound(
        m in 1u64..2000,
        k in 1u64..6000,
        channels in 1u64..8,
        (rcd_rd, rcd_wr, rp) in (4u64..30, 4u64..30, 4u64..30),
        (ccd_s, ccd_more) in (1u64..4, 0u64..6),
        (rtp, wr, wtr) in (2u64..12, 4u64..30, 2u64..12),
        (rrd, faw) in (2u64..8, 8u64..64),
        (refi, rfc) in (1500u64..5000, 50u64..400),
    ) {
        let ras = rcd_rd + 15;
        let standard = with(DIE, &[("channels", channels)], &[
            ("t_rcd_rd_tck", rcd_rd),
            ("t_rcd_wr_tck", rcd_wr),
            ("t_rp_tck", rp),
            ("t_ras_tck", ras),
            ("t_rc_tck", ras + rp),
            ("t_ccd_s_tck", ccd_s),
            ("t_ccd_l_tck", ccd_s + ccd_more),
            ("t_rtp_tck", rtp),
            ("t_wr_tck", wr),
            ("t_wtr_s_tck", wtr),
            ("t_wtr_l_tck", wtr + 3),
            ("t_rrd_s_tck", rrd),
            ("t_rrd_l_tck", rrd + 2),
            ("t_faw_tck", faw.max(rrd)),
            ("t_refi_tck", refi),
            ("t_rfc_tck", rfc),
        ]);
        let run = hbm_pim::gemv(&standard, &Parameters::default(), m, k).expect("it fits");
        let bound = bound::gemv_ticks(&standard, run.weight_bytes);
        prop_assert!(run.ticks >= bound, "{} ticks, bound {bound}", run.ticks);
        let seconds = run.weight_bytes as f64 / bound::peak_bytes_per_s(&standard) as f64;
        prop_assert!(run.ticks as f64 / run.clock_hz as f64 >= seconds);
    }
}

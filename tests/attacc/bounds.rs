//! GEMV: counts by arithmetic of their own, and no run faster than its bound.

use crate::support::part;
use memwall_sim::dram::Command;
use memwall_sim::pim::attacc::{Attention, Level, Parameters, attention, bound, gemv, lacks};
use proptest::prelude::*;

const LEVELS: [Level; 3] = [Level::Bank, Level::BankGroup, Level::Buffer];

/// 16 channels x 64 banks x 1 KiB in 238 or 174 ticks of 0.769 ns.
#[test]
fn attacc_bounds_are_those_of_the_published_configuration() {
    for (name, row_ticks, giga) in [
        ("attacc-hbm3-5200", 238, 5_729),
        ("attacc-hbm3-5200-npc", 174, 7_836),
    ] {
        let standard = part(name, &[]);
        let found = bound(&standard, &Parameters::new(Level::Bank));
        assert_eq!(found.row_ticks, row_ticks);
        assert_eq!(found.bytes_per_s(&standard) / 1_000_000_000, giga);
    }
}

#[test]
fn attacc_parts_without_its_commands_say_so() {
    let standard = part("hbm3-6400", &[]);
    assert_eq!(lacks(&standard, Level::Bank), Some(Command::PreAb));
    let standard = part("attacc-hbm3-5200", &[]);
    assert!(
        LEVELS
            .iter()
            .all(|&level| lacks(&standard, level).is_none())
    );
}

#[test]
fn attacc_empty_work_is_an_empty_run() {
    let standard = part("attacc-hbm3-5200", &[]);
    for (m, k) in [(0, 5), (5, 0)] {
        let run = gemv(&standard, &Parameters::new(Level::Bank), m, k);
        assert_eq!((run.ticks, run.weight_bytes, run.macs()), (0, 0, 0));
    }
}

/// On a die, where activations keep their window and moves the data path, work takes longer than
/// in the published simulator.
#[test]
fn attacc_a_die_is_slower() {
    let standard = part("attacc-hbm3-5200", &[]);
    for level in LEVELS {
        let ticks = |parameters| gemv(&standard, &parameters, 4096, 4096).ticks;
        let (die, published) = (Parameters::new(level), Parameters::parity(level, 2));
        assert!(ticks(die) > ticks(published), "{level:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn attacc_no_gemv_beats_its_bound(
        (m, k) in (1u64..1500, 1u64..1500),
        level in 0usize..3,
        (rcd, rp, ras, faw) in (4u64..40, 4u64..40, 10u64..90, 4u64..80),
        (step, rtp, short) in (1u64..12, 1u64..16, 1u64..5),
    ) {
        let settings = [
            "organisation.channels=3".to_owned(),
            format!("timing.t_rcd_rd_tck={rcd}"),
            format!("timing.t_rp_tck={rp}"),
            format!("timing.t_ras_tck={}", rcd + ras),
            format!("timing.t_rc_tck={}", rcd + ras + rp),
            format!("timing.t_faw_tck={faw}"),
            format!("timing.t_ccd_ab_tck={step}"),
            format!("timing.t_ccd_sb_tck={step}"),
            format!("timing.t_rtp_tck={rtp}"),
            format!("timing.t_rrd_s_tck={short}"),
        ];
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let standard = part("attacc-hbm3-5200", &settings);
        let parameters = Parameters::new(LEVELS[level]);
        let run = gemv(&standard, &parameters, m, k);
        let bursts = k.div_ceil(16);
        let (units, of_row) = [(16, bursts.div_ceil(4)), (16, bursts), (2, bursts)][level];
        let rows = (0..3u64).map(|channel| m / 3 + u64::from(channel < m % 3));
        let steps: Vec<u64> = rows.clone().map(|rows| rows.div_ceil(units) * of_row).collect();
        prop_assert_eq!(run.macs(), steps.iter().sum::<u64>());
        let busy = rows.filter(|&rows| rows > 0).count() as u64;
        prop_assert_eq!(run.of(Command::WrGb), busy * bursts);
        prop_assert_eq!(run.weight_bytes, 2 * m * k);
        let most = steps.iter().copied().max().unwrap_or(0);
        let least = bound(&standard, &parameters).least_ticks(most);
        prop_assert!(run.ticks > least, "{} ticks, bound {}", run.ticks, least);
    }
}

/// What the published generator loses or repeats, a die does once: counts by arithmetic.
#[test]
fn attacc_a_die_does_all_the_work() {
    let standard = part("attacc-hbm3-5200", &[]);
    let (heads, head_size, length) = (37, 160, 700);
    for level in LEVELS {
        let work = Attention {
            heads,
            head_size,
            length,
        };
        let parameters = Parameters::new(level);
        let run = attention(&standard, &parameters, work);
        // Tokens that units share, banks that share an element's bursts, places of a pseudo-channel.
        let (units, shares, places) = [(16u64, 4u64, 8u64), (16, 1, 8), (2, 1, 1)][level as usize];
        let (steps, tokens) = (head_size.div_ceil(16 * shares), length.div_ceil(units));
        assert_eq!(run.macs(), heads * 2 * steps * tokens);
        assert_eq!(run.of(Command::Sfm), heads);
        assert_eq!(run.of(Command::WrGb), heads * steps * shares);
        let weights = length.div_ceil(units * 16) * places;
        assert_eq!(run.of(Command::MvGb), heads * weights);
        let context = [8, 2, 1][level as usize] * steps;
        let scores = tokens.div_ceil(16) * places;
        assert_eq!(run.of(Command::MvSb), heads * (scores + context));
        assert_eq!(run.weight_bytes, 2 * heads * head_size * length * 2);
        let bound = bound(&standard, &parameters);
        // The first five channels have three heads each.
        assert!(run.ticks > bound.least_ticks(3 * 2 * steps * tokens));
    }
}

//! Commands of a possible die against distances written by hand from the part's parameters, apart
//! from the rules file: pairs of commands, rows of both sides, modes, refreshes as often as promised.

use super::{DIE, with};
use memwall_sim::dram::Command::{self, Act, ActAb, Pre, PreAb, Rd, RdAb, Ref, Wr, WrAb};
use memwall_sim::dram::{CommandLog, Issued, Standard};
use memwall_sim::pim::hbm_pim::{Operation, Parameters, observe_elementwise, observe_gemv};
use proptest::prelude::*;
use std::collections::BTreeMap;

const BANKS: usize = 16;

/// Least ticks between two commands of the first rank; `same` where they share a side or a bank.
fn least(standard: &Standard, first: Command, then: Command, same: bool) -> u64 {
    let t = |name: &str| standard.parameter(name).expect("a parameter");
    let (read_end, write_end) = (t("cl") + t("burst"), t("cwl") + t("burst"));
    let columns = t("t_ccd_l").max(t("burst"));
    let if_same = |ticks: u64| if same { ticks } else { 0 };
    match (first, then) {
        (ActAb, ActAb) => if_same(t("t_rc")).max(t("t_rrd_l")).max(2 * t("t_faw")),
        (ActAb, RdAb) | (Act, Rd) => if_same(t("t_rcd_rd")),
        (ActAb, WrAb) => if_same(t("t_rcd_wr")),
        (ActAb, PreAb) | (Act, Pre) => if_same(t("t_ras")),
        (PreAb, ActAb) | (Pre, Act) => if_same(t("t_rp")),
        (RdAb, PreAb) | (Rd, Pre) => if_same(t("t_rtp")),
        (WrAb, PreAb) | (Wr, Pre) => if_same(write_end + t("t_wr")),
        (Wr, PreAb) | (WrAb, Pre) => write_end + t("t_wr"),
        (Rd, PreAb) | (RdAb, Pre) => t("t_rtp"),
        (RdAb, RdAb | Rd) | (Rd, RdAb) | (WrAb, WrAb | Wr) | (Wr, WrAb) => columns,
        (Rd, Rd) | (Wr, Wr) => t("t_ccd_s").max(t("burst")),
        (RdAb | Rd, WrAb | Wr) => (read_end + t("t_rtrs")).saturating_sub(t("cwl")),
        (WrAb, RdAb | Rd) | (Wr, RdAb) => write_end + t("t_wtr_l"),
        (Wr, Rd) => write_end + t("t_wtr_s"),
        (ActAb, Act) => t("t_rc").max(2 * t("t_faw")),
        (Act, ActAb) => t("t_rc"),
        (PreAb, Act) | (Pre, ActAb) | (Pre | PreAb, Ref) => t("t_rp"),
        (Act, PreAb) | (ActAb, Pre) => t("t_ras"),
        (Act, RdAb) => t("t_rcd_rd"),
        (Act, WrAb) => t("t_rcd_wr"),
        (Ref, Act | ActAb) => t("t_rfc"),
        (Act, Act) => if_same(t("t_rc")).max(t("t_rrd_s")),
        _ => 0,
    }
}

/// The banks of the first rank that a command acts on.
fn reached(issued: &Issued) -> Vec<usize> {
    match issued.command {
        ActAb | PreAb | RdAb | WrAb => (issued.bank % 2..BANKS).step_by(2).collect(),
        Ref => (0..BANKS).collect(),
        _ => vec![issued.bank],
    }
}

fn is_column(command: Command) -> bool {
    matches!(command, Rd | Wr | RdAb | WrAb)
}

fn check(standard: &Standard, log: &[Issued], ticks: u64) -> Result<(), TestCaseError> {
    let mut last: BTreeMap<(Command, usize), u64> = BTreeMap::new();
    let mut open: [Option<u32>; BANKS] = [None; BANKS];
    let mut taken: BTreeMap<(u64, bool), u32> = BTreeMap::new();
    let mut refreshes = 0;
    for issued in log {
        let slot = (issued.at, is_column(issued.command));
        *taken.entry(slot).or_default() += 1;
        prop_assert_eq!(taken[&slot], 1, "two commands on a bus at {}", issued.at);
        if issued.bank >= BANKS {
            prop_assert_eq!(issued.command, Ref, "the second rank stays idle");
            continue;
        }
        let banks = reached(issued);
        for (&(first, bank), &at) in &last {
            let same = banks.contains(&bank);
            let distance = least(standard, first, issued.command, same);
            prop_assert!(
                issued.at >= at + distance,
                "{first:?} of {bank} at {at}, then {issued:?}: {distance}"
            );
        }
        for &bank in &banks {
            match issued.command {
                Act | ActAb => {
                    prop_assert_eq!(open[bank], None, "{:?}: open already", issued);
                    open[bank] = Some(issued.row);
                }
                Pre | PreAb => open[bank] = None,
                Ref => prop_assert_eq!(open[bank], None, "{:?}: a row is open", issued),
                // The columns of the mode rows reach single banks although the mode has changed.
                _ if issued.row == 0x17ff => {
                    prop_assert_eq!(open[issued.bank], Some(issued.row));
                }
                _ => prop_assert_eq!(open[bank], Some(issued.row), "{:?}", issued),
            }
            last.insert((issued.command, bank), issued.at);
        }
        refreshes += u64::from(issued.command == Ref);
    }
    let interval = standard.timing.refi;
    let due = (ticks + interval - interval / 2) / interval;
    prop_assert!(
        refreshes <= due && refreshes + 1 >= due,
        "{refreshes} refreshes in {ticks} ticks, {due} due"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn commands_keep_their_distances(
        (m, k, elements) in (1u64..700, 1u64..3000, 1u64..400_000),
        (rcd_rd, rcd_wr, rp) in (6u64..24, 4u64..20, 6u64..24),
        (ccd_s, ccd_more, wtr, wr) in (1u64..4, 0u64..5, 2u64..12, 8u64..24),
        (rtp, rrd, faw) in (2u64..8, 2u64..8, 8u64..80),
        (refi, rfc, queue) in (1400u64..5000, 60u64..400, 1usize..65),
    ) {
        let ras = rcd_rd + 19;
        let standard = with(DIE, &[("channels", 4)], &[
            ("t_rcd_rd_tck", rcd_rd),
            ("t_rcd_wr_tck", rcd_wr),
            ("t_rp_tck", rp),
            ("t_ras_tck", ras),
            ("t_rc_tck", ras + rp),
            ("t_ccd_s_tck", ccd_s),
            ("t_ccd_l_tck", ccd_s + ccd_more),
            ("t_wtr_s_tck", wtr),
            ("t_wtr_l_tck", wtr + 5),
            ("t_wr_tck", wr),
            ("t_rtp_tck", rtp),
            ("t_rrd_s_tck", rrd),
            ("t_rrd_l_tck", rrd + 2),
            ("t_faw_tck", faw.max(rrd)),
            ("t_refi_tck", refi),
            ("t_rfc_tck", rfc),
        ]);
        let parameters = Parameters { queue, ..Parameters::default() };
        let mut log = CommandLog::default();
        let run = observe_gemv(&standard, &parameters, m, k, &mut log).expect("it fits");
        check(&standard, &log.0, run.ticks)?;
        for operation in [Operation::Add, Operation::Relu] {
            let mut log = CommandLog::default();
            let run = observe_elementwise(&standard, &parameters, operation, elements, &mut log);
            check(&standard, &log.0, run.expect("it fits").ticks)?;
        }
    }
}

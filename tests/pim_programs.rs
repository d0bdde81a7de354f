//! Defects of the physical PIM side that were found once and must not come back; each test is named for
//! its defect.

use crate::support::{machine, pim, try_pim};
use memwall_models::{Sequence, registry};
use memwall_sim::dram::{
    Channel, Command, CommandLog, Descriptor, Direction, Issued, NoObserver, Stop, Watch,
};
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::pim::bound::ClosedForm;
use memwall_sim::pim::gemv::{Gemv, run};
use memwall_sim::pim::{Format, PimOp, PimProgram, attacc, hbm_pim};
use memwall_sim::time::Tick;

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

#[test]
fn steps_ran_ahead_of_the_column_path() {
    // A burst is 64 B: 32 elements of fp16.
    let wide = "pim.macs_per_bank=512";
    let said = refused("neupims-hbm2", &[wide]);
    assert!(said.contains("1024 bytes") && said.contains("64"), "{said}");
    assert!(try_pim("neupims-hbm2", &["pim.macs_per_bank=32"]).is_ok());
    assert!(try_pim("neupims-hbm2", &[wide, "pim.step_bytes=1024"]).is_ok());
    let said = refused("neupims-hbm2", &["pim.formats={int8=128}"]);
    assert!(said.contains("128 int8 elements"), "{said}");
    // Steps and copies of a row follow the reads of a bank.
    let slow = "memory.timing.t_ccd_l_tck=8";
    let said = refused("neupims-hbm2", &[slow]);
    assert!(said.contains("8 apart"), "{said}");
    let said = refused("neupims-hbm2", &[slow, "pim.comp_tck=8"]);
    assert!(said.contains("128 ticks at least; found 96"), "{said}");
    let fitting = [slow, "pim.comp_tck=8", "pim.gwrite_tck=128"];
    assert!(try_pim("neupims-hbm2", &fitting).is_ok());
    let said = refused("neupims-hbm2", &["pim.gwrite_tck=1"]);
    assert!(said.contains("32 ticks at least"), "{said}");
    let said = refused("attacc", &["memory.timing.t_ccd_l_tck=8"]);
    assert!(said.contains("MACAB every 6 ticks"), "{said}");
}

#[test]
fn rows_used_in_part_were_counted_whole() {
    let standard = pim("neupims-hbm2", &[]);
    let side = standard.pim.as_ref().expect("a PIM side");
    // 1,024 banks of 32 B every two ticks of a nanosecond, however many steps a row has.
    let peak = 1024 * 32 * 1_000_000_000 / 2;
    for steps in [1, 8, 31, 32] {
        let form = ClosedForm::new(&standard, side, steps, 32 * steps);
        assert_eq!(form.bytes_per_s(form.pass.steps), peak, "{steps} steps");
    }
    // Products: short rows packed with remainders, and rows that vectors share.
    for (settings, k, vectors, shared) in [
        (&[][..], 128, 1, 1),
        (&[], 100, 1, 1),
        (&["pim.vector_buffer_rows=4"], 512, 4, 4),
    ] {
        let standard = pim("neupims-hbm2", settings);
        let side = standard.pim.as_ref().expect("a PIM side");
        let product = Gemv {
            m: 1024,
            k,
            vectors,
            format: Format::Fp16,
        };
        let run = run(&product, &standard, &mut NoObserver).expect("a product that fits");
        let form = ClosedForm::new(&standard, side, run.steps_a_row, run.bytes_a_row);
        let rate = form.bytes_per_s(form.pass.steps);
        assert_eq!(rate, peak / shared, "{k} columns, {vectors} vectors");
    }
}

#[test]
fn results_left_in_fewer_bytes_than_they_have() {
    let product = |settings: &[&str]| {
        let standard = pim("neupims-hbm2", settings);
        let gemv = Gemv {
            m: 8192,
            k: 512,
            vectors: 1,
            format: Format::Fp16,
        };
        let run = run(&gemv, &standard, &mut NoObserver).expect("a product that fits");
        (run.result_bytes, run.ticks)
    };
    let (bytes, ticks) = product(&[]);
    assert_eq!(bytes, 2 * 8192);
    // 64 banks fill two bursts, or four of fp32.
    let banks = "memory.organisation.bank_groups=8";
    assert_eq!(product(&[banks]).0, 2 * 8192);
    assert_eq!(product(&[banks, "pim.result_bytes=4"]).0, 4 * 8192);
    // The last read-out ends the product: 128 bursts of two ticks instead of one.
    let (bytes, slow) = product(&["pim.result_bytes=256"]);
    assert_eq!(bytes, 256 * 8192);
    assert!(slow >= ticks + 127 * 2, "{slow} after {ticks}");
}

#[test]
fn read_outs_overlapped_on_the_data_bus() {
    // 32 banks of 256 B: 128 bursts of two ticks, and packed rows of four short read-outs.
    let wide = "pim.result_bytes=256";
    for (name, command) in [
        ("newton-hbm2", Command::Readres),
        ("neupims-hbm2", Command::CompsReadres),
    ] {
        let standard = pim(name, &[wide]);
        let gemv = Gemv {
            m: 32 * 32 * 8,
            k: 128,
            vectors: 1,
            format: Format::Fp16,
        };
        let mut log = CommandLog::default();
        run(&gemv, &standard, &mut log).expect("a product that fits");
        let issued = log.0.iter().filter(|issued| issued.command == command);
        let data: Vec<u64> = issued.map(|issued| issued.at + 2 * issued.comps).collect();
        assert_eq!(data.len(), 8, "{name}");
        let apart = data.windows(2).map(|pair| pair[1] - pair[0]).min();
        assert_eq!(apart, Some(256), "{name}");
    }
}

#[test]
fn results_were_missing_from_the_bytes_on_the_pins() {
    let mut model = registry::get("llama-2-7b").expect("embedded");
    model.layers = 1;
    let batch = [Sequence {
        new_tokens: 1,
        context: 999,
    }];
    let bytes = |settings: &[&str], fidelity| {
        let machine = machine("neupims", settings);
        let mut simulator = Simulator::new(&machine, &model, 1, fidelity).expect("a machine");
        let timing = simulator.step(&batch, &[0]).expect("a step");
        timing.usage.bus_bytes
    };
    // 32 heads of 128 over 1,000 tokens: four keys a row, 32 tokens a tile, so 8 x 32 tiles of four
    // scores; a value row holds 512 tokens, so 2 x 32 x 4 tiles of one sum. 64 B each.
    let results = (8 * 32 * 4 + 2 * 32 * 4) * 64;
    for fidelity in [Fidelity::Command, Fidelity::Fast] {
        let with = bytes(&[], fidelity);
        let without = bytes(&["quirks.result_off_bus=true"], fidelity);
        assert_eq!(with - without, results);
    }
}

#[test]
fn a_quirk_lowered_the_bound_of_the_die() {
    let pass = |settings: &[&str]| {
        let standard = pim("neupims-hbm2", settings);
        let side = standard.pim.as_ref().expect("a PIM side");
        ClosedForm::new(&standard, side, 32, 1024).pass
    };
    assert_eq!(pass(&["quirks.early_pim_release=true"]), pass(&[]));
}

#[test]
fn tiny_products_had_no_bound() {
    let standard = pim("hbm-pim", &[]);
    assert_eq!(hbm_pim::bound::gemv_ticks(&standard, 0), 0);
    // One step of all units: a row is opened first.
    let opened = standard.timing.rcd_rd;
    assert_eq!(hbm_pim::bound::gemv_ticks(&standard, 2 * 8 * 8), opened);
}

/// Commands of a stream of one direction beside tiles of `comps` steps.
fn beside(settings: &[&str], direction: Direction, comps: u32) -> Vec<Issued> {
    let mut channel = Channel::new(pim("neupims-hbm2", settings));
    let stream = Descriptor::sequential(direction, 0, 4000);
    channel.push(0, stream, Watch::Record);
    let tile = |row: u32| PimOp::Tile {
        row: 20_000 + row,
        results: 1,
        comps,
    };
    let program = PimProgram {
        ops: (0..40u32).map(tile).collect(),
    };
    channel.push_pim(0, program, Watch::Record);
    let mut log = CommandLog::default();
    while channel.advance(Tick::MAX, &mut log) != Stop::Idle {}
    log.0
}

#[test]
fn host_columns_came_too_near_a_read_out() {
    // Data-sheet distances of the part: a write keeps cwl + burst + tWTR_S = 12 before a read and
    // cl + burst + tRTRS - cwl = 14 behind one, a read of another rank burst + tRTRS = 4.
    for composite in ["pim.composite=true", "pim.composite=false"] {
        for (direction, column, before, behind) in [
            (Direction::Write, Command::Wr, 12, 14),
            (Direction::Read, Command::Rd, 4, 4),
        ] {
            let log = beside(&[composite], direction, 32);
            let read_outs: Vec<Tick> = log
                .iter()
                .filter(|issued| matches!(issued.command, Command::CompsReadres | Command::Readres))
                .map(|issued| issued.at + 2 * issued.comps)
                .collect();
            assert_eq!(read_outs.len(), 40);
            let columns = log.iter().filter(|issued| issued.command == column);
            let mut beside = 0;
            for issued in columns {
                let next = read_outs.partition_point(|&at| at <= issued.at);
                if let Some(&at) = read_outs.get(next) {
                    beside += 1;
                    assert!(issued.at + before <= at, "{issued:?} before {at}");
                }
                if let Some(&at) = next.checked_sub(1).and_then(|last| read_outs.get(last)) {
                    assert!(at + behind <= issued.at, "{issued:?} behind {at}");
                }
            }
            assert!(beside > 100, "{beside} beside the tiles");
        }
    }
}

#[test]
fn activations_of_all_banks_ignored_the_window() {
    let product = |settings: &[&str]| {
        let standard = pim("newton-hbm2", settings);
        let gemv = Gemv {
            m: 32 * 32 * 8,
            k: 512,
            vectors: 1,
            format: Format::Fp16,
        };
        let mut log = CommandLog::default();
        let run = run(&gemv, &standard, &mut log).expect("a product that fits");
        assert!(run.ticks >= run.bound, "{} under {}", run.ticks, run.bound);
        let of_rank = |issued: &&Issued| issued.command == Command::ActAb && issued.bank == 0;
        let opened: Vec<Tick> = log.0.iter().filter(of_rank).map(|act| act.at).collect();
        let step = log.0.iter().find(|issued| issued.command == Command::Comp);
        (opened, step.expect("steps").at)
    };
    let rank = "pim.activation=\"rank\"";
    // Sixteen banks of a rank: three windows of 30 behind the first four, 4 apart in each.
    let (opened, step) = product(&[rank]);
    assert!(step >= opened[0] + 3 * 30 + 3 * 4 + 14, "{opened:?} {step}");
    let quirk = "quirks.all_bank_act_outside_window=true";
    let (opened, step) = product(&[rank, quirk]);
    assert!(step <= opened[0] + 1 + 14, "{opened:?} {step}");
    // Four banks in one group: a window of 300 holds the next activation.
    let small = [
        rank,
        "memory.organisation.bank_groups=1",
        "memory.timing.t_faw_tck=300",
    ];
    let (opened, _) = product(&small);
    let apart = opened.windows(2).map(|pair| pair[1] - pair[0]).min();
    assert!(apart >= Some(300), "{opened:?}");
}

#[test]
fn attacc_showed_no_activation_limit() {
    let standard = pim("attacc", &[]);
    let die = attacc::Parameters::new(attacc::Level::Bank);
    let form = attacc::bound::closed_form(&standard, &die);
    // 16 banks of a rank: three windows of 39, and 2 between the last four.
    assert_eq!(form.pass.activations, 3 * 39 + 3 * 2);
    assert_eq!(form.pass.ticks(), 3 * 39 + 3 * 2 + 238);
    let simulator = attacc::Parameters::parity(attacc::Level::Bank, 2);
    let form = attacc::bound::closed_form(&standard, &simulator);
    assert_eq!(form.pass.ticks(), 238);
}

#[test]
fn a_long_pass_kept_refreshes_waiting() {
    for header in ["pim.header=true", "pim.header=false"] {
        let standard = pim("neupims-hbm2", &[header]);
        let interval = standard.timing.refi;
        let mut channel = Channel::new(standard);
        // 5,000 sums of 33 steps of two ticks: 85 intervals on one row.
        let pass = PimOp::Tile {
            row: 7,
            results: 5000,
            comps: 32,
        };
        let program = PimProgram { ops: vec![pass] };
        channel.push_pim(0, program, Watch::Record);
        let mut log = CommandLog::default();
        while channel.advance(Tick::MAX, &mut log) != Stop::Idle {}
        let of = |command, bank| -> Vec<Tick> {
            let issued = log.0.iter();
            let those = issued.filter(|issued| issued.command == command && issued.bank == bank);
            those.map(|issued| issued.at).collect()
        };
        assert_eq!(of(Command::CompsReadres, 0).len(), 5000);
        for rank in [0, 16] {
            let refreshed = of(Command::Ref, rank);
            assert!(refreshed.len() > 70, "{} refreshes", refreshed.len());
            let longest = refreshed.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(longest <= Some(9 * interval), "{longest:?}");
        }
    }
}

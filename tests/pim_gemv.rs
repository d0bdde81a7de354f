//! Products in the banks: every element is multiplied, nothing is faster than its closed form, and
//! each option of the PIM side does what its name says.

use crate::support::pim;
use memwall_sim::dram::{
    Channel, Command, CommandLog, Descriptor, Direction, NoObserver, Standard, Stop, Watch,
};
use memwall_sim::pim::bound::{ClosedForm, Rule};
use memwall_sim::pim::gemv::{Gemv, Mapping, Order, Run, run};
use memwall_sim::pim::{Format, PimOp, PimProgram};
use memwall_sim::time::Tick;
use proptest::prelude::*;
use std::sync::Arc;

fn gemv(m: u64, k: u64) -> Gemv {
    Gemv {
        m,
        k,
        vectors: 1,
        format: Format::Fp16,
    }
}

fn product(standard: &Arc<Standard>, gemv: &Gemv) -> Run {
    run(gemv, standard, &mut NoObserver).expect("a product that fits")
}

/// physics.md, section 2: T_row and T_pipe of the NeuPIMs configuration and its variants, tRTP 5.
#[test]
fn closed_forms_are_those_of_the_published_table() {
    let one_rank = [
        "memory.organisation.ranks=1",
        "memory.organisation.bank_groups=8",
    ];
    let half = ["memory.organisation.ranks=1"];
    let wide = [
        "memory.organisation.ranks=1",
        "memory.organisation.row_bytes=2048",
    ];
    let at_once = [
        "pim.activation=\"rank\"",
        "quirks.all_bank_act_outside_window=true",
    ];
    let faw = ["memory.timing.t_faw_tck=16"];
    let slow = ["pim.comp_tck=4"];
    // Settings, steps, T_row, T_pipe, TB/s of T_row in hundredths.
    let table: [(&[&str], u64, Tick, Tick, u64); 7] = [
        (&[], 32, 187, 120, 561),
        (&one_rank, 32, 307, 240, 342),
        (&half, 32, 187, 120, 280),
        (&wide, 64, 251, 161, 418),
        (&slow, 32, 251, 161, 418),
        (&faw, 32, 145, 97, 723),
        (&at_once, 32, 97, 97, 1081),
    ];
    for (settings, steps, row, pipe, bandwidth) in table {
        let mut settings = settings.to_vec();
        settings.push("memory.timing.t_rtp_tck=5");
        let standard = pim("neupims-hbm2", &settings);
        let side = standard.pim.as_ref().expect("a PIM side");
        let form = ClosedForm::new(&standard, side, steps, 32 * steps);
        assert_eq!(form.pass.ticks(), row, "{settings:?}");
        assert_eq!(form.pass.pipelined(), pipe, "{settings:?}");
        let rounded = (form.bytes_per_s(row) + 5_000_000_000) / 10_000_000_000;
        assert_eq!(rounded, bandwidth, "{settings:?}");
    }
}

#[test]
fn the_activation_limit_binds_neupims() {
    let standard = pim("neupims-hbm2", &["memory.timing.t_rtp_tck=5"]);
    let side = standard.pim.as_ref().expect("a PIM side");
    let form = ClosedForm::new(&standard, side, 32, 1024);
    let pass = form.pass;
    assert_eq!(pass.binding(), Rule::Activation);
    // 5.61 TB/s, and 1 - 2 x 260 / 3900 of it: both ranks' refreshes stall the steps.
    let before = form.bytes_per_s(pass.ticks());
    assert_eq!(before / 10_000_000_000, 560);
    assert_eq!(form.after_refresh(before) / 10_000_000_000, 485);
    // Without the limit the steps bind.
    let steps = pass.without(Rule::Activation);
    assert_eq!(steps.binding(), Rule::Steps);
}

fn settings() -> impl Strategy<Value = (Vec<String>, Gemv)> {
    let comp = prop_oneof![9 => 2u64..6, 1 => 6u64..400];
    let timing = (8u64..60, comp, 8u64..30, 8u64..30, 20u64..80, 2u64..12);
    let shape = (1u64..3, 0u32..3, 0u32..3, 0u32..3);
    let side = (any::<[bool; 4]>(), 1u64..5, 1u64..9, 0usize..3);
    let product = (1u64..6000, 1u64..6000, 1u64..5);
    (timing, shape, side, product).prop_map(|(timing, shape, side, product)| {
        let (faw, comp, rcd, rp, ras, rtp) = timing;
        let (ranks, groups, row, channels) = shape;
        let ([dual, composite, header, refreshed], buffer, kept, format) = side;
        let set = |path: &str, value: u64| format!("{path}={value}");
        let mut settings = vec![
            set("memory.timing.t_faw_tck", faw.max(4)),
            set("pim.comp_tck", comp),
            set("memory.timing.t_rcd_rd_tck", rcd),
            set("memory.timing.t_rp_tck", rp),
            set("memory.timing.t_ras_tck", ras.max(rcd)),
            set("memory.timing.t_rtp_tck", rtp),
            set("memory.organisation.ranks", ranks),
            set("memory.organisation.bank_groups", 2 << groups),
            set("memory.organisation.row_bytes", 512 << row),
            set("memory.organisation.channels", 1 << channels),
            set("pim.vector_buffer_rows", buffer),
            format!("pim.composite={composite}"),
            format!("pim.header={header}"),
        ];
        if !composite {
            settings.push(set("pim.accumulators", kept));
        }
        if !dual {
            settings.push("pim.row_buffers=\"blocked\"".to_owned());
            settings.push("pim.rules=[\"pim-newton\",\"pim-blocked\"]".to_owned());
        }
        if !refreshed {
            settings.push(set("memory.timing.t_refi_tck", 1 << 30));
        }
        settings.push("pim.formats={int8=32,int4=64}".to_owned());
        let format = [Format::Fp16, Format::Int8, Format::Int4][format];
        let (m, k, vectors) = product;
        let gemv = Gemv {
            m,
            k,
            vectors,
            format,
        };
        (settings, gemv)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// On any physical machine, whatever the shape, no product ends before its bound, and the steps
    /// commanded have room for every multiply-accumulate.
    #[test]
    fn no_product_is_faster_than_its_bound((settings, gemv) in settings()) {
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let standard = pim("neupims-hbm2", &settings);
        let run = product(&standard, &gemv);
        prop_assert!(run.ticks >= run.bound, "{} ticks, bound {}", run.ticks, run.bound);
        prop_assert!(run.bound > 0);
        let (needed, room) = run.useful_macs;
        prop_assert!(room >= needed, "{} of {}", room, needed);
        // A long run comes near its bound: the bound is not empty.
        if run.tiles > 400 * run.channels && run.ticks > 100_000 {
            prop_assert!(run.bound * 3 > run.ticks, "{} ticks, bound {}", run.ticks, run.bound);
        }
    }

    /// Every column of every matrix row belongs to exactly one channel.
    #[test]
    fn a_layout_covers_the_matrix_once((settings, gemv) in settings()) {
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let standard = pim("neupims-hbm2", &settings);
        let side = standard.pim.as_ref().expect("a PIM side");
        let mapping = Mapping::choose(&gemv, &standard, side).expect("a known format");
        let groups = gemv.m.div_ceil(standard.organisation.banks() as u64);
        let covered: u64 = mapping
            .shares(&gemv, &standard, side)
            .iter()
            .map(|share| share.groups * share.columns)
            .sum();
        prop_assert_eq!(covered, groups * gemv.k);
    }
}

/// Columns that the programs of one channel multiply, counted apart from the layout's own sums: each
/// row group's share of each row, at most a row of elements.
#[test]
fn remainders_are_exact() {
    let one = ["memory.organisation.channels=1"];
    let standard = pim("neupims-hbm2", &one);
    let side = standard.pim.as_ref().expect("a PIM side");
    // 70 rows of 1,100 columns: 3 groups over 32 banks, chunks of 512, 512 and 76 elements, which
    // are 32, 32 and 5 steps.
    let gemv = gemv(70, 1100);
    let mapping = Mapping::choose(&gemv, &standard, side).expect("fp16");
    let share = mapping.shares(&gemv, &standard, side)[0];
    let program = mapping.program(share, &gemv, &standard, side, |row| row as u32, |_| (0, 9));
    let tiles: Vec<(u32, u32, u32)> = program
        .ops
        .iter()
        .filter_map(|op| op.tile())
        .map(|tile| (tile.row, tile.results, tile.comps))
        .collect();
    let chunk = |chunk: u32, comps| [0, 1, 2].map(|group| (3 * group + chunk, 1, comps));
    assert_eq!(tiles, [chunk(0, 32), chunk(1, 32), chunk(2, 5)].concat());
    // Rows of 100 columns are 7 steps: four of them lie in one row of 512 elements.
    let short = self::gemv(32 * 10, 100);
    let share = mapping.shares(&short, &standard, side)[0];
    let program = mapping.program(share, &short, &standard, side, |row| row as u32, |_| (0, 9));
    let results: Vec<u32> = program
        .ops
        .iter()
        .filter_map(|op| op.tile())
        .map(|tile| tile.results)
        .collect();
    assert_eq!(results, [4, 4, 2]);
}

#[test]
fn kept_partial_sums_are_read_once() {
    // One channel, so that a matrix row is eight rows of a bank and not the share of eight channels.
    let one = "memory.organisation.channels=1";
    let long = gemv(512, 4096);
    let run = |kept: &str| product(&pim("newton-hbm2", &[one, kept]), &long);
    let (keeping, reading) = (run("pim.accumulators=16"), run("pim.composite=true"));
    assert_eq!(keeping.mapping.order, Order::Accumulate);
    assert_eq!(reading.mapping.order, Order::ReadOut);
    assert_eq!((keeping.chunks, keeping.tiles), (8, reading.tiles));
    assert_eq!(keeping.commands[Command::Readres as usize], 16);
    assert_eq!(reading.commands[Command::CompsReadres as usize], 8 * 16);
    assert_eq!(8 * keeping.result_bytes, reading.result_bytes);
}

#[test]
fn vectors_share_an_open_row() {
    let batch = Gemv {
        vectors: 4,
        ..gemv(4096, 4096)
    };
    let apart = product(&pim("neupims-hbm2", &[]), &batch);
    let shared = product(&pim("neupims-hbm2", &["pim.vector_buffer_rows=4"]), &batch);
    assert_eq!(apart.tiles, 4 * shared.tiles);
    assert!(shared.ticks < apart.ticks);
}

#[test]
fn narrow_formats_need_fewer_rows() {
    let settings = ["pim.formats={int8=32,int4=64}"];
    let standard = pim("neupims-hbm2", &settings);
    let of = |format| {
        product(
            &standard,
            &Gemv {
                format,
                ..gemv(8192, 8192)
            },
        )
    };
    let (wide, byte, nibble) = (of(Format::Fp16), of(Format::Int8), of(Format::Int4));
    assert_eq!(wide.tiles, 2 * byte.tiles);
    assert_eq!(byte.tiles, 2 * nibble.tiles);
    let ratio = wide.ticks as f64 / nibble.ticks as f64;
    assert!((3.0..=4.2).contains(&ratio), "{ratio}");
    // Formats that the file does not give are not assumed.
    let refused = run(
        &Gemv {
            format: Format::Fp8,
            ..gemv(64, 64)
        },
        &standard,
        &mut NoObserver,
    );
    assert!(refused.is_err());
}

#[test]
fn a_power_cap_sets_the_pace() {
    let big = gemv(8192, 8192);
    let free = product(&pim("neupims-hbm2", &[]), &big);
    // 0.9 nJ an activation and 11 pJ a step (16 x 16 bit x 0.44 + 16 x 0.32 pJ of ALU, about).
    let capped = |watts: u64| {
        let power = format!("pim.power={{average_w={watts},activate_nj=0.9,comp_pj=11}}");
        product(&pim("neupims-hbm2", &[&power]), &big)
    };
    // Energy of the product: every tile opens 32 rows and takes 32 x 32 steps of a bank.
    let joules = free.tiles as f64 * (32.0 * 0.9e-9 + 32.0 * 32.0 * 11e-12);
    for watts in [1, 4] {
        let seconds = capped(watts).ticks as f64 * 1e-9;
        let drawn = joules / seconds;
        assert!(drawn <= watts as f64 * 1.01, "{drawn} W of {watts}");
        assert!(drawn >= watts as f64 * 0.9, "{drawn} W of {watts}");
    }
    assert_eq!(capped(10_000).ticks, free.ticks);
}

#[test]
fn the_supply_current_spaces_the_steps() {
    let one = "memory.organisation.channels=1";
    let standard = pim("newton-hbm2", &[one, "pim.comp_current_tck=6"]);
    let mut log = CommandLog::default();
    run(&gemv(64, 512), &standard, &mut log).expect("a product that fits");
    let steps: Vec<Tick> = log
        .0
        .iter()
        .filter(|issued| issued.command == Command::Comp)
        .map(|issued| issued.at)
        .collect();
    assert!(steps.len() >= 32);
    assert!(steps.windows(2).all(|pair| pair[1] >= pair[0] + 6));
}

/// Completion of a stream of reads and of a program of tiles, both released at once.
fn together(settings: &[&str]) -> (Tick, Tick) {
    let standard = pim("neupims-hbm2", settings);
    let mut channel = Channel::new(standard);
    let read = Descriptor::sequential(Direction::Read, 0, 20_000);
    let reads = channel.push(0, read, Watch::Record);
    let tile = |row: u32| PimOp::Tile {
        row: 20_000 + row,
        results: 1,
        comps: 32,
    };
    let program = PimProgram {
        ops: (0..200u32).map(tile).collect(),
    };
    let tiles = channel.push_pim(0, program, Watch::Record);
    while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
    let done = |block| channel.completed(block).expect("drained");
    (done(reads), done(tiles))
}

#[test]
fn arbitration_decides_who_waits() {
    let (reads_beside, tiles_first) = together(&[]);
    let (reads_first, tiles_after) = together(&["pim.arbitration=\"memory_first\""]);
    // PIM only begins once no read waits.
    assert!(tiles_after > reads_first);
    assert!(reads_first < reads_beside);
    assert!(tiles_first < tiles_after);
    let sliced = |pim: u64, host: u64| {
        let slices = format!("pim.slices_tck=[{pim},{host}]");
        together(&["pim.arbitration=\"time_sliced\"", &slices])
    };
    // A longer slice of one speeds that one up.
    let (reads_even, tiles_even) = sliced(2000, 2000);
    let (reads_favoured, _) = sliced(1000, 3000);
    let (_, tiles_favoured) = sliced(3000, 1000);
    assert!(reads_favoured < reads_even, "{reads_favoured} {reads_even}");
    assert!(tiles_favoured < tiles_even, "{tiles_favoured} {tiles_even}");
    assert!(tiles_even > tiles_first);
    assert!(reads_even > reads_first);
}

#[test]
fn refreshing_ranks_together_stalls_the_steps_once() {
    let staggered = product(&pim("neupims-hbm2", &[]), &gemv(16_384, 8192));
    let together = product(
        &pim("neupims-hbm2", &["memory.controller.refresh=\"together\""]),
        &gemv(16_384, 8192),
    );
    // Whole tiles of 190 ticks between refreshes of 260: 8 in 1,950 ticks against 19 in 3,900.
    let ratio = staggered.ticks as f64 / together.ticks as f64;
    let expected = (19.0 / 3900.0) / (8.0 / 1950.0);
    assert!((ratio / expected - 1.0_f64).abs() < 0.02, "{ratio}");
}

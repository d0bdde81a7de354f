//! ONNXim's twin against recorded runs of ONNXim, to the cycle, and what it refuses.

use crate::support::{Shipped, root};
use memwall_sim::machine::{Setting, load_onnxim};
use memwall_sim::npu::gemmini::{Tiles, map};
use memwall_sim::onnxim::{
    Activation, Extents, Machine, OnnximError, Report, Sequence, Shape, gemm, layer,
};

fn machine(name: &str) -> Machine {
    load_onnxim(&Shipped, name, &[]).expect("a shipped machine")
}

fn with(settings: &[&str]) -> Machine {
    let settings: Vec<Setting> = settings
        .iter()
        .map(|text| Setting::parse(text).expect("a setting"))
        .collect();
    load_onnxim(&Shipped, "tpuv4-4x128", &settings).expect("a valid machine")
}

#[test]
fn products_are_the_recorded_ones() {
    let text = std::fs::read_to_string(root().join("tests/reference/onnxim.tsv")).expect("rows");
    let rows: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let fields: Vec<&str> = row.split('\t').collect();
        let number = |field: usize| fields[field].parse::<u64>().expect("a number");
        let (m, k, n) = (number(1), number(2), number(3));
        let report = gemm(&machine(fields[0]), m, k, n).expect("a run");
        let first = report.channels[0];
        let found = [report.cycles, first.reads, first.writes];
        assert_eq!(found, [number(4), number(5), number(6)], "{row}");
        assert_eq!(report.macs, m * k * n);
    }
}

/// A table whose arrays are those of the machine files: settings and files say the same.
#[test]
fn settings_make_the_other_shipped_machines() {
    let of = |machine: &Machine| {
        let report = gemm(machine, 100, 300, 500).expect("a run");
        (report.cycles, report.channels)
    };
    let single = with(&["cores.count=1", "cores.array=32"]);
    assert_eq!(of(&single), of(&machine("tpuv4-1x32")));
    let single = with(&["cores.count=1"]);
    assert_eq!(of(&single), of(&machine("tpuv4-1x128")));
}

const OPT_125M: Shape = Shape {
    hidden: 768,
    heads: 12,
    kv_heads: 12,
    ffn: 3072,
    activation: Activation::Relu,
    gated: false,
    vocabulary: 50_272,
    max_tokens: 2048,
};

fn prompt(tokens: u64) -> Sequence {
    Sequence { tokens, cached: 0 }
}

#[test]
fn a_prompt_is_the_recorded_one_by_operator() {
    let report = layer(&machine("tpuv4-4x128"), &OPT_125M, &[prompt(512)]).expect("a run");
    let finishes: Vec<u64> = report.operators.iter().map(|of| of.finish).collect();
    let recorded = [
        27_144, 27_146, 47_879, 47_880, 62_246, 66_859, 98_346, 108_747, 162_895, 167_497,
    ];
    assert_eq!(finishes, recorded);
    assert_eq!(report.cycles, 167_742);
    let first = report.channels[0];
    assert_eq!((first.reads, first.writes), (107_640, 24_576));
}

#[test]
fn a_decode_step_is_the_recorded_one() {
    let step = Sequence {
        tokens: 1,
        cached: 255,
    };
    let report = layer(&machine("tpuv4-4x128"), &OPT_125M, &[step; 8]).expect("a run");
    assert_eq!(report.cycles, 72_244);
    // Attention of each sequence is an operator of its own.
    assert_eq!(report.operators.len(), 9 + 8);
}

fn tiles(machine: &Machine, [m, k, n]: [u64; 3]) -> [u64; 6] {
    let Tiles { outer, inner } = map(&machine.limits(), Extents { m, k, n });
    [outer.m, outer.k, outer.n, inner.m, inner.k, inner.n]
}

#[test]
fn tiles_are_those_that_the_simulator_printed() {
    let four = machine("tpuv4-4x128");
    for (product, printed) in [
        ([128, 128, 128], [1, 1, 1, 128, 128, 128]),
        ([100, 300, 500], [1, 1, 4, 128, 384, 128]),
        ([7, 4096, 1000], [1, 1, 4, 128, 4096, 256]),
        ([1, 4096, 4096], [1, 1, 11, 128, 4096, 384]),
        ([128, 4096, 12_288], [1, 1, 24, 128, 4096, 512]),
    ] {
        assert_eq!(tiles(&four, product), printed, "{product:?}");
    }
    let small = tiles(&machine("tpuv4-1x32"), [100, 300, 500]);
    assert_eq!(small, [1, 1, 1, 128, 320, 512]);
}

/// At most five blocks of outputs a side, and 51 of the reduction, fit a half.
#[test]
fn tiles_fit_the_halves() {
    let four = machine("tpuv4-4x128");
    let whole = tiles(&four, [640, 6528, 2560]);
    assert_eq!(whole, [1, 1, 4, 640, 6528, 640]);
    let longer = tiles(&four, [640, 6529, 2560]);
    assert_eq!(longer, [1, 2, 4, 640, 3328, 640]);
    // Cut below one block the simulator divides by zero; a tile here is one block.
    let least = tiles(&four, [7, 64, 100]);
    assert_eq!(least, [1, 1, 1, 128, 128, 128]);
}

fn lines(report: &Report) -> (u64, u64) {
    let lines = report.lines();
    (lines.reads, lines.writes)
}

/// Outputs of a reduction in two tiles are written once, activations and weights read once a tile.
#[test]
fn a_long_reduction_goes_on_in_its_accumulators() {
    let one = with(&["cores.count=1"]);
    let (m, k, n) = (128, 8192, 128);
    assert_eq!(tiles(&one, [m, k, n]), [1, 2, 1, 128, 4096, 128]);
    let report = gemm(&one, m, k, n).expect("a run");
    assert_eq!(lines(&report), ((m + n) * k * 2 / 32, m * n * 2 / 32));
    // Blocks follow a whole array apart, and the first and the last are not hidden.
    assert!(report.cycles > 64 * 128 + 637);
}

#[test]
fn other_channels_and_grouped_heads_run() {
    let shape = Shape {
        heads: 16,
        kv_heads: 4,
        hidden: 1024,
        ffn: 1536,
        activation: Activation::Swish,
        gated: true,
        ..OPT_125M
    };
    for channels in [
        "memory.organisation.channels=32",
        "memory.organisation.channels=12",
    ] {
        let report = layer(&with(&[channels]), &shape, &[prompt(20), prompt(3)]).expect("a run");
        assert_eq!(report.operators.len(), 9 + 2);
        let last = report.operators.last().expect("operators");
        assert!(last.finish <= report.cycles);
        assert_eq!(
            report.cycles,
            layer(&with(&[channels]), &shape, &[prompt(20), prompt(3)])
                .expect("a run")
                .cycles
        );
    }
}

#[test]
fn what_cannot_run_is_refused() {
    let four = machine("tpuv4-4x128");
    let refused = |shape: Shape, sequences: &[Sequence]| {
        layer(&four, &shape, sequences).expect_err("nothing that runs")
    };
    assert_eq!(
        gemm(&four, 0, 1, 1).expect_err("no rows"),
        OnnximError::Size
    );
    assert_eq!(refused(OPT_125M, &[]), OnnximError::Size);
    assert_eq!(
        refused(OPT_125M, &[prompt(2049)]),
        OnnximError::Length(2048)
    );
    let odd = Shape {
        heads: 11,
        ..OPT_125M
    };
    assert_eq!(refused(odd, &[prompt(1)]), OnnximError::Shape(16));
    let groups = Shape {
        kv_heads: 3,
        ..OPT_125M
    };
    assert_eq!(refused(groups, &[prompt(1)]), OnnximError::Groups);
}

#[test]
fn broken_machines_are_refused_by_key() {
    for (setting, words) in [
        ("cores.array=48", "power of two"),
        ("cores.count=0", "cores.count"),
        ("memory=onnxim-hbm2-2500", "onnxim-hbm2-2400"),
        ("memory.organisation.channels=24", "16, 32 or 64"),
        ("cores.scratchpad_kib=64", "each half"),
        ("crossbar.port_per_core=3", "ports_per_core"),
    ] {
        let setting = Setting::parse(setting).expect("a setting");
        let error = load_onnxim(&Shipped, "tpuv4-4x128", std::slice::from_ref(&setting))
            .expect_err("a broken machine");
        assert!(format!("{error} {error:?}").contains(words), "{error}");
    }
}

//! The figures of the published simulator. Tolerance: none, every mechanism of the reference is
//! modelled, so every figure is met to the tick.

use super::{DIE, PARITY, with};
use crate::support::{part, root};
use memwall_sim::dram::NoObserver;
use memwall_sim::dram::{Command, Direction};
use memwall_sim::pim::hbm_pim::{
    self, HbmPimError, Operation, Parameters, Quirks, Run, Transfer, stream_of_channel,
};

fn run(kernel: &str, m: u64, k: u64, parameters: &Parameters) -> Run {
    let standard = part(PARITY, &[]);
    let operation = match kernel {
        "add" => Operation::Add,
        "mul" => Operation::Mul,
        "relu" => Operation::Relu,
        _ => return hbm_pim::gemv(&standard, parameters, m, k).expect("a product that fits"),
    };
    hbm_pim::elementwise(&standard, parameters, operation, m).expect("vectors that fit")
}

#[test]
fn every_recorded_figure_is_met_to_the_tick() {
    let path = root().join("tests/reference/hbm_pim.tsv");
    let text = std::fs::read_to_string(path).expect("a table of the checkout");
    let mut rows = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |index: usize| -> u64 { fields[index].parse().expect("a number") };
        let run = run(fields[1], number(2), number(3), &Parameters::pimsimulator());
        assert_eq!(run.channels, number(4));
        assert_eq!(
            (run.ticks, run.streaming_ticks),
            (number(5), number(6)),
            "{line}"
        );
        rows += 1;
    }
    assert_eq!(rows, 4);
}

/// MemBandwidth of the same run of the test suite, which no setting was chosen by: 8 MiB read at 231
/// and 16 MiB written at 243 GB/s over 16 channels of one rank, fractions cut.
#[test]
fn recorded_bandwidths_are_met() {
    let standard = with(PARITY, &[("channels", 16), ("ranks", 1)], &[]);
    let parameters = Parameters::pimsimulator();
    for (direction, bytes, gigabytes) in [
        (Direction::Read, 8 << 20, 231),
        (Direction::Write, 16 << 20, 243),
    ] {
        let transfer = Transfer { direction, bytes };
        let ticks = hbm_pim::stream(&standard, &parameters, &[transfer]).expect("it fits");
        assert_eq!(bytes / ticks, gigabytes, "{direction:?}: {ticks} ticks");
    }
}

#[test]
fn commands_are_those_of_the_kernel() {
    let run = run("gemv", 4096, 4096, &Parameters::pimsimulator());
    let count = |command: Command| run.commands[command as usize];
    // 32 input tiles of 64 MACs.
    assert_eq!(count(Command::RdAb), 32 * 64);
    // Mode rows, program, start, the vector, the sums, stop, leave. The mode changes while the mode
    // rows are still written.
    let writes = count(Command::Wr) + count(Command::WrAb);
    assert_eq!(writes, 4 + 1 + 1 + 32 * 8 + 8 + 1 + 2);
    assert!(count(Command::Wr) < 4);
    // Parked twice.
    assert_eq!(count(Command::Rd), 2 * 16);
    assert_eq!(run.weight_bytes, 2 * 4096 * 4096);
    assert_eq!(run.upload_bytes, 64 * 32 * (1 + 2 + 32 * 8));
    assert_eq!(run.host_additions, 4096 * 15);
}

/// Every departure tells by itself: taken back alone, some recorded figure is missed.
#[test]
fn every_departure_is_needed() {
    let all = Parameters::pimsimulator().quirks;
    let without = [
        Quirks {
            two_bank_view: false,
            ..all
        },
        Quirks {
            refresh_beside_precharge: false,
            ..all
        },
        Quirks {
            refresh_yields: false,
            ..all
        },
    ];
    let figures = |quirks| {
        let parameters = Parameters {
            quirks,
            ..Parameters::default()
        };
        ["add", "mul"].map(|kernel| {
            let run = run(kernel, 2 << 20, 1, &parameters);
            (run.ticks, run.streaming_ticks)
        })
    };
    let reference = figures(all);
    for quirks in without {
        assert_ne!(figures(quirks), reference, "{quirks:?}");
    }
    // At tRRD_S x 4 = tXAW the window of four never binds, only that of the all-bank activations:
    // it does where rows are shut soon after they were opened.
    let windows = |no_activation_window| {
        let quirks = Quirks {
            no_activation_window,
            ..Quirks::default()
        };
        let parameters = Parameters {
            quirks,
            ..Parameters::default()
        };
        let standard = with(DIE, &[], &[("t_faw_tck", 60)]);
        let run = hbm_pim::elementwise(&standard, &parameters, Operation::Relu, 1 << 20);
        run.expect("it fits").ticks
    };
    assert!(windows(false) > windows(true));
}

/// A queue of any depth serves the same work; with barriers of eight bursts 64 are as good as any.
#[test]
fn deeper_queues_change_nothing_beyond_the_barriers() {
    let die = part(DIE, &[]);
    let ticks = |queue| {
        let parameters = Parameters {
            queue,
            ..Parameters::default()
        };
        let run = hbm_pim::gemv(&die, &parameters, 4096, 1024);
        run.expect("it fits").ticks
    };
    assert_eq!(ticks(usize::MAX), ticks(64));
    assert!(ticks(1) > ticks(64));
}

/// Channel 0 stands for all of them: none has more to do, whatever the sizes.
#[test]
fn no_channel_takes_longer_than_the_first() {
    let standard = with(PARITY, &[("channels", 8)], &[]);
    let parameters = Parameters::pimsimulator();
    for (first, second) in [
        (100, 33),
        (8 * 32, 8 * 32 + 1),
        (40_000, 2_000),
        (77_777, 1),
    ] {
        let transfers = [
            Transfer {
                direction: Direction::Read,
                bytes: first,
            },
            Transfer {
                direction: Direction::Write,
                bytes: second,
            },
        ];
        let ticks = |channel| {
            stream_of_channel(&standard, &parameters, channel, &transfers, &mut NoObserver)
                .expect("it fits")
        };
        assert_eq!(
            hbm_pim::stream(&standard, &parameters, &transfers),
            Ok(ticks(0))
        );
        for channel in 1..8 {
            assert!(ticks(channel) <= ticks(0), "{first} {second} {channel}");
        }
    }
}

#[test]
fn what_cannot_run_is_refused() {
    let parameters = Parameters::default();
    let hbm2 = part("hbm2-2000", &[]);
    let error = hbm_pim::gemv(&hbm2, &parameters, 1, 1).unwrap_err();
    assert!(error.to_string().contains("ACTAB"), "{error}");
    let die = part(DIE, &[]);
    let gemv = |m, k| hbm_pim::gemv(&die, &parameters, m, k).unwrap_err();
    assert_eq!(gemv(0, 5), HbmPimError::Empty { what: "M" });
    assert_eq!(gemv(5, 0), HbmPimError::Empty { what: "K" });
    for (m, k) in [
        (1, u64::MAX),
        (u64::MAX, 1),
        (1 << 40, 1 << 10),
        (1 << 16, 1 << 16),
    ] {
        assert!(
            matches!(gemv(m, k), HbmPimError::TooLarge { .. }),
            "{m} {k}"
        );
    }
    let add = |n| hbm_pim::elementwise(&die, &parameters, Operation::Add, n).unwrap_err();
    assert!(matches!(add(0), HbmPimError::Empty { .. }));
    assert!(matches!(add(u64::MAX), HbmPimError::TooLarge { .. }));
    let none = Parameters {
        queue: 0,
        ..parameters
    };
    assert_eq!(hbm_pim::gemv(&die, &none, 1, 1), Err(HbmPimError::NoQueue));
    let narrow = with(DIE, &[("banks_per_group", 1), ("bank_groups", 2)], &[]);
    let error = hbm_pim::gemv(&narrow, &parameters, 1, 1).unwrap_err();
    assert!(error.to_string().contains("multiple of 4 banks"), "{error}");
}

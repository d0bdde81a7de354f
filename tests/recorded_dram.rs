//! Recorded runs of DRAMsim3: temporary harness.
use crate::stepped::bank_queues::{Settings, Stepped};
use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::{Command, Digit, Organisation, Requests, Workload};

struct P {
    bg: usize,
    ba: usize,
    rows: u64,
    co: u64,
    bytes: u64,
    data: u64,
    cl: u64,
    cwl: u64,
    rcd_rd: u64,
    rcd_wr: u64,
    rp: u64,
    ras: u64,
    ccd_s: u64,
    ccd_l: u64,
    rrd_s: u64,
    rrd_l: u64,
    faw: u64,
    wr: u64,
    wtr_s: u64,
    wtr_l: u64,
    rtp: u64,
    rtrs: u64,
    rfc: u64,
    refi: u64,
    ppd: u64,
    dual: bool,
}

fn constraints(p: &P) -> Vec<Constraint> {
    use Command::{Act, Pre, Rd, Ref, Wr};
    let mut v = Vec::new();
    let mut add = |first, then, scope, distance, window| {
        v.push(Constraint {
            first,
            then,
            scope,
            sibling: false,
            distance,
            window,
        })
    };
    use Scope::{Bank, Group, Rank};
    let (ccd_s, ccd_l) = (p.ccd_s.max(p.data), p.ccd_l.max(p.data));
    add(Act, Act, Bank, p.ras + p.rp, 1);
    add(Act, Act, Group, p.rrd_l, 1);
    add(Act, Act, Rank, p.rrd_s, 1);
    add(Act, Act, Rank, p.faw, 4);
    if p.bg == 1 {
        add(Act, Act, Rank, 420, 32);
    }
    add(Act, Rd, Bank, p.rcd_rd, 1);
    add(Act, Wr, Bank, p.rcd_wr, 1);
    add(Act, Pre, Bank, p.ras, 1);
    add(Pre, Act, Bank, p.rp, 1);
    add(Pre, Ref, Bank, p.rp, 1);
    add(Pre, Pre, Rank, p.ppd, 1);
    add(Rd, Rd, Group, ccd_l, 1);
    add(Rd, Rd, Rank, ccd_s, 1);
    add(Wr, Wr, Group, ccd_l, 1);
    add(Wr, Wr, Rank, ccd_s, 1);
    add(Rd, Wr, Rank, p.cl + p.data - p.cwl + p.rtrs, 1);
    add(Wr, Rd, Group, p.cwl + p.data + p.wtr_l, 1);
    add(Wr, Rd, Rank, p.cwl + p.data + p.wtr_s, 1);
    add(Rd, Pre, Bank, p.rtp, 1);
    add(Wr, Pre, Bank, p.cwl + p.data + p.wr, 1);
    add(Ref, Act, Rank, p.rfc, 1);
    v
}

fn config(name: &str) -> P {
    match name {
        "HBM2_8Gb_x128" => P {
            bg: 4,
            ba: 4,
            rows: 32768,
            co: 32,
            bytes: 64,
            data: 2,
            cl: 14,
            cwl: 4,
            rcd_rd: 14,
            rcd_wr: 14,
            rp: 14,
            ras: 34,
            ccd_s: 1,
            ccd_l: 2,
            rrd_s: 4,
            rrd_l: 6,
            faw: 30,
            wr: 16,
            wtr_s: 6,
            wtr_l: 8,
            rtp: 5,
            rtrs: 2,
            rfc: 260,
            refi: 3900,
            ppd: 0,
            dual: true,
        },
        "HBM1_4Gb_x128" => P {
            bg: 4,
            ba: 4,
            rows: 16384,
            co: 32,
            bytes: 64,
            data: 2,
            cl: 7,
            cwl: 2,
            rcd_rd: 7,
            rcd_wr: 7,
            rp: 7,
            ras: 17,
            ccd_s: 1,
            ccd_l: 1,
            rrd_s: 2,
            rrd_l: 3,
            faw: 15,
            wr: 8,
            wtr_s: 3,
            wtr_l: 4,
            rtp: 5,
            rtrs: 2,
            rfc: 130,
            refi: 1950,
            ppd: 0,
            dual: true,
        },
        "DDR4_8Gb_x8_3200" => P {
            bg: 4,
            ba: 4,
            rows: 65536,
            co: 128,
            bytes: 64,
            data: 4,
            cl: 22,
            cwl: 16,
            rcd_rd: 22,
            rcd_wr: 22,
            rp: 22,
            ras: 52,
            ccd_s: 4,
            ccd_l: 8,
            rrd_s: 4,
            rrd_l: 8,
            faw: 34,
            wr: 24,
            wtr_s: 4,
            wtr_l: 12,
            rtp: 12,
            rtrs: 1,
            rfc: 560,
            refi: 12480,
            ppd: 0,
            dual: false,
        },
        "LPDDR4_8Gb_x16_2400" => P {
            bg: 2,
            ba: 4,
            rows: 65536,
            co: 64,
            bytes: 128,
            data: 8,
            cl: 17,
            cwl: 14,
            rcd_rd: 15,
            rcd_wr: 15,
            rp: 15,
            ras: 32,
            ccd_s: 4,
            ccd_l: 6,
            rrd_s: 8,
            rrd_l: 8,
            faw: 32,
            wr: 30,
            wtr_s: 8,
            wtr_l: 16,
            rtp: 12,
            rtrs: 1,
            rfc: 392,
            refi: 8660,
            ppd: 2,
            dual: false,
        },
        _ => P {
            bg: 1,
            ba: 16,
            rows: 16384,
            co: 128,
            bytes: 256,
            data: 1,
            cl: 24,
            cwl: 16,
            rcd_rd: 24,
            rcd_wr: 20,
            rp: 24,
            ras: 54,
            ccd_s: 3,
            ccd_l: 3,
            rrd_s: 9,
            rrd_l: 9,
            faw: 32,
            wr: 16,
            wtr_s: 7,
            wtr_l: 7,
            rtp: 5,
            rtrs: 1,
            rfc: 126,
            refi: 11862,
            ppd: 2,
            dual: false,
        },
    }
}

#[test]
fn dramsim3_rows() {
    let text = include_str!("reference/dram.tsv");
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut bad = 0;
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let get = |name: &str| cells[head.iter().position(|h| *h == name).unwrap()];
        if get("simulator") != "DRAMsim3" {
            continue;
        }
        let p = config(get("config"));
        let organisation = Organisation {
            channels: 1,
            pseudo_channels: 1,
            ranks: 1,
            bank_groups: p.bg,
            banks_per_group: p.ba,
            rows: p.rows,
            row_bytes: p.co * p.bytes,
            burst_bytes: p.bytes,
            mapping: [
                Digit::Row,
                Digit::Bank,
                Digit::BankGroup,
                Digit::Rank,
                Digit::PseudoChannel,
                Digit::Column,
                Digit::Channel,
            ],
        };
        let settings = Settings {
            transactions: 32,
            bank_queue: 8,
            hit_cap: 4,
            drain_above: 8,
            second_command: p.dual,
            staggered: true,
            read_delay: p.cl + p.data,
            refresh_interval: p.refi,
        };
        let workload = Workload::named(get("workload")).unwrap();
        let n: u64 = get("requests").parse().unwrap();
        let mut source = Requests::new(workload, &organisation, n);
        let (mut o, log) = Stepped::new(settings, &organisation, &constraints(&p)).run(&mut source);
        use memwall_sim::dram::bank_queues::{BankQueues, Delays, Parameters};
        let mut fast_log = memwall_sim::dram::CommandLog::default();
        let mut source = Requests::new(workload, &organisation, n);
        let fast = BankQueues::new(
            &organisation,
            &constraints(&p),
            Delays {
                read: p.cl + p.data,
                refresh: p.refi,
            },
            Parameters {
                second_command: p.dual,
                ..Parameters::default()
            },
        )
        .unwrap()
        .run(&mut source, &mut fast_log);
        if fast_log.0 != log {
            bad += 1;
            let at = log
                .iter()
                .zip(&fast_log.0)
                .position(|(a, b)| a != b)
                .unwrap_or(0);
            println!(
                "{} {} log {at}: {:?} {:?}",
                get("config"),
                get("workload"),
                &log[at.saturating_sub(3)..(at + 3).min(log.len())],
                &fast_log.0[at.saturating_sub(3)..(at + 3).min(fast_log.0.len())]
            );
        }
        if fast != o {
            bad += 1;
            println!(
                "{} {} outcome {} {} {} {} {} {}",
                get("config"),
                get("workload"),
                o.cycles,
                fast.cycles,
                o.active_ticks,
                fast.active_ticks,
                o.idle_ticks,
                fast.idle_ticks
            );
            o = fast;
        }

        let l = &o.latencies;
        let avg = if l.count() == 0 {
            0.0
        } else {
            l.total() as f64 / l.count() as f64
        };
        let at = |r: u64| l.at_rank(r).unwrap_or(0).to_string();
        let c = l.count();
        let pairs = [
            ("cycles", o.cycles.to_string()),
            ("n_ACT", o.of(Command::Act).to_string()),
            ("n_PRE", o.of(Command::Pre).to_string()),
            ("n_RD", o.of(Command::Rd).to_string()),
            ("n_WR", o.of(Command::Wr).to_string()),
            ("n_REF", o.of(Command::Ref).to_string()),
            ("row_hits", o.row_hits.to_string()),
            ("lat_min_cyc", at(0)),
            ("lat_p50_cyc", at(c / 2)),
            ("lat_p99_cyc", at(c * 99 / 100)),
            ("lat_max_cyc", at(c.saturating_sub(1))),
        ];
        for (k, v) in pairs {
            if get(k) != v {
                bad += 1;
                println!(
                    "{} {} {k}: {} ours {v}",
                    get("config"),
                    get("workload"),
                    get(k)
                );
            }
        }
        let want: f64 = get("lat_avg_cyc").parse().unwrap();
        if (want - avg).abs() > 0.00006 {
            bad += 1;
            println!(
                "{} {} avg {want} ours {avg}",
                get("config"),
                get("workload")
            );
        }
    }
    assert_eq!(bad, 0);
}

#[test]
#[ignore]
fn speed() {
    use memwall_sim::dram::bank_queues::{BankQueues, Delays, Parameters};
    use memwall_sim::dram::{NoObserver, Request, Source};
    struct Listed<'a>(&'a [Request], usize);
    impl Source for Listed<'_> {
        #[inline]
        fn take(&mut self) -> Option<Request> {
            let r = self.0.get(self.1).copied();
            self.1 += 1;
            r
        }
    }
    for (name, workloads) in [
        ("HBM2_8Gb_x128", ["seq_read", "random_read", "refresh_long"]),
        ("HBM2_8Gb_x128", ["seq_read", "seq_read", "seq_read"]),
    ] {
        let p = config(name);
        let organisation = Organisation {
            channels: 1,
            pseudo_channels: 1,
            ranks: 1,
            bank_groups: p.bg,
            banks_per_group: p.ba,
            rows: p.rows,
            row_bytes: p.co * p.bytes,
            burst_bytes: p.bytes,
            mapping: [
                Digit::Row,
                Digit::Bank,
                Digit::BankGroup,
                Digit::Rank,
                Digit::PseudoChannel,
                Digit::Column,
                Digit::Channel,
            ],
        };
        for w in workloads {
            let mut s = Requests::new(Workload::named(w).unwrap(), &organisation, 1_000_000);
            let mut list = Vec::new();
            while let Some(r) = s.take() {
                list.push(r);
            }
            let mut best = f64::MAX;
            let mut cycles = 0;
            for _ in 0..5 {
                let engine = BankQueues::new(
                    &organisation,
                    &constraints(&p),
                    Delays {
                        read: p.cl + p.data,
                        refresh: p.refi,
                    },
                    Parameters {
                        second_command: p.dual,
                        ..Parameters::default()
                    },
                )
                .unwrap();
                let start = std::time::Instant::now();
                let o = engine.run(&mut Listed(&list, 0), &mut NoObserver);
                best = best.min(start.elapsed().as_secs_f64());
                cycles = o.cycles;
            }
            println!(
                "{name} {w} {:.2} M requests/s, {:.0} M cycles/s",
                1.0 / best,
                cycles as f64 / best / 1e6
            );
        }
    }
}

#[test]
#[ignore]
fn forward() {
    use memwall_sim::dram::bank_queues::{BankQueues, Delays, Parameters};
    use memwall_sim::dram::{NoObserver, Request, Source};
    struct Opaque(Requests);
    impl Source for Opaque {
        fn take(&mut self) -> Option<Request> {
            self.0.take()
        }
    }
    for (name, w) in [
        ("HBM2_8Gb_x128", "seq_read"),
        ("HBM2_8Gb_x128", "peak_stream"),
        ("HBM2_8Gb_x128", "mixed_rw_2to1"),
        ("HBM2_8Gb_x128", "copy_rw_1to1"),
        ("HBM2_8Gb_x128", "act_rate"),
        ("HBM2_8Gb_x128", "row_conflict"),
        ("HBM2_8Gb_x128", "seq_write"),
        ("HBM2_8Gb_x128", "one_bank_hits"),
        ("HBM2_8Gb_x128", "bank_group_pingpong"),
        ("HBM2_8Gb_x128", "streams8_conflict"),
        ("DDR4_8Gb_x8_3200", "seq_read"),
        ("GDDR6_8Gb_x16", "seq_read"),
        ("LPDDR4_8Gb_x16_2400", "seq_read"),
    ] {
        let p = config(name);
        let organisation = Organisation {
            channels: 1,
            pseudo_channels: 1,
            ranks: 1,
            bank_groups: p.bg,
            banks_per_group: p.ba,
            rows: p.rows,
            row_bytes: p.co * p.bytes,
            burst_bytes: p.bytes,
            mapping: [
                Digit::Row,
                Digit::Bank,
                Digit::BankGroup,
                Digit::Rank,
                Digit::PseudoChannel,
                Digit::Column,
                Digit::Channel,
            ],
        };
        let make = || {
            BankQueues::new(
                &organisation,
                &constraints(&p),
                Delays {
                    read: p.cl + p.data,
                    refresh: p.refi,
                },
                Parameters {
                    second_command: p.dual,
                    ..Parameters::default()
                },
            )
            .unwrap()
        };
        let n = 10_000_000;
        let source = Requests::new(Workload::named(w).unwrap(), &organisation, n);
        let start = std::time::Instant::now();
        let a = make().run(&mut source.clone(), &mut NoObserver);
        let t = start.elapsed().as_secs_f64();
        let start = std::time::Instant::now();
        let b = make().run(&mut Opaque(source), &mut NoObserver);
        let tb = start.elapsed().as_secs_f64();
        println!(
            "{name} {w} forward {:.0} M/s, opaque {:.1} M/s, equal {}",
            10.0 / t,
            10.0 / tb,
            a == b
        );
    }
}

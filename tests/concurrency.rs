//! spike
use memwall_sim::dram::*;
use memwall_sim::pim::*;
use memwall_sim::time::*;
use std::sync::Arc;

fn standard(quirks: PimQuirks) -> Arc<Standard> {
    use Digit::{Bank, BankGroup, Channel, Column, Rank, Row};
    Arc::new(Standard::new(
        ("x".into(), String::new()),
        Clock::new(1_000_000_000).unwrap(),
        Organisation {
            channels: 32,
            ranks: 2,
            bank_groups: 4,
            banks_per_group: 4,
            rows: 32768,
            row_bytes: 1024,
            burst_bytes: 64,
            mapping: [Row, Rank, BankGroup, Bank, Channel, Column],
        },
        Timing {
            cl: 14,
            cwl: 4,
            burst: 2,
            rcd_rd: 14,
            rcd_wr: 14,
            rp: 14,
            ras: 34,
            rc: 48,
            rrd_s: 4,
            rrd_l: 6,
            faw: 30,
            ccd_s: 1,
            ccd_l: 2,
            wtr_s: 6,
            wtr_l: 8,
            wr: 16,
            rtp: 5,
            rtrs: 2,
            rfc: 260,
            refi: 3900,
        },
        Controller {
            bank_queue_bursts: std::env::var("DEPTH")
                .ok()
                .and_then(|d| d.parse().ok())
                .unwrap_or(128),
            write_high: 32,
            write_low: 8,
            page_policy: PagePolicy::Open,
            max_lease: u64::MAX,
        },
        Some(PimTiming {
            row_buffers: RowBuffers::Dual,
            gwrite: 96,
            comp: 2,
            min_comps: 6,
            macs_per_bank: 16,
            vector_buffer_rows: 1,
            header: true,
            quirks,
        }),
    ))
}

fn programs(l: u32) -> (Vec<PimProgram>, PimProgram) {
    let mut row = 1000;
    let mut logit = vec![];
    for _chunk in 0..2 {
        let mut ops = vec![PimOp::Gwrite { bank: 0, row: 0 }];
        for _ in 0..l.div_ceil(32) {
            row += 1;
            ops.push(PimOp::Tile {
                row,
                results: 4,
                comps: 8,
            });
        }
        logit.push(PimProgram { ops });
    }
    let mut ops = vec![];
    for _head in 0..8 {
        for c in 0..l.div_ceil(512) {
            ops.push(PimOp::Gwrite { bank: 0, row: 0 });
            let t = (l - c * 512).min(512);
            for _ in 0..4 {
                row += 1;
                ops.push(PimOp::Tile {
                    row,
                    results: 1,
                    comps: (t.div_ceil(16)) as u16,
                });
            }
        }
    }
    (logit, PimProgram { ops })
}

fn alone(std: &Arc<Standard>, l: u32) -> (u64, u64) {
    let mut ch = Channel::new(std.clone());
    let (logit, attend) = programs(l);
    let mut t = 3;
    for p in logit {
        ch.push_pim(3, p, Watch::Stop);
    }
    while let Stop::Watched(c) = ch.advance(Tick::MAX, &mut NoObserver) {
        t = c.at;
    }
    let a = t;
    ch.push_pim(t + 8, attend, Watch::Stop);
    while let Stop::Watched(c) = ch.advance(Tick::MAX, &mut NoObserver) {
        t = c.at;
    }
    (a, t - a)
}

fn stage(std: &Arc<Standard>, with_pim: bool) {
    // (name, read bytes, write bytes, tail)
    let ops = [
        ("proj", 8471360u64, 8256u64, 530),
        ("res", 528384, 264192, 40),
        ("ln", 280704, 264192, 200),
        ("fc1", 33884480, 8256, 530),
        ("gelu", 264192, 264192, 60),
        ("fc2", 33884480, 8256, 530),
        ("res", 528384, 264192, 40),
        ("ln", 280704, 264192, 200),
        ("qkv", 25479488, 8256, 530),
    ];
    let mut ch = Channel::new(std.clone());
    let l = 2048;
    let (logit, attend) = programs(l);
    let mut logit_ids = vec![];
    let (mut pim_end, mut stage_pim) = (0, 0);
    if with_pim {
        for p in logit {
            logit_ids.push(ch.push_pim(3, p, Watch::Stop));
        }
    }
    let mut attend_id = None;
    let mut op = 0;
    let mut start = 3;
    let mut slot = 0u64;
    let mut cur = ch.push(
        start,
        Descriptor::sequential(Direction::Read, slot, ops[0].1 / 64 / 32),
        Watch::Stop,
    );
    slot += ops[0].1 / 64 / 32;
    let mut wslot = 5_000_000u64;
    let mut done_ops = 0;
    while done_ops < ops.len() || (with_pim && pim_end == 0) {
        let Stop::Watched(c) = ch.advance(Tick::MAX, &mut NoObserver) else {
            break;
        };
        if c.block == cur && done_ops < ops.len() {
            let end = c.at + ops[op].3;
            println!(
                "{:5} start {start:6} end {end:6} {} B/cycle",
                ops[op].0,
                ops[op].1 / (end - start)
            );
            let w = ops[op].2 / 64 / 32;
            if w > 0 {
                ch.push(
                    end,
                    Descriptor::sequential(Direction::Write, wslot, w),
                    Watch::Record,
                );
                wslot += w;
            }
            op += 1;
            done_ops += 1;
            start = end + 5;
            if op < ops.len() {
                cur = ch.push(
                    start,
                    Descriptor::sequential(Direction::Read, slot, ops[op].1 / 64 / 32),
                    Watch::Stop,
                );
                slot += ops[op].1 / 64 / 32;
            } else {
                println!("stage SA end {end}");
            }
        } else if logit_ids.contains(&c.block) {
            // stores of four heads: 4 x (2 L) bytes a request, one request a channel
            ch.push(
                c.at + 100,
                Descriptor::sequential(Direction::Write, wslot, 4 * 2 * u64::from(l) / 64),
                Watch::Record,
            );
            wslot += 256;
            if c.block == logit_ids[1] {
                stage_pim = c.at;
                attend_id = Some(ch.push_pim(c.at + 200, attend.clone(), Watch::Stop));
            }
        } else if Some(c.block) == attend_id {
            pim_end = c.at;
            println!(
                "pim: logit {stage_pim} attend {} total {pim_end}",
                pim_end - stage_pim
            );
        }
    }
}

#[test]
fn spike() {
    let quirks = PimQuirks {
        early_pim_precharge: true,
        result_off_bus: true,
        gact_outside_window: true,
        coarse_guard: true,
    };
    for q in [quirks, PimQuirks::default()] {
        let std = standard(q);
        println!(
            "alone 512 {:?} 2048 {:?}",
            alone(&std, 512),
            alone(&std, 2048)
        );
        stage(&std, false);
        stage(&std, true);
    }
}

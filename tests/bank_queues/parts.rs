//! The parts of the recorded runs of DRAMsim3, from the numbers that it reads from its files.

use crate::stepped::bank_queues::Part;
use memwall_sim::dram::bank_queues::{BankQueues, Parameters, Tables};
use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::{Command, Digit, Organisation, Timing};
use memwall_sim::time::Tick;

/// Numbers beside the timing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extra {
    pub pre_to_pre: Tick,
    pub thirty_two: Tick,
}

/// The command distances as DRAMsim3 derives them.
pub fn constraints(t: &Timing, groups: usize, extra: Extra) -> Vec<Constraint> {
    use Command::{Act, Pre, Rd, Ref, Wr};
    use Scope::{Bank, Group, Rank};
    let mut list = Vec::new();
    let mut add = |scope, first, then, distance| {
        list.push(Constraint {
            first,
            then,
            scope,
            sibling: false,
            distance,
            per_step: 0,
            window: 1,
        });
    };
    // With one bank group the short distances hold everywhere.
    let long = |l, s| if groups == 1 { s } else { l };
    let ccd_l = long(t.ccd_l, t.ccd_s).max(t.burst);
    let ccd_s = t.ccd_s.max(t.burst);
    let read_to_write = t.cl + t.burst + t.rtrs - t.cwl;
    let write_done = t.cwl + t.burst;
    add(Bank, Act, Act, t.rc);
    add(Group, Act, Act, long(t.rrd_l, t.rrd_s));
    add(Rank, Act, Act, t.rrd_s);
    add(Bank, Act, Rd, t.rcd_rd);
    add(Bank, Act, Wr, t.rcd_wr);
    add(Bank, Act, Pre, t.ras);
    add(Bank, Pre, Act, t.rp);
    add(Bank, Pre, Ref, t.rp);
    add(Rank, Pre, Pre, extra.pre_to_pre);
    add(Group, Rd, Rd, ccd_l);
    add(Rank, Rd, Rd, ccd_s);
    add(Rank, Rd, Wr, read_to_write);
    add(Bank, Rd, Pre, t.rtp);
    add(Group, Wr, Wr, ccd_l);
    add(Rank, Wr, Wr, ccd_s);
    add(Group, Wr, Rd, write_done + long(t.wtr_l, t.wtr_s));
    add(Rank, Wr, Rd, write_done + t.wtr_s);
    add(Bank, Wr, Pre, write_done + t.wr);
    add(Rank, Ref, Act, t.rfc);
    add(Rank, Ref, Ref, t.rfc);
    list.extend(other_ranks(t));
    for (window, distance) in [(4, t.faw), (32, extra.thirty_two)] {
        if distance > 0 {
            list.push(Constraint {
                first: Act,
                then: Act,
                scope: Rank,
                sibling: false,
                distance,
                per_step: 0,
                window,
            });
        }
    }
    list
}

fn other_ranks(t: &Timing) -> Vec<Constraint> {
    use Command::{Rd, Wr};
    let apart = |first, then, distance| Constraint {
        first,
        then,
        scope: Scope::Rank,
        sibling: true,
        distance,
        per_step: 0,
        window: 1,
    };
    let read_to_write = t.cl + t.burst + t.rtrs - t.cwl;
    let write_to_read = (t.cwl + t.burst + t.rtrs).saturating_sub(t.cl);
    vec![
        apart(Rd, Rd, t.burst + t.rtrs),
        apart(Rd, Wr, read_to_write),
        apart(Wr, Rd, write_to_read),
        apart(Wr, Wr, t.burst),
    ]
}

/// A part of these sizes: groups, banks of a group, rows, bursts of a row.
pub fn part(sizes: (usize, usize, u64, u64), ranks: usize, t: &Timing, extra: Extra) -> Part {
    use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
    let (bank_groups, banks_per_group, rows, columns) = sizes;
    Part {
        organisation: Organisation {
            channels: 1,
            pseudo_channels: 1,
            ranks,
            bank_groups,
            banks_per_group,
            rows,
            row_bytes: 64 * columns,
            burst_bytes: 64,
            mapping: [Row, Bank, BankGroup, Rank, PseudoChannel, Column, Channel],
            xor: Vec::new(),
        },
        constraints: constraints(t, bank_groups, extra),
        read_latency: t.cl + t.burst,
        refresh_interval: t.refi,
    }
}

pub const HBM2: Timing = Timing {
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
};

const HBM1: Timing = Timing {
    cl: 7,
    cwl: 2,
    burst: 2,
    rcd_rd: 7,
    rcd_wr: 7,
    rp: 7,
    ras: 17,
    rc: 24,
    rrd_s: 2,
    rrd_l: 3,
    faw: 15,
    ccd_s: 1,
    ccd_l: 1,
    wtr_s: 3,
    wtr_l: 4,
    wr: 8,
    rtp: 5,
    rtrs: 2,
    rfc: 130,
    refi: 1950,
};

const DDR4: Timing = Timing {
    cl: 22,
    cwl: 16,
    burst: 4,
    rcd_rd: 22,
    rcd_wr: 22,
    rp: 22,
    ras: 52,
    rc: 74,
    rrd_s: 4,
    rrd_l: 8,
    faw: 34,
    ccd_s: 4,
    ccd_l: 8,
    wtr_s: 4,
    wtr_l: 12,
    wr: 24,
    rtp: 12,
    rtrs: 1,
    rfc: 560,
    refi: 12480,
};

const LPDDR4: Timing = Timing {
    cl: 17,
    cwl: 14,
    burst: 8,
    rcd_rd: 15,
    rcd_wr: 15,
    rp: 15,
    ras: 32,
    rc: 47,
    rrd_s: 8,
    rrd_l: 8,
    faw: 32,
    ccd_s: 4,
    ccd_l: 6,
    wtr_s: 8,
    wtr_l: 16,
    wr: 30,
    rtp: 12,
    rtrs: 1,
    rfc: 392,
    refi: 8660,
};

const GDDR6: Timing = Timing {
    cl: 24,
    cwl: 16,
    burst: 1,
    rcd_rd: 24,
    rcd_wr: 20,
    rp: 24,
    ras: 54,
    rc: 78,
    rrd_s: 9,
    rrd_l: 9,
    faw: 32,
    ccd_s: 3,
    ccd_l: 4,
    wtr_s: 7,
    wtr_l: 7,
    wr: 16,
    rtp: 5,
    rtrs: 1,
    rfc: 126,
    refi: 11862,
};

/// A part of the recorded runs and its controller.
pub fn recorded(name: &str) -> Option<(Part, Parameters)> {
    let plain = Extra::default();
    let lpddr = Extra {
        pre_to_pre: 2,
        ..plain
    };
    let gddr = Extra {
        thirty_two: 420,
        ..lpddr
    };
    let (sizes, timing, extra) = match name {
        "HBM2_8Gb_x128" => ((4, 4, 32768, 32), HBM2, plain),
        "HBM1_4Gb_x128" => ((4, 4, 16384, 32), HBM1, plain),
        "DDR4_8Gb_x8_3200" => ((4, 4, 65536, 128), DDR4, plain),
        "LPDDR4_8Gb_x16_2400" => ((2, 4, 65536, 64), LPDDR4, lpddr),
        "GDDR6_8Gb_x16" => ((1, 16, 16384, 128), GDDR6, gddr),
        _ => return None,
    };
    let parameters = Parameters {
        second_slot: name.starts_with("HBM"),
        ..Parameters::default()
    };
    Some((part(sizes, 1, &timing, extra), parameters))
}

/// The engine of a part.
pub fn engine(part: &Part, parameters: Parameters) -> BankQueues {
    let tables = Tables::new(
        &part.organisation,
        &part.constraints,
        part.read_latency,
        part.refresh_interval,
    );
    BankQueues::new(tables.expect("a list that has its gates"), parameters)
}

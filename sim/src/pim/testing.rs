//! The channel of NeuPIMs by hand, for unit tests; integration tests use the shipped files.

use super::{PimQuirks, PimTiming, RowBuffers};
use crate::dram::{Controller, Digit, Organisation, PagePolicy, Standard, Timing};
use crate::time::Clock;

pub(crate) fn standard() -> Standard {
    use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
    let organisation = Organisation {
        channels: 32,
        pseudo_channels: 1,
        ranks: 2,
        bank_groups: 4,
        banks_per_group: 4,
        rows: 32768,
        row_bytes: 1024,
        burst_bytes: 64,
        mapping: [Row, Rank, PseudoChannel, BankGroup, Bank, Channel, Column],
        xor: Vec::new(),
    };
    let timing = Timing {
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
        rtp: 6,
        rtrs: 2,
        rfc: 260,
        refi: 3900,
    };
    let controller = Controller {
        bank_queue_bursts: 128,
        write_high: 32,
        write_low: 8,
        page_policy: PagePolicy::CloseOnIdle,
        max_lease: u64::MAX,
    };
    let pim = PimTiming {
        row_buffers: RowBuffers::Dual,
        gwrite: 96,
        comp: 2,
        min_comps: 6,
        macs_per_bank: 16,
        vector_buffer_rows: 1,
        header: true,
        quirks: PimQuirks::default(),
    };
    let clock = Clock::new(1_000_000_000).expect("a clock ticks");
    let name = ("test".to_owned(), String::new());
    Standard::new(name, clock, organisation, timing, controller, Some(pim))
}

//! HBM-PIM against the recorded figures of Samsung's PIMSimulator.

use crate::support::part;
use memwall_sim::pim::hbm_pim::{self, Operation, Parameters};

#[test]
fn hbm_pim_probe() {
    let standard = part("pimsimulator-hbm2-64ch", &[]);
    let p = Parameters::pimsimulator();
    let run = hbm_pim::gemv(&standard, &p, 4096, 4096).unwrap();
    eprintln!("gemv {} {} {:?}", run.ticks, run.streaming_ticks, run.read_out_ticks);
    for (op, n) in [(Operation::Add, 1 << 20), (Operation::Mul, 2 << 20), (Operation::Relu, 4 << 20)] {
        let run = hbm_pim::elementwise(&standard, &p, op, n).unwrap();
        eprintln!("{op:?} {} {}", run.ticks, run.streaming_ticks);
    }
}

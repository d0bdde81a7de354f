//! Channels that every step treats alike share one simulation: the same as each on its own.

use crate::support::part;
use memwall_sim::pim::attacc::stream::{Step, Stream};
use memwall_sim::pim::attacc::{Attention, Level, Parameters, attention, gemv, run};

/// The same requests in the same order, one channel a step: every channel is a run of its own.
fn one_by_one(stream: &Stream) -> Stream {
    let channels = |step: &Step| {
        let request = step.request;
        (step.first..step.end).map(move |channel| Step {
            request,
            first: channel,
            end: channel + 1,
        })
    };
    Stream {
        channels: stream.channels,
        steps: stream.steps.iter().flat_map(channels).collect(),
    }
}

#[test]
fn attacc_channels_alike_share_a_run() {
    let standard = part("attacc-hbm3-5200", &[]);
    for level in [Level::Bank, Level::BankGroup, Level::Buffer] {
        let die = Parameters::new(level);
        for (parameters, heads, length) in [
            (Parameters::parity(level, 2), 51, 513),
            (Parameters::parity(level, 1), 16, 300),
            (die, 37, 700),
        ] {
            let work = Attention {
                heads,
                head_size: 128,
                length,
            };
            let stream = attention::stream(&standard, &parameters, work);
            assert!(stream.classes().len() < 18);
            let shared = run(&standard, &parameters, &stream);
            let apart = run(&standard, &parameters, &one_by_one(&stream));
            assert_eq!(shared, apart, "{level:?}, {heads} heads");
        }
        let stream = gemv::stream(&standard, &die, 1000, 300);
        let shared = run(&standard, &die, &stream);
        assert_eq!(shared, run(&standard, &die, &one_by_one(&stream)));
    }
}

//! probe
#![allow(
    clippy::all,
    clippy::pedantic,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used
)]
use memwall_sim::machine::*;
use memwall_sim::onnxim::*;
use std::sync::Arc;
struct S;
fn read(p: String) -> Option<PartText> {
    Some(PartText {
        origin: p.clone(),
        text: Arc::from(std::fs::read_to_string(p).ok()?),
    })
}
impl PartSource for S {
    fn machine(&self, _: &str) -> Option<PartText> {
        None
    }
    fn part(&self, n: &str) -> Option<PartText> {
        read(format!("hw-configs/parts/{n}.toml"))
    }
    fn rules(&self, n: &str) -> Option<PartText> {
        read(format!("hw-configs/rules/{n}.toml"))
    }
    fn machine_names(&self) -> Vec<String> {
        vec![]
    }
    fn part_names(&self) -> Vec<String> {
        vec![]
    }
    fn rules_names(&self) -> Vec<String> {
        vec![]
    }
    fn pim(&self, _: &str) -> Option<PartText> {
        None
    }
    fn pim_names(&self) -> Vec<String> {
        vec![]
    }
    fn onnxim(&self, n: &str) -> Option<PartText> {
        read(format!("hw-configs/onnxim/{n}.toml"))
    }
}
fn main() {
    let text = std::fs::read_to_string("tests/reference/onnxim.tsv").unwrap();
    let max: u64 = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(100000000);
    for line in text.lines().skip(2) {
        let f: Vec<&str> = line.split('\t').collect();
        let n = |i: usize| f[i].parse::<u64>().unwrap();
        if n(4) > max {
            continue;
        }
        let m = load_onnxim(&S, f[0], &[]).unwrap();
        let b = std::time::Instant::now();
        let r = gemm(&m, n(1), n(2), n(3)).unwrap();
        println!(
            "{line}: {} {} {} ({:+.3} %) {:?}",
            r.cycles,
            r.channels[0].reads,
            r.channels[0].writes,
            (r.cycles as f64 / n(4) as f64 - 1.) * 100.,
            b.elapsed()
        );
    }
    let m = load_onnxim(&S, "tpuv4-4x128", &[]).unwrap();
    let shape = Shape {
        hidden: 768,
        heads: 12,
        kv_heads: 12,
        ffn: 3072,
        activation: Activation::Relu,
        gated: false,
        vocabulary: 50272,
        max_tokens: 2048,
    };
    for seqs in [
        vec![Sequence {
            tokens: 512,
            cached: 0,
        }],
        vec![
            Sequence {
                tokens: 1,
                cached: 255
            };
            8
        ],
    ] {
        let b = std::time::Instant::now();
        let r = layer(&m, &shape, &seqs).unwrap();
        for o in &r.operators {
            println!("{} {} {}", o.name, o.finish, o.finish - o.start);
        }
        println!("{} {:?} {:?}", r.cycles, r.channels[0], b.elapsed());
    }
}

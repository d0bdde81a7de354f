use memwall_sim::machine::*;
use memwall_sim::exec::*;
use std::sync::Arc;
struct Files;
impl PartSource for Files {
    fn machine(&self, name: &str) -> Option<PartText> { let p = format!("hw-configs/{name}.toml"); std::fs::read_to_string(&p).ok().map(|t| PartText { origin: p, text: Arc::from(t) }) }
    fn part(&self, name: &str) -> Option<PartText> { let p = format!("hw-configs/parts/{name}.toml"); std::fs::read_to_string(&p).ok().map(|t| PartText { origin: p, text: Arc::from(t) }) }
    fn machine_names(&self) -> Vec<String> { vec!["neupims".into(), "npu-only".into()] }
    fn part_names(&self) -> Vec<String> { vec!["hbm2-8gb-x128".into()] }
}
#[test]
fn spike2() {
    let model = memwall_models::registry::get("gpt3-6.7b").unwrap();
    let rows: Vec<_> = memwall_traces::samples::open_sample("sharegpt-like-batch").unwrap().in_flight().unwrap().map(|r| r.unwrap()).collect();
    let seqs: Vec<_> = rows.iter().map(|r| memwall_models::Sequence { new_tokens: 1, context: r.context_tokens }).collect();
    let place: Vec<u32> = rows.iter().map(|r| r.channel).collect();
    for name in ["gpu-a100", "npu-only", "npu-pim", "neupims"] {
        let m = load(&Files, name, &[]).unwrap();
        for f in [Fidelity::Command, Fidelity::Fast] {
            let t0 = std::time::Instant::now();
            let mut s = Simulator::new(&m, &model, 4, f).unwrap();
            let t1 = t0.elapsed();
            let t = s.step(&seqs, &place).unwrap();
            let el = t0.elapsed();
            let t2 = s.clone().step(&seqs, &place).unwrap();
            assert_eq!(t, t2);
            println!("{name} {f:?} layer {} us total {} ms  host {t1:?} {el:?}", t.layer.0 / 1_000_000, t.total.0 / 1_000_000_000);
            for k in &t.tasks { println!("   {:24} {:8} {:>8.1} us x{} {:?}", k.name, k.unit.name(), k.time.0 as f64 / 1e6, k.repeat, k.usage.bus_bytes); }
        }
    }
}

//! GPU machines: every preset runs, and every option changes what it says it changes.

use crate::command_line::{folder, memwall};
use crate::support::{machine, names, try_machine};
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator, StepTiming};
use memwall_sim::gpu::{KernelWork, Product};
use memwall_sim::machine::Device;
use memwall_sim::time::Ps;

fn gpus() -> Vec<String> {
    let of_gpu = |name: &String| name.starts_with("gpu-");
    names("hw-configs").into_iter().filter(of_gpu).collect()
}

fn step(name: &str, settings: &[&str], batch: &[Sequence]) -> StepTiming {
    let mut model = registry::get("llama-3.1-8b").expect("embedded");
    model.layers = 2;
    let machine = machine(name, settings);
    let mut simulator = Simulator::new(&machine, &model, 1, Fidelity::Fast).expect("fits");
    let channels = vec![0; batch.len()];
    simulator.step(batch, &channels).expect("a valid step")
}

fn decode(count: usize, context: u64) -> Vec<Sequence> {
    let sequence = Sequence {
        new_tokens: 1,
        context,
    };
    vec![sequence; count]
}

fn time(timing: &StepTiming, name: &str) -> Ps {
    let of_name = timing.tasks.iter().filter(|task| task.name == name);
    of_name.fold(Ps::ZERO, |sum, task| sum + task.time)
}

#[test]
fn every_preset_runs_compares_and_replays() {
    let folder = folder("gpu-presets");
    let gpus = gpus();
    assert_eq!(gpus.len(), 8, "{gpus:?}");
    let mut compare = vec!["compare"];
    compare.extend(gpus.iter().map(String::as_str));
    let output = memwall(&folder, &compare);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    for gpu in &gpus {
        let output = memwall(&folder, &["replay", "--hw", gpu, "--limit", "20", "--json"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{gpu}: {error}");
        let shown = memwall(&folder, &["hw", "show", gpu]);
        let shown = String::from_utf8(shown.stdout).expect("UTF-8");
        assert!(shown.contains("products   size_dependent"), "{shown}");
        let measured = shown.contains("measured_as");
        assert_eq!(
            shown.contains("fit        gemm, size_dependent"),
            measured,
            "{gpu}"
        );
    }
}

#[test]
fn the_table_gives_the_recorded_times_and_the_models_differ() {
    let time = |model: &str, m| {
        let setting = format!("gpu.gemm.model={model}");
        let Device::Gpu(gpu) = machine("gpu-a100", &[&setting]).device else {
            panic!("a GPU");
        };
        gpu.time(&KernelWork::Product(Product::half(m, 4096, 4096)))
    };
    // tests/reference/gpu_gemm.tsv.
    assert_eq!(time("table", 1), Ps(25_000_000));
    assert_eq!(time("table", 1024), Ps(176_000_000));
    let between = time("table", 700);
    assert!(time("table", 512) < between && between < time("table", 1024));
    assert_ne!(time("three_parameter", 64), time("size_dependent", 64));
}

#[test]
fn launches_without_graphs_cost_their_time_once_a_kernel() {
    let batch = decode(4, 500);
    let graphed = step("gpu-a100", &[], &batch);
    let settings = ["gpu.launch_us=5", "gpu.cuda_graphs=false"];
    let launched = step("gpu-a100", &settings, &batch);
    let kernels: u64 = graphed.tasks.iter().map(|task| task.repeat).sum();
    assert_eq!(launched.total, graphed.total + Ps(5_000_000).times(kernels));
    // A graph hides the launch; and without one its time must be known.
    assert_eq!(
        step("gpu-a100", &["gpu.launch_us=5"], &batch).total,
        graphed.total
    );
    let error = try_machine("gpu-a100", &["gpu.cuda_graphs=false"]).expect_err("how long?");
    assert!(error.to_string().contains("launch_us"), "{error}");
}

#[test]
fn fusion_decides_which_kernels_there_are() {
    let batch = decode(8, 2000);
    let names = |settings: &[&str]| -> Vec<&str> {
        step("gpu-a100", settings, &batch)
            .tasks
            .iter()
            .map(|task| task.name)
            .collect()
    };
    let serving = names(&[]);
    assert!(serving.contains(&"attention") && !serving.contains(&"softmax"));
    let apart = names(&["gpu.fusion.attention=false"]);
    for kernel in ["logit", "softmax", "attend"] {
        assert!(apart.contains(&kernel));
    }
    let three = names(&["gpu.fusion.qkv=false"]);
    assert_eq!(three.iter().filter(|name| **name == "qkv").count(), 3);
    let gate = names(&["gpu.fusion.gated_activation=false"]);
    assert!(gate.contains(&"gate") && !serving.contains(&"gate"));
    let fused = names(&["gpu.fusion.residual_norm=true"]);
    assert!(!fused.contains(&"attention_residual") && fused.contains(&"ffn_norm"));
    assert!(fused.contains(&"ffn_residual"));
    // Fused, less goes to memory and less is launched; the bytes of Q, K and V stay the same.
    let total = |settings: &[&str]| step("gpu-a100", settings, &batch).total;
    assert!(total(&["gpu.fusion.residual_norm=true"]) < total(&[]));
    let prompt = [Sequence {
        new_tokens: 4096,
        context: 0,
    }];
    let attention = step("gpu-a100", &[], &prompt);
    let apart = step("gpu-a100", &["gpu.fusion.attention=false"], &prompt);
    assert!(apart.total > attention.total && apart.usage.bus_bytes > attention.usage.bus_bytes);
    assert!(total(&["gpu.fusion.qkv=false"]) > total(&[]));
    let macs = |settings: &[&str]| step("gpu-a100", settings, &batch).usage.array_macs;
    assert_eq!(macs(&["gpu.fusion.qkv=false"]), macs(&[]));
}

#[test]
fn attention_grows_with_context_and_prompts() {
    let attention = |batch: &[Sequence]| time(&step("gpu-h100", &[], batch), "attention");
    assert!(attention(&decode(16, 4000)) > attention(&decode(16, 1000)));
    assert!(attention(&decode(64, 1000)) > attention(&decode(16, 1000)));
    let prompt = |new_tokens| {
        attention(&[Sequence {
            new_tokens,
            context: 0,
        }])
    };
    // Twice the tokens, four times the pairs.
    let (short, long) = (prompt(8192), prompt(16_384));
    assert!(long.0 > 7 * short.0 / 2 && long.0 < 9 * short.0 / 2);
}

#[test]
fn gpus_that_cannot_be_are_refused() {
    for (setting, words) in [
        ("gpu.multiprocessors=0", "a whole number from 1"),
        ("gpu.gemm.model=tables", "did you mean"),
        ("gpu.gemm.size_dependent.unhidden_share=2", "at most 1"),
        ("gpu.norm.bandwidth_efficiency=-1", "above 0"),
        ("gpu.gemm.overhead_us=-1", "from 0"),
        ("gpu.fusion.attention=1", "boolean"),
    ] {
        let error = try_machine("gpu-a100", &[setting]).expect_err(setting);
        let said = format!(
            "{error} {}",
            error.nearest.as_ref().map_or("", |_| "did you mean")
        );
        assert!(said.contains(words), "{setting}: {said}");
    }
    let settings = ["gpu.gemm.model=table", "gpu.gemm.table.file=gpu_gem"];
    let error = try_machine("gpu-a100", &settings).expect_err("no such table");
    assert_eq!(error.nearest.as_deref(), Some("gpu_gemm"));
    let settings = ["gpu.gemm.model=table", "gpu.gemm.table.gpu=B200"];
    let error = try_machine("gpu-a100", &settings).expect_err("no rows");
    assert!(
        error.to_string().contains("no products of 'B200'"),
        "{error}"
    );
    // 16 GB of weights and not one layer less on 24 GB; the 70B model does not fit.
    let model = registry::get("llama-3.1-70b").expect("embedded");
    let error = Simulator::new(&machine("gpu-a10", &[]), &model, 1, Fidelity::Fast);
    assert!(
        error
            .expect_err("too large")
            .to_string()
            .contains("do not fit")
    );
}

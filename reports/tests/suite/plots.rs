//! Plots are held by what must be in them and by what a failure must not leave; whether they read
//! well is for [`crate::look`].

use crate::records::{comparison, iteration, record, replay, timeline};
use memwall_reports::plot::{PlotError, comparison_plot, replay_plot};
use memwall_sim::exec::Fidelity;
use memwall_sim::record::{Record, ReplayRecord, ResultRecord};
use std::path::PathBuf;
use std::{fs, io};

/// An empty folder of this name.
fn folder(name: &str) -> io::Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("reports")
        .join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn names(folder: &PathBuf) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn replayed(replay: ReplayRecord) -> Record {
    record("neupims", Fidelity::Fast, ResultRecord::Replay(replay))
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[test]
fn a_comparison_is_stable_and_names_everything() {
    let folder = folder("comparison").unwrap();
    let [first, second] = ["a", "b"].map(|name| {
        let svg = folder.join(name).with_extension("svg");
        let png = svg.with_extension("png");
        comparison_plot(&comparison(), &svg, &png).unwrap();
        assert!(fs::read(png).unwrap().starts_with(PNG));
        fs::read_to_string(svg).unwrap()
    });
    assert_eq!(first, second);
    assert!(first.starts_with("<svg") && first.trim_end().ends_with("</svg>"));
    let units = ["array", "vector", "pim", "memory", "link", "gpu"];
    let machines = ["npu-only", "npu-pim", "neupims", "gpu-a100"];
    for text in units
        .iter()
        .chain(&machines)
        .chain(&["llama-2-13b", "sharegpt", "(2.45x)"])
    {
        assert!(first.contains(text), "{text}");
    }
    assert_eq!(
        names(&folder).unwrap(),
        ["a.png", "a.svg", "b.png", "b.svg"]
    );
}

#[test]
fn a_replay_is_stable_and_names_everything() {
    let folder = folder("replay").unwrap();
    let shown = replayed(replay(timeline(150)));
    let [first, second] = ["a", "b"].map(|name| {
        let svg = folder.join(name).with_extension("svg");
        let png = svg.with_extension("png");
        replay_plot(&shown, &svg, &png).unwrap();
        assert!(fs::read(png).unwrap().starts_with(PNG));
        fs::read_to_string(svg).unwrap()
    });
    assert_eq!(first, second);
    for text in [
        "neupims",
        "llama-2-13b",
        "TTFT",
        "TPOT",
        "running",
        "waiting",
        "tok/s",
        "(s)",
    ] {
        assert!(first.contains(text), "{text}");
    }
}

#[test]
fn a_unit_has_one_colour_whatever_else_is_shown() {
    let folder = folder("colours").unwrap();
    for (index, units) in [&[("pim", 1.0)][..], &[("array", 0.5), ("pim", 0.5)]]
        .into_iter()
        .enumerate()
    {
        let svg = folder.join(format!("{index}.svg"));
        let shown = [record("a", Fidelity::Fast, iteration(1.0, None, units))];
        comparison_plot(&shown, &svg, &svg.with_extension("png")).unwrap();
        assert!(fs::read_to_string(svg).unwrap().contains("#D55E00"));
    }
}

#[test]
fn markup_in_names_is_text() {
    let folder = folder("markup").unwrap();
    let svg = folder.join("a.svg");
    let shown = [record("<b>&\"", Fidelity::Fast, iteration(1.0, None, &[]))];
    comparison_plot(&shown, &svg, &svg.with_extension("png")).unwrap();
    let text = fs::read_to_string(svg).unwrap();
    assert!(!text.contains("<b>") && text.contains("&lt;b&gt;&amp;"));
}

#[test]
fn odd_iterations_are_drawn() {
    let folder = folder("odd-iterations").unwrap();
    for (index, time) in [0.0, f64::NAN, f64::INFINITY, -1.0, 1e-300, 1e300]
        .into_iter()
        .enumerate()
    {
        let shares = [
            ("pim", f64::NAN),
            ("link", -0.5),
            ("array", f64::INFINITY),
            ("x", 3.0),
        ];
        let shown = [
            record("", Fidelity::Rates, iteration(time, Some(time), &[])),
            record(
                "long ".repeat(100).as_str(),
                Fidelity::Fast,
                iteration(time, None, &shares),
            ),
        ];
        let svg = folder.join(format!("{index}.svg"));
        comparison_plot(&shown, &svg, &svg.with_extension("png")).unwrap();
        assert!(!fs::read_to_string(svg).unwrap().contains("NaN"));
    }
    let many = vec![record("m", Fidelity::Fast, iteration(1.0, None, &[])); 300];
    comparison_plot(&many, &folder.join("many.svg"), &folder.join("many.png")).unwrap();
}

#[test]
fn odd_timelines_are_drawn() {
    let folder = folder("odd-timelines").unwrap();
    let mut odd = timeline(5);
    odd[0].time_s = f64::NAN;
    odd[1].kv_fraction = f64::INFINITY;
    odd[2].output_tok_per_s = -3.0;
    odd[3].time_s = 1e300;
    odd[4].waiting = u64::MAX;
    let mut still = timeline(3);
    for point in &mut still {
        point.time_s = 0.0;
    }
    let timelines = [Vec::new(), timeline(1), odd, still, timeline(20_000)];
    for (index, points) in timelines.into_iter().enumerate() {
        let svg = folder.join(format!("{index}.svg"));
        replay_plot(&replayed(replay(points)), &svg, &svg.with_extension("png")).unwrap();
        assert!(!fs::read_to_string(svg).unwrap().contains("NaN"));
    }
}

#[test]
fn a_failure_leaves_nothing() {
    let folder = folder("failure").unwrap();
    let (svg, missing) = (folder.join("a.svg"), folder.join("missing").join("a.png"));
    let error = comparison_plot(&comparison(), &svg, &missing).unwrap_err();
    assert!(
        matches!(error, PlotError::Write { ref file, .. } if *file == missing),
        "{error}"
    );
    let error = comparison_plot(&comparison(), &missing, &svg).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    // The target is a folder: drawn, but never renamed.
    let error = comparison_plot(&comparison(), &folder, &svg).unwrap_err();
    assert!(matches!(error, PlotError::Write { .. }), "{error}");
    assert_eq!(names(&folder).unwrap(), [""; 0]);
}

#[test]
fn the_wrong_record_is_refused() {
    let folder = folder("wrong").unwrap();
    let (svg, png) = (folder.join("a.svg"), folder.join("a.png"));
    let timeline = replayed(replay(timeline(3)));
    let errors = [
        comparison_plot(&[], &svg, &png),
        comparison_plot(&[timeline], &svg, &png),
        replay_plot(&comparison()[0], &svg, &png),
    ];
    for error in errors {
        assert!(matches!(error, Err(PlotError::Nothing { .. })));
    }
    assert_eq!(names(&folder).unwrap(), [""; 0]);
}

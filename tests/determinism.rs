//! Equal inputs give equal bytes, on any number of threads.

use crate::command_line::{folder, memwall};

#[test]
fn records_do_not_depend_on_threads_or_on_the_run() {
    let folder = folder("determinism");
    let bytes = |name: &str, threads: &str, arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--threads", threads, "--out", name]);
        let output = memwall(&folder, &all);
        assert!(
            output.status.success(),
            "{:?}",
            String::from_utf8_lossy(&output.stderr)
        );
        let mut files: Vec<_> = std::fs::read_dir(folder.join(name))
            .expect("written")
            .map(|entry| entry.expect("listed").path())
            .filter(|path| path.file_name().is_some_and(|name| name != "run.json"))
            .collect();
        files.sort();
        assert_eq!(files.len(), 3, "{files:?}");
        files
            .iter()
            .map(|path| std::fs::read(path).expect("readable"))
            .collect::<Vec<_>>()
    };
    let compare = [
        "compare", "gpu-a100", "npu-only", "npu-pim", "neupims", "--layers", "2",
    ];
    let first = bytes("a", "1", &compare);
    assert!(first == bytes("b", "1", &compare), "a second run differs");
    assert!(first == bytes("c", "2", &compare), "two threads differ");
    let replay = ["replay", "--limit", "60", "--check", "6"];
    let first = bytes("d", "1", &replay);
    assert!(first == bytes("e", "2", &replay), "two threads differ");
}

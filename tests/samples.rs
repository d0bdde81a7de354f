//! The shipped samples are what their generator makes of the published quantiles.

#[allow(dead_code)]
#[path = "../tools/generate_samples.rs"]
mod generate_samples;

use crate::support::{root, shared};

#[test]
fn shipped_samples_are_not_stale() {
    let Some(path) = shared("traces/requests/distributions.json") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("UTF-8");
    for (name, made) in generate_samples::generate(&text, 0).expect("the published tables") {
        let path = root().join("traces/samples").join(name);
        let held = std::fs::read_to_string(&path).expect("shipped");
        assert!(made == held, "{} is stale", path.display());
    }
}

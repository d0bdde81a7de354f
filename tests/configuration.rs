//! No text, however broken, makes the readers of configurations panic, and what they accept can be
//! simulated.

use crate::support::{Shipped, machine, root, try_machine};
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::machine::{PartText, Setting, load_text};
use proptest::prelude::*;
use std::sync::Arc;

fn load(text: &str, settings: &[Setting]) -> bool {
    let text = PartText {
        origin: "random.toml".to_owned(),
        text: Arc::from(text),
    };
    match load_text(&Shipped, "random", text, settings) {
        Ok(_) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.origin.is_empty());
            let _ = error.line();
            false
        }
    }
}

/// Paths of the keys of a machine, the part's among them.
fn paths() -> Vec<String> {
    fn walk(table: &toml::Table, prefix: &str, paths: &mut Vec<String>) {
        for (key, value) in table {
            match value {
                toml::Value::Table(table) => walk(table, &format!("{prefix}{key}."), paths),
                _ => paths.push(format!("{prefix}{key}")),
            }
        }
    }
    let mut paths = Vec::new();
    walk(&machine("neupims", &[]).configuration, "", &mut paths);
    paths
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn random_text_is_refused_in_words(text in ".{0,400}") {
        load(&text, &[]);
    }

    #[test]
    fn a_changed_file_is_read_or_refused(at in 0usize..1500, insert in ".{0,3}", remove in 0usize..40) {
        let text = std::fs::read_to_string(root().join("hw-configs/neupims.toml")).expect("shipped");
        let mut chars: Vec<char> = text.chars().collect();
        let at = at.min(chars.len());
        let end = (at + remove).min(chars.len());
        chars.splice(at..end, insert.chars());
        load(&chars.into_iter().collect::<String>(), &[]);
    }

    #[test]
    fn random_settings_are_read_or_refused(text in "[a-z_.]{0,20}=?[-0-9a-z.\\[\\]\"]{0,12}") {
        if let Ok(setting) = Setting::parse(&text) {
            let _ = try_machine("neupims", &[&text]);
            prop_assert!(!setting.path.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any key set to any small number is refused with its path, or gives a machine that runs.
    #[test]
    fn what_is_accepted_runs(key in 0usize..200, value in 0i64..70) {
        let paths = paths();
        let path = &paths[key % paths.len()];
        let setting = format!("{path}={value}");
        match try_machine("neupims", &[&setting]) {
            // The rule that is broken may be that of a neighbouring key.
            Err(error) => prop_assert!(!error.rule.is_empty()),
            Ok(machine) => {
                let mut model = registry::get("llama-2-7b").expect("embedded");
                model.layers = 1;
                let batch = vec![Sequence { new_tokens: 1, context: 40 }; 3];
                for fidelity in [Fidelity::Command, Fidelity::Fast] {
                    let Ok(mut simulator) = Simulator::new(&machine, &model, 1, fidelity) else {
                        continue;
                    };
                    let timing = simulator.step(&batch, &[0, 1, 2]).expect("a valid step");
                    prop_assert!(timing.total.0 > 0);
                }
            }
        }
    }
}

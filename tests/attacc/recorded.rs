//! The published results.
use crate::support::{part, shared};
use memwall_sim::dram::Command;
use memwall_sim::pim::attacc::{Attention, Level, Parameters, attention};

#[test]
fn attacc_recorded() {
    let Some(path) = shared("reference/serving/attacc_pim_cycles.tsv") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let limited = part("attacc-hbm3-5200", &[]);
    let free = part("attacc-hbm3-5200-npc", &[]);
    let mut errors = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#')).skip(1) {
        let f: Vec<&str> = line.split('\t').collect();
        let level = match f[0] {
            "BA" => Level::Bank,
            "BG" => Level::BankGroup,
            _ => Level::Buffer,
        };
        let std = if f[1] == "True" { &limited } else { &free };
        if let Ok(only) = std::env::var("ONLY") {
            if f[0] != only {
                continue;
            }
        }
        let n = |i: usize| f[i].parse::<u64>().unwrap();
        let mut p = Parameters::parity(level, n(4));
        p.quirks.rows_wait_at_barriers = std::env::var("HYP").is_ok_and(|h| h == "10");
        if n(6) > std::env::var("LIMIT").map_or(200000, |v| v.parse().unwrap()) {
            continue;
        }
        let start = std::time::Instant::now();
        let run = attention(
            std,
            &p,
            Attention {
                heads: n(2),
                head_size: n(3),
                length: n(5),
            },
        );
        let took = start.elapsed();
        let counts = [
            run.macs(),
            run.of(Command::Sfm),
            run.of(Command::MvGb),
            run.of(Command::MvSb),
            run.of(Command::WrGb),
        ];
        let want = [n(8), n(9), n(10), n(11), n(12)];
        let e = (run.ticks as f64 - n(6) as f64) / n(6) as f64;
        errors.push(e.abs());
        println!(
            "{} {} {} {} {} L{} ref {} ours {} err {:.3}% counts {} {:?}",
            f[0],
            f[1],
            f[2],
            f[3],
            f[4],
            f[5],
            f[6],
            run.ticks,
            e * 100.0,
            if counts == want {
                "ok".to_string()
            } else {
                format!("{counts:?} {want:?}")
            },
            took
        );
    }
    errors.sort_by(f64::total_cmp);
    println!(
        "median {} worst {}",
        errors[errors.len() / 2],
        errors[errors.len() - 1]
    );
}

#[test]
fn attacc_dump() {
    use memwall_sim::pim::attacc::{attention::stream, run_seen};
    let std = part("attacc-hbm3-5200", &[]);
    let p = Parameters::parity(Level::Bank, 2);
    let env = |k: &str, d: u64| {
        std::env::var(k)
            .ok()
            .and_then(|v| v.parse().ok())
            .unwrap_or(d)
    };
    let s = stream(
        &std,
        &p,
        Attention {
            heads: env("HEADS", 64),
            head_size: 128,
            length: env("LEN", 128),
        },
    );
    let ch = env("CH", 0) as u16;
    for st in &s.steps {
        if st.first <= ch && ch < st.end {
            println!(
                "S {:?} b{} r{}",
                st.request.ask, st.request.bank, st.request.row
            );
        }
    }
    run_seen(&std, &p, &s, |seen| {
        if seen.channels.contains(&ch) {
            let i = seen.issued;
            println!("C {} {} b{} r{}", i.at, i.command.mnemonic(), i.bank, i.row);
        }
    });
}

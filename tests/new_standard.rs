//! A standard is added by a text alone: the one printed in docs/standards.md, and changes to it.

use crate::support::{Shipped, root};
use memwall_sim::dram::{
    Channel, Command, CommandLog, Descriptor, Direction, NoObserver, Standard, Stop, Watch,
};
use memwall_sim::machine::{ConfigError, PartText, Setting, load_part, load_part_text};
use memwall_sim::time::Tick;
use std::fmt::Write as _;
use std::sync::Arc;

fn documented() -> String {
    let text = std::fs::read_to_string(root().join("docs/standards.md")).expect("a document");
    let (_, rest) = text.split_once("```toml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    example.to_owned()
}

fn load(text: &str, settings: &[&str]) -> Result<Arc<Standard>, ConfigError> {
    let text = PartText {
        origin: "toy.toml".to_owned(),
        text: Arc::from(text),
    };
    let settings: Vec<Setting> = settings
        .iter()
        .map(|setting| Setting::parse(setting).expect("a setting"))
        .collect();
    load_part_text(&Shipped, "toy", text, &settings)
}

#[test]
fn the_documented_standard_runs() {
    let part = load(&documented(), &[]).expect("complete");
    assert_eq!(part.parameter("t_rcd_wr"), Some(11));
    assert_eq!(part.timing.rc, 28 + 11);
    assert_eq!(part.organisation.capacity_bytes(), 2 << 20);
    let mut channel = Channel::new(part);
    let read = Descriptor::sequential(Direction::Read, 0, 16);
    let block = channel.push(0, read, Watch::Record);
    assert_eq!(channel.advance(Tick::MAX, &mut NoObserver), Stop::Idle);
    // tRCD + CL + 16 bursts of 4 ticks.
    assert_eq!(channel.completed(block), Some(11 + 11 + 64));
}

#[test]
fn a_setting_in_another_unit_replaces_the_file() {
    let shown = |settings: &[&str]| load(&documented(), settings).expect("valid");
    assert_eq!(shown(&["memory.timing.t_faw_tck=16"]).timing.faw, 16);
    assert_eq!(shown(&["timing.t_faw_ps=25000"]).timing.faw, 20);
    assert_eq!(shown(&["timing.t_faw_ns=25.1"]).timing.faw, 21);
    let hot = shown(&["controller.refresh_rate=2"]);
    assert_eq!(hot.refreshes.interval, 6240 / 2);
    let error = load(
        &documented().replace("t_faw_ns = 30", "t_faw_ns = 30\nt_faw_tck = 3"),
        &[],
    );
    assert!(error.is_err());
}

#[test]
fn refresh_above_85_degrees_is_twice_as_frequent() {
    let refreshes = |rate: &str| {
        let part = load(&documented(), &[rate]).expect("valid");
        let mut channel = Channel::new(part);
        channel.advance(624_000, &mut NoObserver);
        channel.counters().of(Command::Ref)
    };
    assert_eq!(refreshes("controller.refresh_rate=1"), 99);
    assert_eq!(refreshes("controller.refresh_rate=2"), 199);
}

/// Rows of one bank of the plain mapping alternate between banks of the hashed one.
#[test]
fn hashed_banks_spare_conflicts() {
    let ticks = |xor: &str| {
        let part = load(&documented(), &[xor]).expect("valid");
        let mut channel = Channel::new(part);
        let rows = Descriptor {
            direction: Direction::Read,
            start: 0,
            bursts: 1,
            stride: 32,
            pieces: 40,
        };
        let block = channel.push(0, rows, Watch::Record);
        let mut log = CommandLog::default();
        channel.advance(Tick::MAX, &mut log);
        let banks = log.0.iter().map(|issued| issued.bank).max();
        (channel.completed(block).expect("done"), banks)
    };
    let (plain, hashed) = (
        ticks("organisation.xor=[]"),
        ticks("organisation.xor=[\"ba^ro\"]"),
    );
    assert_eq!((plain.1, hashed.1), (Some(0), Some(1)));
    assert!(hashed.0 < plain.0 * 6 / 10, "{plain:?} {hashed:?}");
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let text = documented();
    let mut said = String::new();
    let mut refuse = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let error = load(&text.replacen(from, to, 1), &[]).expect_err(to);
        let line = error.line().unwrap_or(0);
        let nearest = error.nearest.as_deref().unwrap_or("-");
        let _ = writeln!(
            said,
            "{to}\n    line {line}: {error}\n    nearest: {nearest}"
        );
    };
    refuse("\"t_rtp\"", "\"t_rpt\"");
    refuse("distance = \"t_rc\"", "distance = \"t_rc +\"");
    refuse("then = [\"rd\"], scope", "then = [\"rdd\"], scope");
    refuse("then = [\"rd\"], scope", "then = [\"rd_a\"], scope");
    refuse("scope = \"bank\"", "scope = \"bnak\"");
    refuse("scope = \"rank\"", "scope = \"channel\", sibling = true");
    refuse("window = 4", "window = 400");
    refuse("t_rfc_ns = 160", "t_rfc_ns = 160\nt_rfcc_ns = 160");
    refuse("t_rfc_ns = 160", "t_rfc = 160");
    refuse("t_rfc_ns = 160", "t_rfc_ms = 160");
    refuse("t_rfc_ns = 160", "");
    refuse("t_ras_ns = 35", "t_ras_ns = 10");
    refuse("cl_tck = 11", "cl_tck = 11.5");
    refuse("cl_tck = 11", "cl_tck = 0");
    refuse("t_refi_us = 7.8", "t_refi_us = 0.2");
    refuse("tck_ps = 1250", "tck_ps = 1250\nclock_mhz = 800");
    refuse("tck_ps = 1250", "");
    refuse("tck_ps = 1250", "tck_ps = 1250\nrules = [\"ddr44\"]");
    refuse("tck_ps = 1250", "tck_ps = 1250\nrules = [\"ddr5\"]");
    refuse("[interface]\nslots = \"one\"", "");
    refuse("ref = { acts", "reff = { acts");
    refuse("\"rorabgbachco\"", "\"rorabgbachco\"\nxor = [\"co^ro\"]");
    refuse("\"open\"", "\"open\"\nrefresh_rate = 3");
    insta::assert_snapshot!(said);
}

#[test]
fn a_name_that_is_no_part_is_refused() {
    let error = load_part(&Shipped, "ddr4-3300", &[]).expect_err("unknown");
    assert_eq!(error.nearest.as_deref(), Some("ddr4-3200"));
}

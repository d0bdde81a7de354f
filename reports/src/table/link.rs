//! Topologies, transfers and collectives.

use super::{listing, table};
use crate::figures::{count, figure, ratio};
use memwall_sim::record::link::{CollectiveRecord, RouteRecord, TopologyRecord, TransferRecord};
use std::fmt::Write;

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn through(route: &RouteRecord) -> String {
    let way = route.through.join(" ");
    if route.staged { way + " (copied)" } else { way }
}

/// A topology: what transfers share, and the routes from its first device.
pub fn topology(record: &TopologyRecord) -> String {
    let mut text = format!("{}: {}\n", record.name, record.description);
    let _ = writeln!(text, "peer-to-peer through PCIe: {}\n", record.peer_to_peer);
    let shared = record
        .capacities
        .iter()
        .map(|capacity| vec![capacity.name.clone(), figure(capacity.gb_per_s)]);
    text.push_str(&table(words(&["shared", "GB/s"]), 1, shared.collect()));
    text.push('\n');
    let routes = record.routes.iter().map(|route| {
        vec![
            format!("{} > {}", route.from, route.to),
            through(route),
            figure(route.gb_per_s),
            figure(route.latency_us),
            figure(route.start_us),
        ]
    });
    let headings = words(&["route", "through", "GB/s alone", "latency us", "start us"]);
    text.push_str(&table(headings, 2, routes.collect()));
    text
}

/// Transfers that ran together.
pub fn transfers(record: &TransferRecord) -> String {
    let rows = record.transfers.iter().map(|transfer| {
        vec![
            format!("{} > {}", transfer.route.from, transfer.route.to),
            through(&transfer.route),
            count(transfer.bytes),
            transfer.class.to_string(),
            figure(transfer.submitted_us),
            figure(transfer.arrived_us),
            figure(transfer.gb_per_s),
            ratio(transfer.time_us, transfer.alone_us),
        ]
    });
    let headings = words(&[
        "transfer",
        "through",
        "bytes",
        "class",
        "at us",
        "arrived us",
        "GB/s",
        "vs alone",
    ]);
    let mut text = format!("{}\n\n", record.topology);
    text.push_str(&table(headings, 2, rows.collect()));
    let links = record.links.iter().map(|link| {
        vec![
            format!(" {} > {}", link.from, link.to),
            format!("{} bytes", count(link.bytes)),
        ]
    });
    text.push('\n');
    text.push_str(&listing(links.collect()));
    text
}

/// A collective: the way chosen, and the others.
pub fn collective(record: &CollectiveRecord) -> String {
    let devices = record.devices.len();
    let whose = match record.collective.as_str() {
        "all-gather" => format!("to each of {devices} devices"),
        "broadcast" => format!("from the first to {} more devices", devices - 1),
        _ => format!("on each of {devices} devices"),
    };
    let mut text = format!(
        "{} of {} bytes {whose} of {}: {} us\n\n",
        record.collective,
        count(record.bytes),
        record.topology,
        figure(record.chosen.time_us)
    );
    let rows = record.ways.iter().map(|way| {
        let mark = if way.algorithm == record.chosen.algorithm {
            " *"
        } else if way.offered {
            ""
        } else {
            " -"
        };
        vec![
            format!("{}{mark}", way.algorithm),
            way.protocol.clone(),
            if way.closed_form {
                "closed form"
            } else {
                "simulated"
            }
            .to_owned(),
            figure(way.time_us),
            count(way.sent_bytes),
            figure(way.algorithm_gb_per_s),
            figure(way.bus_gb_per_s),
        ]
    });
    let headings = words(&[
        "algorithm",
        "protocol",
        "time is",
        "us",
        "sent by one",
        "GB/s",
        "bus GB/s",
    ]);
    text.push_str(&table(headings, 3, rows.collect()));
    text.push_str("* chosen\n");
    if record.ways.iter().any(|way| !way.offered) {
        text.push_str(
            "- not offered by the library of this topology; chosen only by --algorithm\n",
        );
    }
    for why in &record.left_out {
        let _ = writeln!(text, "left out, {why}");
    }
    text
}

//! Timelines as trace-event JSON, which Perfetto (ui.perfetto.dev) and Chrome open. The file is
//! written span by span under a temporary name and renamed when whole.

use memwall_sim::record::timeline::{ChannelTimeline, Span};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process;

/// Writes timelines, a process a channel and a thread a track.
///
/// # Errors
///
/// What the system says of the file; nothing is left behind then.
pub fn write_timeline(path: &Path, channels: &[ChannelTimeline]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", process::id()));
    let written = File::create(&temporary)
        .map(BufWriter::new)
        .and_then(|mut out| {
            events(&mut out, channels)?;
            out.flush()
        })
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes the JSON.
///
/// # Errors
///
/// What the writer says.
pub fn events(out: &mut impl Write, channels: &[ChannelTimeline]) -> io::Result<()> {
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let mut separator = "\n";
    for (process, channel) in channels.iter().enumerate() {
        let name = quoted(&channel.name);
        write!(
            out,
            "{separator}{{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":{process},\"tid\":0,\"args\":{{\"name\":{name}}}}}"
        )?;
        separator = ",\n";
        for (thread, track) in channel.tracks.iter().enumerate() {
            let name = quoted(&track.name);
            for (kind, value) in [("name", name.as_str()), ("sort_index", &thread.to_string())] {
                write!(
                    out,
                    "{separator}{{\"ph\":\"M\",\"name\":\"thread_{kind}\",\"pid\":{process},\"tid\":{thread},\"args\":{{\"{kind}\":{value}}}}}"
                )?;
            }
            for span in &track.spans {
                write!(out, "{separator}")?;
                event(out, (process, thread), span)?;
            }
        }
    }
    writeln!(out, "\n]}}")
}

/// A complete event; the format counts in microseconds.
fn event(out: &mut impl Write, (process, thread): (usize, usize), span: &Span) -> io::Result<()> {
    let (start, length) = (span.start.0, span.end.since(span.start).0);
    write!(
        out,
        "{{\"ph\":\"X\",\"name\":{},\"pid\":{process},\"tid\":{thread},\"ts\":{}.{:06},\"dur\":{}.{:06}}}",
        quoted(&span.name),
        start / 1_000_000,
        start % 1_000_000,
        length / 1_000_000,
        length % 1_000_000,
    )
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            control if control < ' ' => {
                let _ = fmt::Write::write_fmt(
                    &mut quoted,
                    format_args!("\\u{:04x}", u32::from(control)),
                );
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

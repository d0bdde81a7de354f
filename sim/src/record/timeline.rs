//! Commands of a short run as spans over time, for a trace viewer.

use crate::time::Ps;

/// Spans of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelTimeline {
    /// Name of the channel.
    pub name: String,
    /// Tracks from top to bottom.
    pub tracks: Vec<Track>,
}

/// A row of a timeline. Its spans ascend and do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Name.
    pub name: String,
    /// Spans.
    pub spans: Vec<Span>,
}

/// Something that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What.
    pub name: String,
    /// Begin.
    pub start: Ps,
    /// End.
    pub end: Ps,
}

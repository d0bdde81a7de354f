//! What cannot be sent.

use crate::time::Ps;
use thiserror::Error;

/// A transfer or collective that a topology cannot carry.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum LinkError {
    /// No node of that name.
    #[error("topology '{topology}' has no node '{name}'; there are {names}")]
    Node {
        /// Topology.
        topology: String,
        /// Name asked for.
        name: String,
        /// Names there are.
        names: String,
        /// Nearest name.
        nearest: Option<String>,
    },
    /// Two nodes without a way between them.
    #[error("topology '{topology}' has no route from '{from}' to '{to}'")]
    NoRoute {
        /// Topology.
        topology: String,
        /// Source.
        from: String,
        /// Destination.
        to: String,
        /// What bars the way that there is.
        barred: Option<String>,
    },
    /// A transfer to where it starts.
    #[error("a transfer from '{node}' to itself crosses no link")]
    Same {
        /// The node.
        node: String,
    },
    /// More devices than there are.
    #[error("topology '{topology}' has {devices} devices, {wanted} are asked for")]
    Devices {
        /// Topology.
        topology: String,
        /// Devices there are.
        devices: u64,
        /// Devices asked for.
        wanted: u64,
    },
    /// A collective needs at least two devices, and some algorithms cannot run all collectives.
    #[error("{rule}")]
    Collective {
        /// The rule.
        rule: String,
    },
    /// What does not end within simulated time.
    #[error(
        "this would not end within the 213 days that are simulated: give fewer bytes, an earlier start or faster links"
    )]
    Endless,
    /// A submission before the network's present.
    #[error("a transfer submitted at {at}, before the present {now}")]
    Past {
        /// Time of submission.
        at: Ps,
        /// The network's present.
        now: Ps,
    },
}

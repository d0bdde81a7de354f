//! Errors as a user sees them: what is wrong, where (file, line, caret), the rule, and the nearest
//! valid name. The libraries give data; only this module words and draws it.

use memwall_models::ModelError;
use memwall_models::graph::GraphError;
use memwall_reports::plot::PlotError;
use memwall_sim::dram::{PolicyError, TrafficError};
use memwall_sim::exec::{SimError, SingleError};
use memwall_sim::link::LinkError;
use memwall_sim::machine::ConfigError;
use memwall_sim::serving::{BatchError, PlacementError, ReplayError};
use memwall_sim::validation::TableError;
use memwall_traces::TraceError;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};
use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Bad input or usage.
    Input(Box<Message>),
    /// A comparison is outside the limits given; the text says which.
    Check(String),
    /// The reader of our output went away.
    ClosedPipe,
    /// Output cannot be written, or an invariant broke.
    Internal(Box<Message>),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::ClosedPipe => 0,
            Failure::Check(_) => 1,
            Failure::Input(_) => 2,
            Failure::Internal(_) => 3,
        }
    }

    pub(crate) fn input(text: impl Into<String>) -> Failure {
        Failure::Input(Box::new(Message::new(text)))
    }

    /// Bad input for which a known name was probably meant.
    pub(crate) fn misspelt(text: impl Into<String>, nearest: Option<&str>) -> Failure {
        Failure::Input(Box::new(Message::new(text).hint(nearest)))
    }

    /// What ended the requests of a trace file.
    pub(crate) fn traffic(path: &Path, error: TrafficError) -> Failure {
        match error {
            TrafficError::Trace(error) => error.into(),
            other => Failure::input(format!("{}, {other}", path.display())),
        }
    }

    pub(crate) fn internal(text: impl Into<String>) -> Failure {
        Failure::Internal(Box::new(Message::new(text)))
    }
}

/// A message with the place it speaks of.
#[derive(Debug)]
pub(crate) struct Message {
    text: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    span: Option<(SourceSpan, String)>,
}

impl Message {
    fn new(text: impl Into<String>) -> Message {
        Message {
            text: text.into(),
            help: None,
            source: None,
            span: None,
        }
    }

    /// What to do about it.
    fn advice(mut self, advice: Option<&str>) -> Message {
        self.help = advice.map(str::to_owned).or(self.help);
        self
    }

    fn hint(mut self, nearest: Option<&str>) -> Message {
        self.help = nearest.map(|name| format!("did you mean '{name}'?"));
        self
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Message {}

impl Diagnostic for Message {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        let source = self.source.as_ref()?;
        Some(source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let (span, label) = self.span.as_ref()?;
        let label = miette::LabeledSpan::new_with_span(Some(label.clone()), *span);
        Some(Box::new(std::iter::once(label)))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let line = error.line().map(|line| format!(":{line}"));
        let path = if error.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", error.path)
        };
        let text = format!(
            "{}{}: {path}{}",
            error.origin,
            line.unwrap_or_default(),
            error.rule
        );
        let mut message = Message::new(text).hint(error.nearest.as_deref());
        if let (Some(text), Some(span)) = (&error.text, &error.span) {
            message.source = Some(NamedSource::new(&error.origin, text.to_string()));
            let span = SourceSpan::from((span.start, span.end.saturating_sub(span.start)));
            message.span = Some((span, "here".to_owned()));
        }
        Failure::Input(Box::new(message))
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<TraceError> for Failure {
    fn from(error: TraceError) -> Failure {
        let mut text = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            text = format!("{text}: {cause}");
        }
        Failure::input(text)
    }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<SingleError> for Failure {
    fn from(error: SingleError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<SimError> for Failure {
    fn from(error: SimError) -> Failure {
        match error {
            SimError::ZeroWork => Failure::internal(error.to_string()),
            _ => Failure::input(error.to_string()),
        }
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        let (nearest, advice) = match &error {
            LinkError::Node { nearest, .. } => (nearest.as_deref(), None),
            LinkError::NoRoute { barred, .. } => (None, barred.as_deref()),
            _ => (None, None),
        };
        let message = Message::new(error.to_string()).hint(nearest);
        Failure::Input(Box::new(message.advice(advice)))
    }
}

impl From<PlacementError> for Failure {
    fn from(error: PlacementError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Failure {
        match error {
            BatchError::Placement(error) => error.into(),
            BatchError::Sim(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Failure {
        match error {
            ReplayError::Trace(error) => error.into(),
            ReplayError::Sim(error) => error.into(),
            ReplayError::NothingServed { .. } => Failure::input(error.to_string()),
        }
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Failure {
        Failure::input(error.to_string())
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Failure {
        Failure::misspelt(error.to_string(), error.nearest.as_deref())
    }
}

impl From<PlotError> for Failure {
    fn from(error: PlotError) -> Failure {
        Failure::internal(error.to_string())
    }
}

/// Writes a failure to standard error.
pub(crate) fn report(failure: &Failure) {
    let stderr = std::io::stderr();
    let message = match failure {
        Failure::Input(message) | Failure::Internal(message) => message,
        Failure::Check(text) => {
            let _ = write!(stderr.lock(), "{text}");
            return;
        }
        Failure::ClosedPipe => return,
    };
    let theme = if stderr.is_terminal() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut text = String::new();
    if handler.render_report(&mut text, message.as_ref()).is_err() {
        text = message.to_string();
    }
    // Nobody is left to tell if this fails.
    let _ = writeln!(stderr.lock(), "{}", text.trim_end());
}

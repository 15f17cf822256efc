//! Sets up tracing for the process: one subscriber that writes to standard error. What is logged is said
//! where it happens.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging was not set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `WHIRL_LOG` is no filter such as `info` or `warn,whirl_controller=debug`.
    #[error("WHIRL_LOG is not a log filter")]
    Filter(#[from] ParseError),
    /// `WHIRL_LOG_FORMAT` is neither `text` nor `json`.
    #[error("WHIRL_LOG_FORMAT is '{0}', but has to be 'text' or 'json'")]
    Format(String),
    /// The process has a subscriber already.
    #[error("logging was set up already")]
    Taken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts logging as `WHIRL_LOG` (a tracing filter; `info` if unset) and `WHIRL_LOG_FORMAT` (`text`, `json`;
/// `text` if unset) say.
///
/// # Errors
/// When a variable cannot be understood, or logging was set up before.
pub fn start() -> Result<(), TelemetryError> {
    let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
    let filter = EnvFilter::try_new(variable("WHIRL_LOG").as_deref().unwrap_or("info"))?;
    let format = format_of(variable("WHIRL_LOG_FORMAT").as_deref())?;
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    }
    .map_err(TelemetryError::Taken)
}

fn format_of(text: Option<&str>) -> Result<LogFormat, TelemetryError> {
    match text {
        None | Some("text") => Ok(LogFormat::Text),
        Some("json") => Ok(LogFormat::Json),
        Some(other) => Err(TelemetryError::Format(other.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_text_and_json() {
        assert_eq!(format_of(None).unwrap(), LogFormat::Text);
        assert_eq!(format_of(Some("json")).unwrap(), LogFormat::Json);
        assert!(format_of(Some("xml")).is_err());
    }
}

//! The table of activations: columns for kind and status are as wide as their contents. Times are local.

use std::io;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Printer;
use crate::client::ActivationSummary;

const STATUSES: [&str; 4] = ["success", "application error", "developer error", "internal error"];

/// The cells of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cells {
    time: String,
    id: String,
    kind: String,
    start: &'static str,
    duration: String,
    status: &'static str,
    entity: String,
}

/// Prints the table.
///
/// # Errors
/// When the stream cannot be written to.
pub fn print(out: &mut Printer, activations: &[ActivationSummary], zone: &TimeZone) -> io::Result<()> {
    let rows: Vec<Cells> = activations.iter().map(|activation| cells(activation, zone)).collect();
    let width = |cell: fn(&Cells) -> usize, least: usize| rows.iter().map(cell).max().unwrap_or(0).max(least);
    let kind = width(|row| row.kind.len(), "Kind".len());
    let status = width(|row| row.status.len(), "Status".len());
    let heading = format!(
        "{:<19} {:<32} {:<kind$} {:<5} {:<10} {:<status$} {}",
        "Datetime", "Activation ID", "Kind", "Start", "Duration", "Status", "Entity"
    );
    let heading = out.bold(&heading);
    out.line(heading)?;
    rows.iter().try_for_each(|row| {
        out.line(format_args!(
            "{} {:<32} {:<kind$} {:<5} {:<10} {:<status$} {}",
            row.time, row.id, row.kind, row.start, row.duration, row.status, row.entity
        ))
    })
}

fn cells(activation: &ActivationSummary, zone: &TimeZone) -> Cells {
    let kind = activation.annotation("kind").and_then(|kind| kind.to_text());
    Cells {
        time: local_time(activation.start, zone),
        id: activation.activation_id.clone(),
        kind: kind.unwrap_or_else(|| "unknown".to_owned()),
        start: if activation.annotation("initTime").is_some() { "cold" } else { "warm" },
        duration: readable(activation.duration),
        status: STATUSES.get(activation.status_code).copied().unwrap_or("unknown"),
        entity: format!("{}/{}:{}", activation.namespace, activation.name, activation.version),
    }
}

/// `2026-02-01 09:30:00` in the given zone.
pub(crate) fn local_time(milliseconds: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Milliseconds as Go prints a duration: `42ms`, `1.5s`, `1m0s`, `1h0m0.001s`; nothing is `0s`.
fn readable(milliseconds: i64) -> String {
    match milliseconds {
        ..=0 => "0s".to_owned(),
        1..1000 => format!("{milliseconds}ms"),
        _ => {
            let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
            let fraction = format!("{rest:03}");
            let fraction = match fraction.trim_end_matches('0') {
                "" => String::new(),
                digits => format!(".{digits}"),
            };
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            match (hours, minutes) {
                (0, 0) => format!("{seconds}{fraction}s"),
                (0, _) => format!("{minutes}m{seconds}{fraction}s"),
                _ => format!("{hours}h{minutes}m{seconds}{fraction}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        for (milliseconds, text) in [
            (0, "0s"),
            (42, "42ms"),
            (1000, "1s"),
            (1500, "1.5s"),
            (60_000, "1m0s"),
            (61_020, "1m1.02s"),
            (3_600_001, "1h0m0.001s"),
        ] {
            assert_eq!(readable(milliseconds), text);
        }
    }

    #[test]
    fn a_record_becomes_cells() {
        let summary = |text: &str| serde_json::from_str::<ActivationSummary>(text).unwrap();
        let action = summary(
            r#"{"namespace":"guest","name":"hi","version":"0.0.4","activationId":"abc","start":1770000001000,
                "end":1770000001042,"duration":42,"statusCode":1,"publish":false,
                "annotations":[{"key":"kind","value":"nodejs:20"},{"key":"initTime","value":30}]}"#,
        );
        let row = cells(&action, &TimeZone::UTC);
        assert_eq!(row.time, "2026-02-02 02:40:01");
        assert_eq!((row.kind.as_str(), row.start, row.duration.as_str()), ("nodejs:20", "cold", "42ms"));
        assert_eq!((row.status, row.entity.as_str()), ("application error", "guest/hi:0.0.4"));
        let trigger = summary(
            r#"{"namespace":"guest","name":"t","version":"0.0.1","activationId":"def","start":1,"annotations":[]}"#,
        );
        let row = cells(&trigger, &TimeZone::UTC);
        assert_eq!(
            (row.kind.as_str(), row.start, row.duration.as_str(), row.status),
            ("unknown", "warm", "0s", "success")
        );
    }
}

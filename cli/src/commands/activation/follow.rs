//! `wsk activation logs ID --follow`: shows a log while it is written. A server that cannot tell it, as OpenWhisk,
//! is asked for the finished log again and again.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::{Client, Error, LogEvent};
use crate::exit::Failure;
use crate::name::OWN_NAMESPACE;

/// How long the next attempt waits.
const PAUSE: Duration = Duration::from_secs(1);
/// So many attempts may fail one after the other.
const ATTEMPTS: u32 = 10;
/// How long a server is asked that does not tell what is running: longer than activations usually may run.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why following ended too early.
pub(super) enum Broken {
    /// The server refused, or is out of reach.
    Request(Error),
    /// The lines cannot be shown.
    Output(std::io::Error),
    /// The answer broke off again and again.
    Off,
}

impl Broken {
    /// The failure of a command that is unable to do this.
    pub(super) fn of(self, unable: &str) -> Failure {
        match self {
            Self::Request(error) => Failure::request(unable)(error),
            Self::Output(error) => error.into(),
            Self::Off => Failure::Local(format!("{unable}: the server breaks off again and again")),
        }
    }
}

/// Shows each line once, in order, until the activation has ended.
pub(super) fn follow(
    client: &Client,
    id: &str,
    mut show: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), Broken> {
    let mut shown = 0;
    let mut failed = 0;
    loop {
        let before = shown;
        let why = match read(client, id, &mut shown, &mut show) {
            Ok(true) => return Ok(()),
            Ok(false) => Broken::Off,
            Err(Broken::Request(error)) if error.is_not_found() => {
                return if shown == 0 {
                    poll(client, id, error, &mut show)
                } else {
                    Err(Broken::Request(error))
                };
            }
            Err(Broken::Request(error)) if error.may_pass() => Broken::Request(error),
            Err(other) => return Err(other),
        };
        failed = if shown > before { 0 } else { failed + 1 };
        if failed == ATTEMPTS {
            return Err(why);
        }
        sleep(PAUSE);
    }
}

/// Reads one answer, passing over what was shown before. Whether the log is complete.
fn read(
    client: &Client,
    id: &str,
    shown: &mut usize,
    show: &mut impl FnMut(&str) -> std::io::Result<()>,
) -> Result<bool, Broken> {
    let events = client.activations().follow(OWN_NAMESPACE, id).map_err(Broken::Request)?;
    let mut number = 0;
    for event in events {
        match event.map_err(Broken::Request)? {
            LogEvent::Ended => return Ok(true),
            LogEvent::Waiting => {}
            LogEvent::Line(line) => {
                number += 1;
                if number > *shown {
                    *shown = number;
                    show(&line).map_err(Broken::Output)?;
                }
            }
        }
    }
    Ok(false)
}

/// Waits for the finished log; but a server that could have told what is running knows no such activation.
fn poll(
    client: &Client,
    id: &str,
    missing: Error,
    show: &mut impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), Broken> {
    if client.describes("/logs/follow").map_err(Broken::Request)? {
        return Err(Broken::Request(missing));
    }
    let began = Instant::now();
    loop {
        match client.activations().logs(OWN_NAMESPACE, id) {
            Ok(logs) => return logs.iter().try_for_each(|line| show(line)).map_err(Broken::Output),
            Err(error) if (error.is_not_found() || error.may_pass()) && began.elapsed() < PATIENCE => {}
            Err(error) => return Err(Broken::Request(error)),
        }
        sleep(PAUSE);
    }
}

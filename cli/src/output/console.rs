//! The two output streams, and the line shapes that scripts look for: `ok: …` and `error: …`. Colours only
//! where the stream is a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use whirl_model::Json;

use super::json::indented;
use crate::exit::Failure;

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// Standard output and standard error.
pub struct Console {
    out: Printer,
    err: Printer,
}

/// One stream.
pub struct Printer {
    writer: Box<dyn Write + Send>,
    colours: bool,
}

impl Console {
    /// The streams of the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self {
            out: Printer { writer: Box::new(io::stdout()), colours: io::stdout().is_terminal() },
            err: Printer { writer: Box::new(io::stderr()), colours: io::stderr().is_terminal() },
        }
    }

    /// Streams that lead nowhere.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        let printer = || Printer { writer: Box::new(io::sink()), colours: false };
        Self { out: printer(), err: printer() }
    }

    /// Standard output.
    pub fn out(&mut self) -> &mut Printer {
        &mut self.out
    }

    /// Standard error.
    pub fn err(&mut self) -> &mut Printer {
        &mut self.err
    }
}

impl Printer {
    /// `ok: TEXT`.
    ///
    /// # Errors
    /// When the stream cannot be written to; so with all methods here.
    pub fn ok(&mut self, text: impl Display) -> io::Result<()> {
        let ok = self.coloured(GREEN, "ok:");
        self.line(format_args!("{ok} {text}"))
    }

    /// `warning: TEXT`.
    ///
    /// # Errors
    /// See [`Self::ok`].
    pub fn warning(&mut self, text: impl Display) -> io::Result<()> {
        let warning = self.coloured(RED, "warning:");
        self.line(format_args!("{warning} {text}"))
    }

    /// A line as it is.
    ///
    /// # Errors
    /// See [`Self::ok`].
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.writer, "{text}")
    }

    /// A value over several lines, four blanks a level.
    ///
    /// # Errors
    /// See [`Self::ok`].
    pub fn json(&mut self, value: &Json) -> io::Result<()> {
        self.line(indented(value))
    }

    /// `error: TEXT`, and where to look if the command line is at fault.
    ///
    /// # Errors
    /// See [`Self::ok`].
    pub fn failure(&mut self, failure: &Failure) -> io::Result<()> {
        let error = self.coloured(RED, "error:");
        self.line(format_args!("{error} {}", failure.message()))?;
        match failure {
            Failure::Usage(_) => self.line("Run 'wsk --help' for usage."),
            _ => Ok(()),
        }
    }

    /// The text in bold.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        self.coloured(BOLD, text)
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Sink(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(colours: bool, print: impl Fn(&mut Printer) -> io::Result<()>) -> String {
        let sink = Sink::default();
        print(&mut Printer { writer: Box::new(sink.clone()), colours }).unwrap();
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn colours_are_for_terminals() {
        let deed = |p: &mut Printer| p.ok(format!("created action {}", p.bold("a")));
        assert_eq!(printed(false, deed), "ok: created action a\n");
        assert_eq!(printed(true, deed), "\u{1b}[32mok:\u{1b}[0m created action \u{1b}[1ma\u{1b}[0m\n");
    }

    #[test]
    fn usage_failures_point_to_the_help() {
        let usage = printed(false, |p| p.failure(&Failure::usage("no such thing")));
        assert_eq!(usage, "error: no such thing\nRun 'wsk --help' for usage.\n");
        assert_eq!(printed(false, |p| p.failure(&Failure::Local("disk".into()))), "error: disk\n");
    }
}

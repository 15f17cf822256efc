//! Shows requests and answers: in full for `--verbose`, one line each for `--debug`. The client has obscured
//! the credential before they come here.

use std::io::{self, Write as _};
use std::time::Duration;

use crate::client::{Message, Observer};

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// Whole messages on standard output.
    pub verbose: bool,
    /// Addresses, statuses and times on standard error.
    pub debug: bool,
}

impl Observer for Traffic {
    fn sent(&self, request: &Message<'_>) {
        if self.verbose {
            show(&request_text(request));
        }
        if self.debug {
            note(&format!("request {}", request.summary));
        }
    }

    fn received(&self, answer: &Message<'_>, took: Duration) {
        if self.verbose {
            show(&answer_text(answer));
        }
        if self.debug {
            note(&format!("answer {} after {took:.1?}", answer.summary));
        }
    }
}

/// One line for `--debug`.
pub fn note(text: &str) {
    // Nothing can be told to a user whose terminal is gone.
    let _ = writeln!(io::stderr(), "debug: {text}");
}

fn show(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn request_text(request: &Message<'_>) -> String {
    let head = format!("REQUEST:\n{}\nReq Headers\n{}", request.summary, headers(request));
    if request.body.is_empty() { head } else { format!("{head}\nReq Body\n{}", request.body) }
}

fn answer_text(answer: &Message<'_>) -> String {
    format!(
        "RESPONSE:Got response with code {}\nResp Headers\n{}\nResponse body size is {} bytes\nResponse body received:\n{}",
        answer.summary,
        headers(answer),
        answer.body.len(),
        answer.body
    )
}

/// A JSON object; a repeated header has a line for each value.
fn headers(message: &Message<'_>) -> String {
    let lines: Vec<String> =
        message.headers.iter().map(|(name, value)| format!("  {name:?}: [{value:?}]")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_shown_whole() {
        let message = |body: &str| Message {
            summary: "[POST]\thttp://h/x".into(),
            headers: vec![("authorization", "Basic XXXX".into())],
            body: body.into(),
        };
        assert_eq!(
            request_text(&message("{}")),
            "REQUEST:\n[POST]\thttp://h/x\nReq Headers\n{\n  \"authorization\": [\"Basic XXXX\"]\n}\nReq Body\n{}"
        );
        assert!(!request_text(&message("")).contains("Req Body"));
        assert!(answer_text(&message("ok")).ends_with("size is 2 bytes\nResponse body received:\nok"));
    }
}

//! What CouchDB's reader of JSON does not take although it is JSON, and what is written instead. It knows no
//! documents.
//!
//! CouchDB keeps strings as UTF-8 and numbers as doubles unless they are integers. It refuses a whole request, with
//! 400, for one unpaired surrogate, and for one number with a point or an exponent that is beyond every double.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for an unpaired surrogate.
const REPLACEMENT: &str = r"\ufffd";
/// Stand for numbers beyond every double: those next to them.
const LARGEST: &str = "1.7976931348623157e308";
const SMALLEST: &str = "-1.7976931348623157e308";

/// JSON text that CouchDB takes: this one, where it does.
pub(super) fn storable(json: &str) -> Cow<'_, str> {
    let mut written = String::new();
    let mut from = 0;
    for Misfit { place, instead } in (Misfits { json, at: 0, in_string: false }) {
        written.push_str(&json[from..place.start]);
        written.push_str(instead);
        from = place.end;
    }
    if from == 0 {
        return Cow::Borrowed(json);
    }
    written.push_str(&json[from..]);
    Cow::Owned(written)
}

struct Misfit {
    place: Range<usize>,
    instead: &'static str,
}

/// All there are in a JSON text.
struct Misfits<'a> {
    json: &'a str,
    at: usize,
    in_string: bool,
}

impl Iterator for Misfits<'_> {
    type Item = Misfit;

    fn next(&mut self) -> Option<Misfit> {
        loop {
            let from = self.at;
            let instead = match *self.json.as_bytes().get(from)? {
                b'\\' => self.escape(),
                b'-' | b'0'..=b'9' if !self.in_string => self.number(),
                byte => {
                    self.in_string ^= byte == b'"';
                    self.at += 1;
                    None
                }
            };
            if let Some(instead) = instead {
                return Some(Misfit { place: from..self.at, instead });
            }
        }
    }
}

impl Misfits<'_> {
    /// Passes an escape, or the two of a pair.
    fn escape(&mut self) -> Option<&'static str> {
        let first = self.code_unit(self.at);
        self.at += if first.is_some() { 6 } else { 2 };
        match first? {
            0xd800..0xdc00 if matches!(self.code_unit(self.at), Some(0xdc00..0xe000)) => {
                self.at += 6;
                None
            }
            0xd800..0xe000 => Some(REPLACEMENT),
            _ => None,
        }
    }

    /// The code unit of the escape `\uXXXX` that is there, if one is.
    fn code_unit(&self, at: usize) -> Option<u16> {
        let digits = self.json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    }

    /// Passes a number.
    fn number(&mut self) -> Option<&'static str> {
        let rest = &self.json[self.at..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let number = &rest[..end.unwrap_or(rest.len())];
        self.at += number.len();
        let is_beyond = number.contains(['.', 'e', 'E']) && number.parse().is_ok_and(f64::is_infinite);
        is_beyond.then_some(if number.starts_with('-') { SMALLEST } else { LARGEST })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_couchdb_takes_stays_to_the_letter() {
        let big = "9".repeat(400);
        for json in [
            r#"{"a":"\ud83d\ude00 \\ud83d \\\\ud83d \u00e9 é 1e999","b":[-1.50,1E5,0.1e-999,1e308]}"#,
            r#""\"\ud83d\ude00\ud83d\ude00""#,
            big.as_str(),
            "{}",
            "-0",
        ] {
            assert!(matches!(storable(json), Cow::Borrowed(same) if same == json), "{json}");
        }
    }

    #[test]
    fn what_it_does_not_take_is_replaced() {
        for (json, written) in [
            (r#"{"\ud83d":"a\ude00\ud83d"}"#, r#"{"\ufffd":"a\ufffd\ufffd"}"#),
            (r#"["\ud83d\ud83d\ude00","\uDE00\uD83D\\"]"#, r#"["\ufffd\ud83d\ude00","\ufffd\ufffd\\"]"#),
            (r#""\ud83d\n""#, r#""\ufffd\n""#),
            ("[1e999,-1E+999,1]", "[1.7976931348623157e308,-1.7976931348623157e308,1]"),
            ("-12.5e400", "-1.7976931348623157e308"),
        ] {
            assert_eq!(storable(json), written, "{json}");
            assert!(serde_json::from_str::<serde_json::Value>(&storable(json)).is_ok(), "{json}");
        }
    }
}

//! JSON for people: a line per member and element, two blanks per level. Numbers and strings stay to the letter.

use whirl_model::Json;

/// Levels that get lines of their own. What lies deeper stays on one line: else a small value of many levels
/// would make a huge page.
const LEVELS: usize = 16;

/// The value on many lines.
pub(crate) fn pretty(json: &Json) -> String {
    let text = json.as_str();
    let mut page = Page { text: String::with_capacity(text.len() * 2), level: 0 };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' { string_length(rest) } else { first.len_utf8() };
        let (token, after) = rest.split_at(length);
        let emptied = matches!(after.as_bytes().first(), Some(b'}' | b']'));
        match first {
            '{' | '[' => page.open(token, emptied),
            '}' | ']' => page.close(token),
            ',' => page.separate(),
            ':' => page.text.push_str(": "),
            _ => page.text.push_str(token),
        }
        rest = after;
    }
    page.text
}

/// Bytes of the string that a text begins with, with its marks.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

struct Page {
    text: String,
    level: usize,
}

impl Page {
    fn open(&mut self, token: &str, emptied: bool) {
        self.text.push_str(token);
        self.level += 1;
        if !emptied {
            self.line();
        }
    }

    fn close(&mut self, token: &str) {
        let emptied = self.text.ends_with(['{', '[']);
        let inner = self.level <= LEVELS;
        self.level -= 1;
        if inner && !emptied {
            self.text.push('\n');
            self.indent();
        }
        self.text.push_str(token);
    }

    fn separate(&mut self) {
        self.text.push(',');
        if self.level <= LEVELS { self.line() } else { self.text.push(' ') }
    }

    fn line(&mut self) {
        if self.level <= LEVELS {
            self.text.push('\n');
            self.indent();
        }
    }

    fn indent(&mut self) {
        (0..self.level).for_each(|_| self.text.push_str("  "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        pretty(&Json::parse(text).unwrap())
    }

    #[test]
    fn members_and_elements_have_lines() {
        let text = r#"{"a":[1,{"b":2.50}],"c":{},"d":[],"e":"x"}"#;
        let lines = concat!(
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2.50\n    }\n  ],\n",
            "  \"c\": {},\n  \"d\": [],\n  \"e\": \"x\"\n}"
        );
        assert_eq!(of(text), lines);
    }

    #[test]
    fn numbers_and_strings_stay_to_the_letter() {
        for text in
            ["123456789012345678901234567890", "1.0", r#""a \" {[,:]} \\""#, "null", r#""<&>é\u00e9""#]
        {
            assert_eq!(of(text), text);
        }
        assert_eq!(of(r#"["\\",1e400,"[{"]"#), "[\n  \"\\\\\",\n  1e400,\n  \"[{\"\n]");
    }

    #[test]
    fn no_depth_makes_a_huge_page() {
        let depth = 200_000;
        let text = format!("{}1{}", "[1,".repeat(depth), "]".repeat(depth));
        let page = of(&text);
        assert!(page.len() < 2 * text.len(), "{}", page.len());
        assert_eq!(Json::parse(&page).unwrap().as_str(), text);
    }
}

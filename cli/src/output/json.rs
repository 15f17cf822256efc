//! JSON over several lines. Works on the text alone, so numbers, escapes and the order of keys stay as they
//! came.

use whirl_model::Json;

const INDENT: &str = "    ";

/// The value with one member or element a line, four blanks a level.
#[must_use]
pub fn indented(value: &Json) -> String {
    let text = value.as_str();
    let mut output = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            output.push(character);
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match character {
            '{' | '[' if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) => {
                output.push(character);
                output.extend(characters.next());
            }
            '{' | '[' => {
                depth += 1;
                output.push(character);
                new_line(&mut output, depth);
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut output, depth);
                output.push(character);
            }
            ',' => {
                output.push(character);
                new_line(&mut output, depth);
            }
            ':' => output.push_str(": "),
            _ => {
                in_string = character == '"';
                output.push(character);
            }
        }
    }
    output
}

fn new_line(output: &mut String, depth: usize) {
    output.push('\n');
    (0..depth).for_each(|_| output.push_str(INDENT));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_laid_out_and_left_alone() {
        let text =
            r#"{"big":123456789012345678901234567890,"e":{},"l":[],"a":[1.0,{"k":"{[,:\"\u2028<&>"}]}"#;
        let expected = r#"{
    "big": 123456789012345678901234567890,
    "e": {},
    "l": [],
    "a": [
        1.0,
        {
            "k": "{[,:\"\u2028<&>"
        }
    ]
}"#;
        assert_eq!(indented(&Json::parse(text).unwrap()), expected);
        assert_eq!(indented(&Json::parse("\"a\\\\\"").unwrap()), "\"a\\\\\"");
    }
}

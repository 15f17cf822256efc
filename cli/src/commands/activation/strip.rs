//! Takes time stamp and stream name off a log line.

const SHORTEST_TIME: usize = "2026-02-01T00:00:01Z".len();

/// `TEXT` of `TIME STREAM: TEXT` or `TIME TEXT`; any other line as it is.
pub(super) fn strip(line: &str) -> &str {
    let Some((_, rest)) = line.split_once(' ').filter(|(word, _)| is_time(word)) else { return line };
    let named = rest.trim_start();
    let text = ["stdout:", "stderr:"].iter().find_map(|stream| named.strip_prefix(stream));
    text.map_or(rest, |text| text.strip_prefix(' ').unwrap_or(text))
}

/// The shape `2026-02-01T00:00:01.010203000Z`.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= SHORTEST_TIME && bytes[0].is_ascii_digit() && bytes[10] == b'T' && bytes.ends_with(b"Z")
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn only_what_the_platform_put_there_goes() {
        for (line, text) in [
            ("2026-02-01T00:00:01.010203Z stdout: bare words", "bare words"),
            ("2026-02-01T00:00:01.010203000Z stderr:  two blanks", " two blanks"),
            ("2026-02-01T00:00:01Z           stdout: padded", "padded"),
            ("2026-02-01T00:00:01.010203Z no stream", "no stream"),
            ("2026-02-01T00:00:01.010203Z stdout: ", ""),
            ("no time at all", "no time at all"),
            ("", ""),
        ] {
            assert_eq!(strip(line), text);
        }
    }
}

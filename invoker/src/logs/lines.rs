//! Cuts a stream of bytes into lines of bounded length.

/// The line that a runtime writes to both streams after each activation.
pub(super) const END_MARK: &[u8] = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// A line that grows longer than this is cut here and goes on as the next one.
const LONGEST: usize = 16 << 10;

/// Holds the beginning of a line until its end arrives.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Calls `each` for every line that is complete with these bytes, without its newline.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.is_empty() && line.len() <= LONGEST {
                each(line);
            } else {
                self.append(line, &mut each);
                each(&self.partial);
                self.partial.clear();
            }
        }
        self.append(bytes, &mut each);
    }

    /// Gives up what has no newline yet, if there is any.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            each(&self.partial);
            self.partial.clear();
        }
    }

    fn append(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&[u8])) {
        while self.partial.len() + bytes.len() > LONGEST {
            let (now, later) = bytes.split_at(LONGEST - self.partial.len());
            self.partial.extend_from_slice(now);
            each(&self.partial);
            self.partial.clear();
            bytes = later;
        }
        self.partial.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str]) -> Vec<String> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed(piece.as_bytes(), |l| out.push(String::from_utf8_lossy(l).into_owned()));
        }
        lines.finish(|l| out.push(format!("{}…", String::from_utf8_lossy(l))));
        out
    }

    #[test]
    fn lines_may_arrive_in_any_pieces() {
        assert_eq!(cut(&["a\nb", "c\n", "\n", "d"]), ["a", "bc", "", "d…"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_its_memory_bounded() {
        let long = "x".repeat(LONGEST * 2 + 5);
        let out = cut(&[&long, "\nnext\n"]);
        assert_eq!(out.iter().map(String::len).collect::<Vec<_>>(), [LONGEST, LONGEST, 5, 4]);
    }
}

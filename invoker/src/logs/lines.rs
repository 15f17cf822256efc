//! Cuts a stream of bytes into lines of bounded length.

/// The line that a runtime writes to both streams after each activation.
pub(super) const END_MARK: &[u8] = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// A line that grows longer than this is cut here, or some bytes before not to cut a character, and goes on as the
/// next one.
const LONGEST: usize = 16 << 10;

/// By so much a line may be longer and is not cut: its last bytes may be a tag and an end mark, which stay whole.
const ROOM_FOR_MARK: usize = 160;

/// Holds the beginning of a line until its end arrives.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Calls `each` for every line that is complete with these bytes, without its newline.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.partial.is_empty() && line.len() <= LONGEST + ROOM_FOR_MARK {
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
        loop {
            let room = LONGEST + ROOM_FOR_MARK - self.partial.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.partial.extend_from_slice(now);
            if later.is_empty() {
                return;
            }
            bytes = later;
            let cut = cut(&self.partial);
            each(&self.partial[..cut]);
            self.partial.drain(..cut);
        }
    }
}

/// Where a line that is longer than [`LONGEST`] is cut: in front of a character.
fn cut(line: &[u8]) -> usize {
    let starts_character = |at: &usize| line[*at] & 0xc0 != 0x80;
    (LONGEST - 3..=LONGEST).rev().find(starts_character).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(of: &[&str]) -> Vec<String> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in of {
            lines.feed(piece.as_bytes(), |l| out.push(String::from_utf8_lossy(l).into_owned()));
        }
        lines.finish(|l| out.push(format!("{}…", String::from_utf8_lossy(l))));
        out
    }

    #[test]
    fn lines_may_arrive_in_any_pieces() {
        assert_eq!(pieces(&["a\nb", "c\n", "\n", "d"]), ["a", "bc", "", "d…"]);
    }

    #[test]
    fn an_endless_line_is_cut_and_its_memory_bounded() {
        let long = "x".repeat(LONGEST * 2 + 200);
        let out = pieces(&[&long, "\nnext\n"]);
        assert_eq!(out.iter().map(String::len).collect::<Vec<_>>(), [LONGEST, LONGEST, 200, 4]);
    }

    #[test]
    fn no_character_is_cut() {
        for shift in 0..4 {
            let long = format!("{}{}", "x".repeat(shift), "\u{1d11e}".repeat(10_000));
            let out = pieces(&[&long, "\n"]);
            assert!(out.len() == 3 && !out.concat().contains('\u{fffd}'));
            assert_eq!(out.concat(), long);
        }
    }

    #[test]
    fn what_ends_a_line_stays_whole_however_long_the_line_is() {
        let mark = format!("{} {} XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX", "5".repeat(64), "a".repeat(32));
        for length in LONGEST - 200..LONGEST + 200 {
            let long = "x".repeat(length);
            let out = pieces(&[&long, &mark[..9], &mark[9..], "\n"]);
            assert!(out.last().unwrap().ends_with(&mark), "{length}");
            assert_eq!(out.concat().len(), length + mark.len());
        }
    }
}

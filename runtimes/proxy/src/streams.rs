//! The container's own stdout and stderr: the end-of-activation marks and the proxy's rare messages. The action's
//! output never passes here; its processes write to the same two descriptors themselves.

use std::io::{self, stderr, stdout};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};

const MARK: &str = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX";

/// The line that ends an activation's output.
#[derive(Debug)]
pub(crate) struct EndMark(String);

impl EndMark {
    /// The mark that everybody knows, or one with a word in front that the action does not know.
    pub(crate) fn new(word: Option<&str>) -> Self {
        Self(word.map_or(format!("{MARK}\n"), |word| format!("{word} {MARK}\n")))
    }

    /// Writes it to both streams, `count` times.
    pub(crate) fn write(&self, count: usize) {
        let marks = self.0.repeat(count);
        put(stdout().as_fd(), marks.as_bytes());
        put(stderr().as_fd(), marks.as_bytes());
    }
}

/// Writes the marks that end the output of these activations to both streams, tagged with `word`.
pub(crate) fn mark_tagged_ends(word: &str, activations: &[String]) {
    let marks: String = activations.iter().map(|id| format!("{word} {id} {MARK}\n")).collect();
    put(stdout().as_fd(), marks.as_bytes());
    put(stderr().as_fd(), marks.as_bytes());
}

/// Writes one line to the container's stderr.
pub(crate) fn complain(message: &str) {
    put(stderr().as_fd(), format!("{message}\n").as_bytes());
}

/// Writes all of `bytes`. A reader that is gone loses them: there is nobody else to tell.
fn put(stream: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(stream, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            // The launcher shares this open file and may have made it non-blocking, as Node does.
            Err(Errno::AGAIN) if writable(stream).is_ok() => {}
            Err(_) => return,
        }
    }
}

fn writable(stream: BorrowedFd<'_>) -> io::Result<()> {
    match poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

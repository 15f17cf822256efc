//! Reads what a container writes, for as long as it lives, into its log book.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::MissedTickBehavior;
use whirl_containers::factory::OutputChunk;

use super::{Finished, LogBook};
use crate::container::Running;
use crate::record_writer::Entry;

/// How often logs that do not come are reconsidered.
const TICK: Duration = Duration::from_millis(50);

/// Reads until the container's streams end. `done` gets every log as it becomes complete, `out_of_step` is
/// called when the streams cannot be told apart by activation any more.
pub(crate) async fn follow(
    container: &Running,
    mut output: BoxStream<'static, std::io::Result<OutputChunk>>,
    done: impl Fn(Vec<Finished<Entry>>),
    out_of_step: impl Fn(),
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let with_book = |act: &dyn Fn(&mut LogBook<Entry>) -> Vec<Finished<Entry>>| {
        let mut book = container.book.lock();
        let finished = act(&mut book);
        (finished, book.is_out_of_step())
    };
    loop {
        let (finished, stray_mark) = tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => {
                    with_book(&|book| book.hear(&chunk, SystemTime::now(), container.now()))
                }
                Some(Err(error)) => {
                    tracing::debug!(container = %container.name, %error, "the container's output broke off");
                    break;
                }
                None => break,
            },
            _ = tick.tick() => with_book(&|book| book.tick(container.now())),
        };
        done(finished);
        if stray_mark {
            out_of_step();
        }
    }
    let (finished, _) = with_book(&|book| book.close(SystemTime::now(), container.now()));
    done(finished);
}

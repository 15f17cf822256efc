//! Reads what a container writes, for as long as it lives, into its log book.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::MissedTickBehavior;
use whirl_containers::factory::OutputChunk;

use super::Finished;
use crate::container::Running;
use crate::record_writer::Entry;

/// How often logs that do not come are reconsidered.
const TICK: Duration = Duration::from_millis(200);

/// Reads until the container's streams end. `done` gets every log as it becomes complete.
pub(crate) async fn follow(
    container: &Running,
    mut output: BoxStream<'static, std::io::Result<OutputChunk>>,
    done: impl Fn(Vec<Finished<Option<Entry>>>),
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let finished = tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => container.book.lock().hear(&chunk, SystemTime::now(), container.now()),
                Some(Err(error)) => {
                    tracing::debug!(container = %container.name, %error, "the container's output broke off");
                    break;
                }
                None => break,
            },
            _ = tick.tick() => container.book.lock().tick(container.now()),
        };
        done(finished);
    }
    let finished = container.book.lock().close(SystemTime::now(), container.now());
    done(finished);
}

//! Reads what a container writes, for as long as it lives, into its log book.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::time::MissedTickBehavior;
use whirl_containers::factory::{ContainerFactory, OutputChunk};

use super::Finished;
use super::pace::Pace;
use crate::container::Running;
use crate::engine;
use crate::record_writer::Entry;

/// How often logs that do not come are reconsidered.
const TICK: Duration = Duration::from_millis(200);

/// Reads until the container's streams end. `done` gets every log as it becomes complete.
///
/// Before a log is given up the engine, through which all output comes, has to show that it is at work. What it held
/// back while it stood still is then read first; so a hang of the engine costs neither logs nor containers.
pub(crate) async fn follow(
    container: &Running,
    factory: &dyn ContainerFactory,
    mut output: BoxStream<'static, std::io::Result<OutputChunk>>,
    done: impl Fn(Vec<Finished<Option<Entry>>>),
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut engine_works = false;
    let mut pace = Pace::default();
    loop {
        let mut pause = None;
        let finished = tokio::select! {
            biased;
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => {
                    pause = pace.read(chunk.bytes.len(), container.now());
                    container.book.lock().hear(&chunk, SystemTime::now(), container.now())
                }
                Some(Err(error)) => {
                    tracing::debug!(container = %container.name, %error, "the container's output broke off");
                    break;
                }
                None => break,
            },
            _ = tick.tick() => {
                let is_overdue = container.book.lock().is_overdue(container.now());
                if is_overdue && !engine_works {
                    engine_works = engine::answers(factory).await;
                    if !engine_works {
                        container.book.lock().excuse(container.now());
                    }
                    continue;
                }
                engine_works = false;
                container.book.lock().tick(container.now())
            }
        };
        done(finished);
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    let finished = container.book.lock().close(SystemTime::now(), container.now());
    done(finished);
}

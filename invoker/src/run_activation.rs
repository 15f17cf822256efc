//! Runs one activation: makes its container ready, tries it there, and sees to what follows for the caller, the record,
//! the logs and the pool.

use std::sync::Arc;
use std::time::{Duration, Instant};

use whirl_model::Outcome;
use whirl_scheduling::pool::{ContainerId, Event, Fate};

use crate::attempt::{Attempt, Run};
use crate::chain;
use crate::container::Running;
use crate::job::Job;
use crate::logs::Page;
use crate::outcome;
use crate::preparation::Preparation;
use crate::record::{self, Cost, Over};
use crate::record_writer::Entry;
use crate::shell::Shell;

/// An activation is tried in so many containers before it is given up.
const BOUNCES: u32 = 3;

/// Runs the job and tells the pool what became of the container.
pub(crate) async fn run(
    shell: Arc<Shell>,
    id: ContainerId,
    container: Arc<Running>,
    job: Job,
    preparation: Preparation,
) {
    if preparation == Preparation::Resume {
        if let Err(error) = container.resume(&*shell.factory).await {
            tracing::warn!(error = chain(&error), "a container cannot be resumed");
            return shell.stay_frozen(id, job);
        }
        shell.turn(Event::Resumed(id));
    }
    let log_limit = (job.action.limits.logs as usize) << 20;
    let page = container.book.lock().begin(job.message.activation_id, log_limit);
    shell.live.begun(job.message.activation_id, &container);
    let seat = Seat { shell, id, container, page, preparation };
    if let Err(error) = job.receipt.started() {
        tracing::error!(error = chain(&error), activation = %job.message.activation_id, "a start cannot be noted");
        return seat.vacate(job).await;
    }
    let began = Instant::now();
    if let Preparation::Initialise(_) = preparation {
        seat.container.cpu.reset();
    }
    let cpu = seat.container.cpu.begin();
    let run = Attempt::new(&seat.shell, id, &seat.container, &job).go(preparation).await;
    let cpu = seat.container.cpu.end(&cpu);
    match run {
        Run::Abandoned => {}
        Run::Elsewhere => seat.send_elsewhere(job).await,
        Run::Over(over) => seat.conclude(job, over, cpu, began).await,
    }
}

/// Where a job runs: a container, and a page of its log book.
struct Seat {
    shell: Arc<Shell>,
    id: ContainerId,
    container: Arc<Running>,
    /// Its number in the log book.
    page: u64,
    preparation: Preparation,
}

impl Seat {
    /// That the job starts could not be made safe, so it does not.
    async fn vacate(self, job: Job) {
        self.container.book.lock().cancel(self.page);
        let is_blank = matches!(self.preparation, Preparation::Initialise(_));
        let turn = self.shell.turn(Event::Ended(self.id, if is_blank { Fate::Discard } else { Fate::Keep }));
        self.shell.end_without_run(job, outcome::start_not_noted(), turn.report).await;
    }

    /// The container did not take the job.
    async fn send_elsewhere(self, mut job: Job) {
        self.container.book.lock().cancel(self.page);
        job.bounces += 1;
        if job.bounces <= BOUNCES {
            return self.shell.bounce(self.id, job);
        }
        let turn = self.shell.turn(Event::Ended(self.id, Fate::Discard));
        let is_images = self.shell.actions.is_users_own(&job.stem);
        let response = if is_images { outcome::not_taken(&job.stem.image) } else { outcome::no_container() };
        self.shell.end_without_run(job, response, turn.report).await;
    }

    /// The job has run: first the caller hears of it, then the log is waited for and the record written.
    async fn conclude(self, job: Job, over: Over, cpu: Option<Duration>, began: Instant) {
        let Self { shell, id, container, page, preparation } = self;
        let answered = Instant::now();
        let broken = matches!(over.response.outcome, Outcome::DeveloperError | Outcome::InternalError);
        let cost = Cost { preparation, cpu, overhead: job.overhead(answered, over.interval.total) };
        let record = Arc::new(record::of_run(&job.message, &job.action, over, cost));
        // From the acknowledgement on the caller may have the result: a record of it is safe first.
        let is_kept = shell.conclude(&job.message, &record, &*job.receipt);
        if !broken {
            shell.factory.run_ended(&container.name);
        }
        let turn = shell.turn(Event::Ended(id, if broken { Fate::Discard } else { Fate::Keep }));
        let stages = &shell.metrics.stages;
        stages.placement.observe((began - job.taken).as_secs_f64());
        stages.run.observe((answered - began).as_secs_f64());
        stages.record.observe(answered.elapsed().as_secs_f64());
        shell.acknowledge(&job.message, &record, turn.report).await;
        // The caller's task goes first: nobody waits for what follows.
        tokio::task::yield_now().await;
        if !is_kept {
            shell.live.over(job.message.activation_id);
        }
        let receipt = job.receipt;
        let ticket = is_kept.then(|| Entry { record: Arc::unwrap_or_clone(record), receipt });
        let finished = container.book.lock().end(page, Page { ticket, broken }, container.now());
        shell.logs_done(id, finished);
    }
}

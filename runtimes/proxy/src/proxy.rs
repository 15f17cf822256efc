//! One container's `/init` and `/run`: requests go to the launcher, its lines come back as answers, and the end
//! of every activation is marked in the streams. HTTP is in `server`, what may happen when in `lifecycle`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, Bytes};
use rustix::process::Pid;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::signal::unix::Signal as SignalStream;
use tokio::sync::oneshot;

use crate::answer::{Answer, EXITED_DURING_INIT};
use crate::archive;
use crate::init_request::{Code, InitRequest, InitRequestError};
use crate::launcher::{self, Answers};
use crate::lifecycle::{INIT_TWICE, Lifecycle};
use crate::outbox::Outbox;
use crate::run_request::{self, RunRequest};
use crate::streams::{self, EndMark};

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Proxy {
    process: Pid,
    directory: PathBuf,
    outbox: Outbox,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    life: Lifecycle,
    /// Whether the launcher's lines carry the number of their run.
    numbered: bool,
    /// The word that the launcher's lines and end marks begin with, if it tags them. It writes the marks itself
    /// then, as it alone knows when a run has said its last.
    tag_word: Option<String>,
    last_number: u64,
    waiting: HashMap<u64, Waiting>,
    end_mark: EndMark,
    /// Ended activations whose marks are not in the streams yet.
    marks_due: Vec<String>,
}

/// Who waits for the launcher's answer.
#[derive(Debug)]
struct Waiting {
    activation: String,
    answer: oneshot::Sender<Outcome>,
}

/// What became of a line sent to the launcher.
#[derive(Debug)]
enum Outcome {
    Answered { failed: bool, json: Bytes },
    Exited,
}

#[derive(Deserialize)]
struct InitReply<'a> {
    #[serde(default)]
    ok: bool,
    #[serde(default)]
    concurrent: bool,
    #[serde(default, rename = "tagsLogs")]
    tags_logs: bool,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Proxy {
    /// A proxy for the launcher `process`, reached through `outbox`; archives are unpacked below `directory`.
    pub(crate) fn new(process: Pid, outbox: Outbox, directory: PathBuf, end_mark: EndMark) -> Self {
        let state = State {
            life: Lifecycle::Fresh,
            numbered: false,
            tag_word: None,
            last_number: 0,
            waiting: HashMap::new(),
            end_mark,
            marks_due: Vec::new(),
        };
        Self { process, directory, outbox, state: Mutex::new(state) }
    }

    /// Answers `/init`. The work goes on when the caller goes away, so that the container's state stays true.
    pub(crate) async fn init(self: &Arc<Self>, body: Bytes) -> Answer {
        if let Err(refusal) = self.state().life.begin_init() {
            if refusal.status == 403 {
                streams::complain(INIT_TWICE);
            }
            return refusal;
        }
        let proxy = Arc::clone(self);
        let work = tokio::spawn(async move { proxy.initialise(body).await });
        work.await.unwrap_or_else(|_| Answer::error(500, "The proxy failed to initialize the action."))
    }

    /// Answers `/run`. The run itself goes on when the caller goes away.
    pub(crate) async fn run(&self, body: &[u8]) -> Answer {
        let outcome = match self.begin_run(body) {
            Ok(outcome) => outcome,
            Err(refusal) => return refusal,
        };
        match outcome.await {
            Ok(Outcome::Answered { failed: true, json }) => Answer::failed_run(json),
            Ok(Outcome::Answered { failed: false, json }) if is_dictionary_or_array(&json) => {
                Answer::ok(json)
            }
            Ok(Outcome::Answered { .. }) => Answer::not_a_dictionary(),
            Ok(Outcome::Exited) | Err(_) => Answer::exited_during_run(),
        }
    }

    /// Takes the launcher's lines until it ends, then says so to everyone who waits. Ends only with the process.
    pub(crate) async fn attend(&self, mut answers: Answers, mut ended_children: SignalStream) {
        self.take_lines(&mut answers, &mut ended_children).await;
        self.launcher_ended();
        self.mark_ends_after_answers().await;
        launcher::reap_rest(self.process, &mut ended_children).await;
    }

    /// Writes the marks of answered activations that are still due.
    pub(crate) fn mark_ends(&self) {
        self.state().mark_ends();
    }

    /// Writes what did not fit into the launcher's pipe, while the launcher lives.
    pub(crate) async fn write_backlog(&self) {
        self.outbox.write_backlog().await;
    }

    async fn take_lines(&self, answers: &mut Answers, ended_children: &mut SignalStream) {
        let mut ended = pin!(launcher::reap(self.process, ended_children));
        loop {
            tokio::select! {
                biased;
                line = answers.next() => match line {
                    Some(line) => self.deliver(line),
                    None => {
                        launcher::kill(self.process);
                        ended.await;
                        return;
                    }
                },
                () = &mut ended => {
                    while let Some(line) = answers.next_now() {
                        self.deliver(line);
                    }
                    return;
                }
            }
            while let Some(line) = answers.buffered() {
                self.deliver(line);
            }
            self.mark_ends_after_answers().await;
        }
    }

    async fn initialise(&self, body: Bytes) -> Answer {
        let answer = self.try_initialise(body).await;
        if answer.status != 200 {
            self.state().end_mark.write(1);
        }
        answer
    }

    async fn try_initialise(&self, body: Bytes) -> Answer {
        let parsed = InitRequest::parse(&body);
        // Code may be large and the container small.
        drop(body);
        let mut request = match parsed {
            Ok(request) => request,
            Err(error) => return self.refuse_init(&error),
        };
        let directory = self.directory.join("action");
        if !matches!(request.code, Code::Source(_)) {
            let target = directory.clone();
            let unpacking = tokio::task::spawn_blocking(move || {
                archive::unpack(&request.code, &target).map(|()| request)
            });
            request = match unpacking.await {
                Ok(Ok(request)) => request,
                Ok(Err(error)) => return self.fail_init(&error.to_string()),
                Err(_) => return self.fail_init("There was an error uncompressing the action archive."),
            };
        }
        let line = request.line(&directory);
        let tag_word = request.tag_word.take();
        drop(request);
        let outcome = {
            let mut state = self.state();
            self.ask(&mut state, 0, RunRequest { line, activation: String::new() })
        };
        match outcome.await {
            Ok(Outcome::Answered { json, .. }) => self.finish_init(&json, tag_word),
            Ok(Outcome::Exited) | Err(_) => {
                streams::complain(EXITED_DURING_INIT);
                Answer::exited_during_init()
            }
        }
    }

    fn finish_init(&self, json: &[u8], tag_word: Option<String>) -> Answer {
        match serde_json::from_slice::<InitReply<'_>>(json) {
            Ok(reply) if reply.ok => {
                let mut state = self.state();
                state.life.init_succeeded(reply.concurrent);
                state.numbered = reply.concurrent;
                match (tag_word, reply.concurrent) {
                    (Some(_), false) => Answer::initialised_for_one_at_a_time(),
                    (Some(word), true) if reply.tags_logs => {
                        state.tag_word = Some(word);
                        Answer::initialised_to_tag()
                    }
                    _ => Answer::initialised(),
                }
            }
            Ok(InitReply { error: Some(error), .. }) => {
                self.state().life.init_failed();
                Answer { status: 502, body: Bytes::from(format!("{{\"error\":{}}}", error.get())) }
            }
            _ => self.fail_init("The launcher's answer is neither success nor error."),
        }
    }

    fn refuse_init(&self, error: &InitRequestError) -> Answer {
        match error {
            InitRequestError::UnsupportedBinary => self.fail_init(&error.to_string()),
            InitRequestError::MissingCode => {
                self.state().life.init_withdrawn();
                Answer::missing_code()
            }
            InitRequestError::Malformed(_) | InitRequestError::NotBase64 => {
                self.state().life.init_withdrawn();
                Answer::error(400, &error.to_string())
            }
        }
    }

    fn fail_init(&self, reason: &str) -> Answer {
        self.state().life.init_failed();
        streams::complain(&format!("Error during initialization: {reason}"));
        Answer::error(502, &format!("Initialization has failed due to: {reason}"))
    }

    fn begin_run(&self, body: &[u8]) -> Result<oneshot::Receiver<Outcome>, Answer> {
        let mut state = self.state();
        state.life.begin_run()?;
        let number = if state.numbered { state.last_number + 1 } else { 0 };
        match run_request::read(body, state.numbered.then_some(number)) {
            Ok(request) => {
                // The last activation's marks must not follow this one's output.
                state.mark_ends();
                state.last_number = number;
                Ok(self.ask(&mut state, number, request))
            }
            Err((status, message)) => {
                state.life.run_ended(false);
                Err(Answer::error(status, &message))
            }
        }
    }

    fn ask(&self, state: &mut State, number: u64, request: RunRequest) -> oneshot::Receiver<Outcome> {
        let (answer, receiver) = oneshot::channel();
        if state.life != Lifecycle::Dead {
            state.waiting.insert(number, Waiting { activation: request.activation, answer });
            self.outbox.send(request.line);
        }
        receiver
    }

    /// Hands a line to whoever waits for it. One that nobody waits for is the action's own scribbling.
    fn deliver(&self, line: Bytes) {
        let mut state = self.state();
        let Some((number, failed, json)) = split_line(line, state.numbered) else { return };
        let Some(waiting) = state.waiting.remove(&number) else { return };
        if state.life != Lifecycle::Initialising {
            state.life.run_ended(failed);
            if state.tag_word.is_none() {
                state.marks_due.push(waiting.activation);
            }
        }
        let _caller_left = waiting.answer.send(Outcome::Answered { failed, json });
    }

    fn launcher_ended(&self) {
        let mut state = self.state();
        let initialised = state.life != Lifecycle::Initialising;
        state.life = Lifecycle::Dead;
        for (_, waiting) in std::mem::take(&mut state.waiting) {
            if initialised {
                state.marks_due.push(waiting.activation);
            }
            let _caller_left = waiting.answer.send(Outcome::Exited);
        }
    }

    /// Lets the connections send what was just delivered, then writes the marks.
    async fn mark_ends_after_answers(&self) {
        tokio::task::yield_now().await;
        self.mark_ends();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn mark_ends(&mut self) {
        let due = std::mem::take(&mut self.marks_due);
        match &self.tag_word {
            _ if due.is_empty() => {}
            Some(word) => streams::mark_tagged_ends(word, &due),
            None => self.end_mark.write(due.len()),
        }
    }
}

/// Takes `[NUMBER SPACE]["!"]JSON` apart into number (0 where there is none), failure and JSON.
fn split_line(mut line: Bytes, numbered: bool) -> Option<(u64, bool, Bytes)> {
    let mut number = 0;
    if numbered {
        let space = memchr::memchr(b' ', &line)?;
        number = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
        line.advance(space + 1);
    }
    let failed = line.first() == Some(&b'!');
    if failed {
        line.advance(1);
    }
    Some((number, failed, line))
}

fn is_dictionary_or_array(json: &[u8]) -> bool {
    matches!(json.trim_ascii_start().first(), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart() {
        let split = |line: &'static str, numbered| {
            split_line(Bytes::from_static(line.as_bytes()), numbered)
                .map(|(number, failed, json)| (number, failed, String::from_utf8(json.to_vec()).unwrap()))
        };
        assert_eq!(split("{}", false), Some((0, false, "{}".into())));
        assert_eq!(split("!{}", false), Some((0, true, "{}".into())));
        assert_eq!(split("7 ![1]", true), Some((7, true, "[1]".into())));
        assert_eq!(split("{}", true), None);
    }
}

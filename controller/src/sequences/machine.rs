//! Decides, step by step, how an activation goes on that is made of others: sequences and compositions, in one
//! another to any depth. Pure: what was found and how steps ended comes in, what to do next goes out.
//!
//! The same answers lead to the same steps with the same ids, so that a new process that asks again for what was
//! done comes to where the old one stopped.

use std::sync::Arc;

use whirl_model::{ActionPath, ActivationId, ActivationRecord, ActivationResponse, Caller, Input, Timestamp};

use super::composition::Terms;
use super::frame::{Frame, Inherited, is_composite, is_conductor};
use super::moves::{Move, Refusal};
use super::whole::{Origin, Whole, internal_error};
use crate::resolve::Resolved;

/// How many times the square of [`Rules::limit`] a whole may run steps. Compositions in sequences in compositions
/// count anew at each level, so that without this bound a few actions that hold each other would run for ever.
const STEPS: usize = 4;

/// Under whose name, and within which bounds.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// On whose behalf all steps run.
    pub(crate) caller: Caller,
    /// Actions that a sequence, and components that a composition may have; how deep they may be nested.
    pub(crate) limit: usize,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Find the action at this path: [`Machine::found`].
    Find(ActionPath),
    /// Run this: [`Machine::ended`].
    Run(Box<Step>),
    /// All is done, and this is the record of the whole.
    Finished(Box<ActivationRecord>),
}

/// A step that is run by an invoker.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its id.
    pub(crate) id: ActivationId,
    /// What it is a step of.
    pub(crate) cause: ActivationId,
    /// What to run.
    pub(crate) action: Resolved,
    /// With what, over bound parameters.
    pub(crate) input: Input,
}

/// How a step ended.
#[derive(Debug)]
pub(crate) enum StepEnd {
    /// With this record.
    Recorded(Arc<ActivationRecord>),
    /// It was begun, and its result cannot be had.
    Unknown,
    /// The platform could not begin it, for this reason.
    NotBegun(String),
}

/// A whole on its way.
#[derive(Debug)]
pub(crate) struct Machine {
    rules: Rules,
    /// The outermost first; all but the last wait for the one after them.
    frames: Vec<Frame>,
    ended: Vec<ActivationRecord>,
    /// The component that is looked for.
    sought: Option<ActionPath>,
    /// The step that runs, and the memory that it may use.
    running: Option<(ActivationId, u32)>,
    /// Steps that may still be run.
    steps_left: usize,
}

impl Machine {
    /// Begins a sequence or composition.
    pub(crate) fn begin(
        rules: Rules,
        origin: Origin,
        action: Resolved,
        input: Input,
        now: Timestamp,
    ) -> (Self, Next) {
        let steps_left = rules.limit.saturating_mul(rules.limit).saturating_mul(STEPS);
        let mut machine =
            Self { rules, frames: Vec::new(), ended: Vec::new(), sought: None, running: None, steps_left };
        let first = machine.enter(Whole::new(origin, action, now), input, Inherited::default());
        let next = machine.follow(first, now);
        (machine, next)
    }

    /// Records of sequences and compositions in the whole that have ended since.
    pub(crate) fn take_ended(&mut self) -> Vec<ActivationRecord> {
        std::mem::take(&mut self.ended)
    }

    /// What the search for a component found. To be told once after each [`Next::Find`].
    pub(crate) fn found(&mut self, component: Result<Resolved, Refusal>, now: Timestamp) -> Next {
        let sought = self.sought.take().expect("a component was looked for");
        let (frame, terms) = innermost(&mut self.frames, &self.rules);
        let next = match component {
            Err(refusal) => frame.refused(&sought, &refusal, terms),
            Ok(action) => {
                let (input, inherited) = frame.give(is_conductor(action.action()));
                if !is_composite(action.action()) {
                    return match self.run(action, input) {
                        Ok(next) => next,
                        Err(end) => self.follow(end, now),
                    };
                }
                let (id, cause) = (frame.whole.next_id(), Some(frame.whole.id));
                self.enter(Whole::new(Origin { id, cause, arrived: now }, action, now), input, inherited)
            }
        };
        self.follow(next, now)
    }

    /// How a step ended. To be told once after each [`Next::Run`].
    pub(crate) fn ended(&mut self, end: StepEnd, now: Timestamp) -> Next {
        let (id, memory) = self.running.take().expect("a step was run");
        let (frame, terms) = innermost(&mut self.frames, &self.rules);
        let next = match end {
            StepEnd::Recorded(record) => {
                frame.whole.ended(&record, Some(memory));
                frame.step_ended(&record.response, terms)
            }
            StepEnd::Unknown => {
                frame.whole.lost(id);
                Move::End(internal_error(&format!("The result of the step '{id}' could not be had in time.")))
            }
            StepEnd::NotBegun(why) => Move::End(internal_error(&format!("A step could not be run: {why}"))),
        };
        self.follow(next, now)
    }

    /// Runs a step of the innermost, which ends if the whole has run too many.
    fn run(&mut self, action: Resolved, input: Input) -> Result<Next, Move> {
        let (frame, _) = innermost(&mut self.frames, &self.rules);
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| frame.too_long())?;
        let id = frame.whole.next_id();
        self.running = Some((id, action.action().limits.memory));
        Ok(Next::Run(Box::new(Step { id, cause: frame.whole.id, action, input })))
    }

    /// Makes `whole` the innermost; what it does first.
    fn enter(&mut self, whole: Whole, input: Input, inherited: Inherited) -> Move {
        let too_deep = self.frames.len() > self.rules.limit;
        self.frames.push(Frame::new(whole, input, inherited));
        let (frame, terms) = innermost(&mut self.frames, &self.rules);
        if too_deep { frame.too_long() } else { frame.advance(terms) }
    }

    /// Does what can be done without asking anyone.
    fn follow(&mut self, mut next: Move, now: Timestamp) -> Next {
        loop {
            match next {
                Move::Find(path) => {
                    self.sought = Some(path.clone());
                    return Next::Find(path);
                }
                Move::Conduct(input) => {
                    let (frame, _) = innermost(&mut self.frames, &self.rules);
                    let conductor = frame.whole.action.clone();
                    match self.run(conductor, Input::Object(input)) {
                        Ok(run) => return run,
                        Err(end) => next = end,
                    }
                }
                Move::End(response) => match self.leave(response, now) {
                    Ok(outer) => next = outer,
                    Err(whole) => return Next::Finished(whole),
                },
            }
        }
    }

    /// The innermost has ended: what the one around it does then; the record if there is none around it.
    fn leave(&mut self, response: ActivationResponse, now: Timestamp) -> Result<Move, Box<ActivationRecord>> {
        let Frame { whole, part } = self.frames.pop().expect("something is under way");
        let memory = whole.memory();
        let record = whole.record(&self.rules.caller, now, response);
        if self.frames.is_empty() {
            return Err(Box::new(record));
        }
        let (frame, terms) = innermost(&mut self.frames, &self.rules);
        frame.whole.ended(&record, memory);
        let next = frame.inner_ended(&part, &record.response, terms);
        self.ended.push(record);
        Ok(next)
    }
}

/// What is under way there, and the terms of it.
fn innermost<'m>(frames: &'m mut [Frame], rules: &'m Rules) -> (&'m mut Frame, Terms<'m>) {
    let frame = frames.last_mut().expect("something is under way");
    (frame, Terms { caller: &rules.caller.namespace, limit: rules.limit })
}

//! A sequence's decisions: its components one after the other, each with what the one before gave.

use whirl_model::{ActionPath, ActivationResponse, Input, Json, Outcome};

use super::moves::{Move, Refusal};
use super::whole::{application_error, internal_error};

pub(super) const TOO_LONG: &str = "Too many actions in the sequence.";

/// How far a sequence got.
#[derive(Debug)]
pub(super) struct Sequence {
    next: usize,
    input: Input,
    last: Option<ActivationResponse>,
    /// Actions that are no sequences, run so far, with those of the sequences around this one.
    atomic: usize,
}

impl Sequence {
    pub(super) fn new(input: Input, atomic: usize) -> Self {
        Self { next: 0, input, last: None, atomic }
    }

    /// What to do: find the next component, or end.
    pub(super) fn advance(&mut self, components: &[ActionPath], limit: usize) -> Move {
        match components.get(self.next) {
            None => {
                let nothing = ActivationResponse {
                    outcome: Outcome::Success,
                    result: Some(Json::empty_object()),
                    size: None,
                };
                Move::End(self.last.take().unwrap_or(nothing))
            }
            Some(_) if self.atomic >= limit => Move::End(application_error(TOO_LONG)),
            Some(component) => Move::Find(component.clone()),
        }
    }

    /// What the next component is run with.
    pub(super) fn take_input(&mut self) -> Input {
        std::mem::take(&mut self.input)
    }

    pub(super) fn atomic(&self) -> usize {
        self.atomic
    }

    /// A component ended; `atomic` is the count with it. `Some` if that ends the sequence.
    pub(super) fn component_ended(&mut self, response: &ActivationResponse, atomic: usize) -> Option<Move> {
        self.atomic = atomic;
        let failed = response.outcome != Outcome::Success
            || response.result.as_ref().is_some_and(|result| result.member("error").is_some());
        if failed {
            return Some(Move::End(response.clone()));
        }
        self.input = response.result.as_ref().map(Input::of).and_then(Result::ok).unwrap_or_default();
        self.last = Some(response.clone());
        self.next += 1;
        None
    }
}

/// What a sequence does whose component cannot be invoked.
pub(super) fn refused(component: &ActionPath, refusal: &Refusal) -> Move {
    Move::End(match refusal {
        Refusal::Missing => application_error(&format!("Sequence component does not exist: '{component}'.")),
        Refusal::Denied => application_error(&format!(
            "The supplied authentication is not authorized to access '{component}'."
        )),
        Refusal::NotRunnable(why) => application_error(why),
        Refusal::Platform => {
            internal_error(&format!("The sequence's component '{component}' could not be read."))
        }
    })
}

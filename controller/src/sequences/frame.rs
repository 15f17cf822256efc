//! One level of what is under way: a sequence or a composition, and what is counted of it. Here they are one to the
//! machine, which does not know them apart.

use whirl_model::{Action, ActionPath, ActivationResponse, Input, Json};

use super::composition::{self, Budget, Composition, Terms, boxed_input};
use super::moves::{Move, Refusal};
use super::sequence::{self, Sequence};
use super::whole::{Whole, application_error};

const CONDUCTOR: &str = "conductor";

/// Whether an action is made of others, by what it is or by what it does.
pub(crate) fn is_composite(action: &Action) -> bool {
    action.exec.components().is_some() || is_conductor(action)
}

/// Whether it is by what it does.
pub(super) fn is_conductor(action: &Action) -> bool {
    action.exec.components().is_none() && action.annotations.get(CONDUCTOR).is_some_and(Json::is_truthy)
}

/// How far it got.
#[derive(Debug)]
pub(super) enum Part {
    Sequence(Sequence),
    Composition(Composition),
}

/// A sequence or composition under way.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) whole: Whole,
    pub(super) part: Part,
}

/// What one that is made of others has of the one around it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inherited {
    /// Of a sequence in a sequence.
    atomic: usize,
    /// Of a composition in a composition.
    budget: Budget,
}

impl Frame {
    /// One that is about to begin.
    pub(super) fn new(whole: Whole, input: Input, inherited: Inherited) -> Self {
        let part = match whole.action.action().exec.components() {
            Some(_) => Part::Sequence(Sequence::new(input, inherited.atomic)),
            None => Part::Composition(Composition::new(boxed_input(input), inherited.budget)),
        };
        Self { whole, part }
    }

    /// What it does first, or after a component of a sequence.
    pub(super) fn advance(&mut self, terms: Terms<'_>) -> Move {
        match &mut self.part {
            Part::Sequence(sequence) => {
                let components = self.whole.action.action().exec.components().unwrap_or_default();
                sequence.advance(components, terms.limit)
            }
            Part::Composition(composition) => composition.begin(terms),
        }
    }

    /// It ends, as it has run too many steps or lies too deep.
    pub(super) fn too_long(&self) -> Move {
        Move::End(application_error(match self.part {
            Part::Sequence(_) => sequence::TOO_LONG,
            Part::Composition(_) => composition::TOO_LONG,
        }))
    }

    /// A component cannot be invoked.
    pub(super) fn refused(&mut self, component: &ActionPath, refusal: &Refusal, terms: Terms<'_>) -> Move {
        match &mut self.part {
            Part::Sequence(_) => sequence::refused(component, refusal),
            Part::Composition(composition) => composition.refused(component, refusal, terms),
        }
    }

    /// What the component that was found is run with.
    pub(super) fn give(&mut self, to_conductor: bool) -> (Input, Inherited) {
        match &mut self.part {
            Part::Sequence(sequence) => {
                (sequence.take_input(), Inherited { atomic: sequence.atomic(), ..Inherited::default() })
            }
            Part::Composition(composition) => {
                let params = composition.give(to_conductor);
                (params.into(), Inherited { budget: composition.budget(), ..Inherited::default() })
            }
        }
    }

    /// A step that an invoker ran ended.
    pub(super) fn step_ended(&mut self, response: &ActivationResponse, terms: Terms<'_>) -> Move {
        match &mut self.part {
            Part::Sequence(sequence) => {
                let atomic = sequence.atomic() + 1;
                let end = sequence.component_ended(response, atomic);
                end.unwrap_or_else(|| self.advance(terms))
            }
            Part::Composition(composition) => composition.step_ended(response, terms),
        }
    }

    /// A sequence or composition in it ended.
    pub(super) fn inner_ended(
        &mut self,
        inner: &Part,
        response: &ActivationResponse,
        terms: Terms<'_>,
    ) -> Move {
        match (&mut self.part, inner) {
            (Part::Sequence(sequence), Part::Sequence(inner)) => {
                let end = sequence.component_ended(response, inner.atomic());
                end.unwrap_or_else(|| self.advance(terms))
            }
            (Part::Composition(composition), Part::Composition(inner)) => {
                composition.inner_ended(response, inner.budget(), terms)
            }
            _ => self.step_ended(response, terms),
        }
    }
}

//! A composition's decisions: its conductor is run, names a component, gets that one's result, and so on until it
//! names none.

use whirl_model::{ActionPath, ActivationResponse, Arguments, Input, Json, Namespace, Outcome};

use super::component_name::component_path;
use super::moves::{Move, Refusal};
use super::whole::{application_error, internal_error};

pub(super) const TOO_LONG: &str = "Too many actions in the composition.";

const ACTION: &str = "action";
const PARAMS: &str = "params";
const STATE: &str = "state";
/// The member in which what is no object is boxed, where an object is needed.
const VALUE: &str = "value";

/// How far a composition got.
#[derive(Debug)]
pub(super) struct Composition {
    state: Option<Arguments>,
    /// What the conductor at first, then the component that is being looked for, is to be run with.
    params: Arguments,
    phase: Phase,
    budget: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The conductor runs.
    Conducting,
    /// A component is looked for or runs.
    Component,
}

/// What a composition, with those directly in it, has used up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    /// Components that were invoked.
    components: usize,
    /// Conductors that were.
    conductors: usize,
}

/// Who conducts, within which bounds.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The namespace in which names are resolved.
    pub(super) caller: &'a Namespace,
    /// Components at most; conductors twice that and one.
    pub(super) limit: usize,
}

impl Composition {
    pub(super) fn new(input: Arguments, budget: Budget) -> Self {
        Self { state: None, params: input, phase: Phase::Conducting, budget }
    }

    /// Runs the conductor for the first time.
    pub(super) fn begin(&mut self, terms: Terms<'_>) -> Move {
        let input = std::mem::take(&mut self.params);
        self.conduct(input, terms)
    }

    pub(super) fn budget(&self) -> Budget {
        self.budget
    }

    /// Runs the conductor, with the state over what it is given.
    fn conduct(&mut self, given: Arguments, terms: Terms<'_>) -> Move {
        if self.budget.conductors > 2 * terms.limit {
            return Move::End(application_error(TOO_LONG));
        }
        self.budget.conductors += 1;
        self.phase = Phase::Conducting;
        let input = match self.state.take() {
            Some(state) => given.overlaid_with(state),
            None => given,
        };
        Move::Conduct(input)
    }

    /// What the component that was found is run with. Conductors do not count as components.
    pub(super) fn give(&mut self, to_conductor: bool) -> Arguments {
        self.budget.components += usize::from(!to_conductor);
        std::mem::take(&mut self.params)
    }

    /// The conductor, or a component, ended.
    pub(super) fn step_ended(&mut self, response: &ActivationResponse, terms: Terms<'_>) -> Move {
        match self.phase {
            Phase::Conducting => self.conducted(response, terms),
            Phase::Component if response.outcome == Outcome::InternalError => Move::End(response.clone()),
            Phase::Component => self.conduct(boxed(response.result.as_ref(), VALUE), terms),
        }
    }

    /// A composition in this one ended, having used up so much.
    pub(super) fn inner_ended(
        &mut self,
        response: &ActivationResponse,
        budget: Budget,
        terms: Terms<'_>,
    ) -> Move {
        self.budget = budget;
        self.step_ended(response, terms)
    }

    fn conducted(&mut self, response: &ActivationResponse, terms: Terms<'_>) -> Move {
        let Some(Ok(Input::Object(said))) = response.result.as_ref().map(Input::of) else {
            return Move::End(response.clone());
        };
        self.state = said.get(STATE).map(|state| boxed(Some(state), STATE));
        let params = said.get(PARAMS).map(|params| boxed(Some(params), VALUE));
        let Some(name) = said.get(ACTION) else {
            let result = params.map_or(response.result.clone(), |params| Some(Json::of(&params)));
            return Move::End(ActivationResponse { result, ..response.clone() });
        };
        match component_path(name, terms.caller) {
            None => {
                let text = format!(
                    "Failed to parse action name from json value {} during composition.",
                    name.as_str()
                );
                self.tell(&text, terms)
            }
            Some(_) if self.budget.components >= terms.limit => self.tell(TOO_LONG, terms),
            Some(path) => {
                self.phase = Phase::Component;
                self.params = params.unwrap_or_default();
                Move::Find(path)
            }
        }
    }

    /// The component cannot be invoked: the conductor hears why.
    pub(super) fn refused(&mut self, component: &ActionPath, refusal: &Refusal, terms: Terms<'_>) -> Move {
        let text = match refusal {
            Refusal::Missing => {
                format!("Failed to resolve action with name '{component}' during composition.")
            }
            Refusal::Denied => {
                format!("Failed entitlement check for action with name '{component}' during composition.")
            }
            Refusal::NotRunnable(why) => why.clone(),
            Refusal::Platform => {
                let text = format!("The composition's component '{component}' could not be read.");
                return Move::End(internal_error(&text));
            }
        };
        self.tell(&text, terms)
    }

    fn tell(&mut self, error: &str, terms: Terms<'_>) -> Move {
        self.conduct(Arguments::from_iter([("error".to_owned(), Json::of(error))]), terms)
    }
}

/// The members of an object; anything else as the one member of this name; nothing of nothing.
pub(super) fn boxed(value: Option<&Json>, name: &str) -> Arguments {
    match value.map(|value| (value, Input::of(value))) {
        None => Arguments::default(),
        Some((_, Ok(Input::Object(members)))) => members,
        Some((value, _)) => Arguments::from_iter([(name.to_owned(), value.clone())]),
    }
}

/// What a conductor is run with that is given something else than an object.
pub(super) fn boxed_input(input: Input) -> Arguments {
    match input {
        Input::Object(members) => members,
        Input::Array(array) => boxed(Some(&array), VALUE),
    }
}

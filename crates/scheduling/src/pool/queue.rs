//! The requests that wait for a container, in order of arrival, and the indexes by which they are found. Who is
//! served when is decided in `placement`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use whirl_model::ActivationId;

use super::{Request, WarmKey};
use crate::Moment;

/// A place in the queue: the smaller, the earlier is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(i64);

impl Ticket {
    /// Behind all that there are.
    pub(super) const LAST: Self = Self(i64::MAX);
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Waiting {
    pub(super) request: Request,
    /// How many later requests got what this one could have used.
    pub(super) bypassed: u32,
    pub(super) image: Image,
}

/// How far what a request's container would be made of is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Image {
    /// It is to be asked for once a container has to be started.
    Unasked,
    /// It was asked for.
    Coming,
    /// A container can be started.
    There,
}

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Queue {
    waiting: BTreeMap<Ticket, Waiting>,
    by_key: HashMap<WarmKey, BTreeSet<Ticket>>,
    deadlines: BTreeSet<(Moment, Ticket)>,
    /// How many were put behind all others, and before all others, ever.
    behind: i64,
    before: i64,
}

impl Queue {
    pub(super) fn push_back(&mut self, request: Request) -> Ticket {
        self.behind += 1;
        self.insert(Ticket(self.behind), request)
    }

    pub(super) fn push_front(&mut self, request: Request) -> Ticket {
        self.before += 1;
        self.insert(Ticket(-self.before), request)
    }

    fn insert(&mut self, ticket: Ticket, request: Request) -> Ticket {
        self.by_key.entry(request.key.clone()).or_default().insert(ticket);
        self.deadlines.extend(request.deadline.map(|at| (at, ticket)));
        let image = if request.awaits_image { Image::Unasked } else { Image::There };
        self.waiting.insert(ticket, Waiting { request, bypassed: 0, image });
        ticket
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Request> {
        let Waiting { request, .. } = self.waiting.remove(&ticket)?;
        if let Some(tickets) = self.by_key.get_mut(&request.key) {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.by_key.remove(&request.key);
            }
        }
        if let Some(at) = request.deadline {
            self.deadlines.remove(&(at, ticket));
        }
        Some(request)
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.waiting.get(&ticket)
    }

    pub(super) fn set_image(&mut self, ticket: Ticket, image: Image) {
        if let Some(waiting) = self.waiting.get_mut(&ticket) {
            waiting.image = image;
        }
    }

    /// Where the activation waits, if its image was asked for.
    pub(super) fn whose_image_comes(&self, activation: ActivationId) -> Option<Ticket> {
        let is_it =
            |waiting: &Waiting| waiting.request.activation == activation && waiting.image == Image::Coming;
        self.waiting.iter().find(|(_, waiting)| is_it(waiting)).map(|(ticket, _)| *ticket)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All requests, the earliest first.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        self.waiting.values().map(|waiting| &waiting.request)
    }

    /// Whose turn is after this one's; the first, if none is given.
    pub(super) fn next(&self, after: Option<Ticket>) -> Option<Ticket> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.waiting.range((from, Bound::Unbounded)).next().map(|(ticket, _)| *ticket)
    }

    /// The first that wants a container of this key.
    pub(super) fn first_of(&self, key: &WarmKey) -> Option<Ticket> {
        self.by_key.get(key)?.first().copied()
    }

    /// Whether somebody behind this one wants a container of the key.
    pub(super) fn is_wanted_behind(&self, ticket: Ticket, key: &WarmKey) -> bool {
        self.by_key.get(key).and_then(BTreeSet::last).is_some_and(|last| *last > ticket)
    }

    /// Another was served past this one: how often that has happened now.
    pub(super) fn pass_by(&mut self, ticket: Ticket) -> u32 {
        let Some(waiting) = self.waiting.get_mut(&ticket) else { return 0 };
        waiting.bypassed = waiting.bypassed.saturating_add(1);
        waiting.bypassed
    }

    /// One for whom it is too late.
    pub(super) fn expired(&self, now: Moment) -> Option<Ticket> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, ticket)| *ticket)
    }

    /// When it is too late for the next one.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}

//! Which invoker gets an activation, out of what invokers report, what was placed and what has ended.
//!
//! [`Balancer::place`] decides and reserves; the caller publishes and says what became of it. The decision
//! itself is in `choose`, the order of an action's places in `places`, the arithmetic of memory, cores and GPUs in
//! `account`.
//! It publishes nothing, waits for nothing, and knows of time only what it is told.

mod account;
mod bitmap;
mod choose;
mod classes;
mod gpus;
mod invoker;
mod ledger;
mod places;
mod request;
#[cfg(test)]
mod tests;
mod view;
#[cfg(test)]
mod world;

use std::collections::BTreeSet;

use whirl_model::{ActivationId, Epoch, InvokerId, InvokerReport, Position};

use crate::Moment;
use crate::liveness::Outcome;
use account::Weight;
use invoker::Invoker;
use ledger::{Ledger, Reservation};
pub use request::{BalancerConfig, Choice, Ended, Health, InvokerState, Reason, Refusal, Request};
use view::{Equipment, View};

/// Invokers have numbers below this; greater ones are passed over.
pub const MOST_INVOKERS: u32 = 1 << places::MOST_LEVELS;

/// What is known of all invokers, and what was placed in them.
#[derive(Clone, Debug)]
pub struct Balancer {
    config: BalancerConfig,
    /// By number.
    invokers: Vec<Option<Box<Invoker>>>,
    ledger: Ledger,
    view: View,
    /// When whose rest is over, if it was not prolonged.
    rests: BTreeSet<(Moment, u32)>,
}

impl Balancer {
    /// A balancer that knows no invoker.
    #[must_use]
    pub fn new(config: BalancerConfig) -> Self {
        Self {
            config,
            invokers: Vec::new(),
            ledger: Ledger::default(),
            view: View::new(config.queue),
            rests: BTreeSet::new(),
        }
    }

    /// An invoker has joined or reported. What comes from an older life, or is older than what is known, changes
    /// nothing; a newer life ends the one before.
    pub fn invoker(&mut self, now: Moment, id: InvokerId, epoch: Epoch, report: &InvokerReport) {
        if id.0 >= MOST_INVOKERS {
            return;
        }
        self.advance(now);
        let index = id.0 as usize;
        if index >= self.invokers.len() {
            self.invokers.resize(index + 1, None);
        }
        if self.invokers[index].as_ref().is_none_or(|known| known.is_older_than(epoch)) {
            self.ledger.strike_all(id.0);
            self.invokers[index] = Some(Box::new(Invoker::new(epoch)));
        }
        let Some(invoker) = self.invokers[index].as_mut().filter(|known| known.lives(epoch)) else { return };
        if invoker.report(report) {
            self.view.offer(id.0, &report.tags, &report.warm);
            self.view.equip(id.0, invoker.equipment());
        }
        self.show(id.0);
    }

    /// A life of an invoker has ended, and with it everything that was placed there.
    pub fn gone(&mut self, id: InvokerId, epoch: Epoch) {
        let Some(invoker) = self.get(id.0).filter(|known| known.lives(epoch)) else { return };
        invoker.gone();
        self.ledger.strike_all(id.0);
        self.view.offer(id.0, &[], &[]);
        self.view.equip(id.0, Equipment::default());
        self.show(id.0);
    }

    /// Chooses an invoker and reserves there what the activation needs. `roll` is random: it spreads what is equal otherwise.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no place; nothing is reserved then.
    pub fn place(&mut self, now: Moment, request: &Request, roll: u64) -> Result<Choice, Refusal> {
        self.advance(now);
        let (number, reason) = choose::choose(&self.view, request, roll)?;
        let invoker = self.get(number).ok_or(Refusal::NoInvoker)?;
        let weight = Weight::of(request, reason == Reason::Queued);
        invoker.account.reserve(&weight);
        let choice = Choice { invoker: InvokerId(number), epoch: invoker.epoch, reason };
        self.show_all(number, weight.is_plain());
        let entry = Reservation { invoker: number, weight, deadline: request.deadline, position: None };
        if let Some(replaced) = self.ledger.enter(request.activation, entry) {
            self.release(&replaced);
        }
        Ok(choice)
    }

    /// What [`Self::place`] would answer now. Reserves nothing.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn choose(&self, request: &Request, roll: u64) -> Result<(InvokerId, Reason), Refusal> {
        choose::choose(&self.view, request, roll).map(|(number, reason)| (InvokerId(number), reason))
    }

    /// A placed activation is in its invoker's topic. One of which this is never said stays reserved until it
    /// ends or its deadline has passed.
    pub fn published(&mut self, activation: ActivationId, position: Position) {
        let Some(entry) = self.ledger.get_mut(activation).filter(|entry| entry.position.is_none()) else {
            return;
        };
        entry.position = Some(position);
        let (number, weight, plain) = (entry.invoker, entry.weight.clone(), entry.weight.is_plain());
        if let Some(invoker) = self.get(number) {
            invoker.account.published(weight, position);
            self.show_all(number, plain);
        }
    }

    /// A placed activation was certainly not published.
    pub fn withdraw(&mut self, activation: ActivationId) {
        if let Some(entry) = self.ledger.strike(activation) {
            self.release(&entry);
        }
    }

    /// An activation has left its invoker. What is not of a life that lasts, or was given up, changes nothing.
    pub fn ended(&mut self, now: Moment, ended: &Ended) {
        self.advance(now);
        let number = ended.invoker.0;
        if self.get(number).is_none_or(|known| !known.lives(ended.epoch)) {
            return;
        }
        let placed = self.ledger.get_mut(ended.activation).is_some_and(|entry| entry.invoker == number);
        let Some(entry) = placed.then(|| self.ledger.strike(ended.activation)).flatten() else { return };
        let plain = entry.weight.is_plain();
        if let Some(invoker) = self.get(number) {
            invoker.account.ended(entry.weight, entry.position, ended.report);
        }
        if !plain {
            self.equip(number);
        }
        let outcome = if ended.internal_error { Outcome::InternalError } else { Outcome::Good };
        self.note(now, number, outcome);
    }

    /// All invokers that ever were, in order of their numbers.
    #[must_use]
    pub fn states(&self, now: Moment) -> Vec<InvokerState> {
        let known = (0..).map(InvokerId).zip(&self.invokers);
        known.filter_map(|(id, invoker)| Some(invoker.as_ref()?.state(id, now))).collect()
    }

    /// Whether nothing is counted that was placed here: all has ended, or is an invoker's report to count.
    pub(crate) fn is_settled(&self) -> bool {
        self.ledger.is_empty() && self.invokers.iter().flatten().all(|invoker| invoker.account.is_clear())
    }

    fn get(&mut self, number: u32) -> Option<&mut Invoker> {
        self.invokers.get_mut(number as usize)?.as_deref_mut()
    }

    /// Does what time asks for: gives up what is past its deadline, and tries those that have rested.
    fn advance(&mut self, now: Moment) {
        for entry in self.ledger.strike_expired(now) {
            self.release(&entry);
            self.note(now, entry.invoker, Outcome::Timeout);
        }
        while let Some((until, number)) = self.rests.first().copied().filter(|(until, _)| *until <= now) {
            self.rests.pop_first();
            if let Some(invoker) = self.get(number).filter(|known| known.rest == Some(until)) {
                invoker.rest = None;
                self.show(number);
            }
        }
    }

    fn release(&mut self, entry: &Reservation) {
        if let Some(invoker) = self.get(entry.invoker) {
            invoker.account.release(&entry.weight, entry.position);
            self.show_all(entry.invoker, entry.weight.is_plain());
        }
    }

    fn note(&mut self, now: Moment, number: u32, outcome: Outcome) {
        let rest = self.config.rest;
        let Some(invoker) = self.get(number) else { return };
        if let Some(until) = invoker.liveness.note(now, outcome, rest) {
            let before = invoker.rest.replace(until);
            before.map(|before| self.rests.remove(&(before, number)));
            self.rests.insert((until, number));
        }
        self.show(number);
    }

    /// Brings the view up to date with an invoker whose account has changed, by memory alone if that is `plain`.
    fn show_all(&mut self, number: u32, plain: bool) {
        self.show(number);
        if !plain {
            self.equip(number);
        }
    }

    /// What an invoker has beside memory.
    fn equip(&mut self, number: u32) {
        if let Some(invoker) = self.invokers.get(number as usize).and_then(Option::as_ref) {
            self.view.equip(number, invoker.equipment());
        }
    }

    /// What always counts: health, memory, queue.
    fn show(&mut self, number: u32) {
        if let Some(invoker) = self.invokers.get(number as usize).and_then(Option::as_ref) {
            self.view.show(number, invoker.standing());
        }
    }
}

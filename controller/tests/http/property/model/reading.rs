//! What a caller finds at a place: through packages that are shared and bindings that lead on, as long as there is
//! a right to each.

use std::collections::BTreeMap;

use super::{Entity, Model, Refusal, Sort, merged, owns};
use crate::property::operation::{Exec, Place};

/// Bindings that are followed one after the other.
const BINDINGS: usize = 4;
/// Sequences in sequences that are looked into; more are too long for a sequence anyway.
const DEPTH: usize = 60;

/// A package as a caller found it.
pub(super) struct Found<'m> {
    /// The package or binding that was asked for.
    pub(super) named: &'m Entity,
    /// Where the package lies that holds the actions.
    pub(super) provider: &'m Place,
    /// Those of all on the way, the nearest to the caller last.
    pub(super) parameters: BTreeMap<&'static str, i64>,
}

/// An action as a caller reached it, with what it inherits.
pub(super) struct Reached<'m> {
    pub(super) action: &'m Entity,
    pub(super) inherited: BTreeMap<&'static str, i64>,
    place: Place,
}

impl Model {
    /// The package that `who` may read at a place, and what lies behind it if it is a binding.
    pub(super) fn behind(&self, who: &str, place: &Place) -> Result<Found<'_>, Refusal> {
        let mut way: Vec<&Entity> = Vec::new();
        let mut next = place;
        loop {
            let own = who == next.namespace;
            // Others are not told what is not there, but a binding's owner knows what it names.
            let refused = |status| match (own, way.is_empty()) {
                (true, _) => vec![status],
                (false, true) => vec![403],
                (false, false) => vec![403, 404],
            };
            let (provider, entity) = self.entities.get_key_value(next).ok_or_else(|| refused(404))?;
            let Sort::Package { publish, binding } = &entity.sort else { return Err(refused(409)) };
            if !own && !publish {
                return Err(vec![403]);
            }
            way.push(entity);
            match binding {
                None => {
                    let lists: Vec<&[_]> = way.iter().rev().map(|entity| &entity.parameters[..]).collect();
                    return Ok(Found { named: way[0], provider, parameters: merged(&lists) });
                }
                Some(_) if way.len() > BINDINGS => return Err(vec![422]),
                Some(target) => next = target,
            }
        }
    }

    /// The action that `who` may read and invoke at a place.
    pub(super) fn reach(&self, who: &str, at: &Place) -> Result<Reached<'_>, Refusal> {
        let Some(package) = at.package else {
            owns(who, at)?;
            let action = self.expect_action(at)?;
            return Ok(Reached { action, inherited: BTreeMap::new(), place: at.clone() });
        };
        let Found { provider, parameters, .. } = self.behind(who, &Place::top(at.namespace, package))?;
        let place = Place { namespace: provider.namespace, package: Some(provider.name), name: at.name };
        Ok(Reached { action: self.expect_action(&place)?, inherited: parameters, place })
    }

    /// Whether a component of `who`'s is a sequence of which something, however deep, cannot be reached any more by
    /// the owner of the sequence that it is in.
    pub(super) fn is_broken(&self, who: &str, component: &Place, depth: usize) -> bool {
        let Ok(Reached { action, place, .. }) = self.reach(who, component) else { return true };
        match &action.sort {
            Sort::Action(Exec::Sequence(inner)) if depth < DEPTH => {
                inner.iter().any(|component| self.is_broken(place.namespace, component, depth + 1))
            }
            _ => false,
        }
    }

    /// Whether a component of `who`'s is what lies at `to`, or a sequence that has it somewhere.
    pub(super) fn leads_to(&self, who: &str, component: &Place, to: &Place, depth: usize) -> bool {
        let Ok(Reached { action, place, .. }) = self.reach(who, component) else { return false };
        match &action.sort {
            _ if place == *to => true,
            Sort::Action(Exec::Sequence(inner)) if depth < DEPTH => {
                inner.iter().any(|component| self.leads_to(place.namespace, component, to, depth + 1))
            }
            _ => false,
        }
    }
}

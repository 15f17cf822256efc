//! What is remembered of containers that went: enough to tell why an activation is not warm. Bounded; nothing
//! is decided by it.

use std::collections::{BTreeMap, HashMap};

use super::{ActionKey, ColdReason, WarmKey};

/// So many actions are remembered; the one whose last container went first is forgotten first.
const REMEMBERED: usize = 1024;

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Departures {
    last: HashMap<ActionKey, Departure>,
    order: BTreeMap<u64, ActionKey>,
    noted: u64,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Departure {
    number: u64,
    key: WarmKey,
    reason: ColdReason,
}

impl Departures {
    /// A container that held the action's code goes.
    pub(super) fn note(&mut self, key: &WarmKey, reason: ColdReason) {
        let (action, number) = (key.action_key(), self.noted);
        self.noted += 1;
        self.order.insert(number, action.clone());
        let departure = Departure { number, key: key.clone(), reason };
        if let Some(earlier) = self.last.insert(action, departure) {
            self.order.remove(&earlier.number);
        }
        if self.last.len() > REMEMBERED
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.last.remove(&oldest);
        }
    }

    /// Why there is no container of this key any more.
    pub(super) fn reason(&self, key: &WarmKey) -> ColdReason {
        match self.last.get(&key.action_key()) {
            Some(departure) if departure.key == *key => departure.reason,
            Some(_) => ColdReason::Updated,
            None => ColdReason::First,
        }
    }
}

#[cfg(test)]
mod tests {
    use whirl_model::{DocId, Revision};

    use super::*;

    fn key(action: usize, revision: &str) -> WarmKey {
        WarmKey {
            namespace: "guest".parse().unwrap(),
            action: DocId::from(format!("guest/{action}").as_str()),
            revision: Revision::from(revision.to_owned()),
            binding: None,
            environment: None,
        }
    }

    #[test]
    fn the_last_departure_of_an_action_is_remembered() {
        let mut departures = Departures::default();
        assert_eq!(departures.reason(&key(1, "1-a")), ColdReason::First);
        departures.note(&key(1, "1-a"), ColdReason::Broken);
        departures.note(&key(1, "1-a"), ColdReason::Expired);
        assert_eq!(departures.reason(&key(1, "1-a")), ColdReason::Expired);
        assert_eq!(departures.reason(&key(1, "2-b")), ColdReason::Updated);
        assert_eq!(departures.reason(&key(2, "1-a")), ColdReason::First);
    }

    #[test]
    fn the_oldest_departures_are_forgotten() {
        let mut departures = Departures::default();
        (0..REMEMBERED).for_each(|n| departures.note(&key(n, "1-a"), ColdReason::Evicted));
        departures.note(&key(0, "1-a"), ColdReason::Evicted);
        departures.note(&key(REMEMBERED, "1-a"), ColdReason::Evicted);
        assert_eq!(departures.reason(&key(0, "1-a")), ColdReason::Evicted, "it went again lately");
        assert_eq!(departures.reason(&key(1, "1-a")), ColdReason::First);
        assert_eq!((departures.last.len(), departures.order.len()), (REMEMBERED, REMEMBERED));
    }
}

//! The links to rules in a trigger: pure.

use whirl_model::{EntityPath, Rule, RuleLink, RuleStatus, Trigger};

/// The status of the rule's link; `None` if it has none.
pub(crate) fn status(trigger: &Trigger, rule: &EntityPath) -> Option<RuleStatus> {
    Some(trigger.rules.as_ref()?.get(rule)?.status)
}

/// Rules that one trigger may have: a fire starts them all, and the trigger's document holds them all.
pub(super) const MOST_RULES: usize = 1_000;

/// Whether the trigger can have the rule: it has it, or not too many others.
pub(super) fn has_room(trigger: &Trigger, rule: &EntityPath) -> bool {
    trigger.rules.as_ref().is_none_or(|rules| rules.contains_key(rule) || rules.len() < MOST_RULES)
}

/// The trigger with a link as the rule says; one that is there keeps its place.
pub(super) fn with(trigger: &Trigger, rule: &Rule, status: RuleStatus) -> Trigger {
    let mut changed = trigger.clone();
    let link = RuleLink { action: rule.action.clone(), status };
    changed.rules.get_or_insert_default().insert(rule.path.clone(), link);
    changed
}

/// The trigger without the rule's link.
pub(super) fn without(trigger: &Trigger, rule: &EntityPath) -> Trigger {
    let mut changed = trigger.clone();
    if let Some(rules) = &mut changed.rules {
        rules.shift_remove(rule);
    }
    changed
}

/// The trigger with the rule's link switched on or off; a rule without one gets it when it is switched on.
pub(super) fn switched(trigger: &Trigger, rule: &Rule, wanted: RuleStatus) -> Trigger {
    match (status(trigger, &rule.path), wanted) {
        (None, RuleStatus::Inactive) => trigger.clone(),
        (None, RuleStatus::Active) => with(trigger, rule, wanted),
        (Some(_), _) => {
            let mut changed = trigger.clone();
            changed.rules.iter_mut().flatten().filter(|(path, _)| **path == rule.path).for_each(
                |(_, link)| {
                    link.status = wanted;
                },
            );
            changed
        }
    }
}

/// Where a rule hangs when it is put.
pub(super) struct Hanging<'a> {
    /// The rule.
    pub(super) rule: &'a EntityPath,
    /// The trigger that it is to hang on.
    pub(super) new: &'a Trigger,
    /// What it hangs on now.
    pub(super) old: Old<'a>,
}

/// What a rule hangs on before it is put.
pub(super) enum Old<'a> {
    /// There is no such rule yet.
    NoRule,
    /// The trigger that it goes on hanging on.
    Same,
    /// Another trigger.
    Other(&'a Trigger),
    /// Another trigger, which is gone.
    Gone,
}

impl Hanging<'_> {
    /// The status that the rule has after it is put: the one it has, or active if it is new. A rule without a
    /// link becomes active if its trigger is there (made again, or the link was lost), not if that is gone.
    pub(super) fn status(&self) -> RuleStatus {
        let here = || status(self.new, self.rule);
        match self.old {
            Old::NoRule => RuleStatus::Active,
            Old::Same => here().unwrap_or(RuleStatus::Active),
            Old::Other(old) => status(old, self.rule).or_else(here).unwrap_or(RuleStatus::Active),
            Old::Gone => here().unwrap_or(RuleStatus::Inactive),
        }
    }
}

#[cfg(test)]
mod tests {
    use whirl_model::RuleStatus::{Active, Inactive};
    use whirl_model::{Parameters, Timestamp, Version};

    use super::*;

    fn tick() -> Trigger {
        Trigger {
            path: "alice/tick".parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            parameters: Parameters::default(),
            annotations: Parameters::default(),
            rules: None,
            updated: Timestamp(1),
        }
    }

    fn rule(name: &str, action: &str) -> Rule {
        Rule {
            path: name.parse().unwrap(),
            version: Version::FIRST,
            publish: false,
            trigger: "alice/tick".parse().unwrap(),
            action: action.parse().unwrap(),
            annotations: Parameters::default(),
            updated: Timestamp(1),
        }
    }

    fn links(trigger: &Trigger) -> Vec<(String, String, RuleStatus)> {
        let links = trigger.rules.iter().flatten();
        links.map(|(rule, link)| (rule.to_string(), link.action.to_string(), link.status)).collect()
    }

    #[test]
    fn links_keep_the_order_in_which_they_were_made() {
        let [a, b] = [rule("alice/a", "alice/x"), rule("alice/b", "alice/x")];
        let both = with(&with(&tick(), &a, Active), &b, Active);
        let again = with(&both, &rule("alice/a", "alice/y"), Inactive);
        let link = |rule: &str, action: &str, status| (rule.to_owned(), action.to_owned(), status);
        let expected = [link("alice/a", "alice/y", Inactive), link("alice/b", "alice/x", Active)];
        assert_eq!(links(&again), expected);
        let none = without(&without(&again, &a.path), &b.path);
        assert_eq!(none.rules.as_ref().map(|rules| rules.len()), Some(0), "it had rules once");
        assert_eq!(without(&tick(), &a.path), tick());
    }

    #[test]
    fn switching_keeps_the_linked_action_and_links_what_was_not() {
        let a = rule("alice/a", "alice/x");
        let on = with(&tick(), &a, Active);
        let off = switched(&on, &rule("alice/a", "alice/stale"), Inactive);
        assert_eq!(links(&off), [("alice/a".into(), "alice/x".into(), Inactive)]);
        assert_eq!((switched(&off, &a, Active), switched(&on, &a, Active)), (on.clone(), on.clone()));
        assert_eq!(switched(&tick(), &a, Inactive), tick());
        assert_eq!(switched(&tick(), &a, Active), on);
    }

    #[test]
    fn the_status_is_kept_where_there_is_one() {
        let a = rule("alice/a", "alice/x");
        let [none, on, off] = [tick(), with(&tick(), &a, Active), with(&tick(), &a, Inactive)];
        let after = |new: &Trigger, old: Old<'_>| Hanging { rule: &a.path, new, old }.status();
        assert_eq!(after(&none, Old::NoRule), Active);
        assert_eq!(after(&off, Old::NoRule), Active, "a link that was left without its rule says nothing");
        assert_eq!(
            (after(&on, Old::Same), after(&off, Old::Same), after(&none, Old::Same)),
            (Active, Inactive, Active)
        );
        assert_eq!((after(&none, Old::Other(&on)), after(&none, Old::Other(&off))), (Active, Inactive));
        assert_eq!(
            after(&off, Old::Other(&none)),
            Inactive,
            "the old link was removed, then the controller died"
        );
        assert_eq!((after(&none, Old::Gone), after(&on, Old::Gone)), (Inactive, Active));
    }

    #[test]
    fn a_full_trigger_takes_no_rule_but_those_it_has() {
        let name = |number: usize| format!("alice/r{number}");
        let full = (0..MOST_RULES)
            .fold(tick(), |trigger, number| with(&trigger, &rule(&name(number), "alice/a"), Active));
        assert!(has_room(&tick(), &rule("alice/r0", "alice/a").path));
        assert!(has_room(&full, &rule(&name(MOST_RULES - 1), "alice/a").path));
        assert!(!has_room(&full, &rule(&name(MOST_RULES), "alice/a").path));
    }
}

//! The semantics of entities in a few maps: what each step must answer, and what it changes. It knows nothing of
//! HTTP, stores or caches.

mod reading;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::operation::{Exec, Given, Known, PackagePut, Place, Step};

/// Everything there is, by place: all sorts share one space of ids.
#[derive(Default)]
pub(super) struct Model {
    entities: BTreeMap<Place, Entity>,
}

#[derive(Clone, Debug)]
struct Entity {
    version: u32,
    parameters: Vec<(&'static str, i64)>,
    sort: Sort,
}

#[derive(Clone, Debug)]
enum Sort {
    Action(Exec),
    Package { publish: bool, binding: Option<Place> },
    Trigger { rules: Option<BTreeMap<Place, (Place, bool)>> },
    Rule { trigger: Place, action: Place },
}

/// What a step must answer.
#[derive(Debug)]
pub(super) struct Expected {
    /// One of these. More than one where a request is wrong in more than one way.
    pub(super) statuses: Vec<u16>,
    /// These members of the body, as far as they go.
    pub(super) members: Value,
    /// What the invoker gets, if it gets anything.
    pub(super) arguments: Option<BTreeMap<&'static str, i64>>,
}

type Refusal = Vec<u16>;

fn ok(members: Value) -> Expected {
    Expected { statuses: vec![200], members, arguments: None }
}

fn merged(lists: &[&[(&'static str, i64)]]) -> BTreeMap<&'static str, i64> {
    lists.iter().flat_map(|list| list.iter().copied()).collect()
}

impl Model {
    /// What `who` must be answered, and what comes of it.
    pub(super) fn take(&mut self, who: &'static str, step: &Step) -> Expected {
        self.try_take(who, step).unwrap_or_else(|statuses| Expected {
            statuses,
            members: json!({}),
            arguments: None,
        })
    }

    /// The places of everything, by sort.
    pub(super) fn known(&self) -> Known {
        let mut known = Known::default();
        for (place, entity) in &self.entities {
            let list = match entity.sort {
                Sort::Action(_) => &mut known.actions,
                Sort::Package { .. } => &mut known.packages,
                Sort::Trigger { .. } => &mut known.triggers,
                Sort::Rule { .. } => &mut known.rules,
            };
            list.push(place.clone());
        }
        known
    }

    fn try_take(&mut self, who: &'static str, step: &Step) -> Result<Expected, Refusal> {
        match step {
            Step::PutAction { at, overwrite, exec, parameters } => {
                self.put_action(who, at, *overwrite, exec.as_ref(), parameters)
            }
            Step::GetAction(at) => {
                let reached = self.reach(who, at)?;
                let parameters = merged(&[&pairs(&reached.inherited), &reached.action.parameters]);
                let sequence = matches!(reached.action.sort, Sort::Action(Exec::Sequence(_)));
                let parameters = if sequence { json!({}) } else { json!({ "parameters": parameters }) };
                let mut members = json!({"version": version(reached.action.version)});
                members.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
                Ok(ok(members))
            }
            Step::DeleteAction(at) => {
                owns(who, at)?;
                self.own_package_of(at)?;
                self.expect_action(at)?;
                self.entities.remove(at);
                Ok(ok(json!({"name": at.name})))
            }
            Step::Invoke(at, payload) => self.invoke(who, at, payload),
            Step::PutPackage { at, overwrite, put } => self.put_package(who, at, *overwrite, put),
            Step::GetPackage(at) => self.get_package(who, at),
            Step::DeletePackage { at, force } => {
                owns(who, at)?;
                self.package(at)?;
                let contents = self.contents(at);
                if !contents.is_empty() && !force {
                    return Err(vec![409]);
                }
                contents.iter().for_each(|place| drop(self.entities.remove(place)));
                self.entities.remove(at);
                Ok(ok(json!({"name": at.name})))
            }
            Step::PutTrigger { at, overwrite, parameters } => {
                self.put_trigger(who, at, *overwrite, parameters)
            }
            Step::GetTrigger(at) => {
                owns(who, at)?;
                let (trigger, rules) = self.trigger(at)?;
                let mut members = json!({"version": version(trigger.version), "limits": {},
                    "parameters": merged(&[&trigger.parameters])});
                if let Some(rules) = rules {
                    let links = rules.iter().map(|(rule, (action, active))| {
                        let path = action.package.map_or_else(
                            || action.namespace.to_owned(),
                            |package| format!("{}/{package}", action.namespace),
                        );
                        let link =
                            json!({"action": {"path": path, "name": action.name}, "status": status(*active)});
                        (format!("{}/{}", rule.namespace, rule.name), link)
                    });
                    members["rules"] = links.collect::<serde_json::Map<_, _>>().into();
                }
                Ok(ok(members))
            }
            Step::DeleteTrigger(at) => {
                owns(who, at)?;
                self.trigger(at)?;
                self.entities.remove(at);
                Ok(ok(json!({"name": at.name})))
            }
            Step::Fire(at) => {
                owns(who, at)?;
                let (_, rules) = self.trigger(at)?;
                let active =
                    rules.iter().flat_map(|rules| rules.values()).filter(|(_, active)| *active).count();
                let status = if active > 0 { 202 } else { 204 };
                Ok(Expected { statuses: vec![status], members: json!({}), arguments: None })
            }
            Step::PutRule { at, overwrite, trigger, action } => {
                self.put_rule(who, at, *overwrite, trigger, action)
            }
            Step::GetRule(at) => {
                owns(who, at)?;
                let (rule, trigger, action) = self.rule(at)?;
                let members = json!({"version": version(rule.version), "status": status(self.is_active(at, trigger)),
                    "trigger": {"path": trigger.namespace, "name": trigger.name}, "action": {"name": action.name}});
                Ok(ok(members))
            }
            Step::DeleteRule(at) => {
                owns(who, at)?;
                let (_, trigger, _) = self.rule(at)?;
                let trigger = trigger.clone();
                self.unlink(at, &trigger);
                self.entities.remove(at);
                Ok(ok(json!({"name": at.name, "status": "inactive"})))
            }
            Step::SetRule { at, active } => {
                owns(who, at)?;
                let (_, trigger, action) = self.rule(at)?;
                let (trigger, action) = (trigger.clone(), action.clone());
                if self.trigger(&trigger).is_err() {
                    return if *active { Err(vec![404]) } else { Ok(ok(json!(null))) };
                }
                if *active != self.is_active(at, &trigger) {
                    self.link(at, &trigger, &action, *active);
                }
                Ok(ok(json!(null)))
            }
            Step::List { collection, namespace } => self.list(who, collection, namespace),
        }
    }

    /// The entity at a place that its owner asks for.
    fn at(&self, place: &Place) -> Result<&Entity, Refusal> {
        self.entities.get(place).ok_or_else(|| vec![404])
    }

    fn expect_action(&self, place: &Place) -> Result<&Entity, Refusal> {
        let entity = self.at(place)?;
        if matches!(entity.sort, Sort::Action(_)) { Ok(entity) } else { Err(vec![409]) }
    }

    fn package(&self, place: &Place) -> Result<(&Entity, bool, Option<&Place>), Refusal> {
        let entity = self.at(place)?;
        match &entity.sort {
            Sort::Package { publish, binding } => Ok((entity, *publish, binding.as_ref())),
            _ => Err(vec![409]),
        }
    }

    #[allow(clippy::type_complexity, reason = "a trigger's links are what they are")]
    fn trigger(&self, place: &Place) -> Result<(&Entity, Option<&BTreeMap<Place, (Place, bool)>>), Refusal> {
        let entity = self.at(place)?;
        match &entity.sort {
            Sort::Trigger { rules } => Ok((entity, rules.as_ref())),
            _ => Err(vec![409]),
        }
    }

    fn rule(&self, place: &Place) -> Result<(&Entity, &Place, &Place), Refusal> {
        let entity = self.at(place)?;
        match &entity.sort {
            Sort::Rule { trigger, action } => Ok((entity, trigger, action)),
            _ => Err(vec![409]),
        }
    }

    fn contents(&self, package: &Place) -> BTreeSet<Place> {
        let inside =
            |place: &&Place| place.namespace == package.namespace && place.package == Some(package.name);
        self.entities.keys().filter(inside).cloned().collect()
    }

    /// Writing needs a package of one's own that is no binding.
    fn own_package_of(&self, at: &Place) -> Result<(), Refusal> {
        let Some(package) = at.package else { return Ok(()) };
        let (_, _, binding) = self.package(&Place::top(at.namespace, package))?;
        if binding.is_some() { Err(vec![400]) } else { Ok(()) }
    }

    fn put_action(
        &mut self,
        who: &str,
        at: &Place,
        overwrite: bool,
        exec: Option<&Exec>,
        parameters: &Given,
    ) -> Result<Expected, Refusal> {
        owns(who, at)?;
        let wrong = exec.map_or(Ok(()), |exec| self.check_exec(who, at, exec)).err().unwrap_or_default();
        self.own_package_of(at).map_err(|refusal| [refusal, wrong.clone()].concat())?;
        let old = match self.expect_action(at) {
            Ok(_) if !overwrite => return Err([vec![409], wrong].concat()),
            Ok(old) => Some(old.clone()),
            Err(refusal) if refusal == [409] => return Err([vec![409], wrong].concat()),
            Err(_) => None,
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let written = match (old, exec) {
            (None, None) => return Err(vec![400]),
            (None, Some(exec)) => Entity {
                version: 1,
                parameters: parameters.clone().unwrap_or_default(),
                sort: Sort::Action(exec.clone()),
            },
            (Some(old), exec) => {
                let Sort::Action(before) = old.sort else { return Err(vec![409]) };
                let was_sequence = matches!(before, Exec::Sequence(_));
                let after = exec.cloned().unwrap_or(before);
                let kept = if was_sequence { Vec::new() } else { old.parameters };
                Entity {
                    version: old.version + 1,
                    parameters: parameters.clone().unwrap_or(kept),
                    sort: Sort::Action(after),
                }
            }
        };
        let members = json!({"version": version(written.version), "name": at.name});
        self.entities.insert(at.clone(), written);
        Ok(ok(members))
    }

    /// Components have to be there, readable, and must not lead back.
    fn check_exec(&self, who: &str, at: &Place, exec: &Exec) -> Result<(), Refusal> {
        let Exec::Sequence(components) = exec else { return Ok(()) };
        let mut wrong = Vec::new();
        for component in components {
            match self.reach(who, component) {
                // Missing is malformed, not readable is forbidden; of the wrong sort is either.
                Err(refusal) if refusal.contains(&403) => wrong.extend([403, 400]),
                Err(_) => wrong.extend([400, 409, 422]),
                Ok(_) if self.leads_to(who, component, at, 0) => wrong.push(400),
                Ok(_) if self.is_broken(who, component, 0) => wrong.extend([400, 403, 409, 422]),
                Ok(_) => {}
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn invoke(
        &self,
        who: &'static str,
        at: &Place,
        payload: &[(&'static str, i64)],
    ) -> Result<Expected, Refusal> {
        let reached = self.reach(who, at)?;
        match &reached.action.sort {
            Sort::Action(Exec::Code) => {
                let bound = pairs(&reached.inherited);
                let arguments = merged(&[&bound, &reached.action.parameters, payload]);
                Ok(Expected { statuses: vec![200], members: json!({}), arguments: Some(arguments) })
            }
            // Whether a sequence gets to its end depends on components that may be gone, or be too many.
            _ => Ok(Expected { statuses: vec![200, 403, 502], members: json!({}), arguments: None }),
        }
    }

    fn put_package(
        &mut self,
        who: &str,
        at: &Place,
        overwrite: bool,
        put: &PackagePut,
    ) -> Result<Expected, Refusal> {
        let PackagePut { publish, binding, parameters } = put;
        let binding = binding.as_ref();
        owns(who, at)?;
        let wrong =
            binding.map_or(Ok(()), |target| self.check_binding(who, target)).err().unwrap_or_default();
        let old = match self.package(at) {
            Ok(_) if !overwrite => return Err([vec![409], wrong].concat()),
            Ok((_, _, None)) if binding.is_some() => return Err([vec![409], wrong].concat()),
            Ok((old, ..)) => Some(old.clone()),
            Err(refusal) if refusal == [409] => return Err([vec![409], wrong].concat()),
            Err(_) => None,
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let before = match old.as_ref().map(|old| &old.sort) {
            Some(Sort::Package { publish, binding }) => (*publish, binding.clone()),
            _ => (false, None),
        };
        let sort =
            Sort::Package { publish: publish.unwrap_or(before.0), binding: binding.cloned().or(before.1) };
        let old_parameters = old.as_ref().map(|old| old.parameters.clone()).unwrap_or_default();
        let written = Entity {
            version: old.map_or(1, |old| old.version + 1),
            parameters: parameters.clone().unwrap_or(old_parameters),
            sort,
        };
        let members = json!({"version": version(written.version), "name": at.name});
        self.entities.insert(at.clone(), written);
        Ok(ok(members))
    }

    fn check_binding(&self, who: &str, target: &Place) -> Result<(), Refusal> {
        let foreign = who != target.namespace;
        match self.package(target) {
            Ok((_, publish, _)) if foreign && !publish => Err(vec![403, 400]),
            Err(_) if foreign => Err(vec![403, 400]),
            Ok((_, _, Some(_))) => Err(vec![400, 403]),
            Ok(_) => Ok(()),
            Err(refusal) if refusal == [409] => Err(vec![409]),
            Err(_) => Err(vec![400]),
        }
    }

    fn get_package(&self, who: &str, at: &Place) -> Result<Expected, Refusal> {
        let found = self.behind(who, at)?;
        let names: BTreeSet<&str> =
            self.contents(found.provider).into_iter().map(|place| place.name).collect();
        let version = version(found.named.version);
        Ok(ok(json!({"version": version, "parameters": found.parameters, "actions": names})))
    }

    fn put_trigger(
        &mut self,
        who: &str,
        at: &Place,
        overwrite: bool,
        parameters: &Given,
    ) -> Result<Expected, Refusal> {
        owns(who, at)?;
        let old = match self.trigger(at) {
            Ok(_) if !overwrite => return Err(vec![409]),
            Ok((old, rules)) => Some((old.clone(), rules.cloned())),
            Err(refusal) if refusal == [409] => return Err(refusal),
            Err(_) => None,
        };
        let written = match old {
            None => Entity {
                version: 1,
                parameters: parameters.clone().unwrap_or_default(),
                sort: Sort::Trigger { rules: None },
            },
            Some((old, rules)) => Entity {
                version: old.version + 1,
                parameters: parameters.clone().unwrap_or(old.parameters),
                sort: Sort::Trigger { rules },
            },
        };
        let members = json!({"version": version(written.version)});
        self.entities.insert(at.clone(), written);
        Ok(ok(members))
    }

    fn put_rule(
        &mut self,
        who: &str,
        at: &Place,
        overwrite: bool,
        trigger: &Place,
        action: &Place,
    ) -> Result<Expected, Refusal> {
        owns(who, at)?;
        let mut wrong = Vec::new();
        if who != trigger.namespace {
            wrong.push(403);
        } else if let Err(refusal) = self.trigger(trigger) {
            wrong.extend([400].into_iter().chain(refusal.into_iter().filter(|status| *status == 409)));
        }
        if let Err(refusal) = self.reach(who, action) {
            let forbidden = refusal.contains(&403);
            wrong.extend(if forbidden { vec![403, 400] } else { vec![400, 409, 422] });
        }
        let old = match self.rule(at) {
            Ok(_) if !overwrite => return Err([vec![409], wrong].concat()),
            Ok((old, trigger, _)) => Some((old.version, trigger.clone())),
            Err(refusal) if refusal == [409] => return Err([vec![409], wrong].concat()),
            Err(_) => None,
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let active = old.as_ref().is_none_or(|(_, old_trigger)| self.status_after_put(at, old_trigger));
        if let Some((_, old_trigger)) = &old {
            self.unlink(at, old_trigger);
        }
        let written = Entity {
            version: old.map_or(1, |(version, _)| version + 1),
            parameters: Vec::new(),
            sort: Sort::Rule { trigger: trigger.clone(), action: action.clone() },
        };
        let members = json!({"version": version(written.version), "status": status(active)});
        self.entities.insert(at.clone(), written);
        self.link(at, trigger, action, active);
        Ok(ok(members))
    }

    /// A rule keeps its status; one that a new trigger of the old name does not know begins anew, and one whose
    /// trigger is gone does not.
    fn status_after_put(&self, rule: &Place, old_trigger: &Place) -> bool {
        match self.trigger(old_trigger) {
            Ok((_, rules)) => rules.and_then(|links| links.get(rule)).is_none_or(|(_, active)| *active),
            Err(_) => false,
        }
    }

    fn is_active(&self, rule: &Place, trigger: &Place) -> bool {
        let links = self.trigger(trigger).ok().and_then(|(_, rules)| rules);
        links.and_then(|links| links.get(rule)).is_some_and(|(_, active)| *active)
    }

    fn link(&mut self, rule: &Place, trigger: &Place, action: &Place, active: bool) {
        if let Some(Entity { sort: Sort::Trigger { rules }, .. }) = self.entities.get_mut(trigger) {
            rules.get_or_insert_default().insert(rule.clone(), (action.clone(), active));
        }
    }

    fn unlink(&mut self, rule: &Place, trigger: &Place) {
        if let Some(Entity { sort: Sort::Trigger { rules: Some(rules) }, .. }) =
            self.entities.get_mut(trigger)
        {
            rules.remove(rule);
        }
    }

    fn list(&self, who: &str, collection: &str, namespace: &str) -> Result<Expected, Refusal> {
        let own = who == namespace;
        if !own && collection != "packages" {
            return Err(vec![403]);
        }
        let shown = |entity: &Entity| match (&entity.sort, collection) {
            (Sort::Action(_), "actions")
            | (Sort::Trigger { .. }, "triggers")
            | (Sort::Rule { .. }, "rules") => true,
            (Sort::Package { publish, binding }, "packages") => own || (*publish && binding.is_none()),
            _ => false,
        };
        let mut names: Vec<String> = self
            .entities
            .iter()
            .filter(|(place, entity)| place.namespace == namespace && shown(entity))
            .map(|(place, _)| place.full())
            .collect();
        names.sort();
        Ok(ok(json!({ "list": names })))
    }
}

fn owns(who: &str, at: &Place) -> Result<(), Refusal> {
    if who == at.namespace { Ok(()) } else { Err(vec![403]) }
}

fn pairs(map: &BTreeMap<&'static str, i64>) -> Vec<(&'static str, i64)> {
    map.iter().map(|(key, value)| (*key, *value)).collect()
}

fn version(number: u32) -> String {
    format!("0.0.{number}")
}

fn status(active: bool) -> &'static str {
    if active { "active" } else { "inactive" }
}

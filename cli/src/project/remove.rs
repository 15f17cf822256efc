//! Takes entities away again: those of a plan, or those that a managed project left behind. What is gone
//! already is no failure.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::deploy::tell;
use super::managed;
use super::operation::{Entity, Operation};
use crate::client::{ApiQuery, Client, EntitySummary, Error, Page};
use crate::exit::Failure;
use crate::feed::{self, Event, FeedCall};
use crate::gateway;
use crate::name::{Place, PlainName, QualifiedName};
use crate::output::Console;

/// How many rows a list has at most.
const LONGEST_PAGE: usize = 200;

/// Who removes, and where it is told.
pub(crate) struct Remover<'a> {
    /// The server.
    pub(crate) client: &'a Client,
    /// The access token of the API gateway.
    pub(crate) gateway_token: Option<&'a str>,
    /// Where to tell.
    pub(crate) console: &'a mut Console,
}

impl Remover<'_> {
    /// Removes what a plan puts, last things first.
    pub(crate) fn undeploy(&mut self, operations: &[Operation]) -> Result<(), Failure> {
        for operation in operations.iter().rev() {
            match (operation, operation.entity()) {
                (Operation::Api(api), _) => self.api(api, &operation.to_string())?,
                (_, Some(entity)) => self.remove(&entity)?,
                (_, None) => {}
            }
        }
        Ok(())
    }

    /// Removes what the project once put on the server and the operations do not.
    pub(crate) fn remove_left_behind(
        &mut self,
        namespace: &str,
        project: &str,
        operations: &[Operation],
    ) -> Result<(), Failure> {
        let managed = managed_entities(self.client, namespace, project);
        let managed = managed
            .map_err(Failure::request(format!("Unable to list the entities of project '{project}'")))?;
        left_behind(managed, operations).iter().try_for_each(|entity| self.remove(entity))
    }

    /// Removes one entity and tells whether it was there.
    fn remove(&mut self, entity: &Entity) -> Result<(), Failure> {
        let what = format!("Unable to undeploy {entity}");
        if let Entity::Trigger(name) = entity {
            self.end_feed(&what, name)?;
        }
        let client = self.client;
        let removed = match entity {
            Entity::Package(name) => client.packages().delete(name),
            Entity::Action(name) => client.actions().delete(name),
            Entity::Trigger(name) => client.triggers().delete(name),
            Entity::Rule(name) => client.rules().delete(name),
        };
        match removed {
            Err(Error::Refused { status: 409, text, .. }) if matches!(entity, Entity::Package(_)) => {
                self.console.err().warning(format!("{entity} stays: {text}"))?;
                Ok(())
            }
            removed => self.tell(&what, &entity.to_string(), removed.map(drop)),
        }
    }

    fn api(&mut self, operation: &gateway::Operation, name: &str) -> Result<(), Failure> {
        let query = ApiQuery {
            api: Some(operation.base_path.clone()),
            path: Some(operation.path.clone()),
            verb: Some(operation.verb.clone()),
        };
        let removed = self.client.apis().delete(self.gateway_token, &query);
        self.tell(&format!("Unable to undeploy {name}"), name, removed)
    }

    fn tell(&mut self, what: &str, name: &str, removed: Result<(), Error>) -> Result<(), Failure> {
        match removed {
            Ok(()) => self.console.out().ok(format!("undeployed {name}"))?,
            Err(error) if error.is_not_found() => {
                self.console.out().line(format_args!("{name} is not there"))?;
            }
            Err(error) => return Err(Failure::request(what)(error)),
        }
        Ok(())
    }

    /// A feed that fails keeps nobody from deleting its trigger.
    fn end_feed(&mut self, what: &str, trigger: &PlainName) -> Result<(), Failure> {
        let Ok(Some(feed)) = self.client.triggers().get(trigger).map(|trigger| feed::of_trigger(&trigger))
        else {
            return Ok(());
        };
        let event = Event::Delete;
        let call = FeedCall { feed, trigger: trigger.clone(), event, parameters: IndexMap::new() };
        if let Err(failure) = tell(self.client, what, &call) {
            self.console.err().warning(failure.message())?;
        }
        Ok(())
    }
}

/// Which entities of a namespace a project manages, in an order in which they can be removed.
fn managed_entities(client: &Client, namespace: &str, project: &str) -> Result<Vec<Entity>, Error> {
    let place = Place { namespace: namespace.to_owned(), package: None };
    let belongs = |row: &EntitySummary| managed::project_of(&row.annotations).as_deref() == Some(project);
    let plain = |row: EntitySummary| PlainName { namespace: namespace.to_owned(), entity: row.name };
    let rules = every(|page| client.rules().list(namespace, page))?.into_iter().filter(belongs);
    let triggers = every(|page| client.triggers().list(namespace, page))?.into_iter().filter(belongs);
    let actions = every(|page| client.actions().list(&place, page))?.into_iter().filter(belongs);
    let packages = every(|page| client.packages().list(namespace, page))?.into_iter().filter(belongs);
    Ok(rules
        .map(|row| Entity::Rule(plain(row)))
        .chain(triggers.map(|row| Entity::Trigger(plain(row))))
        .chain(actions.map(|row| Entity::Action(action_name(namespace, row))))
        .chain(packages.map(|row| Entity::Package(plain(row))))
        .collect())
}

/// The managed entities that a plan does not put.
fn left_behind(managed: Vec<Entity>, operations: &[Operation]) -> Vec<Entity> {
    let kept: HashSet<Entity> = operations.iter().filter_map(Operation::entity).collect();
    managed.into_iter().filter(|entity| !kept.contains(entity)).collect()
}

/// An action of a list, under the namespace by which the list was asked for.
pub(super) fn action_name(namespace: &str, row: EntitySummary) -> QualifiedName {
    let package = row.namespace.split_once('/').map(|(_, package)| package.to_owned());
    QualifiedName { namespace: namespace.to_owned(), package, entity: row.name }
}

/// A whole list, page by page.
pub(super) fn every(
    list: impl Fn(Page) -> Result<Vec<EntitySummary>, Error>,
) -> Result<Vec<EntitySummary>, Error> {
    let mut rows = Vec::new();
    loop {
        let skip = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let page = list(Page { skip, ..Page::ALL })?;
        let is_last = page.len() < LONGEST_PAGE;
        rows.extend(page);
        if is_last {
            return Ok(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::PackageBody;

    #[test]
    fn what_the_plan_does_not_put_is_left_behind() {
        let package = |name: &str| Entity::Package(PlainName::own(name));
        let planned = [Operation::Package(PlainName::own("p"), PackageBody::default())];
        assert_eq!(left_behind(vec![package("p"), package("q")], &planned), [package("q")]);
    }
}

//! The design documents: what each database is indexed by, and how they come into it. The names, keys and
//! values are OpenWhisk's, so that its tools and the databases it wrote go on working; only `whirl.v1` is
//! our own. A change of a view's meaning needs a new name, as other servers may still read the old one.

use couch_rs::http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::database::{Call, Database};
use super::failure::Failure;

/// How often an installation that others get in the way of starts over.
const ATTEMPTS: usize = 5;

/// A view of a design document.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) design: &'static str,
    pub(super) name: &'static str,
    map: &'static str,
    reduce: Option<&'static str>,
}

macro_rules! view {
    ($design:literal, $name:literal, $file:literal, $reduce:expr) => {
        View { design: $design, name: $name, map: include_str!(concat!("views/", $file)), reduce: $reduce }
    };
}

pub(super) const ACTIONS: View = view!("whisks.v2.1.0", "actions", "actions.js", Some("_count"));
pub(super) const TRIGGERS: View = view!("whisks.v2.1.0", "triggers", "triggers.js", Some("_count"));
pub(super) const RULES: View = view!("whisks.v2.1.0", "rules", "rules.js", Some("_count"));
pub(super) const PACKAGES: View = view!("whisks.v2.1.0", "packages", "packages.js", Some("_count"));
pub(super) const PUBLIC_PACKAGES: View =
    view!("whisks.v2.1.0", "packages-public", "packages_public.js", Some("_count"));
pub(super) const APIS: View = view!("whirl.v1", "apis", "apis.js", Some("_count"));
pub(super) const ACTIVATIONS: View = view!("whisks.v2.1.0", "activations", "activations.js", Some("_count"));
pub(super) const ACTIVATIONS_BY_NAME: View =
    view!("whisks-filters.v2.1.1", "activations", "activations_by_name.js", Some("_count"));
const BY_DATE: View = view!("activations", "byDate", "by_date.js", None);
const BY_DATE_WITH_LOGS: View = view!("logCleanup", "byDateWithLogs", "by_date_with_logs.js", None);
pub(super) const IDENTITIES: View = view!("subjects.v2.0.0", "identities", "identities.js", None);
const BLOCKED: View =
    view!("namespaceThrottlings", "blockedNamespaces", "blocked_namespaces.js", Some("_sum"));
pub(super) const HOLDERS: View = view!("whirl.v1", "holders", "holders.js", None);

/// Views of the database of entities.
pub(super) const OF_ENTITIES: &[View] = &[ACTIONS, TRIGGERS, RULES, PACKAGES, PUBLIC_PACKAGES, APIS];
/// Views of the database of activation records.
pub(super) const OF_ACTIVATIONS: &[View] = &[ACTIVATIONS, ACTIVATIONS_BY_NAME, BY_DATE, BY_DATE_WITH_LOGS];
/// Views of the database of subjects.
pub(super) const OF_SUBJECTS: &[View] = &[IDENTITIES, BLOCKED, HOLDERS];

impl View {
    /// The view as it stands in a design document.
    fn functions(&self) -> Value {
        let mut functions = json!({ "map": self.map.trim_end() });
        if let Some(reduce) = self.reduce {
            functions["reduce"] = json!(reduce);
        }
        functions
    }
}

/// Sees to it that the database has the views. Those that are there already stay as they are, whoever made
/// them: to change one would make the server index everything again. Other design documents are left alone.
pub(super) async fn install(database: &Database, views: &[View]) -> Result<(), Failure> {
    let mut designs: Vec<&str> = views.iter().map(|view| view.design).collect();
    designs.dedup();
    for design in designs {
        let of_design: Vec<&View> = views.iter().filter(|view| view.design == design).collect();
        install_one(database, design, &of_design).await?;
    }
    Ok(())
}

async fn install_one(database: &Database, design: &str, views: &[&View]) -> Result<(), Failure> {
    let id = format!("_design/{design}");
    for _ in 1..ATTEMPTS {
        match try_install(database, &id, views).await {
            // Another server has just written it.
            Err(failure) if failure.is(StatusCode::CONFLICT) => {}
            outcome => return outcome,
        }
    }
    try_install(database, &id, views).await
}

async fn try_install(database: &Database, id: &str, views: &[&View]) -> Result<(), Failure> {
    let mut document: Map<String, Value> = match database.call(Call::new(Method::GET, id)).await {
        Ok(answer) => answer.json()?,
        Err(failure) if failure.is(StatusCode::NOT_FOUND) => new_document(id),
        Err(failure) => return Err(failure),
    };
    let present = document.entry("views").or_insert_with(|| json!({}));
    let missing: Vec<_> = views.iter().filter(|view| present.get(view.name).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for view in missing {
        present[view.name] = view.functions();
    }
    let call = Call::new(Method::PUT, id).with_body(Value::from(document).to_string());
    database.call(call).await.map(drop)
}

fn new_document(id: &str) -> Map<String, Value> {
    Map::from_iter([("_id".to_owned(), json!(id)), ("language".to_owned(), json!("javascript"))])
}

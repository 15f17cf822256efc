//! Calls on activation records.

use serde::Deserialize;
use whirl_model::Json;

use super::{Call, Client, Error, KeyValue, Method, Page, value_of};

/// Calls on activations; see [`Client::activations`].
pub struct Activations<'c> {
    pub(super) client: &'c Client,
}

/// Which activations to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationQuery {
    /// The part of the list.
    pub page: Page,
    /// Only those of this entity: `NAME` or `PACKAGE/NAME`.
    pub name: Option<String>,
    /// Only those started at or after this time, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Only those started at or before this time, in milliseconds since 1970.
    pub upto: Option<i64>,
}

impl ActivationQuery {
    /// All activations of a page.
    #[must_use]
    pub fn page(page: Page) -> Self {
        Self { page, name: None, since: None, upto: None }
    }
}

/// One row of a list of activations.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivationSummary {
    /// The namespace that ran it.
    pub namespace: String,
    /// The name of the action, trigger or rule.
    pub name: String,
    /// The entity's version.
    pub version: String,
    /// The id, 32 hexadecimal digits.
    pub activation_id: String,
    /// When it began, in milliseconds since 1970.
    pub start: i64,
    /// Milliseconds it took; absent for triggers.
    #[serde(default)]
    pub duration: i64,
    /// 0 success, 1 application error, 2 developer error, 3 internal error; absent for triggers.
    #[serde(default)]
    pub status_code: usize,
    /// Annotations such as `kind` and `initTime`.
    #[serde(default)]
    pub annotations: Vec<KeyValue>,
}

impl ActivationSummary {
    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Json> {
        value_of(&self.annotations, key)
    }
}

impl Activations<'_> {
    /// Summaries, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, query: &ActivationQuery) -> Result<Vec<ActivationSummary>, Error> {
        self.client.fetch(&list_call(namespace, query))
    }

    /// Whole records with logs and results, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list_records(&self, namespace: &str, query: &ActivationQuery) -> Result<Vec<Json>, Error> {
        self.client.fetch(&list_call(namespace, query).query("docs", &true))
    }

    /// The record. 404 until it is stored.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, namespace: &str, id: &str) -> Result<Json, Error> {
        self.client.fetch(&call(namespace, &[id]))
    }

    /// The log lines, each `TIME STREAM: TEXT`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn logs(&self, namespace: &str, id: &str) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Logs {
            logs: Vec<String>,
        }
        self.client.fetch::<Logs>(&call(namespace, &[id, "logs"])).map(|answer| answer.logs)
    }

    /// The `response`: `result`, `status`, `success`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn result(&self, namespace: &str, id: &str) -> Result<Json, Error> {
        self.client.fetch(&call(namespace, &[id, "result"]))
    }
}

pub(super) fn call<'a>(namespace: &str, rest: &[&str]) -> Call<'a> {
    Call::new(Method::GET, &[&["namespaces", namespace, "activations"], rest].concat())
}

fn list_call<'a>(namespace: &str, query: &ActivationQuery) -> Call<'a> {
    let mut call = call(namespace, &[]).query("limit", &query.page.limit).query("skip", &query.page.skip);
    if let Some(name) = &query.name {
        call = call.query("name", name);
    }
    if let Some(since) = query.since {
        call = call.query("since", &since);
    }
    if let Some(upto) = query.upto {
        call = call.query("upto", &upto);
    }
    call
}

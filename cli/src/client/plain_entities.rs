//! Calls on what lies in no package and has a body of its own: packages, triggers, rules. What only one of them
//! can do stands with its body.

use std::marker::PhantomData;

use serde::Serialize;
use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, Method, Page};
use crate::name::PlainName;

/// The body of a create or an update, which tells what is created.
pub trait PlainEntity: Serialize {
    /// The collection in paths: `packages`.
    const COLLECTION: &'static str;
}

/// Calls on the entities of one kind; see [`Client::packages`], [`Client::triggers`] and [`Client::rules`].
pub struct PlainEntities<'c, B> {
    pub(super) client: &'c Client,
    body: PhantomData<B>,
}

impl<'c, B: PlainEntity> PlainEntities<'c, B> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self { client, body: PhantomData }
    }

    /// Creates an entity; 409 if it exists. Returns it as it is stored.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, name: &PlainName, body: &B) -> Result<Json, Error> {
        self.client.fetch(&self.call(Method::PUT, name).query("overwrite", &false).json(body))
    }

    /// Changes an entity, or creates it. Returns it as it is stored.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, name: &PlainName, body: &B) -> Result<Json, Error> {
        self.client.fetch(&self.call(Method::PUT, name).query("overwrite", &true).json(body))
    }

    /// An entity: a package with the names of its actions and feeds, a trigger with its rules, a rule with its
    /// status.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&self.call(Method::GET, name))
    }

    /// Deletes an entity; 409 for a package with actions in it. The rules of a trigger stay and are inactive
    /// from then on. Returns the entity as it was.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&self.call(Method::DELETE, name))
    }

    /// The entities of a namespace, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, B::COLLECTION]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }

    pub(super) fn call<'a>(&self, method: Method, name: &PlainName) -> Call<'a> {
        Call::new(method, &["namespaces", &name.namespace, B::COLLECTION, &name.entity])
    }
}

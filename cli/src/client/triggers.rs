//! Calls on triggers. Feeds are actions: nothing here knows of them.

use serde::{Deserialize, Serialize};
use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, KeyValue, Method, Page, decode};
use crate::name::PlainName;

/// Calls on triggers; see [`Client::triggers`].
pub struct Triggers<'c> {
    pub(super) client: &'c Client,
}

/// The body of a create or an update. Members that are `None` are left out and keep their old value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TriggerBody {
    /// Parameters for all rules; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<KeyValue>>,
    /// Annotations; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<KeyValue>>,
}

impl Triggers<'_> {
    /// Creates a trigger; 409 if it exists. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, name: &PlainName, body: &TriggerBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &false).json(body))
    }

    /// Changes a trigger, or creates it. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, name: &PlainName, body: &TriggerBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &true).json(body))
    }

    /// A trigger with its rules.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::GET, name))
    }

    /// Deletes a trigger; its rules stay and are inactive from then on.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::DELETE, name))
    }

    /// Fires a trigger. `payload` is a JSON object. Returns the activation's id; `None` if no rule is active,
    /// in which case nothing happens.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fire(&self, name: &PlainName, payload: Option<&Json>) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fired {
            activation_id: String,
        }
        let call = call(Method::POST, name);
        let call = if let Some(payload) = payload { call.json(payload) } else { call };
        let response = self.client.send(&call)?;
        if response.body.is_empty() {
            return Ok(None);
        }
        decode::<Fired>(&call, &response).map(|fired| Some(fired.activation_id))
    }

    /// The triggers of a namespace, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "triggers"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }
}

fn call<'a>(method: Method, name: &PlainName) -> Call<'a> {
    Call::new(method, &["namespaces", &name.namespace, "triggers", &name.entity])
}

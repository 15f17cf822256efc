//! Triggers as clients write them, and firing them. Feeds are actions: nothing here knows of them.

use serde::{Deserialize, Serialize};
use whirl_model::Json;

use super::plain_entities::{PlainEntities, PlainEntity};
use super::{Error, KeyValue, Method, decode};
use crate::name::PlainName;

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

impl PlainEntity for TriggerBody {
    const COLLECTION: &'static str = "triggers";
}

/// Calls on triggers; see [`Client::triggers`](super::Client::triggers).
pub type Triggers<'c> = PlainEntities<'c, TriggerBody>;

impl Triggers<'_> {
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
        let call = self.call(Method::POST, name);
        let call = if let Some(payload) = payload { call.json(payload) } else { call };
        let response = self.client.send(&call)?;
        if response.body.is_empty() {
            return Ok(None);
        }
        decode::<Fired>(&call, &response).map(|fired| Some(fired.activation_id))
    }
}

//! Packages and bindings as clients write them, and the call that only they have.

use serde::Serialize;

use super::plain_entities::{PlainEntities, PlainEntity};
use super::{Call, Error, KeyValue, Method};
use crate::name::PlainName;

/// The body of a create or an update. Members that are `None` are left out and keep their old value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PackageBody {
    /// Makes the package a binding of another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingBody>,
    /// Parameters of all actions in the package; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<KeyValue>>,
    /// Annotations; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<KeyValue>>,
    /// Whether everyone may read the package and invoke its actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<bool>,
}

/// The package that a binding stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BindingBody {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl From<&PlainName> for BindingBody {
    fn from(package: &PlainName) -> Self {
        Self { namespace: package.namespace.clone(), name: package.entity.clone() }
    }
}

impl PlainEntity for PackageBody {
    const COLLECTION: &'static str = "packages";
}

/// Calls on packages; see [`Client::packages`](super::Client::packages).
pub type Packages<'c> = PlainEntities<'c, PackageBody>;

impl Packages<'_> {
    /// Asks the server to look for packages anew; few servers can.
    ///
    /// # Errors
    /// See [`Error`]; 404 or 501 where the server cannot.
    pub fn refresh(&self, namespace: &str) -> Result<(), Error> {
        let call = Call::new(Method::POST, &["namespaces", namespace, "packages", "refresh"]);
        self.client.send(&call).map(drop)
    }
}

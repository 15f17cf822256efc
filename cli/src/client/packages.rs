//! Calls on packages and bindings.

use serde::Serialize;
use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, KeyValue, Method, Page};
use crate::name::PlainName;

/// Calls on packages; see [`Client::packages`].
pub struct Packages<'c> {
    pub(super) client: &'c Client,
}

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

impl Packages<'_> {
    /// Creates a package or binding; 409 if it exists. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, name: &PlainName, body: &PackageBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &false).json(body))
    }

    /// Changes a package or binding, or creates it. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, name: &PlainName, body: &PackageBody) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &true).json(body))
    }

    /// A package with the names of its actions and feeds.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::GET, name))
    }

    /// Deletes an empty package or a binding; 409 while there are actions in it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, name: &PlainName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::DELETE, name))
    }

    /// The packages of a namespace, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, namespace: &str, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let call = Call::new(Method::GET, &["namespaces", namespace, "packages"]);
        self.client.fetch(&call.query("limit", &page.limit).query("skip", &page.skip))
    }

    /// Asks the server to look for packages anew; few servers can.
    ///
    /// # Errors
    /// See [`Error`]; 404 or 501 where the server cannot.
    pub fn refresh(&self, namespace: &str) -> Result<(), Error> {
        let call = Call::new(Method::POST, &["namespaces", namespace, "packages", "refresh"]);
        self.client.send(&call).map(drop)
    }
}

fn call<'a>(method: Method, name: &PlainName) -> Call<'a> {
    Call::new(method, &["namespaces", &name.namespace, "packages", &name.entity])
}

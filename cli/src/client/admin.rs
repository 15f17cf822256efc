//! Calls on the server's administration: subjects, their credentials, the limits of namespaces. It listens on
//! an address of its own and has a key of its own.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use whirl_model::Json;

use super::{Call, Client, ClientConfig, Error, Method};

/// A connection to the administration of one server.
#[derive(Clone)]
pub struct AdminClient {
    client: Client,
}

/// Which namespace a subject gets. Members that are `None` are left to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NewSubject {
    /// The namespace; the subject's name unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `uuid:key`; made up unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// The namespace that a subject got.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SubjectKey {
    /// The namespace.
    pub namespace: String,
    /// `uuid:key`
    pub credentials: String,
}

/// A subject: someone with credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Subject {
    /// The name.
    pub subject: String,
    /// Whether its credentials are refused.
    #[serde(default)]
    pub blocked: bool,
    /// Its namespaces, each with a credential.
    #[serde(default)]
    pub namespaces: Vec<NamespaceKey>,
}

/// One namespace of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamespaceKey {
    /// The namespace.
    pub name: String,
    /// `uuid:key`
    pub credentials: String,
}

/// Someone who has a credential for a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdentityRow {
    /// The subject.
    pub subject: String,
    /// `uuid:key`
    pub credentials: String,
}

/// Whose a credential is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Whois {
    /// The subject.
    pub subject: String,
    /// The namespace that the credential opens.
    pub namespace: String,
}

impl AdminClient {
    /// A client for the given address and key. Sends nothing yet.
    ///
    /// # Errors
    /// When the host is no address.
    pub fn new(config: ClientConfig) -> Result<Self, Error> {
        let mut client = Client::new(config)?;
        client.base = format!("{}/admin", client.root);
        Ok(Self { client })
    }

    /// Creates a subject, or gives it another namespace; 409 if it has that one.
    ///
    /// # Errors
    /// See [`Error`]; so with all methods here.
    pub fn create_subject(&self, subject: &str, new: &NewSubject) -> Result<SubjectKey, Error> {
        self.client.fetch(&Call::new(Method::POST, &["subjects", subject]).json(new))
    }

    /// A subject with its credentials.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn subject(&self, subject: &str) -> Result<Subject, Error> {
        self.client.fetch(&Call::new(Method::GET, &["subjects", subject]))
    }

    /// Deletes a subject, or only one namespace of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete_subject(&self, subject: &str, namespace: Option<&str>) -> Result<(), Error> {
        let call = Call::new(Method::DELETE, &["subjects", subject]);
        let call = if let Some(namespace) = namespace { call.query("namespace", &namespace) } else { call };
        self.client.send(&call).map(drop)
    }

    /// Refuses the credentials of a subject, or accepts them again.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_blocked(&self, subject: &str, blocked: bool) -> Result<(), Error> {
        self.client.send(&Call::new(Method::PUT, &["subjects", subject, "blocked"]).json(&blocked)).map(drop)
    }

    /// Who has a credential for a namespace.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn identities(&self, namespace: &str) -> Result<Vec<IdentityRow>, Error> {
        self.client.fetch(&Call::new(Method::GET, &["namespaces", namespace, "identities"]))
    }

    /// Whose the credential `uuid:key` is.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn whois(&self, credentials: &str) -> Result<Whois, Error> {
        #[derive(Serialize)]
        struct Body<'c> {
            credentials: &'c str,
        }
        self.client.fetch(&Call::new(Method::POST, &["whois"]).json(&Body { credentials }))
    }

    /// The limits that a namespace has of its own; `None` if it has none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn limits(&self, namespace: &str) -> Result<Option<IndexMap<String, Json>>, Error> {
        match self.client.fetch(&limits_call(Method::GET, namespace)) {
            Ok(limits) => Ok(Some(limits)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the limits of a namespace.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn set_limits(&self, namespace: &str, limits: &IndexMap<String, Json>) -> Result<(), Error> {
        self.client.send(&limits_call(Method::PUT, namespace).json(limits)).map(drop)
    }

    /// Takes a namespace its own limits.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete_limits(&self, namespace: &str) -> Result<(), Error> {
        self.client.send(&limits_call(Method::DELETE, namespace)).map(drop)
    }
}

fn limits_call<'a>(method: Method, namespace: &str) -> Call<'a> {
    Call::new(method, &["namespaces", namespace, "limits"])
}

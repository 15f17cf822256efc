//! The web action behind an operation, as clients name it and as descriptions of APIs do in `x-openwhisk`.

use whirl_model::{EntityName, Json, Namespace};

use super::members::{self, Members};
use crate::api_error::ApiError;

/// What a URL of an invocation ends in if the request's path is to be appended.
pub(super) const REQUEST_PATH: &str = "$(request.path)";

/// How the web action's result becomes an answer: its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ResponseType(&'static str);

impl ResponseType {
    /// What operations have whose creator does not say.
    pub(super) const JSON: Self = Self("json");
    /// What web actions have without an extension.
    const HTTP: Self = Self("http");
    const ALL: [Self; 5] = [Self::JSON, Self::HTTP, Self("html"), Self("text"), Self("svg")];

    /// Reads the name of one.
    pub(super) fn parse(name: &str) -> Result<Self, ApiError> {
        Self::ALL.into_iter().find(|known| known.0 == name).ok_or_else(|| {
            let known = Self::ALL.map(|t| t.0).join(", ");
            ApiError::malformed(format!("'{name}' is not a response type; these are: {known}."))
        })
    }

    fn of_url(url: &str) -> Option<Self> {
        let path = url.strip_suffix(REQUEST_PATH).unwrap_or(url);
        let (_, extension) = path.rsplit_once('.')?;
        Self::ALL.into_iter().find(|known| known.0 == extension)
    }
}

/// A web action and the form of its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Whose it is.
    pub(super) namespace: Namespace,
    /// The package, unless it is the default one.
    pub(super) package: Option<EntityName>,
    /// Its name.
    pub(super) action: EntityName,
    /// The form.
    pub(super) response: ResponseType,
}

impl Target {
    /// The action called `NAME`, `PACKAGE/NAME` or `/NAMESPACE[/PACKAGE]/NAME`; a namespace that is not in its
    /// name is given, and `_` or none is the tenant's.
    pub(super) fn named(
        name: &str,
        namespace: Option<&str>,
        tenant: &Namespace,
        response: ResponseType,
    ) -> Result<Self, ApiError> {
        let (namespace, local) = match name.strip_prefix('/') {
            Some(full) => match full.split_once('/') {
                Some((namespace, local)) => (Some(namespace), local),
                None => return Err(ApiError::malformed(format!("'{name}' does not name an action."))),
            },
            None => (namespace, name),
        };
        let (package, action) = match local.split_once('/') {
            Some((package, action)) => (Some(package), action),
            None => (None, local),
        };
        Ok(Self {
            namespace: in_namespace(namespace, tenant)?,
            package: package.filter(|name| !matches!(*name, "" | "default")).map(str::parse).transpose()?,
            action: action.parse()?,
            response,
        })
    }

    /// The action of an operation's `x-openwhisk`. Its URL, or else the one that is invoked, tells the form.
    pub(super) fn of_operation(
        extension: &Members,
        invoked: Option<&str>,
        tenant: &Namespace,
    ) -> Result<Self, ApiError> {
        let text = |key| members::text(extension, key);
        let action = text("action").ok_or_else(|| ApiError::malformed("'x-openwhisk' names no 'action'."))?;
        let url = text("url");
        let response = url.as_deref().and_then(ResponseType::of_url);
        let package = text("package").filter(|name| name != "default");
        Ok(Self {
            namespace: in_namespace(text("namespace").as_deref(), tenant)?,
            package: package.map(|name| name.parse()).transpose()?,
            action: action.parse()?,
            response: response
                .or_else(|| invoked.and_then(ResponseType::of_url))
                .unwrap_or(ResponseType::HTTP),
        })
    }

    /// The package's name in URLs.
    pub(super) fn package_in_url(&self) -> &str {
        self.package.as_ref().map_or("default", EntityName::as_str)
    }

    /// The last segment of the URL.
    pub(super) fn name_in_url(&self) -> String {
        format!("{}.{}", self.action, self.response.0)
    }

    /// The web action's URL at an origin such as `https://host`.
    pub(super) fn url(&self, origin: &str) -> String {
        let path = format!("{}/{}/{}", self.namespace, self.package_in_url(), self.name_in_url());
        format!("{origin}/api/v1/web/{}", path.replace(' ', "%20"))
    }

    /// The members that `x-openwhisk` gets.
    pub(super) fn describe(&self, url: &str) -> Members {
        let package = self.package.as_ref().map_or("", EntityName::as_str);
        let members = [
            ("action", self.action.as_str()),
            ("namespace", self.namespace.as_str()),
            ("package", package),
            ("url", url),
        ];
        members.map(|(key, value)| (key.to_owned(), Json::of(value))).into_iter().collect()
    }
}

/// The origin of a URL: `SCHEME://HOST[:PORT]`, if it is one of HTTP.
pub(super) fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
    matches!(scheme, "http" | "https").then(|| &url[..scheme.len() + 3 + host.len()])
}

fn in_namespace(name: Option<&str>, tenant: &Namespace) -> Result<Namespace, ApiError> {
    match name {
        None | Some("" | "_") => Ok(tenant.clone()),
        Some(name) => Ok(name.parse()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_many_names() {
        let tenant: Namespace = "alice".parse().unwrap();
        for (name, namespace, url) in [
            ("hello", None, "h/api/v1/web/alice/default/hello.json"),
            ("hello", Some("_"), "h/api/v1/web/alice/default/hello.json"),
            ("util/hello", Some("bob"), "h/api/v1/web/bob/util/hello.json"),
            ("/bob/hello", Some("alice"), "h/api/v1/web/bob/default/hello.json"),
            ("/_/my util/hello", None, "h/api/v1/web/alice/my%20util/hello.json"),
            ("default/hello", None, "h/api/v1/web/alice/default/hello.json"),
        ] {
            let target = Target::named(name, namespace, &tenant, ResponseType::JSON).unwrap();
            assert_eq!(target.url("h"), url, "{name}");
        }
        for bad in ["", "/", "/x", "a/b/c", "../x", "a//b"] {
            assert!(Target::named(bad, None, &tenant, ResponseType::JSON).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_of_http() {
        assert_eq!(origin("https://host:1/api/v1/web/x"), Some("https://host:1"));
        assert_eq!(origin("http://host"), Some("http://host"));
        for bad in ["host/x", "ftp://host/x", "https:///x", ""] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_url_tells_the_form() {
        let form = |url: &str| ResponseType::of_url(url).map(|t| t.0);
        assert_eq!(form("https://h/api/v1/web/a/b/c.svg"), Some("svg"));
        assert_eq!(form("https://h/api/v1/web/a/b/c.http$(request.path)"), Some("http"));
        assert_eq!(form("https://h/api/v1/web/a/b/c.xyz"), None);
        assert!(ResponseType::parse("yaml").is_err());
    }
}

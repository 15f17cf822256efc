//! Calls on actions, and what a caller learns from an invocation.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use whirl_model::Json;

use super::{Call, Client, EntitySummary, Error, KeyValue, Method, Page, Response, decode};
use crate::name::{Place, QualifiedName};

/// The header that marks an answer as the outcome of an activation.
const ACTIVATION_ID_HEADER: &str = "x-openwhisk-activation-id";

/// Calls on actions; see [`Client::actions`].
pub struct Actions<'c> {
    pub(super) client: &'c Client,
}

/// The body of a create or an update. Members that are `None` or empty are left out.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionBody {
    /// The code: an [`ExecBody`] as JSON, or the `exec` of another action. Required on create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<Json>,
    /// Default parameters; on update they replace the old ones as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Vec<KeyValue>>,
    /// Annotations; on update they are merged by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<KeyValue>>,
    /// Keys of annotations to drop; on update only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub del_annotations: Vec<String>,
    /// Limits; on update they are merged by member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsBody>,
}

/// Code, image or components of an action as a client writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExecBody {
    /// A runtime kind such as `nodejs:20` or `nodejs:default`; `blackbox`; `sequence`.
    pub kind: String,
    /// Source text, or base64 of an archive or executable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The container image of a `blackbox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The entry point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
    /// The fully qualified names of a `sequence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<String>>,
}

/// Limits as a client writes them; absent members keep their default or previous value. The server judges
/// the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LimitsBody {
    /// Milliseconds a run may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Megabytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<i64>,
    /// Megabytes of log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<i64>,
    /// Activations that a container may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<i64>,
    /// CPU cores of a container, such as `0.5`; 0 takes the limit away. OpenWhisk has no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Number>,
    /// GPUs of a container. OpenWhisk has no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuBody>,
}

/// GPUs as a client writes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum GpuBody {
    /// So many of any kind, or a share of one such as `0.25`; 0 takes the limit away.
    Count(Number),
    /// The same of one class.
    Classed {
        /// How many.
        count: Number,
        /// The class, such as `h100`.
        class: String,
    },
}

impl GpuBody {
    /// So many, of a class if one is given.
    #[must_use]
    pub fn new(count: Number, class: Option<String>) -> Self {
        match class {
            Some(class) => Self::Classed { count, class },
            None => Self::Count(count),
        }
    }
}

/// How long an invocation waits, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: the answer is the activation's id.
    No,
    /// For the activation record.
    Record,
    /// For the action's result alone.
    Result,
}

/// How an invocation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invoked {
    /// It goes its way; nobody waits.
    Accepted {
        /// The activation.
        id: String,
    },
    /// The server gave up waiting for it; it goes on.
    Unfinished {
        /// The activation.
        id: String,
    },
    /// It ended in time.
    Finished(Finished),
}

/// An activation that ended in time, well or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The activation, if the answer names it.
    pub id: Option<String>,
    /// The HTTP status: 200, 502 for an error of the action, 500 for one of the platform.
    pub status: u16,
    /// Whether the action succeeded.
    pub success: bool,
    /// The record, or the result if that was asked for. An array result always comes alone.
    pub body: Json,
}

impl Actions<'_> {
    /// Creates an action; 409 if it exists. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(&self, name: &QualifiedName, body: &ActionBody) -> Result<Json, Error> {
        self.put(name, body, "false")
    }

    /// Changes an action, or creates it. Returns the stored entity.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn update(&self, name: &QualifiedName, body: &ActionBody) -> Result<Json, Error> {
        self.put(name, body, "true")
    }

    fn put(&self, name: &QualifiedName, body: &ActionBody, overwrite: &str) -> Result<Json, Error> {
        self.client.fetch(&call(Method::PUT, name).query("overwrite", &overwrite).json(body))
    }

    /// An action with its code.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get(&self, name: &QualifiedName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::GET, name))
    }

    /// An action without its code.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn get_without_code(&self, name: &QualifiedName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::GET, name).query("code", &false))
    }

    /// Deletes an action. Returns the entity as it was.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn delete(&self, name: &QualifiedName) -> Result<Json, Error> {
        self.client.fetch(&call(Method::DELETE, name))
    }

    /// The actions of a namespace (packaged ones too) or of one package, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn list(&self, place: &Place, page: Page) -> Result<Vec<EntitySummary>, Error> {
        let mut segments = vec!["namespaces", &place.namespace, "actions"];
        if let Some(package) = &place.package {
            segments.extend([package.as_str(), ""]); // the slash at the end asks for the package's list
        }
        self.client
            .fetch(&Call::new(Method::GET, &segments).query("limit", &page.limit).query("skip", &page.skip))
    }

    /// Starts an action. `arguments` is a JSON object; without one the action gets its defaults alone.
    ///
    /// # Errors
    /// See [`Error`]. An action that fails is no error: see [`Finished::success`].
    pub fn invoke(
        &self,
        name: &QualifiedName,
        wait: Wait,
        arguments: Option<&Json>,
    ) -> Result<Invoked, Error> {
        let call = call(Method::POST, name)
            .query("blocking", &(wait != Wait::No))
            .query("result", &(wait == Wait::Result));
        let call = match arguments {
            Some(arguments) => call.json(arguments),
            None => call,
        };
        let response =
            self.client.request(call.method.clone(), &call.path, &call.query, call.body.as_deref())?;
        outcome(&call, &response, wait)
    }
}

fn call<'a>(method: Method, name: &QualifiedName) -> Call<'a> {
    Call::new(method, &["namespaces", &name.namespace, "actions", &name.local()])
}

/// Tells activations that failed from requests that were refused: the former name their activation, or are
/// a 502 that is no OpenWhisk error.
fn outcome(call: &Call<'_>, response: &Response, wait: Wait) -> Result<Invoked, Error> {
    let named = response.header(ACTIVATION_ID_HEADER);
    let of_activation = response.is_success()
        || named.is_some()
        || (response.status == 502 && matches!(response.to_error(), Error::Unexplained { .. }));
    if !of_activation {
        return Err(response.to_error());
    }
    let body: Json = match decode(call, response) {
        Err(_) if !response.is_success() => return Err(response.to_error()),
        decoded => decoded?,
    };
    let id = body.member("activationId").and_then(|id| id.to_text()).or_else(|| named.map(str::to_owned));
    if response.status == 202 {
        let id = id.unwrap_or_default();
        return Ok(if wait == Wait::No { Invoked::Accepted { id } } else { Invoked::Unfinished { id } });
    }
    let reported = body.member("response").and_then(|r| r.member("success"));
    let failed_record = wait == Wait::Record && reported.is_some_and(|success| success.as_str() == "false");
    let success = response.is_success() && !failed_record;
    Ok(Invoked::Finished(Finished { id, status: response.status, success, body }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, id: Option<&str>, body: &str) -> Response {
        let mut headers = super::super::HeaderMap::new();
        if let Some(id) = id {
            headers.insert(ACTIVATION_ID_HEADER, id.parse().unwrap());
        }
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    fn judged(response: &Response, wait: Wait) -> Result<Invoked, Error> {
        outcome(&Call::new(Method::POST, &["x"]), response, wait)
    }

    #[test]
    fn a_202_means_accepted_or_unfinished() {
        let response = answer(202, None, r#"{"activationId":"abc"}"#);
        assert_eq!(judged(&response, Wait::No).unwrap(), Invoked::Accepted { id: "abc".into() });
        assert_eq!(judged(&response, Wait::Result).unwrap(), Invoked::Unfinished { id: "abc".into() });
    }

    #[test]
    fn a_result_that_looks_like_an_error_body_is_still_a_result() {
        let body = r#"{"error":"no","code":"42"}"#;
        let Ok(Invoked::Finished(finished)) = judged(&answer(502, Some("abc"), body), Wait::Result) else {
            panic!("not an outcome");
        };
        assert!(!finished.success);
        assert_eq!((finished.id.as_deref(), finished.body.as_str()), (Some("abc"), body));
        assert!(judged(&answer(502, None, body), Wait::Result).is_err(), "a refusal by the server");
    }

    #[test]
    fn failures_without_the_header_are_told_by_status_and_record() {
        let application = judged(&answer(502, None, r#"{"error":"no"}"#), Wait::Result).unwrap();
        assert!(matches!(application, Invoked::Finished(Finished { success: false, status: 502, .. })));
        let record = r#"{"activationId":"abc","response":{"success":false}}"#;
        let reported = judged(&answer(200, None, record), Wait::Record).unwrap();
        assert!(matches!(reported, Invoked::Finished(Finished { success: false, .. })));
        let mere_result = judged(&answer(200, None, record), Wait::Result).unwrap();
        assert!(matches!(mere_result, Invoked::Finished(Finished { success: true, .. })));
    }

    #[test]
    fn refusals_and_empty_gateway_errors_are_errors() {
        let missing = judged(&answer(404, None, r#"{"error":"gone","code":"c"}"#), Wait::No).unwrap_err();
        assert!(missing.is_not_found());
        assert_eq!(judged(&answer(502, None, "<html>"), Wait::Record).unwrap_err().status(), Some(502));
        assert_eq!(judged(&answer(500, None, "{}"), Wait::Record).unwrap_err().status(), Some(500));
    }

    #[test]
    fn bodies_leave_out_what_is_not_given() {
        assert_eq!(serde_json::to_string(&ActionBody::default()).unwrap(), "{}");
        let exec =
            ExecBody { kind: "nodejs:default".into(), code: Some("<&>".into()), ..ExecBody::default() };
        let body = ActionBody {
            exec: Some(Json::of(&exec)),
            del_annotations: vec!["a".into()],
            limits: Some(LimitsBody { memory: Some(128), ..LimitsBody::default() }),
            ..ActionBody::default()
        };
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"exec":{"kind":"nodejs:default","code":"<&>"},"delAnnotations":["a"],"limits":{"memory":128}}"#
        );
    }
}

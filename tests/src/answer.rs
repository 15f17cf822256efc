//! What comes back: answers of the API and activation records, with the checks that every scenario makes.

use serde_json::Value;
use whirl_cli::client::Response;

/// One answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-openwhisk-activation-id`.
    pub activation: Option<String>,
    /// The header `content-type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let header = |name: &str| response.header(name).map(str::to_owned);
        Self {
            status: response.status,
            activation: header("x-openwhisk-activation-id"),
            content_type: header("content-type"),
            body: response.body,
        }
    }
}

impl Answer {
    /// The body as text, shortened for messages.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(2000).collect()
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text()))
    }

    /// Checks that it is 200, and gives the JSON.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Checks that it is 202 and names an activation, and gives its id.
    #[track_caller]
    pub fn accepted(&self) -> String {
        assert_eq!(self.status, 202, "{}", self.text());
        let id = self.json()["activationId"].as_str().unwrap_or_default().to_owned();
        assert_eq!(id.len(), 32, "{}", self.text());
        assert_eq!(self.activation.as_deref(), Some(id.as_str()), "the header names it too");
        id
    }

    /// Checks the status and that the body is `{error, code}` and no more, and gives the error's text.
    #[track_caller]
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.content_type.as_deref(), Some("application/json"));
        let body = self.json();
        let members: Vec<_> = body.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
        assert_eq!(members, ["error", "code"], "{}", self.text());
        assert!(body["code"].as_str().is_some_and(|code| !code.is_empty()), "{}", self.text());
        let error = body["error"].as_str().unwrap_or_default().to_owned();
        assert!(!error.is_empty(), "{}", self.text());
        error
    }

    /// Checks that it carries the record of an activation that ended, and gives it.
    #[track_caller]
    pub fn finished(&self, status: u16) -> Record {
        assert_eq!(self.status, status, "{}", self.text());
        let record = Record(self.json());
        assert_eq!(self.activation.as_deref(), Some(record.id()), "the header names it too");
        record
    }
}

/// An activation record.
#[derive(Clone, Debug)]
pub struct Record(pub Value);

impl Record {
    /// The activation's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0["activationId"].as_str().unwrap_or_default()
    }

    /// `success`, `application error`, `action developer error` or `whisk internal error`.
    #[must_use]
    pub fn status(&self) -> &str {
        self.0["response"]["status"].as_str().unwrap_or_default()
    }

    /// The result.
    #[must_use]
    pub fn result(&self) -> &Value {
        &self.0["response"]["result"]
    }

    /// The result's `error` as text.
    #[must_use]
    pub fn error(&self) -> &str {
        self.result()["error"].as_str().unwrap_or_default()
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&Value> {
        let annotations = self.0["annotations"].as_array()?;
        annotations.iter().find(|pair| pair["key"] == key).map(|pair| &pair["value"])
    }

    /// Whether the container got the code for this activation.
    #[must_use]
    pub fn is_cold(&self) -> bool {
        self.annotation("initTime").is_some()
    }

    /// The log lines.
    #[must_use]
    pub fn logs(&self) -> Vec<&str> {
        self.0["logs"]
            .as_array()
            .map(|lines| lines.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    /// What was printed: stream and text of each log line, without the time.
    #[must_use]
    pub fn printed(&self) -> Vec<&str> {
        self.logs().into_iter().map(|line| line.get(31..).unwrap_or(line)).collect()
    }

    /// Checks success, and gives the result.
    #[track_caller]
    pub fn succeeded(&self) -> &Value {
        assert_eq!(self.status(), "success", "{}", self.0);
        assert_eq!(self.0["response"]["success"], true);
        self.result()
    }

    /// Checks that the action is to blame, and gives the text.
    #[track_caller]
    pub fn developers_error(&self) -> &str {
        assert_eq!(self.status(), "action developer error", "{}", self.0);
        assert_eq!(self.0["response"]["success"], false);
        self.error()
    }
}

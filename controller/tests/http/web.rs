//! Web actions. What all their tests use is here: exported actions, and requests for them by anyone.

mod answers;
mod entry;
mod hosts;
mod owner;
mod requests;

use serde_json::{Value, json};
use whirl_model::Outcome;

use crate::client::Answer;
use crate::world::World;

const URL: &str = "/api/v1/web/alice/default";

/// A request's headers.
type Headers<'a> = &'a [(&'a str, &'a str)];

impl World {
    /// Alice exports an action, with these annotations besides.
    #[track_caller]
    fn exports(&self, name: &str, annotations: &Value) {
        let mut list = vec![json!({"key": "web-export", "value": true})];
        let more = annotations.as_object().unwrap().iter();
        list.extend(more.map(|(key, value)| json!({"key": key, "value": value})));
        self.has_action_with(&format!("{name}?overwrite=true"), &json!({"annotations": list}));
    }

    /// Anyone asks for a web action of Alice's that is in no package.
    fn web(&self, method: &str, name: &str, headers: Headers<'_>, body: &[u8]) -> Answer {
        self.anonymous().send(method, &format!("{URL}/{name}"), headers, body)
    }

    /// Anyone gets what the exported action `page` shows if it gives this result.
    fn shows(&self, extension: &str, result: Value) -> Answer {
        self.invoker.answers(Outcome::Success, result);
        self.web("GET", &format!("page{extension}"), &[], b"")
    }
}

impl Answer {
    /// Checks status and shape of an error for people, and gives its text.
    #[track_caller]
    fn refused_on_lines(&self, status: u16) -> String {
        let text = self.refused(status);
        assert!(
            self.text().starts_with("{\n  \"error\": ") && self.text().ends_with("\"\n}"),
            "{}",
            self.text()
        );
        text
    }
}

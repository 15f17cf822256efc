//! What an action's annotations say of its use over the web: whether at all, how, and by whom.

use actix_web::http::header::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq;
use whirl_model::json::JsonKind;
use whirl_model::{Json, Parameters};

/// Carries the secret of an action that wants one.
const SECRET: HeaderName = HeaderName::from_static("x-require-whisk-auth");

/// How an action is exported to the web.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Export {
    /// It gets requests as they came.
    pub(crate) raw: bool,
    /// It says itself what pages of other origins may do, and answers `OPTIONS`.
    pub(crate) custom_options: bool,
    gate: Gate,
}

/// Who may come in.
#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Anyone,
    /// Who has credentials, whosever.
    Known,
    /// Who has the secret.
    Knowing(String),
    Nobody,
}

impl Export {
    /// What the annotations say; `None` if the action is not exported.
    pub(crate) fn of(annotations: &Parameters) -> Option<Self> {
        let is_true = |name| annotations.get(name).is_some_and(|value| value.as_str() == "true");
        is_true("web-export").then(|| Self {
            raw: is_true("raw-http"),
            custom_options: is_true("web-custom-options"),
            gate: annotations.get("require-whisk-auth").map_or(Gate::Anyone, Gate::of),
        })
    }

    /// Whether who sends these headers may come in; `known` is whether credentials say who it is.
    pub(crate) fn admits(&self, known: bool, headers: &HeaderMap) -> bool {
        match &self.gate {
            Gate::Anyone => true,
            Gate::Known => known,
            Gate::Knowing(secret) => {
                headers.get(&SECRET).is_some_and(|sent| sent.as_bytes().ct_eq(secret.as_bytes()).into())
            }
            Gate::Nobody => false,
        }
    }
}

impl Gate {
    fn of(annotation: &Json) -> Self {
        match (annotation.kind(), annotation.as_str()) {
            (JsonKind::Bool, "true") => Self::Known,
            (JsonKind::Bool, _) => Self::Anyone,
            (JsonKind::String, _) => annotation.to_text().map_or(Self::Nobody, Self::Knowing),
            (JsonKind::Number, number) => Self::Knowing(number.to_owned()),
            _ => Self::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn annotations(list: &[(&str, &str)]) -> Parameters {
        let mut annotations = Parameters::default();
        for (name, value) in list {
            annotations.set(name, Json::parse(value).unwrap());
        }
        annotations
    }

    #[test]
    fn only_true_exports() {
        for value in ["false", "\"true\"", "1", "null", "{}"] {
            assert_eq!(Export::of(&annotations(&[("web-export", value)])), None, "{value}");
        }
        assert_eq!(Export::of(&Parameters::default()), None);
        let plain = Export::of(&annotations(&[("web-export", "true"), ("raw-http", "\"true\"")]));
        assert_eq!(plain, Some(Export { raw: false, custom_options: false, gate: Gate::Anyone }));
        let list = [("web-export", "true"), ("raw-http", "true"), ("web-custom-options", "true")];
        let export = Export::of(&annotations(&list)).unwrap();
        assert!(export.raw && export.custom_options);
    }

    #[test]
    fn the_gate_opens_for_whom_the_annotation_says() {
        let secret = |text: &str| Some(HeaderValue::try_from(text).unwrap());
        for (annotation, known, sent, admitted) in [
            ("false", false, None, true),
            ("true", false, secret("true"), false),
            ("true", true, None, true),
            ("\"s3cret\"", true, None, false),
            ("\"s3cret\"", false, secret("s3cre"), false),
            ("\"s3cret\"", false, secret("s3cret"), true),
            ("\"\"", false, None, false),
            ("42", false, secret("42"), true),
            ("42", true, secret("43"), false),
            ("null", true, secret("null"), false),
            ("{}", true, secret("{}"), false),
            ("[1]", true, secret("[1]"), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(SECRET, sent);
            }
            let list = [("web-export", "true"), ("require-whisk-auth", annotation)];
            let export = Export::of(&annotations(&list)).unwrap();
            assert_eq!(export.admits(known, &headers), admitted, "{annotation}");
        }
    }
}

//! The short description of an entity: what it is for and which parameters it takes. Bound parameters are
//! marked with `*`, those that callers cannot override with `**`.

use serde::Deserialize;
use whirl_model::Json;

use crate::client::{KeyValue, value_of};
use crate::exit::Failure;
use crate::output::Printer;

/// The members of an entity that describe it.
#[derive(Debug, Deserialize)]
pub(super) struct Described {
    #[serde(default)]
    pub(super) namespace: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) annotations: Vec<KeyValue>,
    #[serde(default)]
    parameters: Vec<KeyValue>,
}

impl Described {
    pub(super) fn of(entity: &Json) -> Result<Self, Failure> {
        serde_json::from_str(entity.as_str())
            .map_err(|error| Failure::Local(format!("The server's answer is no entity: {error}")))
    }

    /// The same elsewhere: what a package lists does not tell its namespace.
    pub(super) fn within(self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self }
    }

    pub(super) fn is_web(&self) -> bool {
        self.says("web-export")
    }

    fn says(&self, annotation: &str) -> bool {
        value_of(&self.annotations, annotation).is_some_and(|value| value.as_str() == "true")
    }

    fn description(&self) -> Option<String> {
        value_of(&self.annotations, "description").and_then(|text| text.to_text())
    }

    /// Documented parameters first, then those that are only bound.
    fn parameter_names(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Documented {
            name: String,
        }
        let documented = value_of(&self.annotations, "parameters")
            .and_then(|list| serde_json::from_str::<Vec<Documented>>(list.as_str()).ok())
            .unwrap_or_default();
        let mut names: Vec<String> = documented.into_iter().map(|parameter| parameter.name).collect();
        for bound in &self.parameters {
            if !names.contains(&bound.key) {
                names.push(bound.key.clone());
            }
        }
        names.into_iter().map(|name| format!("{}{name}", self.mark(&name))).collect()
    }

    fn mark(&self, name: &str) -> &'static str {
        match value_of(&self.parameters, name) {
            None => "",
            Some(value) if self.says("final") && !value.is_null() => "**",
            Some(_) => "*",
        }
    }
}

/// Two lines: name and description, then the parameters. Actions and feeds without a description get one.
pub(super) fn of_code(noun: &str, action: &Described, out: &Printer) -> String {
    let description = action.description().unwrap_or_else(|| match &action.parameter_names()[..] {
        [] => "Returns a result".to_owned(),
        [name] => format!("Returns a result based on parameter {name}"),
        [names @ .., last] => format!("Returns a result based on parameters {} and {last}", names.join(", ")),
    });
    text(noun, action, Some(description), out)
}

/// The same for packages and triggers.
pub(super) fn of_entity(noun: &str, entity: &Described, out: &Printer) -> String {
    text(noun, entity, entity.description(), out)
}

fn text(noun: &str, entity: &Described, description: Option<String>, out: &Printer) -> String {
    let names = entity.parameter_names();
    let parameters = if names.is_empty() { "none defined".to_owned() } else { names.join(", ") };
    format!(
        "{} /{}/{}{}\n   ({}: {parameters})",
        out.bold(noun),
        entity.namespace,
        entity.name,
        description.map_or(String::new(), |text| format!(": {text}")),
        out.bold("parameters"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Console;

    fn summary(annotations: &str, parameters: &str) -> String {
        let text = format!(
            r#"{{"namespace":"ns","name":"a","annotations":{annotations},"parameters":{parameters}}}"#
        );
        let described = Described::of(&Json::parse(&text).unwrap()).unwrap();
        of_code("action", &described, Console::plain().out())
    }

    #[test]
    fn description_and_parameters_are_told() {
        let annotations = r#"[{"key":"description","value":"echoes"},
            {"key":"parameters","value":[{"name":"x","description":"the x"},{"name":"y"}]}]"#;
        let parameters = r#"[{"key":"y","value":1},{"key":"z","value":2}]"#;
        assert_eq!(summary(annotations, parameters), "action /ns/a: echoes\n   (parameters: x, *y, *z)");
    }

    #[test]
    fn without_a_description_the_parameters_make_one() {
        assert!(summary("[]", "[]").contains("/ns/a: Returns a result\n   (parameters: none defined)"));
        let bound = r#"[{"key":"k","value":1},{"key":"n","value":null}]"#;
        let text = summary(r#"[{"key":"final","value":true}]"#, bound);
        assert!(text.contains("based on parameters **k and *n\n   (parameters: **k, *n)"), "{text}");
    }
}

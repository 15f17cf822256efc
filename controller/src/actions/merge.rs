//! What a PUT makes of an action: pure, from the body, the action that is there (if any), the bounds and the
//! time.

use serde::Deserialize;
use whirl_model::limits::{LimitBounds, LimitsPatch};
use whirl_model::{
    Action, ActionLimits, ActionPath, Exec, Json, Namespace, Parameters, RuntimeManifest, Timestamp, Version,
};

use super::exec::ExecBody;
use crate::api_error::ApiError;
use crate::body::fits;
use crate::runtimes::runtime_of;

const EXEC: &str = "exec";
const PROVIDE_API_KEY: &str = "provide-api-key";

/// The body of a PUT; every member may be missing or null, others are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutBody {
    exec: Option<ExecBody>,
    parameters: Option<Parameters>,
    annotations: Option<Parameters>,
    del_annotations: Option<Vec<String>>,
    limits: Option<LimitsPatch>,
    version: Option<Version>,
    publish: Option<bool>,
}

/// A body whose parts are known to be allowed, each by itself.
#[derive(Debug)]
pub(super) struct Change {
    exec: Option<Exec>,
    parameters: Option<Parameters>,
    annotations: Option<Parameters>,
    del_annotations: Vec<String>,
    limits: LimitsPatch,
    version: Option<Version>,
    publish: Option<bool>,
}

impl PutBody {
    /// Checks everything that can be checked without the action that may be there.
    pub(super) fn check(self, rules: &Rules<'_>) -> Result<Change, ApiError> {
        let exec = self.exec.map(|exec| exec.resolve(rules.manifest, rules.caller)).transpose()?;
        let bounds = rules.bounds;
        let limits = self.limits.unwrap_or_default();
        apply_limits(bounds, ActionLimits::default(), &limits)?;
        let code = exec.as_ref().and_then(Exec::code).map_or(0, |code| code.as_str().len() as u64);
        fits("code", code, bounds.code_bytes)?;
        let size = |list: &Option<Parameters>| list.as_ref().map_or(0, Parameters::size);
        fits("parameters", size(&self.parameters), bounds.parameter_bytes)?;
        fits("annotations", size(&self.annotations), bounds.parameter_bytes)?;
        Ok(Change {
            exec,
            parameters: self.parameters,
            annotations: self.annotations,
            del_annotations: self.del_annotations.unwrap_or_default(),
            limits,
            version: self.version,
            publish: self.publish,
        })
    }
}

impl Change {
    /// The components of the sequence that it is to be, if it is to be one.
    pub(super) fn components(&self) -> Option<&[ActionPath]> {
        self.exec.as_ref().and_then(Exec::components)
    }

    /// The new action that this is.
    pub(super) fn create(
        self,
        path: ActionPath,
        bounds: &LimitBounds,
        now: Timestamp,
    ) -> Result<Action, ApiError> {
        let exec = self.exec.ok_or_else(|| ApiError::malformed("A new action needs 'exec'."))?;
        let mut annotations = self.annotations.unwrap_or_default();
        if annotations.get(PROVIDE_API_KEY).is_none() {
            annotations.set(PROVIDE_API_KEY, Json::of(&false));
        }
        annotations.set_last(EXEC, Json::of(&exec.kind()));
        Ok(Action {
            path,
            version: self.version.unwrap_or_default(),
            publish: self.publish.unwrap_or_default(),
            parameters: components_parameter(&exec).or(self.parameters).unwrap_or_default(),
            exec,
            annotations,
            limits: new_limits(bounds, &self.limits)?,
            updated: now,
        })
    }

    /// What this makes of the action that is there. Annotations and limits are merged, parameters replaced.
    pub(super) fn update(self, old: Action, rules: &Rules<'_>, now: Timestamp) -> Result<Action, ApiError> {
        if self.exec.is_none() && matches!(old.exec, Exec::Runtime { .. }) {
            runtime_of(rules.manifest, &old.exec.kind())?;
        }
        let was_sequence = old.exec.components().is_some();
        let parameters = match &self.exec {
            Some(new) => components_parameter(new).or(self.parameters).unwrap_or(if was_sequence {
                Parameters::default()
            } else {
                old.parameters
            }),
            None if was_sequence => old.parameters,
            None => self.parameters.unwrap_or(old.parameters),
        };
        // A new sequence keeps the annotations that it is told to delete, as OpenWhisk has it.
        let to_sequence = self.exec.as_ref().is_some_and(|new| new.components().is_some());
        let deleted = if to_sequence { &[][..] } else { &self.del_annotations };
        let exec = self.exec.unwrap_or(old.exec);
        let annotations = merge_annotations(old.annotations, self.annotations, deleted, &exec);
        fits("annotations", annotations.size(), rules.bounds.parameter_bytes)?;
        Ok(Action {
            path: old.path,
            version: self.version.unwrap_or_else(|| old.version.next_patch()),
            publish: self.publish.unwrap_or(old.publish),
            exec,
            parameters,
            annotations,
            limits: apply_limits(rules.bounds, old.limits, &self.limits)?,
            updated: now,
        })
    }
}

/// The parameters of a sequence: its components, and nothing that a client gives.
fn components_parameter(exec: &Exec) -> Option<Parameters> {
    let components = exec.components()?.iter().map(|component| format!("/{component}"));
    let mut parameters = Parameters::default();
    parameters.set("_actions", Json::of(&components.collect::<Vec<_>>()));
    Some(parameters)
}

/// What the platform allows, and whom.
pub(super) struct Rules<'a> {
    /// The caller's namespace.
    pub(super) caller: &'a Namespace,
    /// The runtimes there are.
    pub(super) manifest: &'a RuntimeManifest,
    /// The bounds of actions.
    pub(super) bounds: &'a LimitBounds,
}

/// The user's annotations in the order they came, then the platform's own two.
fn merge_annotations(
    mut old: Parameters,
    new: Option<Parameters>,
    deleted: &[String],
    exec: &Exec,
) -> Parameters {
    old.remove_all(deleted);
    let new = new.unwrap_or_default();
    let platforms_own = old.get(PROVIDE_API_KEY).filter(|_| new.get(PROVIDE_API_KEY).is_none()).cloned();
    let mut merged = old.merged_with(new);
    if let Some(provide) = platforms_own {
        merged.set_last(PROVIDE_API_KEY, provide);
    }
    merged.set_last(EXEC, Json::of(&exec.kind()));
    merged
}

/// Limits that are not given have their defaults, which have to be allowed too.
fn new_limits(bounds: &LimitBounds, patch: &LimitsPatch) -> Result<ActionLimits, ApiError> {
    let limits = apply_limits(bounds, ActionLimits::default(), patch)?;
    bounds.check(&limits).map_err(|error| ApiError::malformed(error.to_string()))?;
    Ok(limits)
}

fn apply_limits(
    bounds: &LimitBounds,
    base: ActionLimits,
    patch: &LimitsPatch,
) -> Result<ActionLimits, ApiError> {
    bounds.apply(base, patch).map_err(|error| ApiError::malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    const NOW: Timestamp = Timestamp(5);

    fn manifest() -> RuntimeManifest {
        RuntimeManifest::parse(
            r#"{"runtimes":{"nodejs":[{"kind":"nodejs:20","image":{"name":"n"},"default":true},
                {"kind":"nodejs:12","image":{"name":"n"},"deprecated":true}]}}"#,
        )
        .unwrap()
    }

    static BOUNDS: LazyLock<LimitBounds> = LazyLock::new(LimitBounds::default);
    static ALICE: LazyLock<Namespace> = LazyLock::new(|| "alice".parse().unwrap());

    fn rules(manifest: &RuntimeManifest) -> Rules<'_> {
        Rules { manifest, bounds: &BOUNDS, caller: &ALICE }
    }

    fn change(body: &str) -> Result<Change, ApiError> {
        let body: PutBody = crate::body::parse(body.as_bytes())?;
        body.check(&rules(&manifest()))
    }

    fn created(body: &str) -> Action {
        let path = "alice/hello".parse().unwrap();
        change(body).unwrap().create(path, &LimitBounds::default(), NOW).unwrap()
    }

    fn updated(old: Action, body: &str) -> Result<Action, ApiError> {
        change(body)?.update(old, &rules(&manifest()), NOW)
    }

    fn annotations(action: &Action) -> String {
        Json::of(&action.annotations).as_str().to_owned()
    }

    const HELLO: &str = r#"{"exec":{"kind":"nodejs:20","code":"x"}}"#;

    #[test]
    fn the_platform_adds_its_annotations_last() {
        let plain = created(HELLO);
        assert_eq!(
            annotations(&plain),
            r#"[{"key":"provide-api-key","value":false},{"key":"exec","value":"nodejs:20"}]"#
        );
        let chosen = created(
            r#"{"exec":{"kind":"nodejs:20","code":"x"},"annotations":[{"key":"exec","value":"mine"},
                {"key":"provide-api-key","value":true},{"key":"z","value":1}]}"#,
        );
        assert_eq!(
            annotations(&chosen),
            r#"[{"key":"provide-api-key","value":true},{"key":"z","value":1},{"key":"exec","value":"nodejs:20"}]"#
        );
    }

    #[test]
    fn updates_merge_annotations_and_limits_and_replace_the_rest() {
        let old = created(
            r#"{"exec":{"kind":"nodejs:20","code":"x"},"parameters":[{"key":"p","value":1}],"publish":true,
                "annotations":[{"key":"a","value":1},{"key":"b","value":2}],"limits":{"memory":128,"logs":1}}"#,
        );
        let new = updated(
            old.clone(),
            r#"{"annotations":[{"key":"c","value":3},{"key":"b","value":4}],"delAnnotations":["a","none"],
                "limits":{"logs":2},"parameters":[{"key":"q","value":null}]}"#,
        )
        .unwrap();
        assert_eq!(
            annotations(&new),
            r#"[{"key":"b","value":4},{"key":"c","value":3},{"key":"provide-api-key","value":false},{"key":"exec","value":"nodejs:20"}]"#
        );
        assert_eq!((new.limits.memory, new.limits.logs), (128, 2));
        assert_eq!(Json::of(&new.parameters).as_str(), r#"[{"key":"q","value":null}]"#);
        assert_eq!((new.version.to_string().as_str(), new.publish), ("0.0.2", true));
        assert_eq!(new.exec, old.exec);
        let same = updated(old.clone(), "{}").unwrap();
        assert_eq!((&same.parameters, same.limits), (&old.parameters, old.limits));
    }

    #[test]
    fn a_sequence_has_its_components_as_its_only_parameter() {
        let sequence = |of: &str| {
            format!(
                r#"{{"exec":{{"kind":"sequence","components":["/_/{of}"]}},"delAnnotations":["a"],
                "parameters":[{{"key":"_actions","value":1}},{{"key":"p","value":1}}]}}"#
            )
        };
        let parameters = |action: &Action| Json::of(&action.parameters).as_str().to_owned();
        let new = created(&sequence("b"));
        assert_eq!(parameters(&new), r#"[{"key":"_actions","value":["/alice/b"]}]"#);
        let kept = updated(new.clone(), r#"{"parameters":[{"key":"p","value":1}]}"#).unwrap();
        assert_eq!(parameters(&kept), parameters(&new));
        let other = updated(new.clone(), &sequence("c")).unwrap();
        assert_eq!(parameters(&other), r#"[{"key":"_actions","value":["/alice/c"]}]"#);
        assert_eq!(parameters(&updated(new.clone(), HELLO).unwrap()), "[]");
        let given = r#"{"exec":{"kind":"nodejs:20","code":"x"},"parameters":[{"key":"p","value":1}]}"#;
        assert_eq!(parameters(&updated(new, given).unwrap()), r#"[{"key":"p","value":1}]"#);
        let mut plain = created(HELLO);
        plain.annotations.set("a", Json::of(&1));
        let turned = updated(plain, &sequence("b")).unwrap();
        assert!(
            turned.annotations.get("a").is_some(),
            "annotations are not deleted by what makes a sequence"
        );
        assert_eq!(parameters(&turned), r#"[{"key":"_actions","value":["/alice/b"]}]"#);
    }

    #[test]
    fn an_old_action_without_the_key_annotation_does_not_get_it() {
        let mut old = created(HELLO);
        old.annotations.remove("provide-api-key");
        assert_eq!(annotations(&updated(old, "{}").unwrap()), r#"[{"key":"exec","value":"nodejs:20"}]"#);
    }

    #[test]
    fn versions_may_be_given() {
        let old = created(r#"{"exec":{"kind":"nodejs:20","code":"x"},"version":"1.2"}"#);
        assert_eq!(old.version.to_string(), "1.2.0");
        assert_eq!(updated(old, r#"{"version":"3"}"#).unwrap().version.to_string(), "3.0.0");
    }

    #[test]
    fn a_deprecated_action_is_not_changed_unless_its_kind_is() {
        let mut old = created(HELLO);
        let code = old.exec.code().cloned();
        old.exec =
            Exec::Runtime { kind: whirl_model::Kind::new("nodejs:12"), code: code.unwrap(), main: None };
        assert!(updated(old.clone(), "{}").is_err());
        assert_eq!(updated(old, HELLO).unwrap().exec.kind().as_str(), "nodejs:20");
    }

    #[test]
    fn sizes_and_bounds_are_checked_before_anything_is_read() {
        let long = "x".repeat(1 << 20);
        for (body, status) in [
            (format!(r#"{{"parameters":[{{"key":"k","value":"{long}"}}]}}"#), "larger"),
            (format!(r#"{{"annotations":[{{"key":"k","value":"{long}"}}]}}"#), "larger"),
            (r#"{"limits":{"timeout":99}}"#.into(), "allowed threshold"),
            (r#"{"limits":{"memory":100000}}"#.into(), "allowed threshold"),
            (r#"{"limits":[]}"#.into(), "malformed"),
            (r#"{"parameters":{}}"#.into(), "malformed"),
            (r#"{"version":"0.0.0"}"#.into(), "malformed"),
            ("[]".into(), "malformed"),
            (String::new(), "body"),
        ] {
            let error = change(&body).unwrap_err().to_string();
            assert!(error.contains(status), "{error}");
        }
        let nothing = change(r#"{"exec":null,"limits":null}"#).unwrap();
        let path = "alice/hello".parse().unwrap();
        assert!(nothing.create(path, &LimitBounds::default(), NOW).is_err(), "a new action needs exec");
    }
}

//! Actions and sequences of a manifest: their code, limits and web annotations.

use std::path::Path;

use serde_json::{Number, Value};

use super::{Planner, Spot, decode_part};
use crate::artifact;
use crate::client::{ActionBody, GpuBody, KeyValue, LimitsBody};
use crate::commands::Web;
use crate::exit::Failure;
use crate::project::input;
use crate::project::manifest::{ActionPart, LimitsPart, SequencePart};
use crate::project::operation::{Artifact, Code, Operation, PlannedAction};
use whirl_model::Json;

impl Planner<'_> {
    pub(super) fn action(&mut self, spot: &Spot<'_>, part: Value) -> Result<(), Failure> {
        let what = format!("action '{}/{}'", spot.package, spot.name);
        let part: ActionPart = decode_part(&what, part)?;
        self.warn(&what, &part.rest);
        self.warn(&what, &part.limits.rest);
        let code = self.code(&what, &part)?;
        let conductor = part.conductor.then(|| KeyValue::new("conductor", Json::of(&true)));
        let added = web(&what, part.web.as_ref())?.into_iter().chain(conductor);
        let body = ActionBody {
            parameters: input::pairs(&part.inputs),
            annotations: self.annotations(&part.annotations, added),
            limits: limits(&what, &part.limits)?,
            ..ActionBody::default()
        };
        let name = self.qualified(spot.package, spot.name)?;
        self.stages.actions.push(Operation::Action(Box::new(PlannedAction { name, code, body })));
        Ok(())
    }

    pub(super) fn sequence(&mut self, spot: &Spot<'_>, part: Value) -> Result<(), Failure> {
        let what = format!("sequence '{}/{}'", spot.package, spot.name);
        let part: SequencePart = decode_part(&what, part)?;
        self.warn(&what, &part.rest);
        let names: Vec<&str> = match &part.actions {
            Value::String(list) => list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if names.is_empty() {
            return Err(Failure::Local(format!("{what}: it names no actions")));
        }
        let components = names.into_iter().map(|name| self.qualified(spot.package, name));
        let code = Code::Sequence(components.collect::<Result<_, _>>()?);
        let added = web(&what, part.web.as_ref())?;
        let body =
            ActionBody { annotations: self.annotations(&part.annotations, added), ..ActionBody::default() };
        let name = self.qualified(spot.package, spot.name)?;
        self.stages.sequences.push(Operation::Action(Box::new(PlannedAction { name, code, body })));
        Ok(())
    }

    fn code(&mut self, what: &str, part: &ActionPart) -> Result<Code, Failure> {
        let artifact = match (&part.code, &part.function) {
            (Some(_), Some(_)) => {
                return Err(Failure::Local(format!("{what}: it has both code and function")));
            }
            (Some(code), None) => Some(Artifact::Text(code.clone())),
            (None, Some(url)) if url.starts_with("http://") || url.starts_with("https://") => {
                Some(Artifact::Url(url.clone()))
            }
            (None, Some(file)) => Some(Artifact::Path(self.terms.folder.join(file))),
            (None, None) => None,
        };
        let main = part.main.clone();
        let image = part.docker.clone().or_else(|| part.native.then(|| artifact::NATIVE_IMAGE.to_owned()));
        match (image, artifact) {
            (Some(image), artifact) => Ok(Code::Image { image, artifact, main }),
            (None, Some(artifact)) => {
                let kind = self.kind(what, part, &artifact)?;
                Ok(Code::Runtime { kind, artifact, main })
            }
            (None, None) => Err(Failure::Local(format!("{what}: it has no code: give function or code"))),
        }
    }

    /// The runtime that the manifest names if the server has it, else the one that the file's name stands for.
    fn kind(&mut self, what: &str, part: &ActionPart, artifact: &Artifact) -> Result<String, Failure> {
        let by_name = match artifact {
            Artifact::Text(_) => None,
            Artifact::Path(path) => artifact::kind_of_file(path),
            Artifact::Url(url) => artifact::kind_of_file(Path::new(url)),
        };
        let Some(runtime) = &part.runtime else {
            return by_name.ok_or_else(|| Failure::Local(format!("{what}: it needs a runtime")));
        };
        let whole = if runtime.contains(':') { runtime.clone() } else { format!("{runtime}:default") };
        match (&self.terms.kinds, by_name) {
            (Some(kinds), Some(fallback)) if !kinds.contains(&whole) => {
                self.warnings.push(format!(
                    "{what}: the server has no runtime '{runtime}'; it becomes {fallback} (--strict keeps it)"
                ));
                Ok(fallback)
            }
            _ => Ok(whole),
        }
    }
}

fn web(what: &str, given: Option<&Value>) -> Result<Vec<KeyValue>, Failure> {
    let web = match given {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Bool(true)) => Web::Yes,
        Some(Value::Bool(false)) => Web::No,
        Some(Value::String(text)) => match text.to_lowercase().as_str() {
            "yes" | "true" => Web::Yes,
            "no" | "false" => Web::No,
            "raw" => Web::Raw,
            _ => return Err(Failure::Local(format!("{what}: web is yes, no or raw, not '{text}'"))),
        },
        Some(other) => return Err(Failure::Local(format!("{what}: web is yes, no or raw, not {other}"))),
    };
    Ok(web.annotations().into())
}

fn limits(what: &str, part: &LimitsPart) -> Result<Option<LimitsBody>, Failure> {
    let number =
        |value: &Option<Value>, unit: &str| value.as_ref().map(|v| amount(what, v, unit)).transpose();
    let body = LimitsBody {
        timeout: number(&part.timeout, "ms")?,
        memory: number(&part.memory, "MB")?,
        logs: number(&part.logs, "MB")?,
        concurrency: number(&part.concurrency, "")?,
        cpu: part.cpu.as_ref().map(|cores| cpu(what, cores)).transpose()?,
        gpu: part.gpu.as_ref().map(|devices| gpu(what, devices)).transpose()?,
    };
    Ok((body != LimitsBody::default()).then_some(body))
}

fn cpu(what: &str, value: &Value) -> Result<Number, Failure> {
    let malformed = || Failure::Local(format!("{what}: the limit cpu is a number of cores, not {value}"));
    serde_json::from_value(value.clone()).map_err(|_| malformed())
}

fn gpu(what: &str, value: &Value) -> Result<GpuBody, Failure> {
    let allowed = "a number, or an object with count and class";
    let malformed = || Failure::Local(format!("{what}: the limit gpu is {allowed}, not {value}"));
    serde_json::from_value(value.clone()).map_err(|_| malformed())
}

/// A number, or a text that is one with its unit behind it.
fn amount(what: &str, value: &Value, unit: &str) -> Result<i64, Failure> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            text.strip_suffix(&unit.to_lowercase()).unwrap_or(&text).trim().parse().ok()
        }
        _ => None,
    };
    let unit = if unit.is_empty() { String::new() } else { format!(" of {unit}") };
    number.ok_or_else(|| Failure::Local(format!("{what}: the limit {value} is no whole number{unit}")))
}

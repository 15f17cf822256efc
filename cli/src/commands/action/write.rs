//! `wsk action create` and `wsk action update`: put together what the flags say and send it. Only what was
//! given travels.

use clap::Args;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Number;
use whirl_model::Json;

use super::code::{CodeFlags, Source};
use super::web::{WebChange, WebFlags};
use crate::client::{ActionBody, Client, GpuBody, KeyValue, LimitsBody};
use crate::commands::summary::Described;
use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::flags::{Annotations, Parameters};
use crate::name::QualifiedName;

/// Secrets that are made up stay below this, so that JavaScript reads them exactly.
const SECRET_BOUND: u64 = 1 << 53;

/// A new action.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    action: ActionArgs,
}

/// A changed action.
#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[command(flatten)]
    action: ActionArgs,
    /// Remove an annotation; repeatable
    #[arg(long, value_name = "KEY")]
    del_annotation: Vec<String>,
}

/// What create and update have in common.
#[derive(Debug, Args)]
struct ActionArgs {
    /// The action
    name: QualifiedName,
    /// A code file; with --copy an action, with --sequence a list of actions
    artifact: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    annotations: Annotations,
    #[command(flatten)]
    code: CodeFlags,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    web: WebFlags,
}

#[derive(Debug, Args)]
struct LimitFlags {
    /// Time limit in milliseconds
    #[arg(short, long, value_name = "MS")]
    timeout: Option<i64>,
    /// Memory limit in megabytes
    #[arg(short, long, value_name = "MB")]
    memory: Option<i64>,
    /// Log limit in megabytes
    #[arg(short, long, value_name = "MB")]
    logsize: Option<i64>,
    /// Activations at once in one container
    #[arg(short, long, value_name = "COUNT")]
    concurrency: Option<i64>,
    /// CPU cores of each container, such as 0.5; 0 for no limit of its own
    #[arg(long, value_name = "CORES")]
    cpu: Option<Number>,
    /// GPUs of each container, or a share of one such as 0.25; 0 for none
    #[arg(long, value_name = "COUNT")]
    gpu: Option<Number>,
    /// Class of the GPUs, such as h100
    #[arg(long, value_name = "CLASS", requires = "gpu")]
    gpu_class: Option<String>,
}

impl LimitFlags {
    fn body(&self) -> Option<LimitsBody> {
        let gpu = self.gpu.clone().map(|count| GpuBody::new(count, self.gpu_class.clone()));
        let body = LimitsBody {
            timeout: self.timeout,
            memory: self.memory,
            logs: self.logsize,
            concurrency: self.concurrency,
            cpu: self.cpu.clone(),
            gpu,
        };
        (body != LimitsBody::default()).then_some(body)
    }
}

impl Run for CreateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let action = self.action;
        let source = action.code.source(action.artifact.as_deref())?;
        if source == Source::Unchanged {
            return Err(Failure::usage(
                "Invalid argument(s). An action name and code artifact are required.",
            ));
        }
        let web = action.web.change(false, made_up_secret())?;
        let client = context.client()?;
        let body = action.body(&client, source, web, Vec::new(), "create")?;
        client.actions().create(&action.name, &body).map_err(Failure::request(action.unable_to("create")))?;
        let out = context.out();
        out.ok(format!("created action {}", out.bold(&action.name.local())))?;
        Ok(exit::OK)
    }
}

impl Run for UpdateArgs {
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let action = self.action;
        let source = action.code.source(action.artifact.as_deref())?;
        let client = context.client()?;
        let is_web = is_web_action(&client, &action.name)?;
        let web = action.web.change(is_web, made_up_secret())?;
        let body = action.body(&client, source, web, self.del_annotation, "update")?;
        client.actions().update(&action.name, &body).map_err(Failure::request(action.unable_to("update")))?;
        let out = context.out();
        out.ok(format!("updated action {}", out.bold(&action.name.local())))?;
        Ok(exit::OK)
    }
}

impl ActionArgs {
    fn unable_to(&self, verb: &str) -> String {
        format!("Unable to {verb} action '{}'", self.name.local())
    }

    fn body(
        &self,
        client: &Client,
        source: Source,
        web: WebChange,
        mut del_annotations: Vec<String>,
        verb: &str,
    ) -> Result<ActionBody, Failure> {
        let original = match source {
            Source::Unchanged => Original::default(),
            Source::Exec(exec) => Original { exec: Some(Json::of(&exec)), ..Original::default() },
            Source::CopyOf(name) => {
                let got = client.actions().get(&name).map_err(Failure::request(self.unable_to(verb)))?;
                Original::of(&got)?
            }
        };
        del_annotations.extend(web.drop.map(str::to_owned));
        Ok(ActionBody {
            exec: original.exec,
            parameters: merged([original.parameters, self.parameters.pairs()?]),
            annotations: merged([original.annotations, self.annotations.pairs()?, Some(web.set)]),
            del_annotations,
            limits: self.limits.body(),
        })
    }
}

/// What a copy takes over.
#[derive(Debug, Default, Deserialize)]
struct Original {
    exec: Option<Json>,
    parameters: Option<Vec<KeyValue>>,
    annotations: Option<Vec<KeyValue>>,
}

impl Original {
    fn of(action: &Json) -> Result<Self, Failure> {
        serde_json::from_str(action.as_str())
            .map_err(|error| Failure::Local(format!("The server's answer is no action: {error}")))
    }
}

/// Later lists win by key. `None` if there is nothing.
fn merged<const N: usize>(lists: [Option<Vec<KeyValue>>; N]) -> Option<Vec<KeyValue>> {
    let pairs = lists.into_iter().flatten().flatten().map(|pair| (pair.key.clone(), pair));
    let merged: IndexMap<String, KeyValue> = pairs.collect();
    (!merged.is_empty()).then(|| merged.into_values().collect())
}

/// Whether there is such an action and it is a web action.
fn is_web_action(client: &Client, name: &QualifiedName) -> Result<bool, Failure> {
    match client.actions().get_without_code(name) {
        Ok(action) => Ok(Described::of(&action)?.is_web()),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(Failure::request(format!("Unable to update action '{}'", name.local()))(error)),
    }
}

fn made_up_secret() -> u64 {
    rand::random_range(1..SECRET_BOUND)
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    #[test]
    fn later_pairs_win_and_first_places_stay() {
        let pair = |key: &str, value: i32| KeyValue::new(key, Json::of(&value));
        let both = merged([Some(vec![pair("a", 1), pair("b", 2)]), None, Some(vec![pair("a", 3)])]);
        assert_eq!(both, Some(vec![pair("a", 3), pair("b", 2)]));
        assert_eq!(merged([None, Some(Vec::new())]), None);
    }

    #[test]
    fn only_given_limits_travel() {
        let body = |words: &[&str]| {
            let grammar = LimitFlags::augment_args(clap::Command::new("x").no_binary_name(true));
            let flags = LimitFlags::from_arg_matches(&grammar.get_matches_from(words)).unwrap();
            flags.body().map(|body| serde_json::to_string(&body).unwrap())
        };
        assert_eq!(body(&[]), None);
        assert_eq!(body(&["--memory", "1"]).unwrap(), r#"{"memory":1}"#);
        assert_eq!(body(&["--cpu", "0.5", "--gpu", "2"]).unwrap(), r#"{"cpu":0.5,"gpu":2}"#);
        let classed = body(&["--gpu", "0.25", "--gpu-class", "h100"]).unwrap();
        assert_eq!(classed, r#"{"gpu":{"count":0.25,"class":"h100"}}"#);
    }
}

//! Pages of long lists: actions and activation records, first pages, deep ones and counts. The store is filled
//! by its own library before whirl starts on it.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use whirl_backends::EmbeddedStore;
use whirl_backends::store::{NewDocument, StoreError, Stores};
use whirl_model::{
    Action, ActionLimits, ActivationId, ActivationRecord, ActivationResponse, Code, Exec, Json, Kind,
    Outcome, Parameters, Timestamp, Version,
};

use super::{Plan, timed_call};
use crate::error::Error;
use crate::latencies::Latencies;
use crate::platform::Platform;
use crate::report::{Row, Section};
use crate::server::{Options, Server};

const ACTIONS: u64 = 10_000;
const RECORDS: u64 = 100_000;
/// Records of each other action's, in as many packages.
const NAMES: u64 = 50;
const BATCH: u64 = 5_000;
/// Milliseconds that a page may take at the median.
const TARGET: f64 = 5.0;
/// Calls that warm the connection and the store's pages.
const UNCOUNTED: u32 = 5;

/// What is asked of a list.
struct Question {
    name: &'static str,
    /// Behind the namespace.
    path: &'static str,
    /// Whether it has the target; a count says how much it costs, no more.
    judged: bool,
}

const fn page(name: &'static str, path: &'static str) -> Question {
    Question { name, path, judged: true }
}

const fn count(name: &'static str, path: &'static str) -> Question {
    Question { name, path, judged: false }
}

/// Of each list the first page of 30 comes first and the deep one second.
const OF_ACTIONS: [Question; 4] = [
    page("first page of 30", "actions?limit=30"),
    page("page of 30 at skip 9,000", "actions?limit=30&skip=9000"),
    page("first page of 200", "actions?limit=0"),
    count("count", "actions?count=true"),
];
const OF_ACTIVATIONS: [Question; 7] = [
    page("first page of 30", "activations?limit=30"),
    page("page of 30 at skip 90,000", "activations?limit=30&skip=90000"),
    page("first page of 200", "activations?limit=0"),
    page("first page of 200 whole records", "activations?limit=0&docs=true"),
    page("30 of one action, at skip 1,500", "activations?limit=30&skip=1500&name=p7/a7"),
    page(
        "nothing new since the last one, whole records",
        "activations?limit=0&docs=true&since=9999999999999",
    ),
    count("count", "activations?count=true"),
];

/// One section.
pub(crate) fn measure(plan: &Plan) -> Result<Vec<Section>, Error> {
    let data = tempfile::Builder::new().prefix("whirl-bench-lists-").tempdir();
    let data = data.map_err(Error::io("make a temporary directory"))?;
    fill(&data.path().join("whirl.sqlite"))?;
    let options = Options { data: Some(data.path().to_owned()), ..Options::defaults(&plan.whirl) };
    let server = Server::start(&options, &plan.stop)?;
    let platform = Platform::of(&server)?;
    let mut rows = list(plan, &platform, "10,000 actions", &OF_ACTIONS)?;
    rows.extend(list(plan, &platform, "100,000 activations", &OF_ACTIVATIONS)?);
    server.stop()?;
    Ok(vec![Section {
        title: "Pages of long lists".to_owned(),
        columns: vec!["p50 ms", "p99 ms"],
        rows,
        notes: vec![
            "One call at a time, one namespace. Records have no logs and a result of some bytes; all started at \
             different times. A page of 200 is what 'limit=0' asks for, whole records are what 'docs=true' asks \
             for: together they are what clients that poll ask. 'Depth' is the ratio of the deep page to the first."
                .to_owned(),
        ],
        raw: json!({}),
    }])
}

/// The rows of one list.
fn list(plan: &Plan, platform: &Platform, list: &str, questions: &[Question]) -> Result<Vec<Row>, Error> {
    let calls = (plan.warm_calls / 50).max(20);
    let (mut rows, mut medians) = (Vec::new(), Vec::new());
    for Question { name, path, judged } in questions {
        let latencies = ask(plan, platform, path, calls)?;
        let row = Row::new(format!("{list}: {name}"), [latencies.millis(50.0), latencies.millis(99.0)])
            .calls(latencies.count(), latencies.errors);
        rows.push(if *judged { row.at_most("p50", 0, TARGET) } else { row });
        medians.push(latencies.millis(50.0));
    }
    if let [first, deep, ..] = *medians {
        rows.push(Row::new(format!("{list}: depth"), [deep / first]));
    }
    Ok(rows)
}

fn ask(plan: &Plan, platform: &Platform, path: &str, calls: u32) -> Result<Latencies, Error> {
    let (mut connection, request) = (platform.connect()?, platform.get_request(path));
    let (mut uncounted, mut counted) = (Latencies::default(), Latencies::default());
    for call in 0..UNCOUNTED + calls {
        plan.stop.check()?;
        let into = if call < UNCOUNTED { &mut uncounted } else { &mut counted };
        timed_call(&mut connection, &request, into).map_err(Error::io(format!("ask for {path}")))?;
    }
    counted.errors += uncounted.errors;
    Ok(counted)
}

fn fill(path: &Path) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::io("start a runtime"))?;
    let store = EmbeddedStore::open(path)?;
    runtime.block_on(fill_stores(&store.stores()))?;
    store.close();
    Ok(())
}

async fn fill_stores(stores: &Stores) -> Result<(), StoreError> {
    // Writes that wait together share a commit.
    for first in (0..ACTIONS).step_by(100) {
        let writes = (first..first + 100).map(|n| stores.entities.put(NewDocument::from(&action(n)), None));
        futures::future::try_join_all(writes).await?;
    }
    for first in (0..RECORDS).step_by(BATCH as usize) {
        let records: Vec<_> = (first..first + BATCH).map(|n| Arc::new(record(n))).collect();
        stores.activations.put_all(&records).await?;
    }
    Ok(())
}

fn action(number: u64) -> Action {
    Action {
        path: format!("guest/action{number}").parse().expect("letters and digits are a name"),
        version: Version::FIRST,
        publish: false,
        exec: Exec::Runtime {
            kind: Kind::new("nodejs:20"),
            code: Code::new("function main() {}"),
            main: None,
        },
        parameters: Parameters::default(),
        annotations: Parameters::default(),
        limits: ActionLimits::default(),
        updated: start(number),
    }
}

fn record(number: u64) -> ActivationRecord {
    let name = number % NAMES;
    let mut annotations = Parameters::default();
    annotations.set("path", Json::of(&format!("guest/p{name}/a{name}")));
    annotations.set("waitTime", Json::of(&3));
    annotations.set("kind", Json::of("nodejs:20"));
    annotations.set("timeout", Json::of(&false));
    annotations.set("limits", Json::of(&ActionLimits::default()));
    let result = Json::of(&json!({ "number": number }));
    ActivationRecord {
        namespace: "guest".parse().expect("letters are a name"),
        name: format!("a{name}").parse().expect("letters and digits are a name"),
        version: Version::FIRST,
        subject: "guest".to_owned(),
        activation_id: ActivationId::from_bits(u128::from(number) + 1),
        cause: None,
        start: start(number),
        end: Some(Timestamp(start(number).0 + 2)),
        duration: Some(2),
        response: ActivationResponse { outcome: Outcome::Success, size: None, result: Some(result) },
        logs: Vec::new(),
        annotations,
        publish: false,
    }
}

/// One a second, from some day on.
fn start(number: u64) -> Timestamp {
    Timestamp(1_700_000_000_000 + number * 1000)
}

//! The API gateway. What all its tests use is here: the management's URLs, and the bodies that clients send.

mod manage;
mod requests;
mod whole;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::world::World;

const MANAGEMENT: &str = "/api/v1/web/whisk.system/apimgmt";
/// `alice` in hexadecimal.
const ALICE: &str = "616c696365";

/// A client of the management.
impl Client {
    fn create_api(&self, apidoc: &Value) -> Answer {
        self.post(&format!("{MANAGEMENT}/createApi.http?responsetype=json"), &json!({ "apidoc": apidoc }))
    }

    fn apis(&self, query: &str) -> Vec<Value> {
        let list = self.get(&format!("{MANAGEMENT}/getApi.http{query}")).ok();
        list["apis"].as_array().unwrap().clone()
    }

    fn delete_api(&self, query: &str) -> Answer {
        self.delete(&format!("{MANAGEMENT}/deleteApi.http{query}"))
    }
}

/// What `wsk api create BASE PATH VERB ACTION` sends.
fn operation(base: &str, path: &str, verb: &str, action: &str) -> Value {
    json!({
        "namespace": "_", "gatewayBasePath": base, "gatewayPath": path, "gatewayMethod": verb,
        "id": format!("API:_:{base}"),
        "action": {"name": action, "namespace": "_", "backendMethod": "GET", "authkey": "uuid:key",
                   "backendUrl": format!("https://h/api/v1/web/_/default/{action}.http")},
    })
}

impl World {
    /// Alice has a web action of this name, with these annotations besides.
    fn has_web_action(&self, name: &str, annotations: &[(&str, Value)]) {
        let mut list = vec![json!({"key": "web-export", "value": true})];
        list.extend(annotations.iter().map(|(key, value)| json!({"key": key, "value": value})));
        self.has_action_with(name, &json!({ "annotations": list }));
    }

    /// Alice has an API with this operation of the web action `hello`.
    #[track_caller]
    fn has_api(&self, base: &str, path: &str, verb: &str) {
        self.alice().create_api(&operation(base, path, verb, "hello")).ok();
    }
}

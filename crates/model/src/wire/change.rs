//! The body on the topic `cacheInvalidation`.

use serde::{Deserialize, Serialize};

use super::{VERSION, Wire, WireError, first_version, number, read, write};
use crate::{ControllerId, DocId, EntityChange};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default = "first_version")]
    v: u32,
    key: Key,
    instance_id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    main_id: DocId,
}

impl Wire for EntityChange {
    fn to_wire(&self) -> Vec<u8> {
        let key = Key { main_id: self.id.clone() };
        write(&Body { v: VERSION, key, instance_id: self.by.to_string() })
    }

    fn from_wire(body: &[u8]) -> Result<Self, WireError> {
        let body: Body = read(body, |body: &Body| body.v)?;
        let by = number(&body.instance_id, "controller", "controller")?;
        Ok(Self { id: body.key.main_id, by: ControllerId(by) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_and_others_are_refused() {
        let change = EntityChange { id: DocId::from("ns/name"), by: ControllerId(4) };
        let body = r#"{"v":1,"key":{"mainId":"ns/name"},"instanceId":"controller4"}"#;
        assert_eq!(String::from_utf8(change.to_wire()).unwrap(), body);
        assert_eq!(EntityChange::from_wire(body.as_bytes()).unwrap(), change);
        let openwhisk = r#"{"key":{"mainId":"ns/name","secondaryId":null},"instanceId":"controller4"}"#;
        assert_eq!(EntityChange::from_wire(openwhisk.as_bytes()).unwrap(), change);
        for bad in ["", "{}", &body.replace("controller4", "invoker4"), &body.replace("\"v\":1", "\"v\":2")] {
            assert!(EntityChange::from_wire(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

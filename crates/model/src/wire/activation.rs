//! The body on topics `invokerN` and `sequencesN`. OpenWhisk's twelve members, and of Whirl's own `v`, `epoch`, and the sealed
//! credential where OpenWhisk has it in clear.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Transaction, VERSION, Wire, WireError, first_version, number, read, write};
use crate::{
    ActionPath, ActivationId, ActivationMessage, Caller, ControllerId, EntityName, EntityPath, Epoch, Input,
    Keep, Namespace, Revision, SealedKey, Version,
};

/// What every credential allows.
const RIGHTS: [&str; 4] = ["READ", "PUT", "DELETE", "ACTIVATE"];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(default = "first_version")]
    v: u32,
    transid: Transaction,
    action: Action,
    revision: Revision,
    user: User,
    activation_id: ActivationId,
    root_controller_index: Controller,
    blocking: bool,
    #[serde(default)]
    content: Cow<'a, Input>,
    #[serde(default)]
    init_args: Cow<'a, [String]>,
    #[serde(default)]
    locked_args: Empty,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<ActivationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    binding: Option<EntityPath>,
    #[serde(default, skip_serializing_if = "is_default")]
    keep: Keep,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_context: Option<TraceContext>,
    #[serde(default)]
    epoch: Epoch,
}

fn is_default(keep: &Keep) -> bool {
    *keep == Keep::default()
}

/// `{}`
#[derive(Default, Serialize, Deserialize)]
struct Empty {}

#[derive(Serialize, Deserialize)]
struct Action {
    path: String,
    name: EntityName,
    #[serde(default)]
    version: Version,
}

#[derive(Serialize, Deserialize)]
struct User {
    subject: String,
    namespace: UserNamespace,
    authkey: AuthKey,
    #[serde(default, skip_deserializing)]
    rights: [&'static str; 4],
    #[serde(default)]
    limits: Empty,
}

#[derive(Serialize, Deserialize)]
struct UserNamespace {
    name: Namespace,
    uuid: String,
}

#[derive(Serialize, Deserialize)]
struct AuthKey {
    sealed_key: SealedKey,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Controller {
    as_string: String,
    #[serde(default)]
    instance_type: InstanceType,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum InstanceType {
    #[default]
    Controller,
}

#[derive(Serialize, Deserialize)]
struct TraceContext {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

impl Wire for ActivationMessage {
    fn to_wire(&self) -> Vec<u8> {
        let Caller { subject, namespace, uuid, sealed_key } = self.caller.clone();
        let trace = |traceparent: &String| TraceContext { traceparent: Some(traceparent.clone()) };
        write(&Body {
            v: VERSION,
            transid: Transaction(self.transaction.clone(), self.arrived),
            action: Action {
                path: self.action.parent(),
                name: self.action.name.clone(),
                version: self.version,
            },
            revision: self.revision.clone(),
            user: User {
                subject,
                namespace: UserNamespace { name: namespace, uuid },
                authkey: AuthKey { sealed_key },
                rights: RIGHTS,
                limits: Empty {},
            },
            activation_id: self.activation_id,
            root_controller_index: Controller {
                as_string: self.controller.0.to_string(),
                instance_type: InstanceType::Controller,
            },
            blocking: self.blocking,
            content: Cow::Borrowed(&self.arguments),
            init_args: Cow::Borrowed(&self.init_arguments),
            locked_args: Empty {},
            cause: self.cause,
            binding: self.binding.clone(),
            keep: self.keep,
            trace_context: self.trace_parent.as_ref().map(trace),
            epoch: self.epoch,
        })
    }

    fn from_wire(body: &[u8]) -> Result<Self, WireError> {
        let body: Body<'static> = read(body, |body: &Body<'_>| body.v)?;
        let Action { path, name, version } = body.action;
        let action = ActionPath::from_parent(&path, name)
            .map_err(|_| WireError::Member { expected: "path of an action", value: path })?;
        let User { subject, namespace: UserNamespace { name, uuid }, authkey, .. } = body.user;
        let Transaction(transaction, arrived) = body.transid;
        let controller = number(&body.root_controller_index.as_string, "", "number of a controller")?;
        Ok(Self {
            activation_id: body.activation_id,
            transaction,
            arrived,
            action,
            version,
            revision: body.revision,
            caller: Caller { subject, namespace: name, uuid, sealed_key: authkey.sealed_key },
            controller: ControllerId(controller),
            epoch: body.epoch,
            blocking: body.blocking,
            arguments: body.content.into_owned(),
            init_arguments: body.init_args.into_owned(),
            cause: body.cause,
            binding: body.binding,
            keep: body.keep,
            trace_parent: body.trace_context.and_then(|context| context.traceparent),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arguments, Json, Timestamp, TransactionId};

    const BODY: &str = concat!(
        r#"{"v":1,"transid":["tid",1700000000000],"action":{"path":"guest/pkg","name":"hello","version":"0.0.2"},"#,
        r#""revision":"3-abc","user":{"subject":"guest","namespace":{"name":"guest","uuid":"u"},"#,
        r#""authkey":{"sealed_key":"s"},"rights":["READ","PUT","DELETE","ACTIVATE"],"limits":{}},"#,
        r#""activationId":"0000000000000000000000000000000a","#,
        r#""rootControllerIndex":{"asString":"2","instanceType":"controller"},"blocking":true,"#,
        r#""content":{"z":123456789012345678901234567890,"a":{"f":1.0,"s":"\u2028<&>"},"K1":1e400},"#,
        r#""initArgs":["K1"],"lockedArgs":{},"cause":"0000000000000000000000000000000b","#,
        r#""binding":"guest/bound","keep":"failures","#,
        r#""traceContext":{"traceparent":"00-1-2-01"},"epoch":7}"#,
    );

    fn message() -> ActivationMessage {
        ActivationMessage {
            activation_id: ActivationId::from_bits(10),
            transaction: TransactionId::from_client("tid").unwrap(),
            arrived: Timestamp(1_700_000_000_000),
            action: "guest/pkg/hello".parse().unwrap(),
            version: "0.0.2".parse().unwrap(),
            revision: "3-abc".to_owned().into(),
            caller: Caller {
                subject: "guest".to_owned(),
                namespace: "guest".parse().unwrap(),
                uuid: "u".to_owned(),
                sealed_key: SealedKey::from_text("s"),
            },
            controller: ControllerId(2),
            epoch: Epoch(7),
            blocking: true,
            arguments: Arguments::parse(
                br#"{"z":123456789012345678901234567890,"a":{"f":1.0,"s":"\u2028<&>"},"K1":1e400}"#,
            )
            .unwrap()
            .into(),
            init_arguments: vec!["K1".to_owned()],
            cause: Some(ActivationId::from_bits(11)),
            binding: Some("guest/bound".parse().unwrap()),
            keep: Keep::Failures,
            trace_parent: Some("00-1-2-01".to_owned()),
        }
    }

    #[test]
    fn the_body_is_as_openwhisk_writes_it_with_members_beside() {
        assert_eq!(String::from_utf8(message().to_wire()).unwrap(), BODY);
        assert_eq!(ActivationMessage::from_wire(BODY.as_bytes()).unwrap(), message());
    }

    #[test]
    fn what_is_absent_is_omitted() {
        let message = ActivationMessage {
            action: "guest/hello".parse().unwrap(),
            init_arguments: Vec::new(),
            cause: None,
            binding: None,
            keep: Keep::Always,
            trace_parent: None,
            blocking: false,
            ..message()
        };
        let body = String::from_utf8(message.to_wire()).unwrap();
        assert!(
            !body.contains("cause")
                && !body.contains("binding")
                && !body.contains("keep")
                && !body.contains("traceContext")
                && !body.contains("null"),
            "{body}"
        );
        assert_eq!(ActivationMessage::from_wire(body.as_bytes()).unwrap(), message);
    }

    #[test]
    fn the_content_may_be_an_array() {
        let arguments = Input::Array(Json::parse(r#"[1.0,{"a":2}]"#).unwrap());
        let message = ActivationMessage { arguments, init_arguments: Vec::new(), ..message() };
        let body = message.to_wire();
        assert!(String::from_utf8_lossy(&body).contains(r#""content":[1.0,{"a":2}],"initArgs":[]"#));
        assert_eq!(ActivationMessage::from_wire(&body).unwrap(), message);
    }

    #[test]
    fn members_beyond_those_known_change_nothing() {
        let body = BODY
            .replace(r#"["tid",1700000000000]"#, r#"["tid",1700000000000,true,["parent",1]]"#)
            .replace(r#""limits":{}"#, r#""limits":{"invocationsPerMinute":1}"#)
            .replace(r#""lockedArgs":{}"#, r#""lockedArgs":{"k":"v"},"later":[1]"#);
        assert_eq!(ActivationMessage::from_wire(body.as_bytes()).unwrap(), message());
    }

    #[test]
    fn a_later_version_is_refused_whatever_it_looks_like() {
        for body in [BODY.replace(r#""v":1"#, r#""v":2"#), r#"{"x":1,"v":2}"#.to_owned()] {
            let error = ActivationMessage::from_wire(body.as_bytes()).unwrap_err();
            assert!(matches!(error, WireError::Version(2)), "{error:?}");
        }
        for body in ["", "{}", "[]", "null", r#"{"v":1}"#, &BODY.replace("guest/pkg", "a/b/c")] {
            let error = ActivationMessage::from_wire(body.as_bytes()).unwrap_err();
            assert!(!matches!(error, WireError::Version(_)), "{body}: {error:?}");
        }
    }
}

//! `POST …/apimgmt/createApi`: a whole API from its description, or one operation that is added to what there is.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde::Deserialize;
use whirl_backends::store::StoreError;
use whirl_model::json::JsonKind;
use whirl_model::{Json, Namespace, Revision};

use super::document::{ApiDocument, NewOperation, Reader};
use super::managing::{Managing, check_space};
use super::path::BasePath;
use super::stored;
use super::target::{ResponseType, Target, origin};
use super::verb::Verb;
use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::Refused;
use crate::{body, reply};

/// How often an operation is added anew when the API changes meanwhile.
const ATTEMPTS: usize = 8;
/// Bytes that the descriptions of a namespace's APIs may have together: whoever asks the gateway for one of them has
/// it read all.
const MAX_TOGETHER: u64 = 8 << 20;

#[derive(Deserialize)]
struct Body {
    apidoc: Option<Json>,
    responsetype: Option<String>,
    spaceguid: Option<String>,
}

/// `apidoc`: `swagger`, or the members of one operation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    namespace: Option<String>,
    swagger: Option<Json>,
    gateway_base_path: Option<String>,
    gateway_path: Option<String>,
    gateway_method: Option<String>,
    api_name: Option<String>,
    action: Option<WantedAction>,
    path_parameters: Option<Json>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WantedAction {
    name: Option<String>,
    namespace: Option<String>,
    backend_url: Option<String>,
    secure_key: Option<Json>,
}

/// What is to be done.
enum Change {
    Replace(ApiDocument),
    Add { base_path: BasePath, name: Option<String>, operation: NewOperation },
}

#[utoipa::path(
    post,
    path = "/api/v1/web/whisk.system/apimgmt/createApi",
    tag = "apis",
    params(
        ("responsetype" = Option<String>, Query, description = "Extension of the web action; `json` if not given"),
        ("spaceguid" = Option<String>, Query, description = "The UUID of the credential"),
        ("accesstoken" = Option<String>, Query, description = "Not looked at"),
    ),
    responses((status = 200, description = "The API as it is now"), Refused)
)]
pub(crate) async fn create(call: Call, payload: Payload) -> Result<HttpResponse, ApiError> {
    let managing = Managing::of(&call)?;
    let limit = call.api.config.limits.payload_bytes;
    let bytes = body::read(call.request.headers(), payload, limit).await?;
    let body: Body = body::parse(&bytes)?;
    check_space(&call, body.spaceguid.as_deref().filter(|space| !space.is_empty()))?;
    let response = managing.query.text("responsetype").or(body.responsetype.as_deref());
    let response =
        response.filter(|name| !name.is_empty()).map_or(Ok(ResponseType::JSON), ResponseType::parse)?;
    let wanted = Wanted::read(body.apidoc.as_ref())?;
    let origin = {
        let connection = call.request.connection_info();
        format!("{}://{}", connection.scheme(), connection.host())
    };
    let change = wanted.check(Reader { tenant: &managing.tenant, origin: &origin }, response)?;
    let document = write(&call, &managing.tenant, &change).await?;
    Ok(reply::json(&Json::of(&managing.show(&document))))
}

async fn write(call: &Call, tenant: &Namespace, change: &Change) -> Result<ApiDocument, ApiError> {
    let store = &*call.api.stores.entities;
    let base_path = match change {
        Change::Replace(document) => document.base_path(),
        Change::Add { base_path, .. } => base_path,
    };
    let limit = call.api.config.limits.payload_bytes;
    let others = bytes_of_others(call, tenant, base_path).await?;
    let mut attempts = 1..=ATTEMPTS;
    loop {
        attempts.next();
        let (document, replaced) = change.apply(stored::one(store, tenant, base_path).await?)?;
        let bytes = size(&document);
        body::fits("description", bytes, limit)?;
        if others + bytes > MAX_TOGETHER {
            return Err(ApiError::malformed("The descriptions of the namespace's APIs have too many bytes."));
        }
        let new = stored::document(tenant, &document, call.transaction.arrived);
        match call.api.write_entity(new, replaced.as_ref()).await {
            Ok(()) => return Ok(document),
            Err(StoreError::Conflict(_)) if !attempts.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Bytes of the descriptions of all APIs of a namespace but one.
async fn bytes_of_others(call: &Call, tenant: &Namespace, one: &BasePath) -> Result<u64, ApiError> {
    let all = stored::all(&*call.api.stores.entities, tenant).await?;
    Ok(all.iter().filter(|api| api.base_path() != one).map(size).sum())
}

fn size(document: &ApiDocument) -> u64 {
    document.to_json().as_str().len() as u64
}

impl Change {
    /// The API after the change, and the state that it replaces.
    fn apply(
        &self,
        present: Option<(ApiDocument, Revision)>,
    ) -> Result<(ApiDocument, Option<Revision>), ApiError> {
        let (present, revision) = present.unzip();
        let document = match self {
            Self::Replace(document) => document.clone(),
            Self::Add { base_path, name, operation } => {
                let title = name.as_deref().unwrap_or(base_path.as_str());
                let mut document = present.unwrap_or_else(|| ApiDocument::new(base_path.clone(), title));
                document.add(operation)?;
                document
            }
        };
        Ok((document, revision))
    }
}

impl Wanted {
    /// Reads `apidoc`, which may be an object or its text.
    fn read(given: Option<&Json>) -> Result<Self, ApiError> {
        let given = given.ok_or_else(|| missing("apidoc"))?;
        let text = unwrapped(given);
        serde_json::from_str(text.as_str())
            .map_err(|error| ApiError::malformed(format!("'apidoc' is malformed: {error}")))
    }

    fn check(self, reader: Reader<'_>, response: ResponseType) -> Result<Change, ApiError> {
        match self.namespace.as_deref() {
            None | Some("" | "_") => {}
            Some(name) if name == reader.tenant.as_str() => {}
            Some(name) => return Err(ApiError::Forbidden(name.to_owned())),
        }
        if let Some(swagger) = self.swagger.filter(|json| json.is_truthy()) {
            if self.gateway_base_path.is_some() {
                return Err(ApiError::malformed("'swagger' and 'gatewayBasePath' exclude each other."));
            }
            let whole = Json::parse(unwrapped(&swagger).as_str()).map_err(|error| {
                let text = "swagger field cannot be parsed. Ensure it is valid JSON";
                ApiError::malformed(format!("{text}: {error}"))
            })?;
            return ApiDocument::read(&whole, reader).map(Change::Replace);
        }
        let required =
            |value: Option<String>, name| value.filter(|v| !v.is_empty()).ok_or_else(|| missing(name));
        let action = self.action.ok_or_else(|| missing("apidoc.action"))?;
        let name = required(action.name, "apidoc.action.name")?;
        let backend = action.backend_url.unwrap_or_default();
        let namespace = action.namespace.as_deref();
        Ok(Change::Add {
            base_path: BasePath::parse(&required(self.gateway_base_path, "apidoc.gatewayBasePath")?)?,
            name: self.api_name.filter(|name| !name.is_empty()),
            operation: NewOperation {
                path: required(self.gateway_path, "apidoc.gatewayPath")?,
                verb: Verb::parse(&required(self.gateway_method, "apidoc.gatewayMethod")?)?,
                target: Target::named(&name, namespace, reader.tenant, response)?,
                origin: origin(&backend).unwrap_or(reader.origin).to_owned(),
                secret: action.secure_key.as_ref().and_then(secret),
                parameters: self.path_parameters,
            },
        })
    }
}

/// What a text says, or the value itself if it is none.
fn unwrapped(json: &Json) -> String {
    json.to_text().unwrap_or_else(|| json.as_str().to_owned())
}

/// A secured web action wants to hear the text of a string or of a number.
fn secret(key: &Json) -> Option<Arc<str>> {
    match key.kind() {
        JsonKind::String => key.to_text().filter(|text| !text.is_empty()).map(Arc::from),
        JsonKind::Number => Some(key.as_str().into()),
        _ => None,
    }
}

fn missing(name: &str) -> ApiError {
    ApiError::malformed(format!("The request needs '{name}'."))
}

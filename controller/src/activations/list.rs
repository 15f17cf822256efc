//! `GET …/activations`: records of a namespace, page by page.

use actix_web::HttpResponse;
use whirl_backends::store::{ActivationQuery, RecordForm};
use whirl_model::{EntityName, Namespace, Timestamp};

use crate::api_error::ApiError;
use crate::call::Call;
use crate::operation::{InNamespace, Refused};
use crate::query::{Page, Query};
use crate::{entitlement, reply};

/// Records by start. A record is stored when its activation has ended, or for a trigger when it was fired, so it may
/// come to stand behind records that were seen before. Who polls sees each one by asking again from a `since`
/// that lies back by as long as activations run, and passing over the ids it knows. Those that started in the same
/// millisecond keep their order: pages neither lose nor repeat them, unless records are stored between two
/// requests; `upto` fixes the newest.
#[utoipa::path(
    get,
    path = "/api/v1/namespaces/{namespace}/activations",
    tag = "activations",
    params(
        InNamespace,
        ("name" = Option<String>, Query, description = "`NAME` or `PACKAGE/NAME`"),
        ("since" = Option<u64>, Query, description = "Milliseconds since 1970, inclusive"),
        ("upto" = Option<u64>, Query, description = "Milliseconds since 1970, inclusive"),
        ("docs" = Option<bool>, Query, description = "Whole records"),
        Page,
    ),
    responses((status = 200, description = "Summaries or records, last started first"), Refused)
)]
pub(crate) async fn list(call: Call) -> Result<HttpResponse, ApiError> {
    let namespace = call.namespace()?;
    entitlement::namespace(&call.caller.namespace, &namespace)?;
    let wanted = Wanted::of(&call.query()?, namespace)?;
    let store = &call.api.stores.activations;
    if wanted.page.count {
        let total = store.count(&wanted.query).await?;
        return Ok(reply::count("activations", wanted.page.remaining(total)));
    }
    Ok(reply::list(&store.list(&wanted.query, wanted.form).await?))
}

/// What a list request asks for.
struct Wanted {
    query: ActivationQuery,
    page: Page,
    form: RecordForm,
}

impl Wanted {
    fn of(query: &Query, namespace: Namespace) -> Result<Self, ApiError> {
        let page = Page::of(query)?;
        let docs = query.boolean("docs")?.unwrap_or_default();
        if docs && page.count {
            return Err(ApiError::malformed("The parameters 'docs' and 'count' exclude each other."));
        }
        let query = ActivationQuery {
            namespace,
            name: query.text("name").map(filter_name).transpose()?,
            since: query.milliseconds("since")?.map(Timestamp),
            upto: query.milliseconds("upto")?.map(Timestamp),
            skip: page.skip,
            limit: page.limit,
        };
        Ok(Self { query, page, form: if docs { RecordForm::Whole } else { RecordForm::Summary } })
    }
}

/// `NAME` or `PACKAGE/NAME`.
fn filter_name(text: &str) -> Result<String, ApiError> {
    let segments: Vec<EntityName> = text.split('/').map(str::parse).collect::<Result<_, _>>()?;
    match segments[..] {
        [_] | [_, _] => Ok(text.to_owned()),
        _ => Err(ApiError::malformed("The parameter 'name' has to be NAME or PACKAGE/NAME.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_and_checked() {
        let read = |text: &str| Wanted::of(&Query::parse(text).unwrap(), "alice".parse().unwrap());
        let wanted = read("name=util/hello&since=5&upto=9&docs=true").unwrap();
        assert_eq!(wanted.query.name.as_deref(), Some("util/hello"));
        assert_eq!((wanted.query.since, wanted.query.upto), (Some(Timestamp(5)), Some(Timestamp(9))));
        assert_eq!(wanted.form, RecordForm::Whole);
        assert_eq!(read("name=").unwrap().query.name, None);
        for bad in ["name=a/b/c", "name=bad!", "name=/a", "since=x", "upto=1.5", "docs=true&count=true"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

//! What a web action answers, however its result was read.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::api_error::ApiError;

/// Pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");

/// What a web action answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WebAnswer {
    pub(crate) status: StatusCode,
    /// But the content type.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) content: Option<Content>,
}

/// A body and its type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) media: HeaderValue,
    pub(crate) body: Vec<u8>,
}

impl Content {
    /// A body that is text.
    pub(crate) fn text(media: HeaderValue, text: String) -> Self {
        Self { media, body: text.into_bytes() }
    }
}

impl WebAnswer {
    /// 200 with a text.
    pub(crate) fn ok(media: HeaderValue, text: String) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), content: Some(Content::text(media, text)) }
    }

    /// For the client.
    pub(crate) fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for header in self.headers {
            response.append_header(header);
        }
        match self.content {
            Some(content) => response.insert_header((CONTENT_TYPE, content.media)).body(content.body),
            None => response.finish(),
        }
    }
}

/// The value cannot be shown so.
pub(crate) fn unsuitable(expected: &str) -> ApiError {
    ApiError::malformed(format!("The action's result cannot be shown in this form: it needs {expected}."))
}

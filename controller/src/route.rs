//! One URL and what answers its methods, before the web framework gets it: so the routes can be listed.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Resource, Responder, web};

use crate::host;

/// A path and its methods. Any other method is 404.
pub(crate) struct Url {
    path: &'static str,
    resource: Resource,
    methods: Vec<Method>,
}

/// A path without methods yet.
pub(crate) fn url(path: &'static str) -> Url {
    let resource = web::resource(path).default_service(web::to(host::missing));
    Url { path, resource, methods: Vec::new() }
}

impl Url {
    pub(crate) fn get<A: FromRequest + 'static, H: Handler<A, Output: Responder>>(self, handler: H) -> Self {
        self.on(Method::GET, handler)
    }

    pub(crate) fn put<A: FromRequest + 'static, H: Handler<A, Output: Responder>>(self, handler: H) -> Self {
        self.on(Method::PUT, handler)
    }

    pub(crate) fn post<A: FromRequest + 'static, H: Handler<A, Output: Responder>>(self, handler: H) -> Self {
        self.on(Method::POST, handler)
    }

    pub(crate) fn delete<A: FromRequest + 'static, H: Handler<A, Output: Responder>>(
        self,
        handler: H,
    ) -> Self {
        self.on(Method::DELETE, handler)
    }

    /// What answers one method.
    pub(crate) fn on<A, H>(mut self, method: Method, handler: H) -> Self
    where
        A: FromRequest + 'static,
        H: Handler<A, Output: Responder>,
    {
        self.resource = self.resource.route(web::method(method.clone()).to(handler));
        self.methods.push(method);
        self
    }

    /// The resource for the web framework.
    pub(crate) fn into_resource(self) -> Resource {
        self.resource
    }

    /// Each method with the whole path below `prefix`.
    pub(crate) fn methods(&self, prefix: &str) -> Vec<(String, String)> {
        self.methods.iter().map(|method| (method.to_string(), format!("{prefix}{}", self.path))).collect()
    }
}

//! One call that changes an entity, and what the user is told of it.

use super::Context;
use crate::client::{Client, Error};
use crate::exit::{self, Failure};

/// What is done, and to which entity.
pub(super) struct Deed<'a> {
    /// `create`; its participle is made with a `d`
    pub(super) verb: &'a str,
    /// `package`
    pub(super) noun: &'a str,
    /// The entity's name without its namespace.
    pub(super) name: &'a str,
}

impl Deed<'_> {
    /// Does it and tells `ok: created package p`, or fails with `Unable to create package 'p'`.
    pub(super) fn run<T>(
        &self,
        context: &mut Context<'_>,
        call: impl FnOnce(&Client) -> Result<T, Error>,
    ) -> Result<u8, Failure> {
        let Self { verb, noun, name } = self;
        let outcome = call(&context.client()?);
        outcome.map_err(Failure::request(format!("Unable to {verb} {noun} '{name}'")))?;
        let out = context.out();
        out.ok(format!("{verb}d {noun} {}", out.bold(name)))?;
        Ok(exit::OK)
    }
}

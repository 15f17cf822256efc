//! Query parameters: booleans, whole numbers, text, and the three that every list understands. Whatever
//! cannot be read is a malformed request; an empty value counts as not given.

use std::ops::RangeInclusive;

use actix_web::web;
use utoipa::IntoParams;

use crate::api_error::ApiError;

/// A list's length if the request does not say.
const DEFAULT_LIMIT: u64 = 30;
/// A list's greatest length; also what `limit=0` means.
const MAX_LIMIT: u64 = 200;

/// The parameters of one request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        web::Query::<Vec<(String, String)>>::from_query(text)
            .map(|pairs| Self(pairs.into_inner()))
            .map_err(|_| ApiError::malformed("The query cannot be read."))
    }

    /// The same and further ones, which count where a parameter is not given yet.
    pub(crate) fn or(mut self, more: impl IntoIterator<Item = (String, String)>) -> Self {
        self.0.extend(more);
        self
    }

    /// A parameter's value, if it is given and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0` in any case.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Some(true)),
            "false" | "no" | "off" | "0" => Ok(Some(false)),
            _ => Err(malformed(name, "is neither true nor false")),
        }
    }

    /// A whole decimal number of 32 bits within a range.
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i32>) -> Result<Option<u32>, ApiError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let number: i32 = value.parse().map_err(|_| malformed(name, "is not a whole number"))?;
        if !range.contains(&number) {
            let bounds = format!("has to be from {} to {}", range.start(), range.end());
            return Err(malformed(name, &bounds));
        }
        Ok(u32::try_from(number).ok())
    }

    /// Milliseconds since 1970.
    pub(crate) fn milliseconds(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let number: i64 = value.parse().map_err(|_| malformed(name, "is not a number of milliseconds"))?;
        Ok(Some(u64::try_from(number).unwrap_or_default()))
    }
}

fn malformed(name: &str, why: &str) -> ApiError {
    ApiError::malformed(format!("The query parameter '{name}' {why}."))
}

/// What every list understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// So many of the newest are left out.
    #[param(required = false, default = 0)]
    pub(crate) skip: u64,
    /// At most so many; 0 means 200.
    #[param(required = false, default = 30, maximum = 200)]
    pub(crate) limit: u64,
    /// Their number is asked for, not they.
    #[param(required = false)]
    pub(crate) count: bool,
}

impl Page {
    /// Reads `limit`, `skip` and `count`.
    pub(crate) fn of(query: &Query) -> Result<Self, ApiError> {
        const MAX: i32 = MAX_LIMIT as i32;
        let limit = match query.integer("limit", 0..=MAX)?.map(u64::from) {
            None => DEFAULT_LIMIT,
            Some(0) => MAX_LIMIT,
            Some(limit) => limit,
        };
        let skip = query.integer("skip", 0..=i32::MAX)?.unwrap_or_default().into();
        Ok(Self { skip, limit, count: query.boolean("count")?.unwrap_or_default() })
    }

    /// How many of `total` are left behind those skipped.
    pub(crate) fn remaining(&self, total: u64) -> u64 {
        total.saturating_sub(self.skip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_many_names() {
        let read = |text: &str| Query::parse(text).unwrap().boolean("b");
        for (text, value) in [
            ("b=true", Some(true)),
            ("b=True", Some(true)),
            ("b=YES", Some(true)),
            ("b=on", Some(true)),
            ("b=1", Some(true)),
            ("b=Off", Some(false)),
            ("b=0", Some(false)),
            ("b=no", Some(false)),
            ("b=", None),
            ("b", None),
            ("a=x", None),
            ("", None),
        ] {
            assert_eq!(read(text).unwrap(), value, "{text}");
        }
        assert!(read("b=maybe").is_err() && read("b=2").is_err());
    }

    #[test]
    fn pages_have_bounds() {
        let read = |text: &str| Page::of(&Query::parse(text).unwrap());
        for (text, skip, limit) in [
            ("", 0, 30),
            ("limit=0", 0, 200),
            ("limit=200&skip=7", 7, 200),
            ("skip=2147483647", 2_147_483_647, 30),
        ] {
            assert_eq!(read(text).unwrap(), Page { skip, limit, count: false }, "{text}");
        }
        for bad in ["limit=201", "limit=-1", "limit=x", "skip=-1", "skip=2147483648", "limit=1.5", "count=x"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("count=true&skip=5").unwrap().remaining(3), 0);
    }

    #[test]
    fn values_are_decoded() {
        let query = Query::parse("name=a%20b%2Fc&since=1770000000000&upto=-5").unwrap();
        assert_eq!(query.text("name"), Some("a b/c"));
        assert_eq!(query.milliseconds("since").unwrap(), Some(1_770_000_000_000));
        assert_eq!(query.milliseconds("upto").unwrap(), Some(0));
        assert!(Query::parse("since=now").unwrap().milliseconds("since").is_err());
    }
}

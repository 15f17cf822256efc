//! Lists of entities: one line each, the path in 70 columns. The heading is the collection's name.

use std::io;

use super::Printer;
use crate::client::{EntitySummary, value_of};

/// A line of a list, with what it is sorted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    path: String,
    rest: String,
}

impl Row {
    /// Actions show their kind. They have no visibility of their own.
    #[must_use]
    pub fn action(action: &EntitySummary) -> Self {
        let kind = value_of(&action.annotations, "exec").and_then(|kind| kind.to_text()).unwrap_or_default();
        Self { path: action.path(), rest: format!("private {kind}") }
    }

    /// Packages show whether they are shared.
    #[must_use]
    pub fn package(package: &EntitySummary) -> Self {
        let visibility = if package.publish { "shared" } else { "private" };
        Self { path: package.path(), rest: visibility.to_owned() }
    }

    /// Triggers show nothing more.
    #[must_use]
    pub fn trigger(trigger: &EntitySummary) -> Self {
        Self { path: trigger.path(), rest: "private".to_owned() }
    }

    /// Rules show their status.
    #[must_use]
    pub fn rule(rule: &EntitySummary, status: &str) -> Self {
        Self { path: rule.path(), rest: format!("{:<20} {status}", "private") }
    }

    fn line(&self) -> String {
        format!("{:<70} {}", self.path, self.rest).trim_end().to_owned()
    }
}

/// How a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As the server gives it.
    NewestFirst,
    /// By path, without regard to case.
    ByName,
}

impl Order {
    /// What the flag `--name-sort` stands for.
    #[must_use]
    pub fn of_flag(name_sort: bool) -> Self {
        if name_sort { Self::ByName } else { Self::NewestFirst }
    }
}

/// Prints a heading and the rows.
///
/// # Errors
/// When the stream cannot be written to.
pub fn print(out: &mut Printer, heading: &str, mut rows: Vec<Row>, order: Order) -> io::Result<()> {
    if order == Order::ByName {
        rows.sort_by_cached_key(|row| (row.path.to_lowercase(), row.path.clone()));
    }
    let heading = out.bold(heading);
    out.line(heading)?;
    rows.iter().try_for_each(|row| out.line(row.line()))
}

#[cfg(test)]
mod tests {
    use whirl_model::Json;

    use super::*;
    use crate::client::KeyValue;

    fn entity(publish: bool) -> EntitySummary {
        let exec = KeyValue::new("exec", Json::of("nodejs:20"));
        EntitySummary { namespace: "ns/pkg".into(), name: "a".into(), publish, annotations: vec![exec] }
    }

    #[test]
    fn rows_have_seventy_columns_and_then_what_matters() {
        let path = format!("{:<70} ", "/ns/pkg/a");
        assert_eq!(Row::action(&entity(true)).line(), format!("{path}private nodejs:20"));
        assert_eq!(Row::package(&entity(true)).line(), format!("{path}shared"));
        assert_eq!(Row::package(&entity(false)).line(), format!("{path}private"));
        assert_eq!(Row::trigger(&entity(false)).line(), format!("{path}private"));
        assert_eq!(Row::rule(&entity(false), "active").line(), format!("{path}private              active"));
    }
}

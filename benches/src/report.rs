//! What a run found, as plain data: sections of rows of figures, some with a target. Pure.

mod markdown;
mod table;

use serde::Serialize;
use serde_json::Value;

pub(crate) use markdown::Block;

use crate::machine::Machine;

/// Everything about one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The command line.
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) sections: Vec<Section>,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// What the figures of each row are, with their unit.
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Row>,
    /// How it was measured.
    pub(crate) notes: Vec<String>,
    /// Figures that no row shows, such as those of each block.
    pub(crate) raw: Value,
}

/// A line of figures.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// In the order of the section's columns.
    pub(crate) figures: Vec<Option<f64>>,
    /// Calls that succeeded, if the row is about calls.
    pub(crate) calls: Option<u64>,
    /// Calls that failed.
    pub(crate) errors: u64,
    pub(crate) verdicts: Vec<Verdict>,
}

/// A target and whether it was met.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// Such as `p50 ≤ 150`.
    pub(crate) target: String,
    pub(crate) met: bool,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, figures: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), figures: figures.into_iter().map(Some).collect(), ..Self::default() }
    }

    /// The same with the number of calls behind the figures.
    pub(crate) fn calls(self, calls: u64, errors: u64) -> Self {
        Self { calls: Some(calls), errors, ..self }
    }

    /// Judges one figure: it should be at most `bound`. `what` names it.
    pub(crate) fn at_most(mut self, what: &str, column: usize, bound: f64) -> Self {
        let met = self.figure(column).is_some_and(|figure| figure <= bound);
        self.verdicts.push(Verdict { target: format!("{what} ≤ {}", number(bound)), met });
        self
    }

    /// Judges one figure: it should be at least `bound`.
    pub(crate) fn at_least(mut self, what: &str, column: usize, bound: f64) -> Self {
        let met = self.figure(column).is_some_and(|figure| figure >= bound);
        self.verdicts.push(Verdict { target: format!("{what} ≥ {}", number(bound)), met });
        self
    }

    fn figure(&self, column: usize) -> Option<f64> {
        self.figures.get(column).copied().flatten()
    }

    fn judged(&self) -> String {
        let texts = self.verdicts.iter().map(|v| {
            let outcome = if v.met { "met" } else { "missed" };
            format!("{}: {outcome}", v.target)
        });
        texts.collect::<Vec<_>>().join("; ")
    }
}

impl Report {
    /// Calls that failed, in all sections.
    pub(crate) fn errors(&self) -> u64 {
        self.sections.iter().flat_map(|section| &section.rows).map(|row| row.errors).sum()
    }
}

impl Section {
    /// The head and the rows as text.
    fn cells(&self) -> Vec<Vec<String>> {
        let counted = self.rows.iter().any(|row| row.calls.is_some());
        let judged = self.rows.iter().any(|row| !row.verdicts.is_empty());
        let optional = |shown: bool, text: String| shown.then_some(text);
        let head = std::iter::once(String::new())
            .chain(self.columns.iter().map(|&column| column.to_owned()))
            .chain(optional(counted, "calls".to_owned()))
            .chain(optional(counted, "failed".to_owned()))
            .chain(optional(judged, "target".to_owned()));
        let rows = self.rows.iter().map(|row| {
            let calls = row.calls.map(|calls| calls.to_string()).unwrap_or_default();
            let errors = row.calls.map(|_| row.errors.to_string()).unwrap_or_default();
            let figures = (0..self.columns.len()).map(|i| row.figure(i).map(number).unwrap_or_default());
            std::iter::once(row.name.clone())
                .chain(figures)
                .chain(optional(counted, calls))
                .chain(optional(counted, errors))
                .chain(optional(judged, row.judged()))
                .collect()
        });
        std::iter::once(head.collect()).chain(rows).collect()
    }
}

/// Three figures or so.
fn number(value: f64) -> String {
    let size = value.abs();
    let decimals = if size >= 100.0 || value.fract() == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged_by_their_column() {
        let row = Row::new("added", [140.0, 1200.0]).at_most("p50", 0, 150.0).at_most("p99", 1, 1000.0);
        assert_eq!(row.judged(), "p50 ≤ 150: met; p99 ≤ 1000: missed");
        assert_eq!(Row::new("rate", [1.0]).at_least("rate", 1, 0.5).judged(), "rate ≥ 0.50: missed");
    }

    #[test]
    fn numbers_keep_about_three_figures() {
        assert_eq!([1234.6, 45.67, 1.234, 20.0].map(number), ["1235", "45.7", "1.23", "20"]);
    }
}

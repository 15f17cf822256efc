//! A report as aligned text.

use std::fmt::{self, Write};

use super::{Report, Section};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.command)?;
        for fact in self.machine.facts() {
            writeln!(f, "{fact}")?;
        }
        for section in &self.sections {
            write!(f, "\n{}\n{}", section.title, aligned(section))?;
            for note in &section.notes {
                writeln!(f, "  {note}")?;
            }
        }
        Ok(())
    }
}

/// Names and targets to the left, figures to the right.
fn aligned(section: &Section) -> String {
    let cells = section.cells();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..cells[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let left = column == 0 || cells[0][column] == "target";
            let written =
                if left { write!(line, " {cell:<width$} ") } else { write!(line, " {cell:>width$} ") };
            written.expect("a string takes all text");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::Row;

    #[test]
    fn columns_are_aligned() {
        let section = Section {
            title: String::new(),
            columns: vec!["p50 µs"],
            rows: vec![
                Row::new("direct", [29.0]).calls(10, 0),
                Row::new("x", [1000.0]).at_most("p50", 0, 9.0),
            ],
            notes: vec![],
            raw: Value::Null,
        };
        let expected = [
            "          p50 µs  calls  failed  target",
            "  direct      29     10       0",
            "  x         1000                 p50 ≤ 9: missed",
            "",
        ];
        assert_eq!(aligned(&section).split('\n').collect::<Vec<_>>(), expected);
    }
}

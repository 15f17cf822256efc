//! A report as Markdown, and the block of a page that it takes the place of.

use super::{Report, Section};

/// A block of a page, named by the marks around it: `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) &'static str);

impl Block {
    /// The page with the report in place of what stands between the marks; `None` if they are not there.
    pub(crate) fn replace(self, page: &str, report: &Report) -> Option<String> {
        let [begin, end] = ["begin", "end"].map(|side| format!("<!-- {}: {side} -->", self.0));
        let (before, rest) = page.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{}{end}{after}", whole(report)))
    }
}

fn whole(report: &Report) -> String {
    let mut text = format!("    {}\n\n", report.command);
    for fact in report.machine.facts() {
        text += &format!("- {fact}\n");
    }
    for section in &report.sections {
        text += &format!("\n### {}\n\n{}", section.title, table(section));
        for note in &section.notes {
            text += &format!("\n{note}\n");
        }
    }
    text
}

fn table(section: &Section) -> String {
    let cells = section.cells();
    let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
    let rule = |column: &String| if column.is_empty() || column == "target" { "---" } else { "---:" };
    let rules: Vec<_> = cells[0].iter().map(|column| rule(column).to_owned()).collect();
    let rows: String = cells[1..].iter().map(|row| line(row)).collect();
    line(&cells[0]) + &line(&rules) + &rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    #[test]
    fn only_the_block_changes() {
        let report = Report { command: "bench".to_owned(), machine: Machine::default(), sections: vec![] };
        let other = "a\n<!-- x: begin -->\nkept\n<!-- x: end -->\n<!-- y: begin -->\n";
        let end = "<!-- y: end -->\nb\n";
        let once = Block("y").replace(&format!("{other}old\n{end}"), &report).unwrap();
        assert!(once.starts_with(other) && once.ends_with(end) && !once.contains("old"), "{once}");
        assert_eq!(Block("y").replace(&once, &report).unwrap(), once);
        assert_eq!(Block("z").replace(&once, &report), None);
    }
}

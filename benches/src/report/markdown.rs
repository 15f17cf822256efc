//! A report as Markdown, and the block of a page that it takes the place of.

use super::{Report, Section};

const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// The page with the report in place of what stands between the marks; `None` if they are not there.
pub(crate) fn replace_block(page: &str, report: &Report) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}{END}{after}", whole(report)))
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
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replace_block(&page, &report).unwrap();
        assert!(once.starts_with("a\n") && once.ends_with(&format!("{END}\nb\n")) && !once.contains("old"));
        assert_eq!(replace_block(&once, &report).unwrap(), once);
        assert_eq!(replace_block("no marks", &report), None);
    }
}

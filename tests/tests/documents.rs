//! Ties the prose to the tree: commands that are shown exist, links lead somewhere, and a promise that names a test
//! names one that is there. It does not judge what the prose says.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::CommandFactory;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the tests are in the workspace")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files of the root, of `docs/` and of `examples/`.
fn documents() -> Vec<PathBuf> {
    ["", "docs", "examples"]
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).expect("a folder of the tree"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// Text and target of each link to a file of this tree.
fn local_links(text: &str) -> Vec<(&str, &str)> {
    text.match_indices("](")
        .filter_map(|(at, _)| {
            let label = &text[text[..at].rfind('[')? + 1..at];
            let rest = &text[at + 2..];
            let target = rest[..rest.find(')')?].split('#').next()?;
            (!target.is_empty() && !target.contains("://")).then_some((label, target))
        })
        .collect()
}

#[test]
fn the_commands_of_the_readme_can_be_run() {
    let readme = read(&root().join("README.md"));
    for command in ["scripts/quickstart", "scripts/test"] {
        assert!(readme.contains(&format!("./{command}")), "the README does not show ./{command}");
        let mode = fs::metadata(root().join(command)).expect("the command is there").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{command} is not executable");
    }
}

#[test]
fn the_options_of_the_readme_are_those_of_the_server() {
    let readme = read(&root().join("README.md"));
    let shown: BTreeSet<&str> =
        readme.lines().filter_map(|line| line.strip_prefix("| `--")?.split('`').next()).collect();
    let command = whirl_standalone::Flags::command();
    let known: BTreeSet<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    assert_eq!(shown, known);
}

#[test]
fn links_lead_somewhere() {
    let documents = documents();
    assert!(documents.iter().any(|path| path.ends_with("SPECIFICATION.md")), "{documents:?}");
    for document in documents {
        let folder = document.parent().expect("a document lies in a folder");
        for (_, target) in local_links(&read(&document)) {
            assert!(folder.join(target).exists(), "{} links to {target}", document.display());
        }
    }
}

/// A link of the specification reads `[`name of the test`](file)`.
#[test]
fn promises_name_tests_that_are_there() {
    let specification = read(&root().join("SPECIFICATION.md"));
    let mut count = 0;
    for (label, target) in local_links(&specification) {
        let Some(test) = label.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        if target.ends_with(".rs") {
            let source = read(&root().join(target));
            assert!(source.contains(&format!("fn {test}(")), "{target} has no test {test}");
            count += 1;
        }
    }
    assert!(count > 0, "the specification names no test at all");
}

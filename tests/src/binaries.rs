//! Finds the programs under test beside the test executable, and has cargo build them if they are missing or
//! older than the sources.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

const PROGRAMS: [&str; 2] = ["whirl", "whirl-action-proxy"];

/// The workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The `whirl` binary, up to date.
pub(crate) fn whirl() -> &'static Path {
    static WHIRL: OnceLock<PathBuf> = OnceLock::new();
    WHIRL.get_or_init(|| match env::var_os("WHIRL_TEST_BIN") {
        Some(folder) => PathBuf::from(folder).join("whirl"),
        None => built(),
    })
}

/// A program of the cluster, which whoever runs the tests has built.
pub(crate) fn of_the_cluster(program: &str) -> PathBuf {
    let beside = || env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let folder = env::var_os("WHIRL_TEST_BIN").map_or_else(beside, PathBuf::from);
    let path = folder.join(program);
    assert!(
        path.is_file(),
        "there is no {}; build it by: cargo build --all-features -p whirl-controller -p whirl-invoker",
        path.display()
    );
    path
}

fn built() -> PathBuf {
    let test = env::current_exe().unwrap();
    // Test executables are in target/PROFILE/deps.
    let folder = test.ancestors().nth(2).unwrap();
    let oldest = PROGRAMS.iter().map(|program| modified(&folder.join(program))).min().flatten();
    if oldest.is_none_or(|oldest| newest_source(&root()) > Some(oldest)) {
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--profile",
                profile,
                "-p",
                "whirl-standalone",
                "-p",
                "whirl-action-proxy",
            ])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success(), "the programs under test cannot be built");
    }
    folder.join("whirl")
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// When a source of the programs was last changed.
fn newest_source(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            if path.is_dir() {
                let foreign =
                    name.starts_with('.') || matches!(name, "target" | "tests" | "benches" | "cli" | "docs");
                return if foreign { None } else { newest_source(&path) };
            }
            let source = matches!(path.extension()?.to_str()?, "rs" | "toml" | "lock" | "json");
            if source { modified(&path) } else { None }
        })
        .max()
}

//! Holds the shape of the source tree in place: which crate may depend on which, what pure crates may not reach, and
//! the habits that every file keeps. It knows nothing of behaviour.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// Every crate of ours, and those of ours that it may use. An arrow that is not here needs a reason in
/// `docs/ARCHITECTURE.md` first.
const ARROWS: [(&str, &[&str]); 12] = [
    ("whirl-model", &[]),
    ("whirl-scheduling", &["whirl-model"]),
    ("whirl-backends", &["whirl-model"]),
    ("whirl-containers", &["whirl-model"]),
    ("whirl-service", &["whirl-model"]),
    ("whirl-cli", &["whirl-model"]),
    ("whirl-action-proxy", &[]),
    ("whirl-controller", &["whirl-model", "whirl-scheduling", "whirl-backends", "whirl-service"]),
    (
        "whirl-invoker",
        &["whirl-model", "whirl-scheduling", "whirl-backends", "whirl-service", "whirl-containers"],
    ),
    (
        "whirl-standalone",
        &["whirl-model", "whirl-backends", "whirl-service", "whirl-controller", "whirl-invoker"],
    ),
    ("whirl-system-tests", &["whirl-model", "whirl-standalone", "whirl-cli"]),
    (
        "whirl-benches",
        &["whirl-model", "whirl-scheduling", "whirl-backends", "whirl-standalone", "whirl-cli"],
    ),
];

/// What reads clocks, rolls dice, waits or touches the world: out of reach for the pure crates.
const IMPURE: [&str; 10] =
    ["actix-web", "bollard", "chrono", "fastrand", "getrandom", "hyper", "mio", "rand", "rusqlite", "tokio"];

/// What needs a C++ compiler, protoc or a server: the laptop binary goes without.
const HEAVY: [&str; 4] = ["etcd-client", "prost-build", "rdkafka", "rdkafka-sys"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the tests are in the workspace")
}

fn workspace() -> Metadata {
    let mut command = MetadataCommand::new();
    command.current_dir(root()).no_deps().other_options(["--locked".to_owned()]);
    command.exec().expect("cargo metadata answers")
}

fn ours(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some() && dependency.name != package.name.as_str())
        .map(|dependency| dependency.name.as_str())
        .collect()
}

/// The names of all crates that get into a crate, features as they are when it is built alone.
fn closure(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--package", package])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("crate names are text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// All Rust files of the workspace members.
fn rust_files(metadata: &Metadata) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let mut folders: Vec<PathBuf> =
        metadata.workspace_packages().iter().map(|p| folder(p).to_path_buf()).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree").map(|e| e.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path);
            }
        }
    }
    files
}

fn folder(package: &Package) -> &Path {
    package.manifest_path.parent().expect("a manifest lies in a folder").as_std_path()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let metadata = workspace();
    let mut seen = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no place yet"));
        let wrong: Vec<_> = ours(package).into_iter().filter(|used| !allowed.contains(used)).collect();
        assert!(wrong.is_empty(), "{name} may not use {wrong:?}");
        seen.insert(name);
    }
    assert_eq!(seen.len(), ARROWS.len(), "a crate is listed that is not there");
}

#[test]
fn pure_crates_reach_no_clock_no_dice_and_no_world() {
    for package in ["whirl-model", "whirl-scheduling"] {
        let closure = closure(package);
        let wrong: Vec<_> = IMPURE.iter().filter(|name| closure.contains(**name)).collect();
        assert!(wrong.is_empty(), "{package} reaches {wrong:?}");
    }
}

#[test]
fn the_laptop_binary_needs_no_cluster_libraries() {
    let closure = closure("whirl-standalone");
    assert!(closure.contains("whirl-model"), "this is not the tree of whirl-standalone: {closure:?}");
    let wrong: Vec<_> = HEAVY.iter().filter(|name| closure.contains(**name)).collect();
    assert!(wrong.is_empty(), "whirl-standalone reaches {wrong:?}");
}

#[test]
fn manifests_share_lints_and_versions() {
    for package in workspace().workspace_packages() {
        let name = package.name.as_str();
        let manifest = fs::read_to_string(&package.manifest_path).expect("a manifest is readable");
        assert!(
            manifest.contains("\n[lints]\nworkspace = true\n"),
            "{name} does not take the workspace's lints"
        );
        let own: Vec<_> = manifest.lines().filter(|line| line.contains("version = \"")).collect();
        assert!(own.is_empty(), "{name} names versions of its own: {own:?}");
    }
}

#[test]
fn rust_files_say_what_they_are_for() {
    for file in rust_files(&workspace()) {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        assert!(text.starts_with("//! "), "{} does not open with //!", file.display());
        assert_ne!(file.file_name().expect("a file has a name"), "mod.rs", "{}", file.display());
    }
}

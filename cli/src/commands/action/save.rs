//! Writes an action's code to a file, never over one that is there.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use whirl_model::Json;

use crate::artifact::extension_of_kind;
use crate::exit::Failure;
use crate::name::QualifiedName;

#[derive(Deserialize)]
struct Saved {
    exec: SavedExec,
}

#[derive(Deserialize)]
struct SavedExec {
    kind: String,
    #[serde(default)]
    binary: bool,
    code: Option<String>,
}

/// Saves the code of `action` in `path`, or under its name in the current folder; returns the whole path.
pub(super) fn save(name: &QualifiedName, action: &Json, path: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let Saved { exec } = decode(action)?;
    let code = contents(name, &exec)?;
    let path = path.unwrap_or_else(|| file_name(&name.entity, &exec));
    let path = std::path::absolute(&path).unwrap_or(path);
    write_new(&path, &code).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Local(format!("The file '{}' already exists", path.display()))
        }
        _ => Failure::file(format!("Unable to save the code in '{}'", path.display()))(error),
    })?;
    Ok(path)
}

/// Saves the code of `action` in a folder under the action's name; returns the file's name.
pub(crate) fn save_below(folder: &Path, name: &QualifiedName, action: &Json) -> Result<String, Failure> {
    let Saved { exec } = decode(action)?;
    let file = file_name(&name.entity, &exec);
    std::fs::create_dir_all(folder)
        .map_err(Failure::file(format!("Unable to make the folder '{}'", folder.display())))?;
    save(name, action, Some(folder.join(&file)))?;
    Ok(file.to_string_lossy().into_owned())
}

fn decode(action: &Json) -> Result<Saved, Failure> {
    serde_json::from_str(action.as_str())
        .map_err(|error| Failure::Local(format!("The server's answer is no action: {error}")))
}

fn contents(name: &QualifiedName, exec: &SavedExec) -> Result<Vec<u8>, Failure> {
    let refused = |why: &str| Failure::Local(format!("Unable to save action '{}': {why}", name.local()));
    let code = match (exec.kind.as_str(), &exec.code) {
        ("sequence", _) => return Err(refused("a sequence has no code")),
        ("blackbox", None) => return Err(refused("container images cannot be saved")),
        (_, None) => return Err(refused("the server sent no code")),
        (_, Some(code)) => code,
    };
    if exec.binary {
        STANDARD.decode(code).map_err(|_| refused("its binary code is not base64"))
    } else {
        Ok(code.clone().into_bytes())
    }
}

fn file_name(name: &str, exec: &SavedExec) -> PathBuf {
    match extension_of_kind(&exec.kind, exec.binary) {
        Some(extension) => format!("{name}.{extension}").into(),
        None => name.into(),
    }
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(exec: &str) -> Json {
        Json::parse(&format!(r#"{{"exec":{exec}}}"#)).unwrap()
    }

    fn name() -> QualifiedName {
        "util/hello".parse().unwrap()
    }

    #[test]
    fn text_and_archives_come_back_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        let archive = action(r#"{"kind":"nodejs:20","binary":true,"code":"UEsDBA=="}"#);
        assert_eq!(save(&name(), &archive, Some(path.clone())).unwrap(), path);
        assert_eq!(std::fs::read(&path).unwrap(), b"PK\x03\x04");
        let failure = save(&name(), &archive, Some(path.clone())).unwrap_err();
        assert!(failure.to_string().contains("already exists"), "{failure}");
    }

    #[test]
    fn the_file_is_named_after_the_action() {
        let exec = |kind: &str, binary| SavedExec { kind: kind.into(), binary, code: None };
        assert_eq!(file_name("a", &exec("nodejs:20", false)), Path::new("a.js"));
        assert_eq!(file_name("a", &exec("python:3.11", true)), Path::new("a.zip"));
        assert_eq!(file_name("a", &exec("java:8", true)), Path::new("a.jar"));
        assert_eq!(file_name("a", &exec("blackbox", false)), Path::new("a"));
    }

    #[test]
    fn sequences_and_images_are_refused() {
        for exec in [r#"{"kind":"sequence","components":[]}"#, r#"{"kind":"blackbox","image":"x"}"#] {
            let failure = save(&name(), &action(exec), None).unwrap_err();
            assert!(failure.to_string().starts_with("Unable to save action 'util/hello'"), "{failure}");
        }
    }
}

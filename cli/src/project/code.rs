//! Loads what the actions of a plan run: reads files, packs folders, fetches from the web. Done for all of
//! them before anything is sent, so that a missing file leaves nothing half deployed.

use std::collections::HashMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::operation::{Artifact, Code, Operation};
use crate::artifact;
use crate::client::{self, ExecBody};
use crate::exit::Failure;
use crate::name::QualifiedName;

/// The code of each action.
pub(crate) type Loaded = HashMap<QualifiedName, ExecBody>;

/// Loads the code of all actions.
pub(crate) fn load_all(operations: &[Operation]) -> Result<Loaded, Failure> {
    let actions = operations.iter().filter_map(|operation| match operation {
        Operation::Action(action) => Some(action),
        _ => None,
    });
    actions.map(|action| Ok((action.name.clone(), load(&action.code)?))).collect()
}

fn load(code: &Code) -> Result<ExecBody, Failure> {
    Ok(match code {
        Code::Sequence(components) => ExecBody {
            kind: "sequence".to_owned(),
            components: Some(components.iter().map(ToString::to_string).collect()),
            ..ExecBody::default()
        },
        Code::Runtime { kind, artifact, main } => ExecBody {
            kind: kind.clone(),
            code: Some(contents(artifact)?),
            main: main.clone(),
            ..ExecBody::default()
        },
        Code::Image { image, artifact, main } => ExecBody {
            kind: "blackbox".to_owned(),
            image: Some(image.clone()),
            code: artifact.as_ref().map(contents).transpose()?,
            main: main.clone(),
            ..ExecBody::default()
        },
    })
}

fn contents(artifact: &Artifact) -> Result<String, Failure> {
    match artifact {
        Artifact::Text(code) => Ok(code.clone()),
        Artifact::Path(path) if path.is_dir() => Ok(STANDARD.encode(packed(path)?)),
        Artifact::Path(path) => artifact::read_code(path),
        Artifact::Url(url) => {
            let fetched = client::download(url);
            let bytes = fetched.map_err(Failure::request(format!("Unable to fetch the code at '{url}'")))?;
            Ok(artifact::encoded(Path::new(url), bytes))
        }
    }
}

/// A folder as a zip archive. The same files always make the same archive.
fn packed(folder: &Path) -> Result<Vec<u8>, Failure> {
    let unable = |error: std::io::Error| {
        Failure::file(format!("Unable to pack the folder '{}'", folder.display()))(error)
    };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for path in files_in(folder).map_err(unable)? {
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let name: Vec<_> = name.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let options = if is_executable(&path) { options.unix_permissions(0o755) } else { options };
        let bytes = fs::read(&path).map_err(unable)?;
        archive.start_file(name.join("/"), options).map_err(|error| unable(error.into()))?;
        archive.write_all(&bytes).map_err(unable)?;
    }
    Ok(archive.finish().map_err(|error| unable(error.into()))?.into_inner())
}

/// All files below a folder, in the order of their names.
fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() { files.extend(files_in(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_folder_becomes_an_archive_that_is_always_the_same() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        for (name, text) in [("lib/b.js", "two"), ("index.js", "one")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let bytes = packed(folder.path()).unwrap();
        assert_eq!(packed(folder.path()).unwrap(), bytes);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.file_names().collect::<Result<Vec<_>, _>>().unwrap(), ["index.js", "lib/b.js"]);
        let mut text = String::new();
        archive.by_name("lib/b.js").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "two");
    }

    #[test]
    fn files_are_read_and_missing_ones_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.js");
        let code = |path: &Path| Code::Runtime {
            kind: "nodejs:20".into(),
            artifact: Artifact::Path(path.to_owned()),
            main: None,
        };
        assert!(load(&code(&path)).unwrap_err().to_string().contains("a.js"));
        fs::write(&path, "x").unwrap();
        assert_eq!(load(&code(&path)).unwrap().code.as_deref(), Some("x"));
    }
}

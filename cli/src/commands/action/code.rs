//! From flags and a file to an action's `exec`: which kind it is, and whether the code goes as text or base64.

use std::path::Path;

use clap::Args;

use crate::artifact::{self, NATIVE_IMAGE, read_code};
use crate::client::ExecBody;
use crate::exit::Failure;
use crate::name::QualifiedName;

/// Where an action's code comes from.
#[derive(Debug, Args)]
pub(super) struct CodeFlags {
    #[command(flatten)]
    source: SourceFlags,
    /// The entry point of the code
    #[arg(long, value_name = "NAME")]
    main: Option<String>,
}

/// What the artifact is; at most one of these.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct SourceFlags {
    /// Runtime kind, such as nodejs:20 or python:default; else the file's extension tells
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Run a container image
    #[arg(long, value_name = "IMAGE")]
    docker: Option<String>,
    /// The artifact is an executable, or a zip archive of one
    #[arg(long)]
    native: bool,
    /// The artifact is the name of an action to copy
    #[arg(long)]
    copy: bool,
    /// The artifact is a list of actions with commas between them
    #[arg(long)]
    sequence: bool,
}

/// What the flags and the artifact say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Nothing about code.
    Unchanged,
    /// Take everything from another action.
    CopyOf(QualifiedName),
    /// This.
    Exec(ExecBody),
}

impl CodeFlags {
    /// Reads the artifact if it is a file.
    pub(super) fn source(&self, artifact: Option<&str>) -> Result<Source, Failure> {
        let flags = &self.source;
        match artifact {
            Some(artifact) if flags.copy => Ok(Source::CopyOf(name(artifact)?)),
            Some(artifact) if flags.sequence => sequence(artifact).map(Source::Exec),
            Some(file) if flags.native => self.blackbox(NATIVE_IMAGE, Some(file)).map(Source::Exec),
            Some(file) if flags.docker.is_none() => self.runtime(Path::new(file)).map(Source::Exec),
            _ => match &flags.docker {
                Some(image) => self.blackbox(image, artifact).map(Source::Exec),
                None => self.nothing(),
            },
        }
    }

    fn nothing(&self) -> Result<Source, Failure> {
        let flags = &self.source;
        match flags.copy || flags.sequence || flags.native || flags.kind.is_some() || self.main.is_some() {
            true => Err(Failure::usage("Invalid argument(s). A code artifact is required.")),
            false => Ok(Source::Unchanged),
        }
    }

    fn blackbox(&self, image: &str, file: Option<&str>) -> Result<ExecBody, Failure> {
        let code = file.map(|file| read_code(Path::new(file))).transpose()?;
        Ok(ExecBody {
            kind: "blackbox".to_owned(),
            image: Some(image.to_owned()),
            code,
            main: self.main.clone(),
            components: None,
        })
    }

    fn runtime(&self, file: &Path) -> Result<ExecBody, Failure> {
        let kind = match &self.source.kind {
            Some(kind) => kind.clone(),
            None => kind_of_file(file)?,
        };
        if kind.split(':').next() == Some("java") && self.main.is_none() {
            return Err(Failure::usage(
                "Java actions require --main to specify the fully-qualified name of the main class",
            ));
        }
        let code = Some(read_code(file)?);
        Ok(ExecBody { kind, code, main: self.main.clone(), ..ExecBody::default() })
    }
}

fn sequence(list: &str) -> Result<ExecBody, Failure> {
    let components = list.split(',').map(|part| name(part.trim()).map(|name| name.to_string()));
    let components = Some(components.collect::<Result<_, _>>()?);
    Ok(ExecBody { kind: "sequence".to_owned(), components, ..ExecBody::default() })
}

fn name(text: &str) -> Result<QualifiedName, Failure> {
    text.parse().map_err(|error: crate::name::NameError| Failure::usage(error.to_string()))
}

fn kind_of_file(file: &Path) -> Result<String, Failure> {
    match artifact::kind_of_file(file) {
        Some(kind) => Ok(kind),
        None if artifact::extension(file) == "zip" => Err(Failure::usage(
            "Creating an action from a .zip artifact requires its runtime: use --kind, --docker or --native",
        )),
        None => Err(Failure::usage(format!(
            "The kind of '{}' does not show in its name: use --kind, --docker or --native",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    fn source(words: &[&str], artifact: Option<&str>) -> Result<Source, Failure> {
        let command = CodeFlags::augment_args(Command::new("x"));
        let matches = command.try_get_matches_from([&["x"], words].concat()).unwrap();
        CodeFlags::from_arg_matches(&matches).unwrap().source(artifact)
    }

    fn exec(words: &[&str], artifact: Option<&str>) -> ExecBody {
        match source(words, artifact).unwrap() {
            Source::Exec(exec) => exec,
            other => panic!("no exec: {other:?}"),
        }
    }

    fn file(name: &str, contents: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn the_extension_tells_the_kind_unless_a_flag_does() {
        let (_folder, path) = file("a.py", b"def main(a): pass");
        let body = exec(&[], Some(&path));
        assert_eq!((body.kind.as_str(), body.code.as_deref()), ("python:default", Some("def main(a): pass")));
        let body = exec(&["--kind", "python:3.11", "--main", "other"], Some(&path));
        assert_eq!((body.kind.as_str(), body.main.as_deref()), ("python:3.11", Some("other")));
        let (_folder, path) = file("a.txt", b"");
        assert!(source(&[], Some(&path)).is_err());
    }

    #[test]
    fn archives_go_as_base64_and_need_a_kind() {
        let (_folder, path) = file("a.zip", b"PK\x03\x04");
        assert!(matches!(source(&[], Some(&path)), Err(Failure::Usage(_))));
        assert_eq!(exec(&["--kind", "nodejs:20"], Some(&path)).code.as_deref(), Some("UEsDBA=="));
        let body = exec(&["--native"], Some(&path));
        assert_eq!((body.kind.as_str(), body.image.as_deref()), ("blackbox", Some(NATIVE_IMAGE)));
    }

    #[test]
    fn java_needs_a_main_class() {
        let (_folder, path) = file("a.jar", b"PK");
        assert!(matches!(source(&[], Some(&path)), Err(Failure::Usage(_))));
        assert_eq!(exec(&["--main", "Hello"], Some(&path)).kind, "java:default");
    }

    #[test]
    fn images_need_no_code() {
        let body = exec(&["--docker", "me/image:1"], None);
        assert_eq!((body.image.as_deref(), body.code), (Some("me/image:1"), None));
        let (_folder, path) = file("run", &[0x7f, b'E', 0xff]);
        assert_eq!(exec(&["--docker", "i"], Some(&path)).code.as_deref(), Some("f0X/"));
    }

    #[test]
    fn sequences_and_copies_take_names() {
        let body = exec(&["--sequence"], Some("a, p/b,/ns/c"));
        assert_eq!(body.components.unwrap(), ["/_/a", "/_/p/b", "/ns/c"]);
        assert_eq!(source(&["--copy"], Some("p/a")).unwrap(), Source::CopyOf("p/a".parse().unwrap()));
        assert!(source(&["--sequence"], Some("a,,b")).is_err());
    }

    #[test]
    fn code_flags_without_an_artifact_are_a_mistake() {
        assert_eq!(source(&[], None).unwrap(), Source::Unchanged);
        for flags in [&["--copy"][..], &["--kind", "x"], &["--main", "m"], &["--native"], &["--sequence"]] {
            assert!(matches!(source(flags, None), Err(Failure::Usage(_))), "{flags:?}");
        }
    }
}

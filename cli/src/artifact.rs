//! Code files: which runtime their names stand for, and whether their contents travel as text or base64.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::exit::Failure;

/// The image that runs a native executable.
pub(crate) const NATIVE_IMAGE: &str = "openwhisk/dockerskeleton";

/// File extensions and the runtime families they stand for.
const FAMILIES: [(&str, &str); 9] = [
    ("js", "nodejs"),
    ("py", "python"),
    ("swift", "swift"),
    ("jar", "java"),
    ("php", "php"),
    ("rb", "ruby"),
    ("rs", "rust"),
    ("go", "go"),
    ("balx", "ballerina"),
];

/// The last part of a file's name, in lower case; empty if there is none.
pub(crate) fn extension(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// `FAMILY:default` of a code file; none for archives and what no runtime is known for.
pub(crate) fn kind_of_file(file: &Path) -> Option<String> {
    let extension = extension(file);
    let family = FAMILIES.iter().find(|(known, _)| *known == extension);
    family.map(|(_, family)| format!("{family}:default"))
}

/// The code in a file, ready to be sent.
pub(crate) fn read_code(file: &Path) -> Result<String, Failure> {
    let what = format!("Unable to read the code file '{}'", file.display());
    let bytes = std::fs::read(file).map_err(Failure::file(what))?;
    Ok(encoded(file, bytes))
}

/// Archives and everything that is not text go as base64.
pub(crate) fn encoded(file: &Path, bytes: Vec<u8>) -> String {
    if matches!(extension(file).as_str(), "zip" | "jar") {
        return STANDARD.encode(bytes);
    }
    String::from_utf8(bytes).unwrap_or_else(|error| STANDARD.encode(error.as_bytes()))
}

/// The extension of a file with code of a kind; none for a kind that has no usual one.
pub(crate) fn extension_of_kind(kind: &str, binary: bool) -> Option<&'static str> {
    let family = kind.split(':').next().unwrap_or_default();
    match (family, binary) {
        ("java", _) => Some("jar"),
        (_, true) => Some("zip"),
        _ => FAMILIES.iter().find(|(_, known)| *known == family).map(|(extension, _)| *extension),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_tell_each_other() {
        assert_eq!(kind_of_file(Path::new("a.PY")).as_deref(), Some("python:default"));
        assert_eq!(kind_of_file(Path::new("a.zip")), None);
        assert_eq!(extension_of_kind("python:3.11", false), Some("py"));
        assert_eq!(extension_of_kind("python:3.11", true), Some("zip"));
    }

    #[test]
    fn only_text_goes_as_text() {
        assert_eq!(encoded(Path::new("a.js"), b"<&>".to_vec()), "<&>");
        assert_eq!(encoded(Path::new("a.zip"), b"PK\x03\x04".to_vec()), "UEsDBA==");
        assert_eq!(encoded(Path::new("run"), vec![0x7f, b'E', 0xff]), "f0X/");
    }
}

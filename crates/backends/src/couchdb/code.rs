//! Where an action's code is: how a document refers to it, and how the code that clients know becomes the
//! bytes that are stored, and back.
//!
//! Code below 16 KiB is part of the reference; larger code is an attachment. Base64 code is stored as what it
//! encodes. Older documents have the code itself in place of a reference, or references without a scheme.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use whirl_model::Json;

/// Stored bytes from this number on are an attachment.
const ATTACHED_FROM: usize = 16 << 10;
const INLINE: &str = "mem:";
const ATTACHED: &str = "couch:";
const TEXT: &str = "text/plain; charset=UTF-8";
const BYTES: &str = "application/octet-stream";

/// Reads what other writers encoded with padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why code cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodeError {
    #[error("it has neither code nor a reference to it as 'exec.code'")]
    NoReference(#[source] serde_json::Error),
    #[error("its code is not base64")]
    NoBase64(#[source] base64::DecodeError),
    #[error("its code '{0}' is in a store that is not used here")]
    Elsewhere(String),
    #[error("its attachment '{0}' is missing")]
    Missing(String),
}

/// A document's member `exec.code`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    attachment_name: String,
    attachment_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// An attachment within the document that it is written with.
#[derive(Debug, Serialize)]
pub(super) struct Upload {
    content_type: &'static str,
    data: String,
}

/// Code on its way to the store.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The value of `exec.code`.
    pub(super) reference: Json,
    /// The attachment, if the code is not in the reference.
    pub(super) upload: Option<Upload>,
}

impl Outgoing {
    /// What to store of `code`; `is_base64` says that it is base64 by its look. If it becomes an attachment,
    /// that is called `name`.
    pub(super) fn of(code: &[u8], is_base64: bool, name: &str) -> Self {
        // What would not come back to the letter stays text.
        let decoded = is_base64.then(|| STANDARD.decode(code).ok()).flatten();
        let decoded = decoded.filter(|bytes| STANDARD.encode(bytes).as_bytes() == code);
        let content_type = if decoded.is_some() { BYTES } else { TEXT };
        let stored = decoded.as_deref().unwrap_or(code);
        let is_attached = stored.len() >= ATTACHED_FROM;
        let reference = Reference {
            attachment_name: match is_attached {
                true => format!("{ATTACHED}{name}"),
                false => format!("{INLINE}{}", URL_SAFE.encode(stored)),
            },
            attachment_type: content_type.to_owned(),
            length: Some(stored.len() as u64),
            digest: Some(sha256(stored)),
        };
        let upload = is_attached.then(|| Upload { content_type, data: STANDARD.encode(stored) });
        Self { reference: Json::of(&reference), upload }
    }
}

fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{hex}")
}

/// An attachment as a document that was read mentions it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Stub {
    length: u64,
}

/// Where a document's code is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// In the document.
    Inline(Bytes),
    /// Beside it.
    Attached(Attached),
}

/// Code that is an attachment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) name: String,
    /// Bytes that are stored.
    pub(super) length: u64,
    /// Whether the code is the base64 of what is stored.
    pub(super) is_base64: bool,
}

impl Code {
    /// The code that `exec.code` tells of. `is_base64` is what the document says of it, `stub` finds an
    /// attachment of the document by name.
    pub(super) fn of(
        member: &Json,
        is_base64: bool,
        stub: impl Fn(&str) -> Option<Stub>,
    ) -> Result<Self, CodeError> {
        if let Some(text) = member.to_text() {
            return Ok(Self::Inline(text.into()));
        }
        let Reference { attachment_name: name, attachment_type, .. } =
            serde_json::from_str(member.as_str()).map_err(CodeError::NoReference)?;
        let is_base64 = is_base64 && !attachment_type.starts_with("text/");
        if let Some(encoded) = name.strip_prefix(INLINE) {
            let stored = LENIENT.decode(encoded).map_err(CodeError::NoBase64)?;
            let code = if is_base64 { STANDARD.encode(stored).into_bytes() } else { stored };
            return Ok(Self::Inline(code.into()));
        }
        let bare = name.strip_prefix(ATTACHED).unwrap_or(&name);
        for name in [bare, &name] {
            if let Some(Stub { length }) = stub(name) {
                return Ok(Self::Attached(Attached { name: name.to_owned(), length, is_base64 }));
            }
        }
        Err(if bare.contains(':') { CodeError::Elsewhere(name) } else { CodeError::Missing(name) })
    }

    /// Bytes of the code as clients know it.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Inline(code) => code.len() as u64,
            Self::Attached(Attached { length, is_base64: true, .. }) => length.div_ceil(3) * 4,
            Self::Attached(attached) => attached.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(outgoing: &Outgoing, is_base64: bool) -> Code {
        let stub = |name: &str| (name == "one").then_some(Stub { length: ATTACHED_FROM as u64 });
        Code::of(&outgoing.reference, is_base64, stub).unwrap()
    }

    #[test]
    fn small_code_is_in_the_reference() {
        let outgoing = Outgoing::of(b"function main(){}", false, "one");
        assert_eq!(
            outgoing.reference.as_str(),
            r#"{"attachmentName":"mem:ZnVuY3Rpb24gbWFpbigpe30=","attachmentType":"text/plain; charset=UTF-8","length":17,"digest":"sha256-2cb7b2ab2e5b2088a26c685bdfc8d8990c846e9cc95e06b7231fa6e92d0919c7"}"#
        );
        assert!(outgoing.upload.is_none());
        assert_eq!(back(&outgoing, false), Code::Inline("function main(){}".into()));
    }

    #[test]
    fn base64_is_stored_as_what_it_encodes() {
        let outgoing = Outgoing::of(b"aGVsbG8=", true, "one");
        assert!(
            outgoing.reference.as_str().contains(r#""mem:aGVsbG8=","attachmentType":"application/octet"#)
        );
        assert_eq!(back(&outgoing, true), Code::Inline("aGVsbG8=".into()));
        // Encoders leave the last bits at 0, this one did not: decoding it would lose them.
        let odd = Outgoing::of(b"aGVsbG9=", true, "one");
        assert_eq!(back(&odd, true), Code::Inline("aGVsbG9=".into()));
    }

    #[test]
    fn large_code_is_an_attachment() {
        let stored = vec![7; ATTACHED_FROM];
        let code = STANDARD.encode(&stored);
        let outgoing = Outgoing::of(code.as_bytes(), true, "one");
        assert!(outgoing.reference.as_str().contains(r#""attachmentName":"couch:one""#));
        assert_eq!(outgoing.upload.as_ref().unwrap().data, code);
        let read = back(&outgoing, true);
        let attached = Attached { name: "one".into(), length: ATTACHED_FROM as u64, is_base64: true };
        assert_eq!((read.size(), read), (code.len() as u64, Code::Attached(attached)));
    }

    #[test]
    fn code_of_older_documents_is_found() {
        let read = |member: &str, stubbed: &str| {
            let stub = |name: &str| (name == stubbed).then_some(Stub { length: 9 });
            Code::of(&Json::parse(member).unwrap(), true, stub)
        };
        assert_eq!(read(r#""text""#, "").unwrap(), Code::Inline("text".into()));
        let jar = r#"{"attachmentName":"jarfile","attachmentType":"application/java-archive"}"#;
        assert_eq!(read(jar, "jarfile").unwrap().size(), 12);
        assert!(matches!(read(jar, ""), Err(CodeError::Missing(_))));
        let elsewhere = r#"{"attachmentName":"s3:one","attachmentType":"text/plain"}"#;
        assert!(matches!(read(elsewhere, ""), Err(CodeError::Elsewhere(_))));
        let unpadded = r#"{"attachmentName":"mem:aGVsbG8","attachmentType":"text/plain"}"#;
        assert_eq!(read(unpadded, "").unwrap(), Code::Inline("hello".into()));
        assert!(matches!(read("7", ""), Err(CodeError::NoReference(_))));
    }
}

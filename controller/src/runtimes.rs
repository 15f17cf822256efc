//! Which runtime is for an action's kind, to write the action or to run it.

use whirl_model::runtimes::Runtime;
use whirl_model::{Kind, RuntimeManifest};

use crate::api_error::ApiError;

/// The runtime of a kind that may be used: there is one and it is not deprecated.
pub(crate) fn runtime_of<'m>(manifest: &'m RuntimeManifest, kind: &Kind) -> Result<&'m Runtime, ApiError> {
    let runtime = manifest.resolve(kind).ok_or_else(|| unknown(manifest, kind))?;
    if runtime.deprecated {
        return Err(ApiError::malformed(format!(
            "The runtime '{}' is deprecated: its actions can be read and deleted, not changed or invoked.",
            runtime.kind
        )));
    }
    Ok(runtime)
}

fn unknown(manifest: &RuntimeManifest, kind: &Kind) -> ApiError {
    let known = manifest.iter().map(|runtime| runtime.kind.as_str()).chain(["blackbox", "sequence"]);
    let known: Vec<String> = known.map(|kind| format!("'{kind}'")).collect();
    ApiError::malformed(format!(
        "The specified runtime '{kind}' is not supported by this platform. Valid values are: {}.",
        known.join(", ")
    ))
}

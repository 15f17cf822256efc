//! What a container is made of, as the engine is told. Pure.

use bollard::models::ImageInspect;

/// An image, and where it wants volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::docker) struct Base {
    /// Its name or its id.
    pub(in crate::docker) image: String,
    /// The paths of its volumes, absolute and clean; none where they do not matter.
    pub(in crate::docker) volumes: Vec<String>,
}

/// A volume that cannot be bounded: nothing can be mounted in the place of a path that is not absolute.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("its volume '{0}' has no absolute path")]
pub(in crate::docker) struct RelativeVolume(String);

impl Base {
    /// An image whose volumes do not matter.
    pub(in crate::docker) fn named(image: String) -> Self {
        Self { image, volumes: Vec::new() }
    }

    /// The image that has the name now, by its id: the name may soon be that of another one, with other volumes.
    pub(in crate::docker) fn found(name: String, found: ImageInspect) -> Result<Self, RelativeVolume> {
        let volumes = found.config.and_then(|config| config.volumes).unwrap_or_default();
        let volumes = volumes.into_iter().map(clean).collect::<Result<_, _>>()?;
        Ok(Self { image: found.id.unwrap_or(name), volumes })
    }
}

/// The path without `.`, `..` and empty parts, which is how the engine compares those of volumes and mounts.
fn clean(path: String) -> Result<String, RelativeVolume> {
    if !path.starts_with('/') {
        return Err(RelativeVolume(path));
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use bollard::models::ImageConfig;

    use super::*;

    fn found(volumes: &[&str]) -> Result<Base, RelativeVolume> {
        let volumes = Some(volumes.iter().map(|path| (*path).to_owned()).collect());
        let config = Some(ImageConfig { volumes, ..ImageConfig::default() });
        let image = ImageInspect { id: Some("sha256:1".to_owned()), config, ..ImageInspect::default() };
        Base::found("a/b:1".to_owned(), image)
    }

    #[test]
    fn volumes_are_where_the_engine_would_have_them() {
        let base = found(&["/data", "/a//b/./c/", "/x/../y", "/../z"]).unwrap();
        assert_eq!(base.volumes, ["/data", "/a/b/c", "/y", "/z"]);
        assert_eq!(base.image, "sha256:1");
    }

    #[test]
    fn a_volume_that_nothing_can_be_laid_over_is_told() {
        for path in ["data", "../../data", "./data", ""] {
            assert_eq!(found(&["/a", path]), Err(RelativeVolume(path.to_owned())));
        }
    }
}

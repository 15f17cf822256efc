//! The runtime manifest, `runtimes.json`: which kinds there are, their images and their stem cells.

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{ByteSize, Cores, GpuLimit, ImageName, Kind};

/// Everything that can execute code here. Unknown members of the file are ignored.
#[derive(Clone, Debug)]
pub struct RuntimeManifest {
    families: IndexMap<String, Vec<Runtime>>,
    blackboxes: Vec<ImageName>,
}

/// One kind of runtime.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Its name, such as `nodejs:20`.
    pub kind: Kind,
    /// Its image.
    pub image: ImageName,
    /// Whether `FAMILY:default` means this kind.
    pub default: bool,
    /// Creating actions of the kind is refused; those there are still run.
    pub deprecated: bool,
    /// Whether code is kept beside the action's document.
    pub attached: bool,
    /// Whether an action has to name its entry point.
    pub require_main: bool,
    /// Whether the image writes the end mark to both streams after each activation.
    pub sentinelled_logs: bool,
    /// Which containers to keep started without code.
    pub stem_cells: Vec<StemCell>,
    /// How to start the runtime as a plain process, relative to the manifest's folder.
    pub process: Option<ProcessLauncher>,
}

/// How many containers of one size to keep started without code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StemCell {
    /// How many at start, and after one is taken unless `reactive` says otherwise. At least 1.
    #[serde(alias = "count")]
    pub initial_count: u32,
    /// Memory of each.
    pub memory: ByteSize,
    /// CPU cores of each alone, for actions that ask for just as many.
    pub cpu: Option<Cores>,
    /// GPUs of each, for actions that ask for just the same.
    pub gpu: Option<GpuLimit>,
    /// How the number follows demand.
    pub reactive: Option<Reactive>,
}

/// How the number of stem cells follows cold starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reactive {
    /// Never fewer.
    pub min_count: u32,
    /// Never more.
    pub max_count: u32,
    /// An unused one is removed after this long.
    #[serde(deserialize_with = "duration")]
    pub ttl: Duration,
    /// So many cold starts within a check interval ask for one `increment`.
    pub threshold: u32,
    /// So many are added for each `threshold` cold starts.
    pub increment: u32,
}

/// A command that serves the runtime's launcher on the host itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ProcessLauncher {
    /// Program and arguments; the second is a path relative to the manifest's folder.
    pub command: Vec<String>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("the runtime manifest cannot be read")]
    Syntax(#[from] serde_json::Error),
    /// An image's parts make no image name.
    #[error("the runtime manifest names an image that is none")]
    Image(#[from] crate::image::ImageNameError),
    /// None or several defaults in a family of more than one kind.
    #[error("family '{0}' of the runtime manifest needs exactly one default kind")]
    Default(String),
    /// A kind stands twice.
    #[error("kind '{0}' stands twice in the runtime manifest")]
    Repeated(Kind),
    /// A stem cell rule that cannot be followed.
    #[error(
        "the stem cells of '{0}' need counts and cores above 0, minCount <= maxCount and increment <= maxCount"
    )]
    StemCell(Kind),
}

impl RuntimeManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When the text is no manifest, or names kinds, images, defaults or stem cells that cannot be.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let file: ManifestFile = serde_json::from_str(text)?;
        let mut families: IndexMap<String, Vec<Runtime>> = IndexMap::new();
        for (family, entries) in file.runtimes {
            let single = entries.len() == 1;
            let runtimes = entries.into_iter().map(|e| e.resolve(single)).collect::<Result<Vec<_>, _>>()?;
            if !runtimes.is_empty() && runtimes.iter().filter(|r| r.default).count() != 1 {
                return Err(ManifestError::Default(family));
            }
            for runtime in &runtimes {
                if families.values().flatten().chain(&runtimes).filter(|r| r.kind == runtime.kind).count() > 1
                {
                    return Err(ManifestError::Repeated(runtime.kind.clone()));
                }
            }
            families.insert(family, runtimes);
        }
        let blackboxes = file.blackboxes.iter().map(ImageParts::join).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { families, blackboxes })
    }

    /// The runtime of a kind; `FAMILY:default` means the family's default.
    #[must_use]
    pub fn resolve(&self, kind: &Kind) -> Option<&Runtime> {
        match kind.as_str().strip_suffix(":default") {
            Some(family) => self.families.get(family)?.iter().find(|r| r.default),
            None => self.iter().find(|r| r.kind == *kind),
        }
    }

    /// All runtimes, family by family.
    pub fn iter(&self) -> impl Iterator<Item = &Runtime> {
        self.families.values().flatten()
    }

    /// The families and their runtimes in the manifest's order.
    pub fn families(&self) -> impl Iterator<Item = (&str, &[Runtime])> {
        self.families.iter().map(|(family, runtimes)| (family.as_str(), runtimes.as_slice()))
    }

    /// Whether a user's image counts as the platform's own: never pulled, and known to write end marks.
    #[must_use]
    pub fn is_native(&self, image: &ImageName) -> bool {
        self.blackboxes.iter().any(|b| b.same_image(image))
    }

    /// The manifest without any stem cell.
    #[must_use]
    pub fn without_stem_cells(mut self) -> Self {
        self.families.values_mut().flatten().for_each(|r| r.stem_cells.clear());
        self
    }
}

impl Runtime {
    /// The entry in `GET /`: exactly six members.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "kind": self.kind,
            "image": self.image.to_string(),
            "deprecated": self.deprecated,
            "default": self.default,
            "attached": self.attached,
            "requireMain": self.require_main,
        })
    }
}

#[derive(Deserialize)]
struct ManifestFile {
    runtimes: IndexMap<String, Vec<RuntimeEntry>>,
    #[serde(default)]
    blackboxes: Vec<ImageParts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeEntry {
    kind: String,
    image: ImageParts,
    #[serde(default)]
    default: bool,
    #[serde(default)]
    deprecated: bool,
    attached: Option<serde_json::Value>,
    #[serde(default)]
    require_main: bool,
    #[serde(default = "yes")]
    sentinelled_logs: bool,
    #[serde(default)]
    stem_cells: Vec<StemCell>,
    process: Option<ProcessLauncher>,
}

impl RuntimeEntry {
    fn resolve(self, single: bool) -> Result<Runtime, ManifestError> {
        let kind = Kind::new(&self.kind);
        let possible = |cell: &StemCell| {
            let reactive = cell.reactive.as_ref().is_none_or(|r| {
                r.max_count > 0
                    && r.min_count <= r.max_count
                    && !r.ttl.is_zero()
                    && r.threshold > 0
                    && (1..=r.max_count).contains(&r.increment)
            });
            let has_cores = cell.cpu.is_none_or(|cores| !cores.is_zero());
            cell.initial_count > 0 && cell.memory.as_megabytes() > 0 && has_cores && reactive
        };
        if !self.stem_cells.iter().all(possible) {
            return Err(ManifestError::StemCell(kind));
        }
        Ok(Runtime {
            kind,
            image: self.image.join()?,
            default: self.default || single,
            deprecated: self.deprecated,
            attached: self.attached.is_some(),
            require_main: self.require_main,
            sentinelled_logs: self.sentinelled_logs,
            stem_cells: self.stem_cells,
            process: self.process,
        })
    }
}

fn yes() -> bool {
    true
}

#[derive(Serialize, Deserialize)]
struct ImageParts {
    registry: Option<String>,
    prefix: Option<String>,
    name: String,
    tag: Option<String>,
}

impl ImageParts {
    fn join(&self) -> Result<ImageName, crate::image::ImageNameError> {
        let before = |part: &Option<String>| part.as_deref().map(|p| format!("{p}/")).unwrap_or_default();
        let tag = self.tag.as_deref().map(|t| format!(":{t}")).unwrap_or_default();
        format!("{}{}{}{tag}", before(&self.registry), before(&self.prefix), self.name).parse()
    }
}

/// Reads `"2 minutes"`, `"30 s"`, `"500 ms"`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let error = || serde::de::Error::custom(format!("'{text}' is not a duration such as '2 minutes'"));
    let trimmed = text.trim();
    let digits = trimmed.len() - trimmed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = trimmed[..digits].parse().map_err(|_| error())?;
    let millis = match trimmed[digits..].trim() {
        "ms" | "millis" | "milliseconds" => 1,
        "s" | "second" | "seconds" => 1000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        _ => return Err(error()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GpuAmount;

    const TWO: &str = r#"{"description":["x"],"runtimes":{"nodejs":[
        {"kind":"nodejs:18","image":{"prefix":"whirl","name":"node18"},"deprecated":true},
        {"kind":"nodejs:20","default":true,"image":{"registry":"r.example","prefix":"p","name":"n","tag":"t"},
         "attached":{"attachmentName":"codefile","attachmentType":"text/plain"},"gpu":1,
         "stemCells":[{"initialCount":2,"memory":"256 MB",
           "reactive":{"minCount":1,"maxCount":4,"ttl":"2 minutes","threshold":1,"increment":1}},
           {"count":1,"memory":"512 MB","cpu":0.5,"gpu":{"count":1,"class":"h100"}}]}]},
        "blackboxes":[{"prefix":"openwhisk","name":"dockerskeleton"}]}"#;

    #[test]
    fn a_manifest_resolves_kinds_and_images() {
        let manifest = RuntimeManifest::parse(TWO).unwrap();
        let node = manifest.resolve(&Kind::new("nodejs:default")).unwrap();
        assert_eq!((node.kind.as_str(), node.image.to_string().as_str()), ("nodejs:20", "r.example/p/n:t"));
        let [plain, with_gpu] = node.stem_cells.as_slice() else { panic!("{:?}", node.stem_cells) };
        assert_eq!(plain.reactive.as_ref().unwrap().ttl, Duration::from_secs(120));
        assert_eq!((plain.cpu, &plain.gpu), (None, &None));
        let h100 = GpuLimit { amount: GpuAmount::Devices(1), class: Some("h100".parse().unwrap()) };
        assert_eq!((with_gpu.cpu, &with_gpu.gpu), (Cores::from_number(0.5), &Some(h100)));
        assert!(node.attached && manifest.resolve(&Kind::new("nodejs:18")).unwrap().deprecated);
        assert!(manifest.resolve(&Kind::new("cobol:60")).is_none());
        assert!(manifest.is_native(&"openwhisk/dockerskeleton:latest".parse().unwrap()));
        assert_eq!(node.to_json().as_object().unwrap().len(), 6);
    }

    #[test]
    fn manifests_that_cannot_be_followed_are_refused() {
        for bad in [
            TWO.replace(r#""default":true,"#, ""),
            TWO.replace("nodejs:18", "nodejs:20"),
            TWO.replace(r#""initialCount":2"#, r#""initialCount":0"#),
            TWO.replace(r#""maxCount":4"#, r#""maxCount":0"#),
            TWO.replace("2 minutes", "2 moons"),
            TWO.replace(r#""cpu":0.5"#, r#""cpu":0"#),
            TWO.replace(r#""gpu":{"#, r#""gpu":{"of":1,"#),
            TWO.replace("dockerskeleton", "Docker Skeleton"),
            "{}".to_owned(),
        ] {
            assert!(RuntimeManifest::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_single_kind_is_its_familys_default() {
        let one = r#"{"runtimes":{"python":[{"kind":"python:3.11","image":{"name":"py"}}]}}"#;
        assert!(RuntimeManifest::parse(one).unwrap().resolve(&Kind::new("python:default")).is_some());
    }
}

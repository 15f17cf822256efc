//! Reads a project's files: the manifest, the deployment file, and the values for the names in them.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::{Map, Value};
use whirl_model::Json;

use super::interpolate::Interpolation;
use super::managed::Mark;
use super::merge::merge;
use crate::exit::Failure;
use crate::settings::Environment;

const MANIFESTS: [&str; 2] = ["manifest.yaml", "manifest.yml"];
const DEPLOYMENTS: [&str; 2] = ["deployment.yaml", "deployment.yml"];

/// Which files, and what values besides the environment's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// The folder of the project.
    pub(crate) folder: PathBuf,
    /// The manifest, if it has a name of its own.
    pub(crate) manifest: Option<PathBuf>,
    /// The deployment file, if it has a name of its own.
    pub(crate) deployment: Option<PathBuf>,
    /// Values for names in both, which win over the environment's.
    pub(crate) variables: IndexMap<String, Json>,
}

/// A project as its files have it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its name, if it has one.
    pub(crate) project: Option<String>,
    /// Its packages, complete.
    pub(crate) packages: Map<String, Value>,
    /// The folder that its code files are relative to.
    pub(crate) folder: PathBuf,
    /// What the writer should know.
    pub(crate) warnings: Vec<String>,
    file: String,
    text: String,
}

impl Source {
    /// Reads the files.
    pub(crate) fn read(files: &Files, environment: &Environment) -> Result<Self, Failure> {
        let path = files.manifest.clone().or_else(|| first_of(&files.folder, &MANIFESTS));
        let path = path.ok_or_else(|| {
            let folder = files.folder.display();
            Failure::usage(format!("There is no {} in '{folder}': use --manifest", MANIFESTS[0]))
        })?;
        let lookup = |name: &str| {
            let variable =
                files.variables.get(name).and_then(|value| serde_json::from_str(value.as_str()).ok());
            variable.or_else(|| environment.get(name).map(|text| Value::String(text.to_owned())))
        };
        let mut interpolation = Interpolation::new(&lookup);
        let text = text_of(&path)?;
        let manifest = Document::parse(&path, &text, &mut interpolation)?;
        let mut source = Self {
            project: manifest.project.clone(),
            packages: manifest.packages,
            folder: folder_of(&path),
            warnings: Vec::new(),
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            text,
        };
        if let Some(path) = files.deployment.clone().or_else(|| first_of(&files.folder, &DEPLOYMENTS)) {
            let deployment = Document::parse(&path, &text_of(&path)?, &mut interpolation)?;
            let unknown = merge(&mut source.packages, &deployment.packages);
            let told =
                unknown.into_iter().map(|what| format!("{}: {what} is not in the manifest", path.display()));
            source.warnings.extend(told);
        }
        let missing = interpolation.into_missing().into_iter();
        source.warnings.extend(missing.map(|name| format!("the variable {name} is not set")));
        source.set_inputs(&files.variables);
        Ok(source)
    }

    /// Values from the command line also win over the inputs of the same name that packages have.
    fn set_inputs(&mut self, variables: &IndexMap<String, Json>) {
        for package in self.packages.values_mut() {
            let Some(inputs) = package.get_mut("inputs").and_then(Value::as_object_mut) else { continue };
            for (name, input) in inputs {
                if let Some(Ok(value)) = variables.get(name).map(|value| serde_json::from_str(value.as_str()))
                {
                    *input = value;
                }
            }
        }
    }

    /// The mark of this state of a managed project.
    pub(crate) fn mark(&self, project: &str) -> Mark {
        Mark::new(project, &self.file, &self.text)
    }
}

/// A manifest or a deployment file.
struct Document {
    project: Option<String>,
    packages: Map<String, Value>,
}

impl Document {
    fn parse(path: &Path, text: &str, interpolation: &mut Interpolation<'_>) -> Result<Self, Failure> {
        let bad = |why: &dyn std::fmt::Display| {
            Failure::Local(format!("'{}' is not understood: {why}", path.display()))
        };
        let value: Value = serde_saphyr::from_str(text).map_err(|error| bad(&error))?;
        let Value::Object(mut root) = interpolation.apply(value) else {
            return Err(bad(&"it has no packages"));
        };
        let project = match root.shift_remove("project") {
            Some(Value::Object(project)) => project,
            _ => Map::new(),
        };
        let name = project.get("name").and_then(Value::as_str).map(str::to_owned);
        let packages = root.shift_remove("packages").filter(|packages| !packages.is_null());
        match packages.or_else(|| project.get("packages").cloned()) {
            Some(Value::Object(packages)) => Ok(Self { project: name, packages }),
            None | Some(Value::Null) => Ok(Self { project: name, packages: Map::new() }),
            Some(_) => Err(bad(&"its packages are no mapping")),
        }
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(Failure::file(format!("Unable to read '{}'", path.display())))
}

fn first_of(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// The folder of a file; nothing for the current one.
fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    folder.strip_prefix(".").unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(manifest: &str, variables: &str) -> Result<Source, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("manifest.yml"), manifest).unwrap();
        let variables = serde_json::from_str(variables).unwrap();
        let files = Files { folder: folder.path().to_owned(), variables, ..Files::default() };
        Source::read(&files, &[("WHO".to_owned(), "env".to_owned())].into_iter().collect())
    }

    #[test]
    fn packages_stand_at_the_root_or_in_the_project() {
        let nested = read("project: {name: shop, packages: {p: {}}}", "{}").unwrap();
        assert_eq!(nested.project.as_deref(), Some("shop"));
        assert!(nested.packages.contains_key("p"));
        assert!(read("packages:", "{}").unwrap().packages.is_empty());
        assert!(read("packages: [p]", "{}").is_err() && read("- p", "{}").is_err());
    }

    #[test]
    fn the_command_line_wins_over_environment_and_inputs() {
        let manifest = "packages: {p: {inputs: {who: $WHO, n: 1}}}";
        let inputs = |variables| read(manifest, variables).unwrap().packages["p"]["inputs"].to_string();
        assert_eq!(inputs("{}"), r#"{"who":"env","n":1}"#);
        assert_eq!(inputs(r#"{"WHO":"flag","n":[2]}"#), r#"{"who":"flag","n":[2]}"#);
        assert_eq!(read("packages: {$GONE: {}}", "{}").unwrap().warnings, ["the variable GONE is not set"]);
    }
}

//! Images that a scenario makes for itself, without a registry.

use serde_json::json;

use crate::host::docker;

/// An image of a scenario's own; gone when dropped.
#[derive(Debug)]
pub struct Image {
    /// What it is called.
    pub name: String,
}

impl Image {
    /// The Python runtime's image with a Python program in the place of its proxy.
    ///
    /// # Panics
    /// When Docker does not make it.
    #[must_use]
    pub fn running(name: &str, program: &str) -> Self {
        Self::with(name, &format!("ENTRYPOINT {}", json!(["python3", "-c", program])))
    }

    /// The Python runtime's image with a line of a Dockerfile.
    ///
    /// # Panics
    /// When Docker does not make it.
    #[must_use]
    pub fn with(name: &str, line: &str) -> Self {
        let image = format!("whirl-test/{name}-{}:1", std::process::id());
        let container = docker(&["create", "whirl/action-python-v3.11:latest"]);
        let made = docker(&["commit", "--change", line, container.trim(), &image]);
        let _ = docker(&["rm", "-f", container.trim()]);
        assert!(made.starts_with("sha256:"), "{made}");
        Self { name: image }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // An image that a container is made of loses its name and stays.
        let made_of_it = docker(&["ps", "-aq", "--filter", &format!("ancestor={}", self.name)]);
        for container in made_of_it.split_whitespace() {
            let _ = docker(&["rm", "-f", container]);
        }
        let _ = docker(&["rmi", "-f", &self.name]);
    }
}

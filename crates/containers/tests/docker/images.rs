//! What a user's image asks of the engine by itself, beside the program in it: checks of health, and volumes.

use std::num::NonZeroU32;

use bollard::Docker;
use bollard::models::{ContainerConfig, ContainerCreateBody, ContainerInspectResponse};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateContainerOptionsBuilder, RemoveContainerOptions, RemoveImageOptions,
};
use serde_json::json;
use whirl_containers::docker::{self, DockerFactory, DockerOptions, PullPolicy, ReadOnlyRoot};
use whirl_containers::factory::{
    ContainerError, ContainerFactory as _, ContainerImage, ContainerName, ContainerSpec,
};

use crate::support::{self, Action, WRITE};

/// A user's image: the Python runtime's with changes.
struct Image {
    docker: Docker,
    name: String,
    factory: DockerFactory,
}

impl Image {
    /// Makes it, and a factory with options; nothing if there is no engine.
    async fn make(options: DockerOptions, changes: &str) -> Option<Self> {
        let name = format!("whirl/{}:1", options.owner);
        let factory = support::factory(DockerOptions { pull: PullPolicy::Missing, ..options }).await?;
        let docker = Docker::connect_with_defaults().unwrap();
        let body = ContainerCreateBody {
            image: Some("whirl/action-python-v3.11:latest".to_owned()),
            ..ContainerCreateBody::default()
        };
        let template = docker.create_container(None, body).await.unwrap().id;
        let (repository, tag) = name.split_once(':').unwrap();
        let commit = CommitContainerOptionsBuilder::default().container(&template).repo(repository).tag(tag);
        let commit = commit.changes(changes).build();
        docker.commit_container(commit, ContainerConfig::default()).await.unwrap();
        docker.remove_container(&template, None::<RemoveContainerOptions>).await.unwrap();
        Some(Self { docker, name, factory })
    }

    fn spec(&self) -> ContainerSpec {
        let name = self.name.replace(['/', ':'], "-");
        support::spec(&name, ContainerImage::User { image: self.name.parse().unwrap() })
    }

    async fn inspect(&self, name: &ContainerName) -> ContainerInspectResponse {
        self.docker.inspect_container(name.as_str(), None).await.unwrap()
    }

    /// The names of the volumes that a container has.
    async fn volumes(&self, name: &ContainerName) -> Vec<String> {
        let mounts = self.inspect(name).await.mounts.unwrap_or_default();
        let volumes = mounts.into_iter().filter(|mount| mount.typ.as_deref() == Some("volume"));
        volumes.filter_map(|mount| mount.name).collect()
    }

    async fn end(self) {
        assert_eq!(self.factory.remove_leftovers().await.unwrap(), 0);
        self.docker.remove_image(&self.name, None::<RemoveImageOptions>, None).await.unwrap();
        self.factory.close().await.unwrap();
    }
}

/// Such a check would run on the host's account, whatever the container may use and be it frozen or not.
#[tokio::test]
async fn an_image_has_its_health_checked_by_nobody() {
    let changes = "HEALTHCHECK --interval=1s --retries=1 CMD false";
    let Some(image) = Image::make(DockerOptions::new("test-health"), changes).await else { return };
    let asks = image.docker.inspect_image(&image.name).await.unwrap().config.unwrap();
    assert!(asks.healthcheck.is_some(), "this tests nothing");
    let spec = image.spec();
    let _started = image.factory.create(&spec).await.unwrap();
    let found = image.inspect(&spec.name).await;
    assert_eq!(found.config.unwrap().healthcheck.unwrap().test.unwrap(), ["NONE"]);
    assert_eq!(found.state.unwrap().health, None);
    image.factory.destroy(&spec.name).await.unwrap();
    image.end().await;
}

#[tokio::test]
async fn a_volume_goes_with_its_container() {
    let Some(image) = Image::make(DockerOptions::new("test-volume"), "VOLUME /data").await else { return };
    let spec = image.spec();
    let _started = image.factory.create(&spec).await.unwrap();
    let volumes = image.volumes(&spec.name).await;
    assert_eq!(volumes.len(), 1);
    image.factory.destroy(&spec.name).await.unwrap();
    assert!(image.docker.inspect_volume(&volumes[0]).await.is_err(), "it stays");
    image.end().await;
}

#[tokio::test]
async fn a_volume_is_no_way_round_a_read_only_root() {
    let options = DockerOptions {
        read_only_root: Some(ReadOnlyRoot { tmp_mebibytes: NonZeroU32::new(16).unwrap() }),
        ..DockerOptions::new("test-bounded")
    };
    let changes = "VOLUME [\"/data\", \"/var/../srv//files/\", \"/tmp\"]\nUSER 0";
    let Some(image) = Image::make(options, changes).await else { return };
    let action = Action::start_as(&image.factory, &image.spec(), WRITE).await;
    assert_eq!(image.volumes(&action.name).await, [""; 0]);
    for (path, mebibytes, failure) in [
        ("/data/x", 8, None),
        ("/data/x", 64, Some("No space left")),
        ("/srv/files/x", 64, Some("No space left")),
        ("/tmp/x", 64, Some("No space left")),
        ("/var/x", 1, Some("Read-only")),
        ("/etc/hosts", 1, Some("Read-only")),
    ] {
        let seen = action.run(json!({"path": path, "mebibytes": mebibytes})).await;
        let failed = seen["failed"].as_str();
        assert_eq!(failed.is_some(), failure.is_some(), "{path}: {seen}");
        assert!(failed.unwrap_or_default().contains(failure.unwrap_or_default()), "{path}: {seen}");
    }
    image.factory.destroy(&action.name).await.unwrap();
    image.end().await;
}

/// Where the engine can limit a disk. Volumes and a few files of the host are past its limit.
#[tokio::test]
async fn nothing_is_a_way_round_a_limited_disk() {
    let options = DockerOptions { disk: NonZeroU32::new(256), ..DockerOptions::new("test-full") };
    if !docker::is_available().await || DockerFactory::connect(&options).await.is_err() {
        return;
    }
    let Some(image) = Image::make(options, "VOLUME /data\nUSER 0").await else { return };
    let spec = ContainerSpec { memory: 512, ..image.spec() };
    let action = Action::start_as(&image.factory, &spec, WRITE).await;
    assert_eq!(image.volumes(&action.name).await, [""; 0]);
    for path in ["/data/x", "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"] {
        assert_eq!(action.run(json!({"path": path, "mebibytes": 8})).await, json!({}), "{path}");
        let seen = action.run(json!({"path": path, "mebibytes": 264})).await;
        let failed = seen["failed"].as_str().unwrap_or_else(|| panic!("{path}: no limit"));
        assert!(["File too large", "No space left on device"].contains(&failed), "{path}: {failed}");
        action.run(json!({"path": path, "mebibytes": 0})).await;
    }
    image.factory.destroy(&action.name).await.unwrap();
    image.end().await;
}

/// Nothing can be mounted in the place of such a volume.
#[tokio::test]
async fn an_image_with_a_volume_that_cannot_be_bounded_is_the_developers_to_mend() {
    let options = DockerOptions {
        read_only_root: Some(ReadOnlyRoot { tmp_mebibytes: NonZeroU32::new(16).unwrap() }),
        ..DockerOptions::new("test-relative")
    };
    let Some(image) = Image::make(options, "VOLUME ../../data").await else { return };
    let error = image.factory.create(&image.spec()).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Unsupported(_)) && error.is_developers(), "{error:?}");
    assert!(error.to_string().contains("volume '../../data'"), "{error}");
    image.end().await;
}

/// As an engine that hung leaves it: made, never started, and its creation long given up.
#[tokio::test]
async fn a_container_that_came_up_late_gives_way() {
    let Some(factory) = support::factory(DockerOptions::new("test-late")).await else { return };
    let docker = Docker::connect_with_defaults().unwrap();
    let make = async |owner: &str, name: &str| {
        let body = ContainerCreateBody {
            image: Some("whirl/action-python-v3.11:latest".to_owned()),
            labels: Some([("whirl.owner".to_owned(), owner.to_owned())].into()),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        docker.create_container(Some(options), body).await.unwrap().id
    };
    let spec = support::spec("whirl-test-late", support::python());
    let late = make("test-late", spec.name.as_str()).await;
    let _started = factory.create(&spec).await.unwrap();
    assert!(docker.inspect_container(&late, None).await.is_err(), "it is still there");
    factory.destroy(&spec.name).await.unwrap();

    // What is somebody else's does not.
    let foreign = make("somebody", spec.name.as_str()).await;
    let error = factory.create(&spec).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::Engine { operation: "create", .. }), "{error:?}");
    docker.remove_container(&foreign, None::<RemoveContainerOptions>).await.unwrap();
    factory.close().await.unwrap();
}

//! Images that come from a registry which lets in only who has the password: when they are pulled, and how often.

mod stub;

use std::io::Write as _;

use bollard::Docker;
use bollard::query_parameters::RemoveImageOptionsBuilder;
use serde_json::json;
use tempfile::NamedTempFile;
use whirl_containers::contract::PATIENCE;
use whirl_containers::docker::{DockerFactory, DockerOptions, PullPolicy, SetupError};
use whirl_containers::factory::{ContainerError, ContainerFactory as _, ContainerImage};

use self::stub::Registry;
use crate::support;

/// Of `user` and a password which is written differently in the two alphabets of base64.
const CREDENTIALS: &str = "dXNlcjp+Pz8/fj4+Pn5+fj8/Pw==";

/// A file as `docker login` writes it.
fn config(registry: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    let text = json!({"auths": {registry: {"auth": CREDENTIALS}}}).to_string();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Whether the image was there in the end: there is nothing in it to start.
async fn is_had(factory: &DockerFactory, name: &str, image: &str) -> bool {
    let image = image.parse().unwrap();
    match factory.provide(&image).await {
        Ok(()) => {}
        Err(ContainerError::Pull { .. }) => return false,
        Err(other) => panic!("{other:?}"),
    }
    let spec = support::spec(name, ContainerImage::User { image });
    let error = factory.create(&spec).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, ContainerError::NotExecutable { .. }), "{error:?}");
    true
}

async fn forget(images: &[&str]) {
    let docker = Docker::connect_with_defaults().unwrap();
    for image in images {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let _may_not_be_there = docker.remove_image(image, Some(options), None).await;
    }
}

#[tokio::test]
async fn images_are_as_fresh_as_their_names_ask_for() {
    let registry = Registry::start(CREDENTIALS).await;
    let file = config(&registry.address.to_string());
    let registry_config = Some(file.path().to_owned());
    let options = DockerOptions { registry_config, ..DockerOptions::new("test-registry") };
    let Some(factory) = support::factory(options).await else { return };
    let had = async |image: &str| is_had(&factory, "whirl-test-registry", image).await;
    let [latest, tagged] = [registry.image("a"), registry.image("a:1")];
    let exact = format!("{latest}@{}", registry.digest());

    for (image, pulls_again) in [(&latest, true), (&tagged, true), (&exact, false)] {
        assert!(had(image).await, "{image}: the credentials let in");
        let asked = registry.asked();
        assert!(had(image).await);
        assert_eq!(registry.asked() > asked, pulls_again, "{image}");
    }
    registry.lose_all();
    for (image, does) in [(&latest, false), (&tagged, true), (&exact, true)] {
        assert_eq!(had(image).await, does, "{image}: what is there, while none can be pulled");
    }
    assert!(!had(&registry.image("a:2")).await, "what is not there cannot stand in");
    factory.close().await.unwrap();

    // Who wants it so pulls nothing that is there.
    let options = DockerOptions { pull: PullPolicy::Missing, ..DockerOptions::new("test-registry") };
    let factory = support::factory(options).await.unwrap();
    let asked = registry.asked();
    assert!(is_had(&factory, "whirl-test-registry", &latest).await);
    assert_eq!(registry.asked(), asked);
    forget(&[&latest, &tagged, &exact]).await;
    factory.close().await.unwrap();
}

#[tokio::test]
async fn those_who_want_one_image_at_once_share_its_pull() {
    let registry = Registry::start(CREDENTIALS).await;
    let file = config(&registry.address.to_string());
    let registry_config = Some(file.path().to_owned());
    let options = DockerOptions { registry_config, ..DockerOptions::new("test-pulls") };
    let Some(factory) = support::factory(options).await else { return };
    let image = registry.image("b");
    registry.open(false);
    let waiting = async {
        tokio::time::timeout(PATIENCE, registry.pulled(1)).await.unwrap();
        registry.open(true);
    };
    let create = |name: &'static str| is_had(&factory, name, &image);
    let (one, two, three, ()) = tokio::join!(create("p1"), create("p2"), create("p3"), waiting);
    assert_eq!([one, two, three], [true; 3]);
    let together = registry.pulls();
    assert!(create("p4").await);
    assert_eq!(registry.pulls(), 2 * together, "one more pull asks as often as the three together did");
    forget(&[&image]).await;
    factory.close().await.unwrap();
}

#[tokio::test]
async fn credentials_are_not_given_to_another_registry() {
    let registry = Registry::start(CREDENTIALS).await;
    let file = config("127.0.0.1:1");
    let registry_config = Some(file.path().to_owned());
    let options = DockerOptions { registry_config, ..DockerOptions::new("test-refused") };
    let Some(factory) = support::factory(options).await else { return };
    assert!(!is_had(&factory, "whirl-test-refused", &registry.image("c")).await);
    assert_eq!(registry.pulls(), 0);
    assert!(registry.asked() > 0, "nobody asked");
    factory.close().await.unwrap();

    let options =
        DockerOptions { registry_config: Some("/no/such/file".into()), ..DockerOptions::new("test-refused") };
    let error = DockerFactory::connect(&options).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, SetupError::Credentials { .. }), "{error:?}");
}

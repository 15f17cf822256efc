//! The Docker factory on a real engine: the contract, what confines a container, and what becomes of one that
//! breaks. Without an engine these tests say so and pass, unless `WHIRL_TEST_DOCKER=1` demands one.
//!
//! They need the Python runtime's image, which `scripts/images` makes.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod breakage;
mod confinement;
mod freezing;
mod images;
mod limits;
mod network;
mod registry;
mod support;

use whirl_containers::contract::Subject;
use whirl_containers::docker::DockerOptions;
use whirl_containers::factory::{ContainerFactory as _, ContainerImage};
use whirl_model::Kind;

const ECHO: &str = r#"
import sys
def main(args):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    return args
"#;

#[tokio::test]
async fn docker_keeps_the_contract() {
    let Some(factory) = support::factory(DockerOptions::new("test-contract")).await else { return };
    let missing =
        ContainerImage::Runtime { kind: Kind::new("no:1"), image: "whirl/no-such-image:1".parse().unwrap() };
    let subject = Subject {
        factory: &factory,
        image: support::python(),
        code: ECHO,
        missing,
        prefix: "whirl-test-contract",
    };
    subject.keeps_the_contract().await;
    factory.close().await.unwrap();
}

//! The conformance cases against the proxy as a process of this machine. They need `node` and `python3` on the
//! PATH. The images' own tests are in `docker.rs`.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod on_process;
#[cfg(test)]
mod support;

use on_process::with;
use support::container::Language;

#[test]
fn the_working_directory_goes_with_the_proxy() {
    with(Language::Node, &[], |mut container| {
        container.init_source("function main() { return { cwd: process.cwd() } }");
        let directory = container.run_ok("{}")["cwd"].as_str().unwrap().to_owned();
        assert!(std::path::Path::new(&directory).is_dir());
        container.finish(1);
        assert!(!std::path::Path::new(&directory).exists());
    });
}

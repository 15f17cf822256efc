//! Bad images are their developer's affair: one that is not there, and runtimes that answer nonsense. What user code
//! does in a good image is in `bad_actions.rs`.

use std::net::TcpListener;

use serde_json::json;
use whirl_system_tests::{Image, RawRequest, ServerOptions, World};

const NO_RUN: &str = "The action did not produce a valid response and exited unexpectedly.";

#[test]
fn an_image_that_is_not_there_is_the_developers_error() {
    let Some(world) = World::start() else { return };
    let image = "localhost:1/nobody/nothing:1";
    let action = world.action("image").exec(json!({"kind": "blackbox", "image": image})).create();
    let record = action.invoke_blocking(&json!({}));
    assert_eq!(record.developers_error(), format!("Failed to pull container image '{image}'."));
    assert_eq!(world.record(record.id()).status(), "action developer error");
    world.works();
}

/// More often than would be enough for the invoker to be taken for sick.
#[test]
fn an_image_that_the_engine_refuses_to_start_is_the_developers_error_and_harms_nobody() {
    let options = ServerOptions::docker().settings("[docker]\npull_missing_only = true\n");
    let Some(world) = World::start_process(options) else { return };
    for (name, line, expected) in [
        ("user", "USER nosuchuser", "cannot be started: unable to find user nosuchuser."),
        ("folder", "WORKDIR /etc/passwd", "cannot be started."),
    ] {
        let image = Image::with(name, line);
        let action = world.action(name).exec(json!({"kind": "blackbox", "image": image.name})).create();
        let expected = format!("The container of image '{}' {expected}", image.name);
        for _ in 0..5 {
            assert_eq!(action.invoke_blocking(&json!({})).developers_error(), expected);
        }
    }
    let admin = format!("127.0.0.1:{}", world.server().admin_port());
    assert_eq!(RawRequest::new(&admin, "GET", "/invokers").send().json()["invoker0"], "up");
    world.works();
}

/// Its pull would take all of the memory, were it held for that.
#[test]
fn a_registry_that_hangs_keeps_nobody_else_waiting() {
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = ServerOptions::docker().without_stem_cells().memory(256);
    let Some(world) = World::start_process(options.settings("[invoker]\nqueue_seconds = 10\n")) else {
        return;
    };
    let image = format!("{}/nobody/nothing:1", registry.local_addr().unwrap());
    let slow = world.action("slow").exec(json!({"kind": "blackbox", "image": image})).create();
    let id = slow.fire(&json!({}));
    let _asked = registry.accept().expect("the engine asks the registry");
    world.works();
    let expected = format!("Failed to pull container image '{image}' within 10 seconds.");
    assert_eq!(world.record(&id).developers_error(), expected);
}

/// A server of our own making in the Python runtime's image, in the place of its proxy.
const STRANGE_SERVER: &str = r#"
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = b"OK" if self.path == "/init" else ANSWER
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer) + EXTRA * (self.path == "/run")))
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()
        if EXTRA and self.path == "/run": self.close_connection = True
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"#;

/// An image whose server answers every `/run` with these bytes.
fn strange_image(name: &str, answer: &str, missing_bytes: u32) -> Image {
    let server = STRANGE_SERVER.replace("ANSWER", answer).replace("EXTRA", &missing_bytes.to_string());
    Image::running(name, &server)
}

#[test]
fn a_runtime_that_answers_nonsense_is_the_developers_error() {
    let Some(world) = World::start_process(
        ServerOptions::docker().without_stem_cells().settings("[docker]\npull_missing_only = true\n"),
    ) else {
        return;
    };
    let invalid = "The action did not produce a valid JSON or JSON Array response: ";
    for (name, answer, missing_bytes, expected) in [
        ("nonsense", "b'{\"a\": nonsense'", 0, invalid),
        ("bytes", "b'\\xff\\xfe\\x00'", 0, invalid),
        ("scalar", "b'7'", 0, invalid),
        ("nothing", "b''", 0, invalid),
        ("cut", "b'{\"a\":1}'", 100, NO_RUN),
    ] {
        let image = strange_image(name, answer, missing_bytes);
        let action = world.action(name).exec(json!({"kind": "blackbox", "image": image.name})).create();
        let record = action.invoke_blocking(&json!({}));
        assert!(record.developers_error().starts_with(expected), "{name}: {}", record.0);
        assert_eq!(world.record(record.id()).result(), record.result());
    }
    world.works();
}

//! Settings that cannot work: a clear message and a failure, or patience with the reason in readiness.

use whirl_system_tests::{Cluster, eventually};

const PROGRAMS: [&str; 2] = ["whirl-controller", "whirl-invoker"];

#[test]
fn what_can_never_work_is_said_and_ends_the_process() {
    let Some(cluster) = Cluster::without_parts() else { return };
    for program in PROGRAMS {
        for (over, word) in [
            (("WHIRL_SERVER_KEY_FILE", "/nowhere/key"), "/nowhere/key"),
            (("WHIRL_COUCHDB__PASSWORD", "wrong"), "CouchDB"),
            (("WHIRL_COUCHDB__URL", "no url"), "no url"),
            (("WHIRL_KAFKA__PROTOCOL", "pigeon"), "pigeon"),
            (("WHIRL_ETCD__ENDPOINTS", "not a url"), "not a url"),
            (("WHIRL_NO_SUCH_THING", "1"), "no_such_thing"),
        ] {
            let exit = cluster.ill_set(program, &[over]);
            assert!(!exit.status.success(), "{program} {over:?}");
            assert!(exit.printed.contains(word), "{program} {over:?}: {}", exit.printed);
            assert!(!exit.printed.contains("panicked"), "{program} {over:?}: {}", exit.printed);
        }
    }
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let Some(cluster) = Cluster::without_parts() else { return };
    for program in PROGRAMS {
        for (variable, address) in [
            ("WHIRL_COUCHDB__URL", "http://127.0.0.1:1"),
            ("WHIRL_KAFKA__BROKERS", "127.0.0.1:1"),
            ("WHIRL_ETCD__ENDPOINTS", "http://127.0.0.1:1"),
        ] {
            let mut part = cluster.ill(program, &[(variable, address)]);
            eventually(&format!("the reason in the readiness of {program}, {variable}"), || {
                part.readiness().filter(|text| text.contains("servers") && text.contains("127.0.0.1:1"))
            });
            assert!(part.terminate().success(), "{program} {variable}: {}", part.printed());
        }
    }
}

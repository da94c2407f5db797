//! Clients that others wrote, against the embedded store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a client is no child of a run")]

use std::{path::Path, process::Command};

use canarytrace_e2e::{Server, python};

/// Of PyPI.
const CLIENT: &str = "elasticsearch==8.19.3";

fn run(command: &mut Command) -> String {
    let said = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said.status.success(), "{command:?}\n{}", text(&said.stderr));
    text(&said.stdout)
}

#[test]
fn elasticsearch_for_python() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/elasticsearch_client.py");
    let said = run(Command::new(python(CLIENT)).arg(script).arg(&server.url));
    assert_eq!(said, "ok\n");
}

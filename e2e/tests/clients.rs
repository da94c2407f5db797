//! Clients that others wrote, against the embedded store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a client is no child of a run")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use canarytrace_e2e::{Server, cache};

/// Of PyPI.
const CLIENT: &str = "elasticsearch==8.19.3";

/// A Python with the client, made once.
fn python() -> PathBuf {
    let folder = cache().join(CLIENT.replace("==", "-"));
    let (python, stamp) = (folder.join("bin/python"), folder.join("installed"));
    if !stamp.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", CLIENT]));
        std::fs::write(stamp, "").unwrap();
    }
    python
}

fn run(command: &mut Command) -> String {
    let said = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; Python 3 with its venv is needed"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(said.status.success(), "{command:?}\n{}", text(&said.stderr));
    text(&said.stdout)
}

#[test]
fn elasticsearch_for_python() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/elasticsearch_client.py");
    let said = run(Command::new(python()).arg(script).arg(&server.url));
    assert_eq!(said, "ok\n");
}

//! The store as a server: killed while it is written to, and looked after by its command.

use canarytrace_e2e::{Server, request, say, store_kills::kill_store};

#[test]
fn kills_lose_and_double_nothing_that_was_acknowledged() {
    let report = kill_store(12, 20_261_123);
    assert!(report.under_load >= 6, "{report:?}");
}

#[test]
fn the_command_finds_and_mends_a_damaged_file() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap().to_owned();
    let server = Server::start(data.path(), &["--only", "store"]);
    let body = r#"{"number": 1, "word": "one"}"#;
    let headers = [("content-type", "application/json")];
    for id in 0..20 {
        let (status, said) = request(
            "PUT",
            &format!("{}/kept/_doc/{id}", server.url),
            &headers,
            body,
        );
        assert_eq!(status, 201, "{said}");
    }
    let locked = say(&["store", "verify", "--data", &folder]);
    assert_eq!(locked.code, Some(2), "{locked:?}");
    assert!(
        locked.stderr.contains("used by another process"),
        "{locked:?}"
    );
    assert_eq!(server.stop(), Some(0));
    let whole = say(&["store", "verify", "--data", &folder]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let index = data.path().join("store/indices/kept");
    let files = std::fs::read_dir(index).unwrap().flatten();
    let mut paths = files.map(|entry| entry.path());
    let columns = paths
        .find(|path| path.extension().is_some_and(|own| own == "fast"))
        .unwrap();
    let mut bytes = std::fs::read(&columns).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&columns, bytes).unwrap();
    let damaged = say(&["store", "verify", "--data", &folder]);
    assert_eq!(damaged.code, Some(1), "{damaged:?}");
    assert!(damaged.stdout.contains("kept: "), "{damaged:?}");
    let rebuilt = say(&["store", "rebuild", "--data", &folder]);
    assert_eq!(
        (rebuilt.code, rebuilt.stdout.trim()),
        (Some(0), "kept: 20 documents, 0 lost")
    );
    let server = Server::start(data.path(), &["--only", "store"]);
    let (_, counted) = request("GET", &format!("{}/kept/_count", server.url), &[], "");
    assert_eq!(counted["count"], 20);
}

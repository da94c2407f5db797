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

#[test]
fn an_error_is_told_with_its_trace_where_one_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let ask = |query: &str| {
        request(
            "GET",
            &format!("{}/nowhere/_search?{query}", server.url),
            &[],
            "",
        )
    };
    let (status, traced) = ask("error_trace=true&filter_path=took");
    assert_eq!(status, 404);
    let trace = "index_not_found_exception: no such index [nowhere]";
    assert_eq!(traced["error"]["stack_trace"], trace);
    assert_eq!(traced["error"]["root_cause"][0]["stack_trace"], trace);
    let (_, plain) = ask("error_trace=false");
    assert_eq!(plain["error"]["type"], "index_not_found_exception");
    assert!(plain["error"].get("stack_trace").is_none(), "{plain}");
}

//! Attachments in a bucket of a real S3 server: of a run by itself, and behind the server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use canarytrace_e2e::{
    Server, Site, check, documents, eventually, only_run, request,
    s3::{S3, SECRET_KEY},
};
use serde_json::Value;

/// Names of what the run in `folder` has kept, with its content.
fn kept(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let listed = std::fs::read_dir(folder.join("attachments")).unwrap();
    listed
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

#[test]
fn a_run_keeps_its_attachments_in_a_bucket() {
    let (site, s3, out) = (
        Site::start(),
        S3::start("shots"),
        tempfile::tempdir().unwrap(),
    );
    let said = check(out.path(), &site.page("/error"), &s3.variables("shots"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let record = said.record();
    let uuid = record["uuid"].as_str().unwrap();
    assert!(
        record["delivered"]["pendingAttachments"].is_null(),
        "{said:?}"
    );
    let folder = only_run(out.path());
    let kept = kept(&folder);
    assert_eq!(kept.len(), record["attachments"].as_array().unwrap().len());
    for (name, content) in &kept {
        let object = s3.folder().join("shots").join(uuid).join(name);
        assert_eq!(&std::fs::read(object).unwrap(), content, "{name}");
    }
    let ends = documents(&folder, "report");
    let named = ends
        .iter()
        .find_map(|event| event["attachments"].as_str().filter(|name| *name != "no"));
    let address = format!("{}/shots/{uuid}/", s3.url);
    assert!(named.unwrap().starts_with(&address), "{named:?}");
    let text = std::fs::read_to_string(folder.join("documents.ndjson")).unwrap();
    assert!(!text.contains(SECRET_KEY));
}

#[test]
fn a_bucket_that_refuses_loses_nothing() {
    let (site, s3, out) = (
        Site::start(),
        S3::start("shots"),
        tempfile::tempdir().unwrap(),
    );
    let mut variables = s3.variables("shots");
    variables[2].1 = "another-secret";
    let said = check(out.path(), &site.page("/error"), &variables);
    assert_eq!(said.code, Some(1), "{said:?}");
    let record = said.record();
    let waiting = record["delivered"]["pendingAttachments"].as_u64().unwrap();
    assert_eq!(waiting, kept(&only_run(out.path())).len() as u64);
    assert!(
        waiting > 0 && !said.stderr.contains("another-secret"),
        "{said:?}"
    );

    let said = check(out.path(), &site.page("/"), &variables[..2]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("AWS_S3_SECRET_KEY"), "{said:?}");
}

#[test]
fn the_server_keeps_attachments_in_a_bucket() {
    let (site, s3, out) = (
        Site::start(),
        S3::start("shots"),
        tempfile::tempdir().unwrap(),
    );
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &[], &s3.variables("shots"));
    let said = check(
        out.path(),
        &site.page("/error"),
        &[("ELASTIC_CLUSTER", &server.url)],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    let record = said.record();
    let uuid = record["uuid"].as_str().unwrap();
    let kept = kept(&only_run(out.path()));
    for (name, content) in &kept {
        let object = s3.folder().join("shots").join(uuid).join(name);
        assert_eq!(&std::fs::read(object).unwrap(), content, "{name}");
        let url = format!("{}/api/v1/attachments/{uuid}/{name}", server.url);
        assert_eq!(request("GET", &url, &[], "").0, 200);
    }
    assert!(!kept.is_empty() && !data.path().join("attachments").exists());
}

/// With a retention of its own; the documents stay.
#[test]
fn old_attachments_are_deleted() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let old = "0123456789abcdef0123456789abcdef";
    let folder = data.path().join("attachments").join(old);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, days) in [("old.png", 5), ("new.png", 1)] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        let modified = std::time::SystemTime::now() - std::time::Duration::from_secs(days * 86_400);
        file.set_modified(modified).unwrap();
    }
    let config = data.path().join("canarytrace.yaml");
    let text = format!(
        "version: 1\nstore: {{ retention: 14d, attachment_retention: 3d }}\nmonitors:\n  - id: shop\n    schedule: every 1h\n    urls: [\"{}\"]\n",
        site.page("/")
    );
    std::fs::write(&config, text).unwrap();
    let server = Server::start(
        data.path(),
        &["--config", config.to_str().unwrap(), "--only", "store"],
    );
    let gone = || (!folder.join("old.png").exists()).then_some(());
    eventually(
        "the old attachment goes",
        std::time::Duration::from_secs(20),
        gone,
    );
    assert!(folder.join("new.png").exists());
    let (status, answer) = request("GET", &server.url, &[], "");
    assert_eq!(status, 200, "{answer}");
    assert_ne!(answer, Value::Null);
}

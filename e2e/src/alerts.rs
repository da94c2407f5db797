//! What tests of the listener share: documents, rounds, and what is left of them.

use canarytrace_model::time::Moment;
use serde_json::{Value, json};

use crate::{Said, canarytrace, request};

pub const NDJSON: &[(&str, &str)] = &[("content-type", "application/x-ndjson")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

pub fn minutes_ago(minutes: i64) -> String {
    Moment::from_epoch_ms(Moment::now().epoch_ms() - minutes * 60_000).to_string()
}

pub fn send(store: &str, documents: &[(&str, Value)]) {
    let mut body = String::new();
    for (service, document) in documents {
        let at: jiff::Timestamp = document["timestamp"].as_str().unwrap().parse().unwrap();
        let index = format!("c.{service}-{}", Moment(at).index_date());
        body.push_str(&format!(
            "{}\n{document}\n",
            json!({"create": {"_index": index}})
        ));
    }
    let (status, answer) = request(
        "POST",
        &format!("{store}/_bulk?refresh=true"),
        NDJSON,
        &body,
    );
    assert_eq!(
        (status, &answer["errors"]),
        (200, &json!(false)),
        "{answer}"
    );
}

pub fn search(store: &str, index: &str, body: &Value) -> Vec<Value> {
    request("POST", &format!("{store}/_refresh"), &[], "");
    let (status, answer) = request(
        "POST",
        &format!("{store}/{index}/_search"),
        JSON,
        &body.to_string(),
    );
    match status {
        404 => Vec::new(),
        200 => answer["hits"]["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["_source"].clone())
            .collect(),
        _ => panic!("{status}: {answer}"),
    }
}

pub fn failed_run(monitor: &str, minutes: i64) -> (&'static str, Value) {
    let at = minutes_ago(minutes);
    let run = json!({
        "uuid": format!("{:032x}", Moment::now().epoch_ms() + minutes), "monitor": monitor, "timestamp": at, "startedAt": at,
        "passed": false, "verdict": {
            "outcome": "failed", "cause": "site", "detail": format!("https://{monitor}.example/ answered 503"),
            "facts": {"url": format!("https://{monitor}.example/"), "status": 503},
        },
    });
    ("run", run)
}

pub fn listen(store: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut all = vec!["listen", "--store", store, "--once"];
    all.extend(arguments);
    canarytrace(&all)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
        .into()
}

/// A folder with files.
pub fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub const QUIET: [(&str, &str); 6] = [
    ("ELASTIC_HEALTHCHECK", "no"),
    ("CANARY_HEALTHCHECK", "no"),
    ("DM_HEALTHCHECK", "no"),
    ("ELASTIC_NODES_HEALTHCHECK", "no"),
    ("EMERGENCY_AFTER_MIN", "0"),
    ("STAGE1_AFTER_MIN", "0"),
];

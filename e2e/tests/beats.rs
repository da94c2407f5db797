//! Filebeat and Metricbeat as they come, with their own templates (`cargo xtask test beats`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a Beat is no child of a run")]

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use canarytrace_e2e::{Server, eventually, request};
use serde_json::{Value, json};

/// Until a Beat has found the server again after it was away.
const PATIENCE: Duration = Duration::from_secs(90);

/// A Beat that runs until it is dropped.
struct Beat(Child);

impl Beat {
    /// `inputs` is the part of its configuration that says what it ships.
    fn start(name: &str, folder: &Path, url: &str, inputs: &str) -> Self {
        let programs = std::env::var_os("BEATS").map(PathBuf::from);
        let programs =
            programs.expect("BEATS names the folder of the Beats: cargo xtask test beats");
        let path = folder.join(format!("{name}.yml"));
        let config = format!(
            "{inputs}\noutput.elasticsearch:\n  hosts: [\"{url}\"]\n  backoff: {{ init: 200ms, max: 1s }}\n"
        );
        fs::write(&path, config).unwrap();
        let log = fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let beat = Command::new(programs.join(name))
            .args(["-e", "--strict.perms=false", "-c"])
            .arg(&path)
            .arg("--path.home")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(beat)
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn search(url: &str, index: &str, body: &Value) -> Value {
    let refreshed = request("POST", &format!("{url}/{index}/_refresh"), &[], "").0;
    assert_eq!(refreshed, 200);
    let path = format!("{url}/{index}/_search");
    let json = [("content-type", "application/json")];
    let (status, answer) = request("POST", &path, &json, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer
}

fn lines(path: &Path, numbers: std::ops::Range<u32>) {
    let mut text = fs::read_to_string(path).unwrap_or_default();
    for number in numbers {
        writeln!(text, "order {number} was shipped").unwrap();
    }
    fs::write(path, text).unwrap();
}

/// The different lines that have arrived, and how many documents that are.
fn arrived(url: &str) -> (BTreeSet<String>, usize) {
    let body = json!({"size": 10_000, "_source": ["message"]});
    let answer = search(url, "filebeat-*", &body);
    let hits = answer["hits"]["hits"].as_array().unwrap();
    let message = |hit: &Value| hit["_source"]["message"].as_str().unwrap().to_owned();
    (hits.iter().map(message).collect(), hits.len())
}

/// A port that is free now: after a kill the server comes back to the same one.
fn address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn filebeat_ships_every_line_also_over_a_kill() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let address = address();
    let arguments = ["--only", "store", "--listen", &address];
    let server = Server::start(data.path(), &arguments);
    let url = server.url.clone();
    let log = folder.path().join("orders.log");
    lines(&log, 0..2000);
    let inputs = format!(
        "filebeat.inputs:\n- type: filestream\n  id: orders\n  paths: [\"{}\"]",
        log.display()
    );
    let beat = Beat::start("filebeat", folder.path(), &url, &inputs);
    eventually("the first lines are there", PATIENCE, || {
        (arrived(&url).0.len() == 2000).then_some(())
    });
    server.kill();
    lines(&log, 2000..4000);
    let server = Server::start(data.path(), &arguments);
    let documents = eventually("all lines are there", PATIENCE, || {
        let (lines, documents) = arrived(&url);
        (lines.len() == 4000).then_some(documents)
    });
    // Nothing was under way when it was killed: nothing came twice.
    assert_eq!(documents, 4000);
    drop(beat);
    // Its own template is in force.
    let (status, template) = request(
        "GET",
        &format!("{url}/_index_template/filebeat-7*"),
        &[],
        "",
    );
    assert_eq!(status, 200, "{template}");
    let query =
        json!({"query": {"query_string": {"query": "message:(\"order 3999\" AND shipped)"}}});
    let found = search(&url, "filebeat-*", &query);
    assert_eq!(found["hits"]["total"]["value"], 1, "{found}");
    let by_host = json!({"size": 0, "aggs": {"hosts": {"terms": {"field": "host.name"}}}});
    let found = search(&url, "filebeat-*", &by_host);
    let bucket = &found["aggregations"]["hosts"]["buckets"][0];
    assert_eq!(bucket["doc_count"], 4000, "{found}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn metricbeats_numbers_can_be_charted() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &["--only", "store"]);
    let inputs = "metricbeat.modules:\n- module: system\n  metricsets: [cpu, load, memory, network, process, filesystem]\n  period: 1s\n  processes: ['.*']";
    let beat = Beat::start("metricbeat", folder.path(), &server.url, inputs);
    let chart = json!({"size": 0, "query": {"term": {"metricset.name": "cpu"}}, "aggs": {"time": {
        "date_histogram": {"field": "@timestamp", "fixed_interval": "1s"},
        "aggs": {"cpu": {"avg": {"field": "system.cpu.total.pct"}}},
    }}});
    let buckets = eventually("some seconds are measured", PATIENCE, || {
        let answer = search(&server.url, "metricbeat-*", &chart);
        let buckets = answer["aggregations"]["time"]["buckets"]
            .as_array()?
            .clone();
        (buckets.len() >= 4).then_some(buckets)
    });
    let values: Vec<f64> = buckets
        .iter()
        .filter_map(|bucket| bucket["cpu"]["value"].as_f64())
        .collect();
    assert!(
        values.iter().all(|share| (0.0..=64.0).contains(share)),
        "{values:?}"
    );
    assert!(values.len() >= 3, "{buckets:?}");
    let sets = json!({"size": 0, "aggs": {"sets": {"terms": {"field": "metricset.name"}}}});
    // Each of them starts within ten seconds, when it likes.
    eventually("all of them have come", PATIENCE, || {
        let found = search(&server.url, "metricbeat-*", &sets);
        let buckets = found["aggregations"]["sets"]["buckets"].as_array()?;
        let names = buckets.iter().filter_map(|bucket| bucket["key"].as_str());
        let expected = ["cpu", "filesystem", "load", "memory", "network", "process"];
        names
            .collect::<BTreeSet<_>>()
            .into_iter()
            .eq(expected)
            .then_some(())
    });
    drop(beat);
    let log = fs::read_to_string(folder.path().join("metricbeat.log")).unwrap();
    assert!(!log.contains("Cannot index event"), "{log}");
}

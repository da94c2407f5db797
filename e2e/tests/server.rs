//! `serve`: delivery, durability under kills, who may talk to it, the schedule, and the demo.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, path::Path, process::Stdio, time::Duration};

use canarytrace_e2e::{
    Server, Site, canarytrace, documents, eventually,
    kills::{kill_one, verify},
    leftovers, only_run, processes, record, request, run, say, signal,
};
use canarytrace_history::Random;
use serde_json::{Value, json};

fn get(url: &str) -> (u16, Value) {
    request("GET", url, &[], "")
}

/// All ids of a run in the store, after a refresh.
fn stored_ids(server: &Server, uuid: &str) -> BTreeSet<String> {
    assert_eq!(
        request("POST", &format!("{}/_refresh", server.url), &[], "").0,
        200
    );
    let body =
        json!({"size": 1000, "_source": false, "query": {"term": {"uuid": uuid}}}).to_string();
    let (status, answer) = request(
        "POST",
        &format!("{}/c.*/_search", server.url),
        &[("content-type", "application/json")],
        &body,
    );
    assert_eq!(status, 200, "{answer}");
    answer["hits"]["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["_id"].as_str().unwrap().to_owned())
        .collect()
}

fn written(folder: &Path) -> usize {
    documents(folder, "c.").len()
}

#[test]
fn a_run_is_delivered_exactly_once_with_its_picture() {
    let (site, data, out) = (
        Site::start(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let server = Server::start(data.path(), &[]);
    let said = run(out.path(), &[&site.page("/error"), "--store", &server.url]);
    let uuid = said.record()["uuid"].as_str().unwrap().to_owned();
    let folder = only_run(out.path());
    assert_eq!(
        said.record()["delivered"],
        json!({"acked": written(&folder), "pending": 0, "rejected": 0})
    );
    let ids = stored_ids(&server, &uuid);
    assert_eq!(ids.len(), written(&folder));
    // Sending the directory again changes nothing.
    let bulk = std::fs::read_to_string(folder.join("documents.ndjson")).unwrap();
    let (_, answer) = request(
        "POST",
        &format!("{}/_bulk", server.url),
        &[("content-type", "application/x-ndjson")],
        &bulk,
    );
    assert!(
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["create"]["status"] == 409),
        "{answer}"
    );
    assert_eq!(stored_ids(&server, &uuid), ids);
    let name = said.record()["attachments"][0].as_str().unwrap().to_owned();
    assert_eq!(
        get(&format!("{}/api/v1/attachments/{uuid}/{name}", server.url)).0,
        200
    );
    assert_eq!(
        get(&format!(
            "{}/api/v1/attachments/{uuid}/..%2f..%2fstore",
            server.url
        ))
        .0,
        404
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_store_that_is_away_loses_nothing() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let runs = data.path().join("runs");
    let said = run(&runs, &[&site.page("/"), "--store", "http://127.0.0.1:1"]);
    let record = said.record();
    assert_eq!(
        (said.code, record["delivered"]["acked"].as_u64()),
        (Some(0), Some(0))
    );
    let folder = only_run(&runs);
    let server = Server::start(data.path(), &[]);
    let uuid = record["uuid"].as_str().unwrap();
    eventually("delivery", Duration::from_secs(20), || {
        (stored_ids(&server, uuid).len() == written(&folder)).then_some(())
    });
    eventually("the record", Duration::from_secs(5), || {
        (canarytrace_e2e::record(&folder)["delivered"]["pending"] == 0).then_some(())
    });
}

#[test]
fn acknowledged_documents_survive_kill_9_of_the_server() {
    let data = tempfile::tempdir().unwrap();
    for round in 1..=3u32 {
        let server = Server::start(data.path(), &[]);
        let body: String = (0..200).map(|number| format!("{{\"index\":{{\"_index\":\"c.test-2026.11.22\",\"_id\":\"{round}-{number}\"}}}}\n{{\"uuid\":\"x\",\"n\":{number}}}\n")).collect();
        let (status, answer) = request(
            "POST",
            &format!("{}/_bulk", server.url),
            &[("content-type", "application/x-ndjson")],
            &body,
        );
        assert_eq!((status, &answer["errors"]), (200, &json!(false)));
        server.kill();
        let server = Server::start(data.path(), &[]);
        let (_, answer) = get(&format!("{}/c.test-*/_count", server.url));
        assert_eq!(answer["count"], 200 * round);
        server.kill();
    }
}

/// Starts a run against a page that never answers and waits until its browser is there.
fn hanging_run(site: &Site, out: &Path) -> std::process::Child {
    let child = canarytrace(&["run", &site.page("/hang"), "--out", out.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the step's start", Duration::from_secs(20), || {
        let folder = std::fs::read_dir(out).ok()?.flatten().next()?.path();
        (std::fs::read_to_string(folder.join("documents.ndjson"))
            .ok()?
            .matches("testStepStart")
            .count()
            == 2)
            .then_some(())
    });
    child
}

#[test]
fn a_killed_runner_is_recorded_and_nothing_is_left() {
    for victim in [
        "canarytrace runner",
        "chromedriver --port",
        "/chromium/chromium --",
    ] {
        let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
        let mut child = hanging_run(&site, out.path());
        let pids = processes(victim);
        assert!(!pids.is_empty(), "{victim}");
        pids.into_iter().take(1).for_each(|pid| signal(pid, "KILL"));
        let code = child.wait().unwrap().code();
        let record = record(&only_run(out.path()));
        assert_eq!(
            (code, &record["state"], &record["verdict"]["outcome"]),
            (Some(3), &json!("ended"), &json!("broken")),
            "{victim}: {record}"
        );
        assert_eq!(
            documents(&only_run(out.path()), "c.run").len(),
            1,
            "{victim}"
        );
        assert_eq!(leftovers(), Vec::<String>::new(), "{victim}");
    }
}

#[test]
fn a_killed_supervisor_is_completed_at_the_next_start() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let runs = data.path().join("runs");
    let mut child = hanging_run(&site, &runs);
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the end of the runner", Duration::from_secs(10), || {
        processes("canarytrace runner").is_empty().then_some(())
    });
    let folder = only_run(&runs);
    assert_eq!(record(&folder)["state"], "running");
    let server = Server::start(data.path(), &[]);
    eventually("completion", Duration::from_secs(20), || {
        (record(&folder)["state"] == "ended").then_some(())
    });
    assert_eq!(
        (
            record(&folder)["exitCode"].as_u64(),
            documents(&folder, "c.run").len()
        ),
        (Some(3), 1)
    );
    let uuid = record(&folder)["uuid"].as_str().unwrap().to_owned();
    eventually("delivery", Duration::from_secs(20), || {
        (stored_ids(&server, &uuid).len() == written(&folder)).then_some(())
    });
    eventually("a clean machine", Duration::from_secs(10), || {
        leftovers().is_empty().then_some(())
    });
}

/// The short form of `cargo xtask bench kills`.
#[test]
fn runs_killed_at_any_moment_are_complete() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let mut random = Random::new(20_261_122);
    let server = Server::start(data.path(), &[]);
    // On a fast machine a run may be over when its time comes.
    let (mut kills, mut hits) = (Vec::new(), 0);
    while hits < 8 {
        let kill = kill_one(&site, data.path(), &server.url, &mut random);
        hits += usize::from(kill.hit);
        kills.push(kill);
        assert!(kills.len() < 40, "{kills:?}");
    }
    server.kill();
    verify(data.path());
}

#[test]
fn a_terminated_run_says_so() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let mut child = hanging_run(&site, out.path());
    signal(child.id(), "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let folder = only_run(out.path());
    assert!(
        record(&folder)["verdict"]["detail"]
            .as_str()
            .unwrap()
            .contains("stopped from outside")
    );
    assert_eq!(
        documents(&folder, "report").last().unwrap()["sequence"],
        1000
    );
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn runs_in_a_row_leave_nothing() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    for _ in 0..5 {
        assert_eq!(run(out.path(), &[&site.page("/")]).code, Some(0));
    }
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn what_the_store_does_not_have_is_refused_in_its_shape() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    for (method, path, wanted) in [
        ("GET", "/_ilm/policy/x", 400),
        ("POST", "/a/_close", 400),
        ("GET", "/_cat/plugins", 400),
        ("DELETE", "/a/_search", 405),
        ("POST", "/a/_delete_by_query?wait_for_completion=false", 400),
    ] {
        let (status, answer) = request(method, &format!("{}{path}", server.url), &[], "");
        assert_eq!(status, wanted, "{method} {path}: {answer}");
        assert!(
            answer["error"]["reason"].is_string(),
            "{method} {path}: {answer}"
        );
        assert_eq!(answer["status"], wanted, "{method} {path}: {answer}");
    }
}

#[test]
fn strangers_and_nonsense_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let bulk = format!("{}/_bulk", server.url);
    let json_type = ("content-type", "application/x-ndjson");
    let (status, _) = request(
        "POST",
        &bulk,
        &[json_type, ("origin", "http://127.0.0.1:8080")],
        "{\"index\":{\"_index\":\"evil\"}}\n{}\n",
    );
    assert_eq!(status, 403);
    assert_eq!(
        request("GET", &server.url, &[("host", "evil.example:9200")], "").0,
        403
    );
    let (status, answer) = request(
        "POST",
        &bulk,
        &[json_type],
        "{\"index\":{\"_index\":\"a\"}}\n{\"x\":1}\nnonsense\n",
    );
    assert_eq!(status, 400);
    assert!(
        answer["error"]["reason"]
            .as_str()
            .unwrap()
            .contains("line [3]"),
        "{answer}"
    );
    let (status, answer) = request(
        "POST",
        &bulk,
        &[json_type],
        "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n{\"index\":{\"_index\":\"a\",\"_id\":\"2\"}}\n{broken\n",
    );
    assert_eq!(
        (
            status,
            &answer["errors"],
            &answer["items"][0]["index"]["status"],
            &answer["items"][1]["index"]["status"]
        ),
        (200, &json!(true), &json!(201), &json!(400))
    );
    let huge = "x".repeat((100 << 20) + 1);
    assert_eq!(request("POST", &bulk, &[json_type], &huge).0, 413);
    let (status, answer) = get(&format!("{}/a/_search?unknown=1", server.url));
    assert_eq!(
        (status, &answer["error"]["type"]),
        (400, &json!("illegal_argument_exception"))
    );
    assert_eq!(get(&format!("{}/nothing/_search", server.url)).0, 404);
    let (_, banner) = get(&server.url);
    assert!(
        banner["version"]["number"]
            .as_str()
            .unwrap()
            .starts_with("7.17"),
        "{banner}"
    );
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let other = tempfile::tempdir().unwrap();
    let said = say(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:{port}"),
        "--data",
        other.path().to_str().unwrap(),
    ]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("choose another port"),
        "{}",
        said.stderr
    );
    let said = say(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.path().to_str().unwrap(),
    ]);
    assert!(
        said.code == Some(3) && said.stderr.contains("used by another process"),
        "{said:?}"
    );
}

#[test]
fn a_schedule_runs_its_monitors_and_follows_the_file() {
    let (site, data) = (Site::start(), tempfile::tempdir().unwrap());
    let config = data.path().join("canarytrace.yaml");
    let write = |monitors: &str| {
        std::fs::write(&config, format!("version: 1\nmonitors:\n{monitors}")).unwrap()
    };
    write(&format!(
        "  - {{ id: first, schedule: every 1h, urls: [\"{}\"] }}\n",
        site.page("/")
    ));
    let server = Server::start(data.path(), &["--config", config.to_str().unwrap()]);
    let ended = |monitor: &str| {
        let (_, answer) = get(&format!(
            "{}/c.run-*/_count?q=monitor:{monitor}",
            server.url
        ));
        answer["count"].as_u64().filter(|count| *count > 0)
    };
    eventually("the first run", Duration::from_secs(30), || ended("first"));
    std::fs::write(&config, "version: 1\nmonitors: [{ id: Wrong Name }]\n").unwrap();
    eventually("the complaint", Duration::from_secs(10), || {
        get(&format!("{}/api/v1/status", server.url)).1["configurationProblem"]
            .as_str()
            .map(str::to_owned)
    });
    write(&format!(
        "  - {{ id: second, schedule: every 1h, urls: [\"{}\"] }}\n",
        site.page("/error")
    ));
    eventually("the second run", Duration::from_secs(30), || {
        ended("second")
    });
    let ledger = || {
        get(&format!(
            "{}/c.ledger-*/_search?size=100&q=monitor:second",
            server.url
        ))
        .1
    };
    let events = eventually("the ledger", Duration::from_secs(10), || {
        let events: Vec<String> = ledger()["hits"]["hits"]
            .as_array()?
            .iter()
            .map(|hit| hit["_source"]["event"].as_str().unwrap().to_owned())
            .collect();
        (events.len() == 3).then_some(events)
    });
    assert_eq!(
        events.into_iter().collect::<BTreeSet<_>>(),
        ["expected", "finished", "started"]
            .map(str::to_owned)
            .into()
    );
    let log = server.log();
    assert_eq!(server.stop(), Some(0), "{log}");
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn the_demo_ends_as_planned() {
    let said = say(&["demo", "--once", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.matches("(as planned)").count(), 4, "{said:?}");
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn another_store_is_prepared_and_asked_through_us() {
    let (site, far, near) = (
        Site::start(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    // A second server is the cluster: it has the API alone.
    let cluster = Server::start(far.path(), &["--only", "store"]);
    let said = say(&["setup", "--store", &cluster.url, "--prefix", "dev."]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("index template dev.report"),
        "{said:?}"
    );
    let template = format!("{}/_index_template/dev.report", cluster.url);
    assert_eq!(get(&template).0, 200);

    let config = near.path().join("canarytrace.yaml");
    let monitor = format!(
        "version: 1\nmonitors:\n  - {{ id: far, schedule: every 1h, urls: [\"{}\"] }}\n",
        site.page("/error")
    );
    std::fs::write(&config, monitor).unwrap();
    let server = Server::start(
        near.path(),
        &[
            "--store",
            &cluster.url,
            "--config",
            config.to_str().unwrap(),
        ],
    );
    let run = eventually("the run in the cluster", Duration::from_secs(30), || {
        let (_, answer) = get(&format!("{}/c.run-*/_search?q=monitor:far", cluster.url));
        answer["hits"]["hits"].get(0).cloned()
    });
    // Attachments stay with us, whoever keeps the documents.
    let (uuid, picture) = (&run["_source"]["uuid"], &run["_source"]["screenshot"]);
    let picture = format!(
        "{}/api/v1/attachments/{}/{}",
        server.url,
        uuid.as_str().unwrap(),
        picture.as_str().unwrap()
    );
    eventually("the picture", Duration::from_secs(10), || {
        (get(&picture).0 == 200).then_some(())
    });
    let path = "c.*/_search?size=100&sort=uuid,_doc&pretty";
    let ask = |url: &str| {
        let (status, mut answer) = get(&format!("{url}/{path}"));
        // How long it took is the one thing that differs.
        answer.as_object_mut().unwrap().remove("took");
        (status, answer)
    };
    assert_eq!(ask(&server.url), ask(&cluster.url));
    let (status, answer) = get(&format!("{}/nothing/_search?unknown=1", server.url));
    assert_eq!((status, &answer["status"]), (400, &json!(400)), "{answer}");
    assert_eq!(server.stop(), Some(0));
    cluster.kill();
}

#[test]
fn a_cluster_without_templates_is_named() {
    let (site, data, out) = (
        Site::start(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let server = Server::start(data.path(), &[]);
    let run_with = |prefix: &str| {
        run(
            out.path(),
            &[&site.page("/"), "--store", &server.url, "--set", prefix],
        )
    };
    let said = run_with("INDEX_PREFIX=other.");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("canarytrace setup"), "{said:?}");
    assert!(!run_with("INDEX_PREFIX=c.").stderr.contains("setup"));
}

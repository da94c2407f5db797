//! Runs of the built binary: outcomes, exit codes, documents, scripts.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts real programs"
)]

use std::{
    io::{BufRead, BufReader},
    process::Command,
};

use canarytrace_e2e::{
    Said, Site, canarytrace, documents, leftovers, only_run, record, run, say, scripts,
};
use serde_json::json;

#[test]
fn a_good_page_passes_and_leaves_exact_documents() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let said = run(out.path(), &[&site.page("/")]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let folder = only_run(out.path());
    let report = documents(&folder, "report");
    let events: Vec<&str> = report
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        events,
        [
            "testStart",
            "suiteStart",
            "testStepStart",
            "testStepEnd",
            "testStepStart",
            "testStepEnd",
            "testEnd"
        ]
    );
    let sequences: Vec<u64> = report
        .iter()
        .map(|event| event["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6, 7]);
    let end = &report[5];
    assert_eq!(
        (
            &end["passed"],
            &end["parent"],
            &end["attachments"],
            &end["spec"]
        ),
        (
            &json!(true),
            &json!("Smoke"),
            &json!("no"),
            &json!("smoke.js")
        )
    );
    assert_eq!(end["uuidAction"], report[4]["uuidAction"]);
    assert!(report[6].get("passed").is_none());

    let requests = documents(&folder, "request-log");
    assert_eq!(
        (
            requests[0]["url"].as_str().unwrap(),
            &requests[0]["response"]["status"],
            &requests[0]["request"]["type"]
        ),
        (site.page("/").as_str(), &json!(200), &json!("Document"))
    );
    let har = &requests[0]["har"];
    let sum: f64 = ["blocked", "dns", "connect", "send", "wait", "receive"]
        .iter()
        .map(|phase| har[phase].as_f64().unwrap().max(0.0))
        .sum();
    assert!((har["time"].as_f64().unwrap() - sum).abs() < 1e-6, "{har}");

    let entries = documents(&folder, "performance-entries");
    let navigation = entries
        .iter()
        .find(|entry| entry["entryType"] == "navigation")
        .unwrap();
    assert!(navigation["loadEventEnd"].as_f64().unwrap() > 0.0);
    assert_eq!(
        navigation["responseTime"].as_f64().unwrap(),
        navigation["responseEnd"].as_f64().unwrap() - navigation["requestStart"].as_f64().unwrap()
    );
    assert!(entries.iter().any(|entry| entry["name"] == "HE-start-head"));
    let title = &documents(&folder, "smoke-title")[0];
    assert_eq!(
        (
            &title["title"],
            &title["responseStatus"],
            &title["entryUrl"],
            &title["entryURL"]
        ),
        (&json!("Shop"), &json!(200), &title["url"], &title["url"])
    );
    let run = &documents(&folder, "c.run")[0];
    assert!(
        run["vitals"]["lcp"].as_f64().unwrap() > 0.0
            && run["vitals"]["load"].as_f64().unwrap() > 0.0,
        "{run}"
    );
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn outcomes_have_their_cause_and_exit_code() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let cases = [
        (site.page("/error"), 1, "site", "status 500"),
        (site.page("/nowhere"), 1, "site", "status 404"),
        (site.page("/untitled"), 1, "site", "no title"),
        (format!("http://{free}/"), 1, "site", "nothing listens"),
        (
            "http://no-such-host.example/".to_owned(),
            1,
            "site",
            "does not resolve",
        ),
        ("not a url".to_owned(), 2, "configuration", "not valid"),
    ];
    for (url, code, cause, detail) in cases {
        let said = run(out.path(), &[&url]);
        let record = said.record();
        assert_eq!(
            (said.code, record["verdict"]["cause"].as_str()),
            (Some(code), Some(cause)),
            "{url}: {}",
            record["verdict"]
        );
        assert!(
            record["verdict"]["detail"]
                .as_str()
                .unwrap()
                .contains(detail),
            "{}",
            record["verdict"]
        );
    }
}

#[test]
fn a_failed_step_has_its_picture() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    run(out.path(), &[&site.page("/error")]);
    let folder = only_run(out.path());
    let end = documents(&folder, "report")
        .into_iter()
        .find(|event| event["passed"] == false)
        .unwrap();
    let name = end["attachments"].as_str().unwrap();
    assert!(
        name.ends_with(&format!("-{}.png", end["uuidAction"].as_str().unwrap())),
        "{name}"
    );
    let picture = std::fs::read(folder.join("attachments").join(name)).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
}

#[test]
fn wrong_usage_is_named_and_runs_nothing() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["run", "--no-such-option"], "--no-such-option"),
        (&["run"], "nothing to check"),
        (
            &["run", "--script", "missing.js"],
            "`missing.js` does not exist",
        ),
        (
            &["run", "--config", "missing.yaml", "--monitor", "x"],
            "missing.yaml",
        ),
        (
            &["run", "http://h/", "--store", "nonsense"],
            "store url `nonsense`",
        ),
        (
            &["run", "http://h/", "--timeout", "soon"],
            "duration `soon`",
        ),
        (&["run", "http://h/", "--set", "novalue"], "NAME=VALUE"),
        (
            &["serve", "--listen", "0.0.0.0:9200"],
            "reachable from outside",
        ),
        (&["serve", "--only", "everything"], "part `everything`"),
    ];
    for (arguments, part) in cases {
        let mut all = arguments.to_vec();
        if arguments[0] == "run" {
            all.extend(["--out", out]);
        }
        let said = say(&all);
        assert_eq!(said.code, Some(2), "{arguments:?} {said:?}");
        assert!(said.stderr.contains(part), "{arguments:?}: {}", said.stderr);
    }
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 0);
}

#[test]
fn a_missing_browser_is_our_fault_and_has_a_record() {
    let out = tempfile::tempdir().unwrap();
    let said = run(
        out.path(),
        &["http://127.0.0.1:1/", "--browser", "/no/such/browser"],
    );
    assert_eq!(
        (said.code, said.record()["verdict"]["cause"].as_str()),
        (Some(3), Some("browser")),
        "{said:?}"
    );
    let lifecycle = documents(&only_run(out.path()), "report");
    assert_eq!(
        (
            lifecycle.len(),
            &lifecycle[0]["sequence"],
            &lifecycle[0]["event"],
            &lifecycle[0]["passed"]
        ),
        (1, &json!(1000), &json!("testEnd"), &json!(false))
    );
}

#[test]
fn a_journey_runs_every_step_and_hides_its_secret() {
    let (site, out, scripts) = (Site::start(), tempfile::tempdir().unwrap(), scripts());
    let said = run(
        out.path(),
        &[
            "--script",
            scripts.path().join("shop.js").to_str().unwrap(),
            "--base-url",
            &site.page("/"),
            "--set",
            "SUFFIX=!",
            "--set",
            "USER=robot",
            "--set",
            "PASS=tweet-tweet",
        ],
    );
    let record = said.record();
    let outcomes: Vec<&str> = record["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["verdict"]["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["passed", "failed", "broken"], "{record}");
    assert_eq!(
        (said.code, record["verdict"]["cause"].as_str()),
        (Some(1), Some("site"))
    );
    assert_eq!(
        record["steps"][2]["verdict"]["facts"]["place"], "shop.js:13:32",
        "{record}"
    );
    let folder = only_run(out.path());
    let log = std::fs::read_to_string(folder.join("log.ndjson")).unwrap();
    assert!(
        log.contains("password is ********") && log.contains("after ran"),
        "{log}"
    );
    for file in ["documents.ndjson", "log.ndjson", "run.json"] {
        assert!(
            !std::fs::read_to_string(folder.join(file))
                .unwrap()
                .contains("tweet-tweet"),
            "{file}"
        );
    }
    assert!(!format!("{said:?}").contains("tweet-tweet"));
    assert_eq!(
        documents(&folder, "performance-entries")
            .iter()
            .filter(|entry| entry["entryType"] == "navigation")
            .count(),
        1
    );
}

#[test]
fn a_syntax_error_is_the_scripts_fault_with_its_place() {
    let (out, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = scripts.path().join("wrong.js");
    std::fs::write(
        &path,
        "describe('x', () => {\n  it('y', () => { const = 1 });\n});",
    )
    .unwrap();
    let said = run(out.path(), &["--script", path.to_str().unwrap()]);
    assert_eq!(
        (said.code, said.record()["verdict"]["cause"].as_str()),
        (Some(3), Some("script"))
    );
    assert!(
        said.record()["verdict"]["detail"]
            .as_str()
            .unwrap()
            .contains("wrong.js:2"),
        "{said:?}"
    );
}

/// A run into a file system of so many bytes.
fn run_on_disk(size: &str, url: &str) -> Said {
    let disk = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size={size} none {disk} && exec {binary} run --json --out {disk}/runs {url}",
        disk = disk.path().display(),
        binary = canarytrace_e2e::binary().display(),
    );
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script])
        .output();
    output.unwrap().into()
}

#[test]
fn a_full_disk_is_named_and_the_run_is_recorded() {
    let site = Site::start();
    // Room for the closing documents, not for all that the page says.
    let said = run_on_disk("256k", &site.page("/talkative"));
    let record = said.record();
    assert_eq!(
        (said.code, record["verdict"]["cause"].as_str()),
        (Some(3), Some("runner")),
        "{said:?}"
    );
    let detail = record["verdict"]["detail"].as_str().unwrap();
    assert!(detail.contains("No space left"), "{detail}");
    assert_eq!(record["counts"]["run"], 1, "{record}");
    // Not even room to begin.
    let said = run_on_disk("16k", &site.page("/"));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.stderr.contains("No space left") && said.stderr.contains("make room"),
        "{said:?}"
    );
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn a_run_that_nobody_listens_to_ends_as_usual() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let mut command = canarytrace(&["run", &site.page("/"), "--out"]);
    command.arg(out.path()).env("CANARYTRACE_LOG", "debug");
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(record(&only_run(out.path()))["state"], "ended");
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn a_headless_shell_is_a_browser_too() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let shell = "/usr/bin/chromium-headless-shell";
    let said = run(out.path(), &[&site.page("/"), "--browser", shell]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let version = said.record()["browserVersion"].as_str().unwrap().to_owned();
    assert!(version.contains("headless-shell"), "{version}");
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn a_browser_behind_an_endpoint_is_driven_and_given_back() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let home = tempfile::tempdir().unwrap();
    let mut driver = Command::new("chromedriver")
        .args(["--port=0"])
        .env("TMPDIR", home.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let port = line.split("started successfully on port ").nth(1)?;
        port.trim_end_matches('.').parse::<u16>().ok()
    });
    let endpoint = format!("http://127.0.0.1:{}", port.unwrap());
    let said = run(out.path(), &[&site.page("/error"), "--browser", &endpoint]);
    driver.kill().unwrap();
    driver.wait().unwrap();
    let record = said.record();
    assert_eq!(
        (said.code, record["verdict"]["cause"].as_str()),
        (Some(1), Some("site")),
        "{said:?}"
    );
    assert!(!documents(&only_run(out.path()), "request-log").is_empty());
    // The session was ended by us, not by the death of its driver.
    assert_eq!(leftovers(), Vec::<String>::new());
    let away = run(
        out.path(),
        &[&site.page("/"), "--browser", "http://127.0.0.1:1"],
    );
    assert_eq!(
        (away.code, away.record()["verdict"]["cause"].as_str()),
        (Some(3), Some("browser")),
        "{away:?}"
    );
}

#[test]
fn an_endless_script_is_ended_and_the_run_is_recorded() {
    let (out, scripts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = scripts.path().join("endless.js");
    std::fs::write(&path, "it('never ends', () => { new Array(1e9) + ''; });").unwrap();
    let said = run(
        out.path(),
        &["--script", path.to_str().unwrap(), "--timeout", "5s"],
    );
    let verdict = &said.record()["verdict"];
    assert_eq!(
        (said.code, verdict["cause"].as_str()),
        (Some(3), Some("script")),
        "{said:?}"
    );
    assert!(
        verdict["detail"]
            .as_str()
            .unwrap()
            .contains("could not be interrupted"),
        "{verdict}"
    );
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn variables_of_the_established_product_are_understood() {
    let (site, out) = (Site::start(), tempfile::tempdir().unwrap());
    let output = canarytrace(&["run", "--json", "--out", out.path().to_str().unwrap()])
        .env(
            "BASE_URL",
            format!("{};{}", site.page("/"), site.page("/error")),
        )
        .env("LABELS", "desktop, smoke")
        .env("REQUEST_LOG", "no")
        .env("INDEX_PREFIX", "dev.")
        .env("ATTACHMENTS", "no")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let folder = only_run(out.path());
    assert!(documents(&folder, "request-log").is_empty());
    assert_eq!(
        documents(&folder, "dev.report")[0]["labels"][2],
        "desktop, smoke"
    );
    assert_eq!(record(&folder)["attachments"], json!([]));
    assert_eq!(record(&folder)["steps"].as_array().unwrap().len(), 3);
}

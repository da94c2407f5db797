//! What a run records against another source of the same fact: the server's own log, the page's own code.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use canarytrace_e2e::{
    check, documents, only_run, record, say,
    tls::serve_tls_page,
    web::{Reply, Web},
};
use serde_json::{Value, json};

/// A page of several requests; `{third}` is another origin.
fn shop(third: &str) -> Web {
    let page = format!(
        "<!doctype html><title>Shop</title><link rel=stylesheet href=/site.css><h1>Welcome to the shop</h1>\
         <script src='{third}/widget.js'></script><script>fetch('/api', {{ method: 'POST', body: '{{}}' }});\
         const from = performance.now(); while (performance.now() - from < 130);</script>"
    );
    Web::start(move |asked| match asked.path.as_str() {
        "/" => Reply::page(&page),
        "/site.css" => Reply::typed("text/css", "h1 { color: red }"),
        "/api" => Reply::typed("application/json", "{}"),
        _ => Reply::status(404, ""),
    })
}

struct Recorded {
    shop: Web,
    third: Web,
    folder: PathBuf,
    uuid: String,
    _out: tempfile::TempDir,
}

fn recorded() -> Recorded {
    let third = Web::start(|_| Reply::typed("text/javascript", "window.widget = 1;"));
    let (shop, out) = (shop(&third.url), tempfile::tempdir().unwrap());
    let said = check(
        out.path(),
        &shop.page("/"),
        &[
            ("TRACE_ID_NAME", "canary-trace-id"),
            ("CANARYTRACE_HAR", "always"),
        ],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let folder = only_run(out.path());
    Recorded {
        shop,
        third,
        uuid: record(&folder)["uuid"].as_str().unwrap().to_owned(),
        folder,
        _out: out,
    }
}

/// Fields are compared one by one in the test `fields`.
#[test]
fn the_tracing_header_and_the_archive_are_right() {
    let recorded = recorded();
    tracing_header_is_kept_from_others(&recorded);
    archive_agrees(&recorded);
}

fn tracing_header_is_kept_from_others(recorded: &Recorded) {
    let Recorded {
        shop, third, uuid, ..
    } = recorded;
    for (web, path, expected) in [
        (shop, "/", uuid.as_str()),
        (shop, "/site.css", uuid),
        (shop, "/api", uuid),
        (third, "/widget.js", ""),
    ] {
        let asked = web.asked();
        let asked = asked.iter().find(|asked| asked.path == path).unwrap();
        assert_eq!(asked.header("canary-trace-id"), expected, "{path}");
    }
}

/// An entry for each request, phases that add up.
fn archive_agrees(Recorded { folder, uuid, .. }: &Recorded) {
    let requests = documents(folder, "request-log");
    let har: Value = serde_json::from_slice(
        &std::fs::read(folder.join(format!("attachments/{uuid}.har"))).unwrap(),
    )
    .unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(
        (entries.len(), &har["log"]["version"]),
        (requests.len(), &json!("1.2"))
    );
    for entry in entries
        .iter()
        .filter(|entry| entry["response"]["status"] == 200)
    {
        let phases: f64 = ["blocked", "dns", "connect", "send", "wait", "receive"]
            .iter()
            .map(|phase| entry["timings"][phase].as_f64().unwrap().max(0.0))
            .sum();
        assert!(
            (entry["time"].as_f64().unwrap() - phases).abs() < 1e-6,
            "{entry}"
        );
        assert_eq!(entry["pageref"], har["log"]["pages"][0]["id"]);
    }
    assert!(
        har["log"]["pages"][0]["pageTimings"]["onLoad"]
            .as_f64()
            .unwrap()
            > 130.0
    );
}

#[test]
fn sockets_streams_workers_and_frames_are_logged() {
    let inner = Web::start(|_| Reply::page("<script>fetch('/from-frame')</script>"));
    let (frame, out) = (inner.url.clone(), tempfile::tempdir().unwrap());
    let page = format!(
        "<!doctype html><title>Parts</title><iframe src='{}'></iframe>\
         <script>new Worker('/worker.js'); new EventSource('/stream'); new WebSocket('ws://' + location.host + '/socket');\
         fetch('data:text/plain,hello'); fetch(URL.createObjectURL(new Blob(['x'])));</script>",
        frame.replace("127.0.0.1", "localhost")
    );
    let shop = Web::start(move |asked| match asked.path.as_str() {
        "/" => Reply::page(&page),
        "/worker.js" => Reply::typed("text/javascript", "fetch('/from-worker')"),
        "/stream" => Reply::typed("text/event-stream", "data: hello\n\n"),
        "/socket" => Reply::status(403, ""),
        "/from-worker" => Reply::typed("text/plain", "x"),
        _ => Reply::status(404, ""),
    });
    let said = check(out.path(), &shop.page("/"), &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let requests = documents(&only_run(out.path()), "request-log");
    let kind = |part: &str| {
        let found = requests
            .iter()
            .find(|request| request["url"].as_str().unwrap().contains(part));
        found.map(|request| request["request"]["type"].as_str().unwrap().to_owned())
    };
    for (part, expected) in [
        ("/stream", "EventSource"),
        ("/socket", "WebSocket"),
        ("/from-worker", "Fetch"),
        ("/from-frame", "Fetch"),
        ("data:text/plain", "Other"),
        ("blob:", "Fetch"),
    ] {
        assert_eq!(
            kind(part).as_deref(),
            Some(expected),
            "{part}: {requests:#?}"
        );
    }
}

#[test]
fn the_environment_is_stored_with_its_secrets_masked() {
    let (shop, out) = (
        Web::start(|_| Reply::page("<title>x</title>")),
        tempfile::tempdir().unwrap(),
    );
    let said = check(
        out.path(),
        &shop.page("/"),
        &[
            ("ENV_PRINT", "allow"),
            ("SHOP_TOKEN", "tok-1234567"),
            ("PLAIN", "visible"),
            ("ELASTIC_HTTP_AUTH", "robot:elastic-pass"),
        ],
    );
    let environment = &documents(&only_run(out.path()), "c.env")[0];
    assert_eq!(
        (&environment["PLAIN"], &environment["SHOP_TOKEN"]),
        (&json!("visible"), &json!("********"))
    );
    assert_eq!(
        environment["maskedVariables"],
        json!(["ELASTIC_HTTP_AUTH", "SHOP_TOKEN"])
    );
    let all = format!("{said:?}");
    assert!(all.contains("PLAIN=visible"), "{all}");
    assert!(
        !all.contains("tok-1234567") && !all.contains("elastic-pass"),
        "{all}"
    );
}

/// The page measures its own interactions and says so on its console.
#[test]
fn interactions_are_as_long_as_the_page_says() {
    const PAGE: &str = "<!doctype html><title>Busy</title><h1>Busy</h1><button id=go>Go</button><script>\
        let longest = 0;\
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => {\
            if (entry.interactionId) longest = Math.max(longest, entry.duration); }))\
            .observe({ type: 'event', durationThreshold: 16 });\
        const work = (ms) => { const from = performance.now(); while (performance.now() - from < ms); };\
        document.getElementById('go').onclick = () => work(60);\
        setInterval(() => console.log('longest', longest), 50);</script>";
    let web = Web::start(|_| Reply::page(PAGE));
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("busy.js");
    let text = "describe('busy', () => {\
        it('opens', async () => { await browser.url('/'); await expect($('h1')).toHaveText('Busy'); });\
        it('clicks', async () => { await $('#go').click(); });\
        it('waits', async () => { await browser.pause(300); }); });";
    std::fs::write(&script, text).unwrap();
    let out = folder.path().join("out");
    let said = canarytrace_e2e::run(
        &out,
        &["--script", script.to_str().unwrap(), "--base-url", &web.url],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let folder = only_run(&out);
    let said_by_page = documents(&folder, "c.console")
        .iter()
        .filter_map(|event| event["args"][1]["value"].as_f64())
        .fold(0.0, f64::max);
    let timed: Vec<_> = documents(&folder, "c.vitals")
        .into_iter()
        .filter(|vitals| vitals["inp"].is_f64() || vitals["inp"].is_u64())
        .collect();
    assert_eq!(timed.len(), 1, "{timed:?}");
    assert_eq!(timed[0]["fullTitle"], "busy clicks");
    assert_eq!(timed[0]["inp"].as_f64(), Some(said_by_page));
    assert_eq!(timed[0]["inpElement"], "#go");
    assert!((60.0..600.0).contains(&said_by_page), "{said_by_page}");
    let run = &documents(&folder, "c.run")[0];
    assert_eq!(run["vitals"]["inp"].as_f64(), Some(said_by_page));
}

/// Each step has the entries that came in it, once, whatever the page's own scripts make of the means by which they are read.
#[test]
fn entries_belong_to_the_step_in_which_they_came() {
    const PAGE: &str = "<!doctype html><title>Steps</title><h1>Steps</h1><script>\
        const ask = async (name) => { await (await fetch('/part?' + name)).text(); document.title = name; };\
        ask('first'); performance.getEntries = () => [];</script>";
    let web = Web::start(|asked| match asked.path.as_str() {
        "/" => Reply::page(PAGE),
        _ => Reply::typed("text/plain", "part"),
    });
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("steps.js");
    let text = "const asks = async (name) => { await browser.execute((name) => ask(name), name); await expect(browser).toHaveTitle(name); };\
        describe('steps', () => {\
        it('opens', async () => { await browser.url('/'); await expect(browser).toHaveTitle('first'); });\
        it('asks', async () => { await asks('second'); });\
        it('rests', async () => { await expect($('h1')).toHaveText('Steps'); });\
        it('asks again', async () => { await asks('third'); await browser.execute(() => performance.clearResourceTimings()); await asks('fourth'); }); });";
    std::fs::write(&script, text).unwrap();
    let out = folder.path().join("out");
    let arguments = ["--script", script.to_str().unwrap(), "--base-url", &web.url];
    let said = canarytrace_e2e::run(&out, &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    let folder = only_run(&out);
    let entries = documents(&folder, "c.performance-entries");
    let asked: Vec<(&str, &str)> = entries
        .iter()
        .filter_map(|entry| {
            let name = entry["name"].as_str()?.split_once("/part?")?.1;
            Some((entry["fullTitle"].as_str()?, name))
        })
        .collect();
    assert_eq!(
        asked,
        [
            ("steps opens", "first"),
            ("steps asks", "second"),
            ("steps asks again", "fourth")
        ]
    );
    let sampled = documents(&folder, "c.memory");
    assert!(sampled.len() >= 4, "{sampled:?}");
}

/// More than the 250 that a browser's timeline has room for by itself.
#[test]
fn every_resource_has_its_timing() {
    let web = Web::start(|asked| match asked.path.as_str() {
        "/" => Reply::page(
            "<!doctype html><title>Many</title><script>for (let i = 0; i < 400; i++) fetch('/part?' + i)</script>",
        ),
        _ => Reply::typed("text/plain", "part"),
    });
    let out = tempfile::tempdir().unwrap();
    let said = check(out.path(), &web.page("/"), &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let entries = documents(&only_run(out.path()), "c.performance-entries");
    let parts = entries
        .iter()
        .filter(|entry| entry["name"].as_str().unwrap().contains("/part?"));
    assert_eq!((parts.count(), web.count("/part")), (400, 400));
}

/// The certificate is the one that the server was given; the request without TLS is the one that its page makes.
#[test]
fn certificates_and_mixed_content_are_named() {
    let url = serve_tls_page(
        "127.0.0.1",
        2040,
        "<!doctype html><title>Safe</title><h1>Safe</h1><script src='http://insecure.invalid/mixed.js'></script>",
    );
    let out = tempfile::tempdir().unwrap();
    let said = check(out.path(), &url, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let vitals = &documents(&only_run(out.path()), "c.vitals")[0];
    assert_eq!(vitals["mixedContent"], 1, "{vitals}");
    let certificate = &vitals["certificates"][0];
    assert_eq!(certificate["host"], "127.0.0.1", "{vitals}");
    assert_eq!(certificate["protocol"], "TLS 1.3");
    // 2040-01-01, as epoch days.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let left = 25_567.0 - now.as_secs_f64() / 86_400.0;
    let said = vitals["certificateDaysLeft"].as_f64().unwrap();
    assert!((said - left).abs() < 1.0, "{said} {left}");
    assert_eq!(certificate["daysLeft"], vitals["certificateDaysLeft"]);
}

#[test]
fn repeated_runs_are_compared() {
    let page = "<!doctype html><title>x</title><h1>Hello</h1>";
    let slow =
        "<script>const from = performance.now(); while (performance.now() - from < 400);</script>";
    let text = format!("{page}{slow}");
    let (fast, slow) = (
        Web::start(move |_| Reply::page(page)),
        Web::start(move |_| Reply::page(&text)),
    );
    let folder = tempfile::tempdir().unwrap();
    let repeat = |name: &str, web: &Web| {
        let out = folder.path().join(name).display().to_string();
        let said = say(&["run", &web.page("/"), "--repeat", "4", "--out", &out]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stderr.contains("load  median"), "{}", said.stderr);
        out
    };
    let (before, after) = (repeat("before", &fast), repeat("after", &slow));
    let said = say(&["compare", &before, &after]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout
            .lines()
            .any(|line| line.starts_with("load") && line.contains("SLOWER")),
        "{said:?}"
    );
    let said = say(&["compare", &after, &before]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = say(&["compare", folder.path().to_str().unwrap(), &after]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("holds no run"), "{said:?}");
}

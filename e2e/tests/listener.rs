//! `listen` and the listener of `serve` with real receivers: which rules find what, who is told, and that kills lose and
//! double nothing. With `STORE=URL` the rules are judged on that cluster, too.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a mail server is no child of a run"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use canarytrace_e2e::{
    Said, Server, canarytrace, eventually, python, request,
    tls::Authority,
    web::{Reply, Web},
};
use canarytrace_history::Random;
use canarytrace_model::time::Moment;
use serde_json::{Value, json};

const NDJSON: &[(&str, &str)] = &[("content-type", "application/x-ndjson")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

fn minutes_ago(minutes: i64) -> String {
    Moment::from_epoch_ms(Moment::now().epoch_ms() - minutes * 60_000).to_string()
}

fn send(store: &str, documents: &[(&str, Value)]) {
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

fn search(store: &str, index: &str, body: &Value) -> Vec<Value> {
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

fn failed_run(monitor: &str, minutes: i64) -> (&'static str, Value) {
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

fn listen(store: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut all = vec!["listen", "--store", store, "--once"];
    all.extend(arguments);
    canarytrace(&all)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
        .into()
}

/// A folder with files.
fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const QUIET: [(&str, &str); 6] = [
    ("ELASTIC_HEALTHCHECK", "no"),
    ("CANARY_HEALTHCHECK", "no"),
    ("DM_HEALTHCHECK", "no"),
    ("ELASTIC_NODES_HEALTHCHECK", "no"),
    ("EMERGENCY_AFTER_MIN", "0"),
    ("STAGE1_AFTER_MIN", "0"),
];

/// For each established rule as many documents as it needs, and nearly as many that are just within what is good.
fn established() -> Vec<(&'static str, Value)> {
    let mut documents = Vec::new();
    let mut add = |service: &'static str, count: usize, document: Value| {
        for number in 0..count {
            let mut document = document.clone();
            document["timestamp"] = json!(minutes_ago(1 + (number % 5) as i64));
            documents.push((service, document));
        }
    };
    add("performance-entries", 5, json!({"loadEventEnd": 3000.0}));
    add("performance-entries", 5, json!({"loadEventEnd": 5000.0}));
    add(
        "performance-entries",
        30,
        json!({"loadEventEnd": 2999.0, "responseTime": 2999.0}),
    );
    add(
        "performance-entries",
        10,
        json!({"responseTime": 3000.0, "name": "a"}),
    );
    let audit = |id: &str, value: f64| json!({"audits": {id: {"numericValue": value}}});
    let score = |value: u32| json!({"categories": {"performance": {"score": value}}});
    add("audit", 3, score(49));
    add("audit", 3, score(50));
    add("audit", 9, score(90));
    for (id, fair, poor) in [
        ("first-contentful-paint", 1800.0, 3000.5),
        ("largest-contentful-paint", 2500.5, 4000.5),
        ("cumulative-layout-shift", 0.11, 0.26),
        ("total-blocking-time", 200.0, 600.5),
        ("interactive", 3900.5, 7300.5),
    ] {
        add("audit", 5, audit(id, fair));
        add("audit", 5, audit(id, poor));
        add("audit", 9, audit(id, 0.05));
    }
    let response = |kind: &str, encoding: Option<&str>, status: &str| {
        let mut headers = json!({"content-type": kind});
        if let Some(encoding) = encoding {
            headers["content-encoding"] = json!(encoding);
        }
        json!({"url": "https://shop.example/a", "response": {"status": status, "headers": headers}})
    };
    add(
        "request-log",
        10,
        response("text/javascript; charset=utf-8", None, "200"),
    );
    add(
        "request-log",
        10,
        response("text/css", Some("deflate"), "200"),
    );
    add("request-log", 20, response("text/css", Some("gzip"), "200"));
    add(
        "request-log",
        20,
        response("application/javascript", Some("br"), "399"),
    );
    add("request-log", 5, response("text/html", Some("gzip"), "404"));
    add("request-log", 5, response("text/html", Some("gzip"), "500"));
    add(
        "report",
        2,
        json!({"passed": false, "event": "testStepEnd", "fullTitle": "a"}),
    );
    add(
        "report",
        9,
        json!({"passed": true, "event": "testStepEnd", "fullTitle": "b"}),
    );
    for (id, fair, poor) in [
        ("lcp", 2500.0, 4000.0),
        ("cls", 0.1, 0.25),
        ("fid", 100.0, 300.0),
        ("fcp", 1800.0, 3000.0),
        ("ttfb", 400.0, 800.0),
    ] {
        add("rum.metrics", 5, json!({"metrics": {id: fair}}));
        add("rum.metrics", 5, json!({"metrics": {id: poor}}));
    }
    documents
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_established_rule_finds_what_it_is_meant_to_find() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let store = std::env::var("STORE").unwrap_or_else(|_| server.url.clone());
    if store != server.url {
        request("DELETE", &format!("{store}/c.*"), &[], "");
        assert_eq!(
            canarytrace(&["setup", "--store", &store])
                .status()
                .unwrap()
                .code(),
            Some(0)
        );
    }
    send(&store, &established());
    let said = listen(&store, &[], &QUIET);
    assert_eq!(said.code, Some(0), "{said:?}");
    let events = search(&store, "c.listener.events-*", &json!({"size": 100}));
    let counts: BTreeMap<String, u64> = events
        .iter()
        .map(|event| {
            (
                event["title"].as_str().unwrap().to_owned(),
                event["total"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: BTreeMap<&str, u64> = BTreeMap::from([
        ("Load time needs improvement", 5),
        ("Load time is poor", 5),
        ("Higher response time.", 10),
        ("Performance Score is poor", 3),
        ("Performance score needs improvement", 3),
        ("FCP needs improvement", 5),
        ("FCP is poor", 5),
        // Open at the top: what is poor needs improvement, too.
        ("LCP needs improvement (CoreWebVitals).", 10),
        ("LCP is poor (CoreWebVitals).", 5),
        ("CLS needs improvement (CoreWebVitals)", 10),
        ("CLS is poor (CoreWebVitals)", 5),
        ("TBT needs improvement", 5),
        ("TBT is poor", 5),
        ("TTI needs improvement", 10),
        ("TTI is poor", 5),
        (
            "Response with Javascript must contains gzip or brotli compression.",
            10,
        ),
        (
            "Responses with CSS files must contains gzip or brotli compression.",
            10,
        ),
        ("Response code 400", 10),
        ("Response code 500", 5),
        ("Failed check your page!", 2),
        ("LCP needs improvement (RUM)", 5),
        ("LCP is poor (RUM)", 5),
        ("CLS needs improvement (RUM)", 5),
        ("CLS is poor (RUM)", 5),
        ("FID needs improvement (RUM)", 5),
        ("FID is poor (RUM)", 5),
        ("FCP needs improvement (RUM)", 5),
        ("FCP is poor (RUM)", 5),
        ("TTFB needs improvement (RUM)", 5),
        ("TTFB is poor (RUM)", 5),
    ]);
    let expected: BTreeMap<String, u64> = expected
        .into_iter()
        .map(|(title, count)| (title.to_owned(), count))
        .collect();
    assert_eq!(counts, expected, "{}", said.stdout);
    let event = events
        .iter()
        .find(|event| event["title"] == "Load time is poor")
        .unwrap();
    assert_eq!(event["type"], "events");
    assert_eq!(
        (&event["rule"], &event["score"]),
        (&json!("range"), &json!(20))
    );
    assert_eq!(
        event["description"],
        "The load event ended after more than 5 seconds, total 5 exceeded."
    );
    assert_eq!(event["documents"][0]["loadEventEnd"], 5000.0);
    for line in [
        "Listener: loaded 20x internal rules from built-in internal rules",
        "Load time is poor, filter: (loadEventEnd gte 5000)",
        "analyzers: incidents 5",
        "errors-queue:queue size 30",
    ] {
        assert!(
            said.stdout.contains(line),
            "`{line}` is not in:\n{}",
            said.stdout
        );
    }
    // Again right away: nothing is counted, written or told twice.
    let said = listen(&store, &[], &QUIET);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        search(&store, "c.listener.events-*", &json!({"size": 100})).len(),
        30
    );
    let queue = search(&store, "c.listener.queue", &json!({"size": 100}));
    assert_eq!(queue.len(), 30);
    let own = queue
        .iter()
        .find(|own| own["title"] == "Load time is poor")
        .unwrap();
    assert_eq!(
        (&own["repetition"], &own["incidents"], &own["open"]),
        (&json!(1), &json!(5), &json!(true))
    );
}

#[test]
fn a_users_file_replaces_a_built_in_one_and_mistakes_are_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let rules = files(&[(
        "rules.yaml",
        "rules:\n- title: Mine\n  type: match\n  index: c.report\n  field: passed\n  operator: must\n  expected: \"false\"\n  score: 10\n  reporters: [{type: slack, message: Oh}]\n- title: Broken\n  type: mach\n  index: c.report\n  score: 1\n  reporters: [{type: slack}]\n",
    )]);
    let path = rules.path().join("rules.yaml");
    let path = path.to_str().unwrap();
    send(
        &server.url,
        &[(
            "report",
            json!({"passed": false, "timestamp": minutes_ago(1)}),
        )],
    );
    let mut variables = QUIET.to_vec();
    variables.push(("INTERNAL_RULES_PATH", path));
    let said = listen(&server.url, &[], &variables);
    assert!(
        said.stdout
            .contains(&format!("loaded 1x internal rules from {path}")),
        "{said:?}"
    );
    assert!(
        said.stderr.contains(&format!(
            "{path}:11:9: rule `Broken`: unknown variant `mach`; did you mean `match`?"
        )),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("channel `slack` is not set up"),
        "{said:?}"
    );
    let titles: BTreeSet<String> = search(&server.url, "c.listener.queue", &json!({}))
        .iter()
        .map(|own| own["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(titles, BTreeSet::from(["Mine".to_owned()]));
}

#[test]
fn silence_of_our_own_parts_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let web = Web::start(|_| Reply::status(200, "ok"));
    let url = web.page("/internal");
    send(
        &server.url,
        &[
            (
                "report",
                json!({"timestamp": minutes_ago(8), "passed": true}),
            ),
            (
                "report",
                json!({"timestamp": minutes_ago(7), "event": "testEnd", "passed": false, "sequence": 1000, "errMessage": "Test did not finished on time!"}),
            ),
        ],
    );
    let variables = [
        ("SLACK_WEBHOOK_URL_INTERNAL", url.as_str()),
        ("EMERGENCY_AFTER_MIN", "0"),
        ("STAGE1_AFTER_MIN", "0"),
    ];
    let said = listen(&server.url, &[], &variables);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told: BTreeSet<String> = web
        .asked()
        .iter()
        .map(|asked| {
            serde_json::from_slice::<Value>(&asked.body).unwrap()["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let expected = [
        "Open: Canarytrace health check: missing data",
        "Open: Canarytrace lifecycle errors",
    ];
    for expected in expected {
        assert!(told.contains(expected), "{told:?}");
    }
    assert!(
        said.stdout
            .contains("Elasticsearch health check: green, pending: 0")
    );
    assert!(!said.stdout.contains("Canarytrace health check: running"));
}

/// A receiver that answers what it is told first, and 200 from then on.
fn moody(first: Vec<Reply>) -> Web {
    let first = Arc::new(Mutex::new(first));
    Web::start(move |_| {
        let mut first = first.lock().unwrap();
        match first.is_empty() {
            true => Reply::status(200, "ok"),
            false => first.remove(0),
        }
    })
}

/// The notices of the only incident, by channel.
fn notices(server: &Server) -> BTreeMap<String, Value> {
    let queue = search(&server.url, "c.listener.queue", &json!({}));
    queue
        .iter()
        .flat_map(|own| own["notices"].as_array().unwrap().clone())
        .map(|notice| (notice["channel"].as_str().unwrap().to_owned(), notice))
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one receiver beside the other")]
fn receivers_have_their_moods() {
    let authority = Authority::trusted();
    let certificates = tempfile::tempdir().unwrap();
    let own_ca = certificates.path().join("ca.pem");
    std::fs::write(&own_ca, authority.pem()).unwrap();
    let safe = authority.serve("127.0.0.1", (2020, 2040), None);
    let failing = moody(vec![Reply::status(500, "no"), Reply::Close]);
    let busy = moody(vec![
        Reply::status(429, "slow down").with("retry-after", "1"),
    ]);
    let slow = moody(vec![Reply::After(
        Duration::from_secs(3),
        Box::new(Reply::status(200, "ok")),
    )]);
    let moved = moody(vec![Reply::redirect("http://127.0.0.1:1/")]);
    let gone = moody(vec![Reply::status(410, "gone")]);
    let config = format!(
        r#"
version: 1
listener:
  builtin: []
  rules: rules.yaml
  channels:
    failing: {{ webhook: {{ url: "{}", secret: key, headers: {{ X-Team: shop }} }} }}
    busy: {{ webhook: {{ url: "{}" }} }}
    slow: {{ webhook: {{ url: "{}", template: '{{"t": {{{{ title | tojson }}}}}}' }} }}
    moved: {{ teams: {{ url: "{}" }} }}
    gone: {{ alertmanager: {{ url: "{}" }} }}
    nobody: {{ pagerduty: {{ routing_key: k, url: "http://127.0.0.1:1/" }} }}
    safe: {{ webhook: {{ url: "{safe}", authorities: "{}" }} }}
"#,
        failing.url,
        busy.url,
        slow.url,
        moved.url,
        gone.url,
        own_ca.display()
    );
    let rules = "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  reporters: [{type: failing}, {type: busy}, {type: slow}, {type: moved}, {type: gone}, {type: nobody}, {type: safe}]\n";
    let folder = files(&[("canarytrace.yaml", &config), ("rules.yaml", rules)]);
    let data = tempfile::tempdir().unwrap();
    let path = folder.path().join("canarytrace.yaml");
    let server = Server::start(
        data.path(),
        &[
            "--config",
            path.to_str().unwrap(),
            "--only",
            "store,listener",
        ],
    );
    send(&server.url, &[failed_run("shop", 2), failed_run("shop", 1)]);
    let found = eventually(
        "all but one channel is settled",
        Duration::from_secs(90),
        || {
            let found = notices(&server);
            let settled = |name: &str| {
                found
                    .get(name)
                    .is_some_and(|own| ["sent", "dead"].contains(&own["state"].as_str().unwrap()))
            };
            ["failing", "busy", "slow", "moved", "gone", "safe"]
                .iter()
                .all(|name| settled(name))
                .then_some(found)
        },
    );
    let state = |name: &str| found[name]["state"].as_str().unwrap();
    let attempts = |name: &str| found[name]["attempts"].as_u64().unwrap();
    assert_eq!(
        (state("failing"), attempts("failing")),
        ("sent", 3),
        "{found:?}"
    );
    assert_eq!((state("busy"), attempts("busy")), ("sent", 2), "{found:?}");
    assert_eq!((state("slow"), attempts("slow")), ("sent", 1), "{found:?}");
    assert_eq!((state("safe"), attempts("safe")), ("sent", 1), "{found:?}");
    assert_eq!(
        (state("moved"), state("gone")),
        ("dead", "dead"),
        "{found:?}"
    );
    assert_eq!(state("nobody"), "pending", "{found:?}");
    assert!(
        found["moved"]["error"]
            .as_str()
            .unwrap()
            .contains("has moved"),
        "{found:?}"
    );
    // The answer to the second attempt was lost: the third may be a repetition, and says so.
    let asked = failing.asked();
    let body: Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!(body["uncertain"], true);
    assert_eq!(
        serde_json::from_slice::<Value>(&asked[1].body).unwrap()["uncertain"],
        false
    );
    let ids: BTreeSet<&str> = asked
        .iter()
        .map(|own| own.header("idempotency-key"))
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(asked[0].header("x-team"), "shop");
    assert!(
        asked[0]
            .header("x-canarytrace-signature")
            .starts_with("sha256=")
    );
    let template: Value = serde_json::from_slice(&slow.asked()[0].body).unwrap();
    assert_eq!(template, json!({"t": "Down · shop"}));
    let teams: Value = serde_json::from_slice(&moved.asked()[0].body).unwrap();
    assert_eq!(teams["attachments"][0]["content"]["type"], "AdaptiveCard");
    let alerts: Value = serde_json::from_slice(&gone.asked()[0].body).unwrap();
    assert_eq!(alerts[0]["labels"]["alertname"], "Down");
}

/// A mail server of others; ended when dropped.
struct MailServer {
    child: Child,
    port: u16,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl MailServer {
    fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/smtp_server.py");
        let mut child = Command::new(python("aiosmtpd==1.4.6"))
            .arg(script)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().trim().parse().unwrap();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                own.lock()
                    .unwrap()
                    .push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, port, mails }
    }

    fn wait(&self, count: usize) -> Vec<Value> {
        eventually("mails arrive", Duration::from_secs(60), || {
            let mails = self.mails.lock().unwrap().clone();
            (mails.len() >= count).then_some(mails)
        })
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn content(mail: &Value) -> String {
    let bytes = STANDARD.decode(mail["content"].as_str().unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn mail_with_starttls_a_picture_and_one_that_bounces() {
    let authority = Authority::trusted();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = authority.issue("127.0.0.1");
    for (name, text) in [
        ("ca.pem", authority.pem()),
        ("cert.pem", certificate),
        ("key.pem", key),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mail = MailServer::start(&["tls", &file("cert.pem"), &file("key.pem")]);
    let config = format!(
        "version: 1\nlistener:\n  builtin: []\n  rules: rules.yaml\n  url: https://monitoring.example\n  email: {{ server: 127.0.0.1, port: {}, user: robot, password: {{ secret: {{ env: MAIL_PASS }} }}, sender: canary@shop.example, tls: starttls, authorities: ca.pem }}\n",
        mail.port
    );
    let rules = "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  reporters: [{type: email, message: The shop is down, recipients: [anna@shop.example, bounce@shop.example]}]\n";
    std::fs::write(folder.path().join("canarytrace.yaml"), &config).unwrap();
    std::fs::write(folder.path().join("rules.yaml"), rules).unwrap();
    let data = tempfile::tempdir().unwrap();
    let path = file("canarytrace.yaml");
    let server = Server::start_with(
        data.path(),
        &["--config", &path, "--only", "store,listener"],
        &[("MAIL_PASS", "open sesame")],
    );
    let (service, mut run) = failed_run("shop", 1);
    run["screenshot"] = json!("shot.png");
    let picture = format!(
        "{}/api/v1/attachments/{}/shot.png",
        server.url,
        run["uuid"].as_str().unwrap()
    );
    let (status, _) = request(
        "PUT",
        &picture,
        &[("content-type", "image/png")],
        "\u{89}PNG not really",
    );
    assert_eq!(status, 201);
    send(&server.url, &[failed_run("shop", 2), (service, run)]);
    let mails = mail.wait(1);
    let text = content(&mails[0]);
    assert_eq!(mails[0]["to"], json!(["anna@shop.example"]), "{text}");
    assert_eq!(
        (&mails[0]["tls"], &mails[0]["authenticated"]),
        (&json!(true), &json!(true))
    );
    for part in [
        "From: canary@shop.example",
        "Subject: Open: Down",
        "multipart/alternative",
        "multipart/related",
        "image/png",
        "Content-ID: <picture@canarytrace>",
        "color-scheme",
        "The shop is down, total 2 exceeded.",
        "https://monitoring.example/incidents/",
        "score",
    ] {
        assert!(
            text.to_lowercase().contains(&part.to_lowercase()),
            "`{part}` is not in:\n{text}"
        );
    }
    assert!(!text.contains("open sesame"));
    let found = eventually("the notice is settled", Duration::from_secs(30), || {
        notices(&server)
            .remove("email")
            .filter(|own| own["state"] == "sent")
    });
    assert_eq!(found["attempts"], 1);
    let log = server.log();
    assert!(
        log.contains("bounce@shop.example") && !log.contains("open sesame"),
        "{log}"
    );
}

#[test]
fn kills_lose_and_double_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store = Server::start(data.path(), &["--only", "store"]);
    let answered = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&answered);
    // Now and then slow, so that kills come while a message is on its way.
    let web = Web::start(move |_| match counting.fetch_add(1, Ordering::SeqCst) % 3 {
        0 => Reply::After(
            Duration::from_millis(300),
            Box::new(Reply::status(200, "ok")),
        ),
        _ => Reply::status(200, "ok"),
    });
    let config = format!(
        "version: 1\nlistener:\n  overviews: {{ emergency: 0s, stage1: 0s }}\n  channels: {{ hook: {{ webhook: {{ url: \"{}\" }} }} }}\n",
        web.url
    );
    let rules = "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  reporters: [{type: hook}]\n";
    let folder = files(&[("canarytrace.yaml", &config), ("rules.yaml", rules)]);
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (config, rules) = (file("canarytrace.yaml"), file("rules.yaml"));
    let start = || {
        canarytrace(&[
            "listen", "--store", &store.url, "--config", &config, "--rules", &rules,
        ])
        .envs(QUIET)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
    };
    let mut random = Random::of(&[11]);
    let mut listener = start();
    const MONITORS: usize = 8;
    for number in 0..MONITORS {
        let monitor = format!("m{number}");
        send(
            &store.url,
            &[failed_run(&monitor, 2), failed_run(&monitor, 1)],
        );
        std::thread::park_timeout(Duration::from_millis(500 + random.below(2500)));
        listener.kill().unwrap();
        listener.wait().unwrap();
        // The lease of the killed one runs out before another begins; two that begin at once are one.
        let (mut one, other) = (start(), start());
        one.kill().unwrap();
        one.wait().unwrap();
        listener = other;
    }
    eventually("everybody is told", Duration::from_secs(150), || {
        let told: BTreeSet<String> = messages(&web)
            .into_iter()
            .map(|(title, ..)| title)
            .collect();
        (told.len() == MONITORS).then_some(())
    });
    // What is told again is the same message, says so, and was on its way at a kill.
    std::thread::park_timeout(Duration::from_secs(5));
    listener.kill().unwrap();
    listener.wait().unwrap();
    let mut ids: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (_, id, uncertain) in messages(&web) {
        ids.entry(id).or_default().push(uncertain);
    }
    assert_eq!(ids.len(), MONITORS, "{ids:?}");
    for (id, times) in &ids {
        assert!(!times[0] || times.len() == 1, "{id}: {times:?}");
        assert!(
            times.iter().skip(1).all(|uncertain| *uncertain),
            "{id}: {times:?}"
        );
    }
}

fn messages(web: &Web) -> Vec<(String, String, bool)> {
    web.asked()
        .iter()
        .map(|asked| {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let text = |name: &str| body[name].as_str().unwrap().to_owned();
            (text("title"), text("id"), body["uncertain"] == true)
        })
        .collect()
}

#[test]
fn rules_are_tried_and_looked_through() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    send(
        &server.url,
        &[failed_run("shop", 40), failed_run("shop", 30)],
    );
    let rules = files(&[(
        "rules.yaml",
        "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  reporters: [{type: slack}]\n- title: Slow\n  index: c.run\n  when: { statistic: { field: durationMs, of: p95, above: 99999, minimum: 1 } }\n  score: 40\n  reporters: [{type: slack}]\n- title: Misspelt\n  type: range\n  index: c.run\n  field: vitals.lod\n  operator: gt\n  value: 3\n  score: 40\n  reporters: [{type: slack}]\n",
    )]);
    let path = rules.path().join("rules.yaml");
    let path = path.to_str().unwrap();
    let say = |arguments: &[&str]| -> Said { canarytrace(arguments).output().unwrap().into() };
    let tried = say(&[
        "rules",
        "test",
        "--rules",
        path,
        "--store",
        &server.url,
        "--from",
        "now-2h",
    ]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.stdout.contains("Down · shop (score 10)"), "{tried:?}");
    assert!(
        tried.stdout.contains("the last 2 runs failed (limit 2)"),
        "{tried:?}"
    );
    assert!(tried.stdout.contains("never: Slow: "), "{tried:?}");
    let linted = say(&["rules", "lint", "--rules", path, "--store", &server.url]);
    assert_eq!(linted.code, Some(1), "{linted:?}");
    assert!(linted.stdout.contains("rule `Misspelt`: field `vitals.lod` is in no c.run-* index; the nearest one is `vitals.load`"), "{linted:?}");
    let nothing = say(&["rules", "lint", "--rules", "/nowhere/*.yaml"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
}

/// One rule for each condition, with limits that a made-up day crosses.
const CONDITIONS: &str = r#"rules:
- { title: count, index: c.report, query: 'passed: false', when: { count: { at_least: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: rate, index: c.request-log, when: { rate: { above: 1, per: 1m } }, score: 1, reporters: [{type: slack}] }
- { title: ratio, index: c.run, when: { ratio: { of: 'passed: true', above_percent: 50, minimum: 2 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: p75, index: c.vitals, when: { statistic: { field: load, of: p75, above: 100, minimum: 3 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: average, index: c.vitals, when: { statistic: { field: load, of: average, below: 100000, minimum: 3 } }, score: 1, reporters: [{type: slack}] }
- { title: runs, index: c.run, when: { runs: { failed: 2, of: 3 } }, group: blame, score: 1, reporters: [{type: slack}] }
- { title: consecutive, index: c.run, when: { consecutive: 2 }, score: 1, reporters: [{type: slack}] }
- { title: lasting, index: c.run, when: { lasting: 20m }, score: 1, reporters: [{type: slack}] }
- { title: quorum, index: c.run, when: { quorum: { label: "zone=", at_least: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: absence, index: c.run, when: { absence: { missed: 1 } }, score: 1, reporters: [{type: slack}] }
- { title: new, index: c.request-log, when: { new: { field: url.raw, within: 1d, fold: host } }, score: 1, reporters: [{type: slack}] }
- { title: change, index: c.vitals, window: 3h, when: { change: { field: load, against: previous, above_percent: 1, minimum: 5 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: revision, index: c.run, window: 3h, when: { change: { field: durationMs, against: previous-revision, above_percent: 1, minimum: 4 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: point, index: c.vitals, window: 6h, when: { change: { field: load, against: change-point, above_percent: 1, minimum: 5 } }, by: monitor, score: 1, reporters: [{type: slack}] }
- { title: burn, index: c.run, when: { burn_rate: { objective: 99, above: 2, long: 1h, short: 30m, minimum: 2 } }, score: 1, reporters: [{type: slack}] }
- { title: header, index: c.request-log, when: { header: { name: content-encoding, missing: true } }, score: 1, reporters: [{type: slack}] }
- { title: certificate, index: c.vitals, when: { certificate: { within: 365d } }, score: 1, reporters: [{type: slack}] }
"#;

/// Sends a made-up history in pieces.
fn feed(store: &str, plan: canarytrace_history::Plan) {
    let post = |body: &str| {
        let url = format!("{store}/_bulk?refresh=true");
        assert_eq!(request("POST", &url, NDJSON, body).0, 200);
    };
    let mut body = String::new();
    for document in canarytrace_history::History::new(plan).flatten() {
        let action = json!({"create": {"_index": document.index, "_id": document.id}});
        let source = String::from_utf8(document.source).unwrap();
        body.push_str(&format!("{action}\n{source}\n"));
        if body.len() > 8 << 20 {
            post(&body);
            body.clear();
        }
    }
    post(&body);
}

#[test]
fn every_condition_is_judged_alike_on_both_stores() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let from = Moment::from_epoch_ms(Moment::now().epoch_ms() - 30 * 3_600_000);
    let plan = canarytrace_history::Plan {
        seed: 5,
        from,
        days: 1,
        monitors: 6,
        interval_s: 900,
    };
    let stores: Vec<String> = [Some(server.url.clone()), std::env::var("STORE").ok()]
        .into_iter()
        .flatten()
        .collect();
    for store in &stores {
        if *store != server.url {
            request("DELETE", &format!("{store}/c.*"), &[], "");
            canarytrace(&["setup", "--store", store]).status().unwrap();
        }
        feed(store, plan);
    }
    let rules = files(&[("rules.yaml", CONDITIONS)]);
    let path = rules.path().join("rules.yaml");
    let (begin, end) = (
        from.to_string(),
        Moment::from_epoch_ms(from.epoch_ms() + 28 * 3_600_000).to_string(),
    );
    let tried = |store: &str| -> Value {
        let said: Said = canarytrace(&[
            "rules",
            "test",
            "--json",
            "--rules",
            path.to_str().unwrap(),
            "--store",
            store,
            "--from",
            &begin,
            "--to",
            &end,
            "--step",
            "30m",
        ])
        .output()
        .unwrap()
        .into();
        assert_eq!(said.code, Some(1), "{said:?}");
        serde_json::from_str(said.stdout.trim()).unwrap()
    };
    let all: Vec<Value> = stores.iter().map(|store| tried(store)).collect();
    assert_eq!(all[0]["errors"], json!({}), "{}", all[0]["errors"]);
    let found: BTreeSet<&str> = all[0]["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["rule"].as_str().unwrap())
        .collect();
    for rule in [
        "count",
        "rate",
        "ratio",
        "p75",
        "average",
        "runs",
        "consecutive",
        "lasting",
        "quorum",
        "absence",
        "burn",
        "header",
        "change",
        "point",
    ] {
        assert!(found.contains(rule), "`{rule}` found nothing: {found:?}");
    }
    for other in &all[1..] {
        assert_eq!(all[0]["errors"], other["errors"]);
        let (own, theirs) = (
            all[0]["incidents"].as_array().unwrap(),
            other["incidents"].as_array().unwrap(),
        );
        for (own, theirs) in own.iter().zip(theirs) {
            assert_eq!(own, theirs);
        }
        assert_eq!(own.len(), theirs.len());
    }
}

#[test]
fn channels_are_tried() {
    let web = Web::start(|asked| match asked.path.as_str() {
        "/good" => Reply::status(200, "ok"),
        _ => Reply::status(404, "no_service"),
    });
    let say = |url: &str| -> Said {
        canarytrace(&["notify", "test"])
            .env("SLACK_WEBHOOK_URL", url)
            .output()
            .unwrap()
            .into()
    };
    let good = say(&web.page("/good"));
    assert_eq!(
        (good.code, good.stdout.as_str()),
        (Some(0), "✓ slack: Slack webhook\n"),
        "{good:?}"
    );
    let bad = say(&web.page("/secret-token"));
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(
        bad.stdout
            .contains("✗ slack: Slack webhook: answered 404 Not Found: no_service"),
        "{bad:?}"
    );
    assert!(!format!("{bad:?}").contains("secret-token"));
    let none: Said = canarytrace(&["notify", "test"]).output().unwrap().into();
    assert_eq!(none.code, Some(2), "{none:?}");
}

//! `listen` and the listener of `serve` with real receivers: who is told, and that kills lose and double nothing.
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
    Said, Server,
    alerts::{QUIET, failed_run, files, listen, minutes_ago, search, send},
    canarytrace, eventually, python, request,
    tls::Authority,
    web::{Reply, Web},
};
use canarytrace_history::Random;
use serde_json::{Value, json};

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
    // Still tried: waiting for the next attempt, or at it.
    assert!(
        ["pending", "sending"].contains(&state("nobody")),
        "{found:?}"
    );
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
    with_picture(&server, &mut run);
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

/// A mail of a round by the established variables, and the version of TLS that it came with.
fn mailed_with(
    mail: &MailServer,
    server: &Server,
    title: &str,
    variables: &[(&str, &str)],
) -> Value {
    let rules = format!(
        "rules:\n- {{ title: '{title}', index: c.run, when: {{ consecutive: 2 }}, score: 10, reporters: [{{type: email, message: down, recipients: [anna@shop.example]}}] }}\n"
    );
    let folder = files(&[("rules.yaml", &rules)]);
    let rules = folder.path().join("rules.yaml");
    let port = mail.port.to_string();
    let mut all = QUIET.to_vec();
    all.extend([
        ("EMAIL_SMTP_SERVER", "127.0.0.1"),
        ("EMAIL_SMTP_PORT", &port),
        ("EMAIL_SMTP_USER", "robot"),
        ("EMAIL_SMTP_PASS", "open sesame"),
        ("EMAIL_SENDER", "canary@shop.example"),
    ]);
    all.extend(variables);
    let before = mail.mails.lock().unwrap().len();
    let said = listen(&server.url, &["--rules", rules.to_str().unwrap()], &all);
    assert_eq!(said.code, Some(0), "{said:?}");
    mail.wait(before + 1).remove(before)
}

#[test]
fn mail_speaks_the_versions_of_tls_that_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = Authority::trusted().issue("127.0.0.1");
    std::fs::write(folder.path().join("cert.pem"), certificate).unwrap();
    std::fs::write(folder.path().join("key.pem"), key).unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mail = MailServer::start(&["tls", &file("cert.pem"), &file("key.pem")]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    send(&server.url, &[failed_run("shop", 2), failed_run("shop", 1)]);
    // As the established product has it, certificates are looked at only when it is asked for.
    let newest = mailed_with(&mail, &server, "one", &[]);
    assert_eq!(newest["version"], "TLSv1.3");
    let limited = mailed_with(&mail, &server, "two", &[("TLS_MAX_VERSION", "TLSv1.2")]);
    assert_eq!(limited["version"], "TLSv1.2");
    assert_eq!(limited["authenticated"], true);
    assert!(content(&limited).contains("Subject: Open: two"));

    let rules = files(&[("rules.yaml", "rules: []\n")]);
    let rules = rules.path().join("rules.yaml");
    let wrong = listen(
        &server.url,
        &["--rules", rules.to_str().unwrap()],
        &[
            ("EMAIL_SMTP_SERVER", "127.0.0.1"),
            ("EMAIL_SENDER", "canary@shop.example"),
            ("TLS_MIN_VERSION", "TLSv1.3"),
            ("TLS_MAX_VERSION", "TLSv1.2"),
        ],
    );
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("newer than the newest"), "{wrong:?}");
}

/// Slack's Web API as far as the bot uses it: a place for a file, its content, that it is complete, and messages.
fn slack_api() -> Web {
    Web::start(|asked| {
        let answer = match asked.path.as_str() {
            "/api/files.getUploadURLExternal" => {
                json!({"ok": true, "upload_url": format!("http://{}/place", asked.header("host")), "file_id": "F1"})
            }
            "/api/files.completeUploadExternal" => json!({"ok": true}),
            "/api/chat.postMessage" => json!({"ok": true, "ts": "1700000000.000100"}),
            "/place" => return Reply::status(200, "OK"),
            _ => json!({"ok": false, "error": "unknown_method"}),
        };
        Reply::typed("application/json", &answer.to_string())
    })
}

const PICTURE: &str = "\u{89}PNG not really";

/// Stores the screenshot of a run.
fn with_picture(server: &Server, run: &mut Value) {
    run["screenshot"] = json!("shot.png");
    let place = format!(
        "{}/api/v1/attachments/{}/shot.png",
        server.url,
        run["uuid"].as_str().unwrap()
    );
    let (status, _) = request("PUT", &place, &[("content-type", "image/png")], PICTURE);
    assert_eq!(status, 201);
}

#[test]
fn a_slack_bot_sends_the_picture_and_ends_in_the_thread() {
    let slack = slack_api();
    let config = format!(
        "version: 1\nlistener:\n  builtin: []\n  rules: rules.yaml\n  slack: {{ token: {{ secret: {{ env: SLACK_TOKEN }} }}, channel: C042, endpoint: \"{}\" }}\n",
        slack.page("/api")
    );
    let rules = "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  close_after: 1s\n  reporters: [{type: slack, message: The shop is down}]\n";
    let folder = files(&[("canarytrace.yaml", &config), ("rules.yaml", rules)]);
    let path = folder.path().join("canarytrace.yaml");
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(
        data.path(),
        &[
            "--config",
            path.to_str().unwrap(),
            "--only",
            "store,listener",
        ],
        &[&QUIET[..], &[("SLACK_TOKEN", "xoxb-very-secret")]].concat(),
    );
    let (service, mut run) = failed_run("shop", 1);
    with_picture(&server, &mut run);
    send(&server.url, &[failed_run("shop", 2), (service, run)]);
    let posts = |count: usize| {
        eventually("slack is told", Duration::from_secs(60), || {
            let all = slack.asked().into_iter();
            let posts: Vec<Value> = all
                .filter(|asked| asked.path == "/api/chat.postMessage")
                .map(|asked| serde_json::from_slice(&asked.body).unwrap())
                .collect();
            (posts.len() >= count).then_some(posts)
        })
    };
    let opened = posts(1).remove(0);
    assert_eq!(opened["channel"], "C042");
    assert_eq!(opened["thread_ts"], Value::Null);
    let blocks = opened["attachments"][0]["blocks"].as_array().unwrap();
    let image = blocks.iter().find(|block| block["type"] == "image");
    let file = image.map(|block| &block["slack_file"]["id"]);
    assert_eq!(file, Some(&json!("F1")), "{opened}\n{}", server.log());
    let asked = slack.asked();
    let uploaded = asked.iter().find(|asked| asked.path == "/place").unwrap();
    assert_eq!(uploaded.body, PICTURE.as_bytes());
    assert_eq!(
        uploaded.header("authorization"),
        "",
        "the token is for the API only"
    );
    let complete = asked
        .iter()
        .find(|asked| asked.path == "/api/files.completeUploadExternal")
        .unwrap();
    assert_eq!(complete.header("authorization"), "Bearer xoxb-very-secret");

    let good: Vec<(&str, Value)> = (0..2)
        .map(|number| {
            let (service, mut run) = failed_run("shop", 0);
            run["uuid"] = json!(format!("{number:032x}"));
            run["passed"] = json!(true);
            run["verdict"] = json!({"outcome": "passed"});
            (service, run)
        })
        .collect();
    send(&server.url, &good);
    let closed = posts(2).remove(1);
    assert_eq!(
        closed["thread_ts"], "1700000000.000100",
        "the end is in the thread"
    );
    assert_eq!(closed["reply_broadcast"], true);
    assert!(!server.log().contains("xoxb"));
}

#[test]
fn the_report_is_drawn_and_mailed_once_for_each_day() {
    let mail = MailServer::start(&["plain"]);
    // A zone in which it is past noon, so that no test runs into midnight.
    let hour = i64::from(
        jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .hour(),
    );
    let zone = match 12 - hour {
        0 => "Etc/GMT".to_owned(),
        ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
        behind => format!("Etc/GMT+{}", -behind),
    };
    let config = format!(
        "version: 1\nlistener:\n  builtin: []\n  email: {{ server: 127.0.0.1, port: {}, sender: canary@shop.example, tls: none }}\n  report: {{ at: \"09:00\", timezone: {zone}, to: [later@shop.example, ben@shop.example] }}\n",
        mail.port
    );
    let folder = files(&[("canarytrace.yaml", &config)]);
    let path = folder.path().join("canarytrace.yaml");
    let path = path.to_str().unwrap();
    let data = tempfile::tempdir().unwrap();
    let only = ["--config", path, "--only", "store,listener"];
    let server = Server::start(data.path(), &only);
    let mails = mail.wait(1);
    let text = content(&mails[0]);
    assert_eq!(
        mails[0]["to"],
        json!(["later@shop.example", "ben@shop.example"]),
        "the server put it off once"
    );
    for part in [
        "Subject: Monitoring Overview",
        "To: canary@shop.example",
        "text/plain",
        "text/html",
        "report.png",
        "application/pdf",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    assert!(
        !text.contains("ben@shop.example"),
        "they do not see each other"
    );
    drop(server);

    // Somebody who asks for it gets it at once; the schedule does not send a second one after a start.
    let server = Server::start(data.path(), &only);
    let out = folder.path().join("report.pdf");
    let said: Said = canarytrace(&[
        "report",
        "--store",
        &server.url,
        "--config",
        path,
        "--mail",
        "bounce@shop.example",
        "--mail",
        "carl@shop.example",
        "--out",
        out.to_str().unwrap(),
    ])
    .output()
    .unwrap()
    .into();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(std::fs::read(&out).unwrap().starts_with(b"%PDF-"));
    let mails = mail.wait(2);
    assert_eq!(mails.len(), 2, "one by the schedule, one by hand");
    assert_eq!(mails[1]["to"], json!(["carl@shop.example"]));
}

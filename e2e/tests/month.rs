//! A month in which we know what goes wrong: exactly the notices that are written beside each trouble come, and none else.
//!
//! What is planted and what is expected of it stand together below, in words and times; nothing of the listener is used to
//! reckon them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test fails by panicking and says how long it took; what is planted is one table"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_e2e::web::{Reply, Web};
use canarytrace_es::{
    IndexTemplate, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_history::Random;
use canarytrace_listener::{
    Listener, Settings, Surroundings,
    calendar::Maintenance,
    message::Picture,
    reporters::{Channel, Format, HttpClient, Webhook},
    rules::{RuleSet, Source},
    storage::Storage,
};
use canarytrace_model::{
    index::{DEFAULT_PREFIX, templates},
    time::Moment,
};
use canarytrace_store::{Store, StoreConfig};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// 2026-10-01T00:00:00Z; clocks in Prague go back on the 25th.
const START: i64 = 1_790_812_800_000;
const DAYS: i64 = 30;
const MONITORS: usize = 50;
/// Between two runs of a monitor, and two rounds of the listener.
const INTERVAL: i64 = 30 * MINUTE;
const ROUND: i64 = 10 * MINUTE;

/// Which runs fail while it flaps.
const FLAPPING: [bool; 9] = [true, true, false, true, false, false, true, false, true];

/// `day` from 1, as the calendar says it.
fn at(day: i64, hour: i64, minute: i64) -> i64 {
    START + (day - 1) * DAY + hour * HOUR + minute * MINUTE
}

/// Trouble of monitors for a time.
struct Planted {
    name: &'static str,
    monitors: Vec<usize>,
    from: i64,
    until: i64,
    what: Trouble,
    expected: Vec<Expected>,
}

#[derive(Clone, Copy)]
enum Trouble {
    /// The site answers 503.
    Outage,
    /// About half of the runs fail, in no order that is worth a name.
    Flap,
    /// Up to twice as slow at the end, and so it stays.
    Drift,
    /// A new revision, half as slow again, for good.
    Regression,
    ThirdParty,
    Login,
    /// No run happens.
    RunnerDown,
    /// The network of the runner's machine: every run breaks.
    Network,
}

/// One notice: what it says at least, and when it comes.
struct Expected {
    kind: &'static str,
    title: &'static str,
    from: i64,
    until: i64,
}

fn expect(kind: &'static str, title: &'static str, from: i64, until: i64) -> Expected {
    Expected {
        kind,
        title,
        from,
        until,
    }
}

/// Two runs have to fail before anybody is told, and the third round after that is the last that may tell.
const TOLD_WITHIN: i64 = 2 * INTERVAL + 2 * ROUND;
/// Two good runs, half an hour of quiet, and rounding.
const CLOSED_WITHIN: i64 = 2 * INTERVAL + 30 * MINUTE + 2 * ROUND;

fn opened(title: &'static str, from: i64) -> Expected {
    expect("opened", title, from, from + TOLD_WITHIN)
}

fn closed(title: &'static str, until: i64) -> Expected {
    expect("closed", title, until, until + CLOSED_WITHIN)
}

fn planted() -> Vec<Planted> {
    let everyone: Vec<usize> = (0..MONITORS).collect();
    let trouble = |name, monitors: &[usize], from, until, what, expected| Planted {
        name,
        monitors: monitors.to_vec(),
        from,
        until,
        what,
        expected,
    };
    vec![
        trouble(
            "outage",
            &[0],
            at(3, 9, 0),
            at(3, 12, 0),
            Trouble::Outage,
            vec![
                opened("A monitor fails · site m0.example", at(3, 9, 0)),
                closed("A monitor fails · site m0.example", at(3, 12, 0)),
            ],
        ),
        // A notice that was on its way when the listener was killed comes again, and says so.
        trouble(
            "outage while the listener is killed",
            &[1],
            at(4, 9, 0),
            at(4, 12, 0),
            Trouble::Outage,
            vec![
                opened("A monitor fails · site m1.example", at(4, 9, 0)),
                expect(
                    "opened, may be repeated",
                    "A monitor fails · site m1.example",
                    at(4, 9, 0),
                    at(4, 9, 0) + TOLD_WITHIN + ROUND,
                ),
                closed("A monitor fails · site m1.example", at(4, 12, 0)),
            ],
        ),
        trouble(
            "flap",
            &[3],
            at(5, 6, 0),
            at(6, 12, 0),
            Trouble::Flap,
            vec![
                expect(
                    "opened",
                    "A monitor fails · site m3.example",
                    at(5, 6, 0),
                    at(5, 12, 0),
                ),
                // Fifteen good runs are wanted, because it came back again and again.
                expect(
                    "closed",
                    "A monitor fails · site m3.example",
                    at(6, 12, 0),
                    at(6, 20, 0),
                ),
            ],
        ),
        trouble(
            "slow drift",
            &[4],
            at(8, 0, 0),
            at(22, 0, 0),
            Trouble::Drift,
            vec![
                expect(
                    "opened",
                    "Pages are slower than last week · m4",
                    at(11, 0, 0),
                    at(16, 0, 0),
                ),
                expect(
                    "closed",
                    "Pages are slower than last week · m4",
                    at(22, 0, 0),
                    at(30, 0, 0),
                ),
            ],
        ),
        trouble(
            "third party",
            &[2, 5, 8, 11, 14],
            at(9, 10, 0),
            at(9, 16, 0),
            Trouble::ThirdParty,
            vec![
                opened(
                    "A monitor fails · third-party tags.ads.example",
                    at(9, 10, 0),
                ),
                closed(
                    "A monitor fails · third-party tags.ads.example",
                    at(9, 16, 0),
                ),
            ],
        ),
        // Five monitors need the one that logs in.
        trouble(
            "log-in",
            &[20, 21, 22, 23, 24, 25],
            at(12, 8, 0),
            at(12, 12, 0),
            Trouble::Login,
            vec![
                opened("A monitor fails · login m20.example", at(12, 8, 0)),
                closed("A monitor fails · login m20.example", at(12, 12, 0)),
            ],
        ),
        trouble(
            "network of the runner",
            &everyone,
            at(13, 8, 0),
            at(13, 10, 0),
            Trouble::Network,
            vec![
                opened("Monitoring itself is broken · network", at(13, 8, 0)),
                closed("Monitoring itself is broken · network", at(13, 10, 0)),
            ],
        ),
        trouble(
            "regression",
            &[6],
            at(15, 12, 0),
            at(31, 0, 0),
            Trouble::Regression,
            vec![
                expect(
                    "opened",
                    "Slower than the revision before · m6",
                    at(15, 14, 0),
                    at(16, 0, 0),
                ),
                // A week later the new speed is the usual one.
                expect(
                    "closed",
                    "Slower than the revision before · m6",
                    at(22, 0, 0),
                    at(24, 12, 0),
                ),
            ],
        ),
        trouble(
            "runner host down",
            &everyone,
            at(18, 13, 0),
            at(18, 18, 0),
            Trouble::RunnerDown,
            vec![
                // Three intervals and a half, counted from the run before.
                expect(
                    "opened",
                    "No run of a monitor",
                    at(18, 14, 0),
                    at(18, 15, 0) + ROUND,
                ),
                expect(
                    "closed",
                    "No run of a monitor",
                    at(18, 18, 0),
                    at(18, 19, 30),
                ),
            ],
        ),
        trouble(
            "outage within nightly maintenance",
            &[12],
            at(14, 21, 10),
            at(14, 23, 30),
            Trouble::Outage,
            vec![],
        ),
        // Begins within maintenance, which ends at four, and goes on.
        trouble(
            "outage that outlives maintenance",
            &[10],
            at(11, 1, 0),
            at(11, 5, 0),
            Trouble::Outage,
            vec![
                expect(
                    "opened",
                    "A monitor fails · site m10.example",
                    at(11, 2, 0),
                    at(11, 2, 0) + 2 * ROUND,
                ),
                closed("A monitor fails · site m10.example", at(11, 5, 0)),
            ],
        ),
        // One to four by the clock on the wall is four hours in this night.
        trouble(
            "outage within maintenance when the clock changes",
            &[10],
            at(24, 23, 0),
            at(25, 2, 30),
            Trouble::Outage,
            vec![],
        ),
        // Nobody could be asked from two to three; what ran is delivered then.
        trouble(
            "outage while the store is away",
            &[13],
            at(20, 2, 0),
            at(20, 3, 0),
            Trouble::Outage,
            vec![
                expect(
                    "opened",
                    "A monitor fails · site m13.example",
                    at(20, 3, 0),
                    at(20, 3, 30),
                ),
                expect(
                    "closed",
                    "A monitor fails · site m13.example",
                    at(20, 3, 0),
                    at(20, 4, 40),
                ),
            ],
        ),
        // Half an hour later it fails again: the same trouble.
        trouble(
            "two outages at once",
            &[30],
            at(26, 9, 0),
            at(26, 11, 0),
            Trouble::Outage,
            vec![
                opened("A monitor fails · site m30.example", at(26, 9, 0)),
                closed("A monitor fails · site m30.example", at(26, 11, 0)),
            ],
        ),
        trouble(
            "the other of two",
            &[31],
            at(26, 9, 0),
            at(26, 11, 0),
            Trouble::Outage,
            vec![
                opened("A monitor fails · site m31.example", at(26, 9, 0)),
                closed("A monitor fails · site m31.example", at(26, 11, 0)),
            ],
        ),
        trouble(
            "silenced",
            &[32],
            at(27, 9, 0),
            at(27, 11, 0),
            Trouble::Outage,
            vec![],
        ),
    ]
}

const STORE_AWAY: (i64, i64) = (20, 2);
const KILLED: (i64, i64) = (4, 9);

const RULES: &str = r#"
rules:
- title: Pages are slower than last week
  index: c.run
  window: 12h
  query: 'passed: true'
  monitors: ['m?']
  when: { change: { field: vitals.load, against: last-week, above_percent: 25, minimum: 15 } }
  by: monitor
  score: 40
  close_after: 12h
  reporters: [{ type: slack, message: "Pages are slower than last week" }]
- title: Slower than the revision before
  index: c.run
  window: 12h
  query: 'passed: true'
  monitors: ['m?']
  when: { change: { field: vitals.load, against: previous-revision, above_percent: 25, minimum: 10 } }
  by: monitor
  score: 40
  close_after: 1d
  covers: [Pages are slower than last week]
  reporters: [{ type: slack, message: "A release made pages slower" }]
"#;

/// Documents with the time at which they arrive, in order.
fn history(planted: &[Planted]) -> Vec<(i64, String, String, Value)> {
    let mut documents = Vec::new();
    for monitor in 0..MONITORS {
        let offset = monitor as i64 * INTERVAL / MONITORS as i64;
        let mut due = START + offset;
        while due < START + DAYS * DAY {
            if let Some((at, document)) = run(planted, monitor, due) {
                let (day, hour) = STORE_AWAY;
                let away = START + (day - 1) * DAY + hour * HOUR;
                // What is not late may be there before its time: nobody asks for the future. It comes a day at once.
                let arrives = match (away..away + HOUR).contains(&at) {
                    true => away + HOUR,
                    false => START + (at - START).div_euclid(DAY) * DAY,
                };
                let date = Moment::from_epoch_ms(at).index_date();
                let uuid = document["uuid"].as_str().unwrap().to_owned();
                documents.push((arrives, format!("c.run-{date}"), uuid, document));
            }
            due += INTERVAL;
        }
    }
    documents.sort_by_key(|document| document.0);
    documents
}

fn run(planted: &[Planted], monitor: usize, due: i64) -> Option<(i64, Value)> {
    let mut random = Random::of(&[7, monitor as u64, due as u64]);
    let hour = (due % DAY) as f64 / HOUR as f64;
    let busy = 1.0 + 0.15 * ((hour - 8.0) / 24.0 * std::f64::consts::TAU).sin();
    let mut load = 900.0 * busy * random.spread(0.1);
    let host = format!("m{monitor}.example");
    let url = format!("https://{host}/");
    let mut failed: Option<(&str, String, Value)> = None;
    let mut revision = "aaaa0000".to_owned();
    // Now and then something fails that nobody planned; never twice within three runs.
    if (due / INTERVAL * 7 + monitor as i64 * 13) % 251 == 0 {
        failed = Some((
            "site",
            "net::ERR_CONNECTION_RESET".to_owned(),
            json!({"url": url}),
        ));
    }
    for trouble in planted.iter().filter(|own| own.monitors.contains(&monitor)) {
        let is_on = trouble.from <= due && due < trouble.until;
        match trouble.what {
            Trouble::RunnerDown if is_on => return None,
            Trouble::Outage if is_on => {
                failed = Some((
                    "site",
                    format!("{url} answered 503"),
                    json!({"url": url, "status": 503}),
                ));
            }
            Trouble::Flap if is_on && FLAPPING[(due / INTERVAL) as usize % FLAPPING.len()] => {
                failed = Some((
                    "site",
                    format!("{url} answered 503"),
                    json!({"url": url, "status": 503}),
                ));
            }
            Trouble::ThirdParty if is_on => {
                let facts = json!({"url": url, "requests": [{"url": "https://tags.ads.example/t.js", "party": "third", "error": "net::ERR_TIMED_OUT"}]});
                failed = Some((
                    "third-party",
                    "tags.ads.example did not answer".to_owned(),
                    facts,
                ));
            }
            Trouble::Login if is_on => {
                failed = Some((
                    "login",
                    "the log-in was refused with 401".to_owned(),
                    json!({"url": url, "status": 401}),
                ));
            }
            Trouble::Network if is_on => {
                failed = Some((
                    "network",
                    "the control address cannot be reached either".to_owned(),
                    json!({}),
                ));
            }
            Trouble::Drift if due >= trouble.from => {
                let share = (due - trouble.from) as f64 / (trouble.until - trouble.from) as f64;
                load *= 1.0 + share.min(1.0);
            }
            Trouble::Regression if is_on => {
                load *= 1.5;
                revision = "bbbb1111".to_owned();
            }
            _ => {}
        }
    }
    let started = due + random.below(20_000) as i64;
    let ended = started + 4000 + load as i64;
    let time = |ms: i64| Moment::from_epoch_ms(ms).to_string();
    let verdict = match &failed {
        None => json!({"outcome": "passed"}),
        Some((cause, detail, facts)) => {
            let outcome = if *cause == "network" {
                "broken"
            } else {
                "failed"
            };
            json!({"outcome": outcome, "cause": cause, "detail": detail, "facts": facts})
        }
    };
    let document = json!({
        "uuid": format!("{:016x}{:016x}", monitor, due), "monitor": format!("m{monitor}"), "spec": "smoke.js",
        "labels": ["engine=wdio"], "timestamp": time(ended), "startedAt": time(started), "endedAt": time(ended),
        "durationMs": ended - started, "passed": failed.is_none(), "verdict": verdict, "revision": revision,
        "vitals": {"load": load, "url": url},
    });
    Some((ended, document))
}

struct Alone;

#[async_trait]
impl Surroundings for Alone {
    async fn picture(&self, _uuid: &str, _name: &str) -> Option<Picture> {
        None
    }
    async fn what_changed(&self, _uuid: &str) -> Option<String> {
        None
    }
    async fn run_again(&self, _monitor: &str) -> bool {
        false
    }
    async fn is_expected(&self, _monitor: &str, _since: Moment) -> Option<bool> {
        Some(true)
    }
    async fn kept_at(&self) -> Option<Option<Moment>> {
        None
    }
}

fn maintenance(yaml: &str) -> Maintenance {
    Maintenance::parse(&serde_saphyr::from_str(yaml).unwrap()).unwrap()
}

fn settings(url: &str) -> Settings {
    let webhook = Webhook {
        url: url.to_owned(),
        format: Format::Own,
        headers: Vec::new(),
        secret: None,
        client: HttpClient::new(None).unwrap(),
    };
    let mut settings = Settings::default();
    for name in ["slack", "slack-internal"] {
        let channel = Channel::Webhook(Box::new(webhook.clone()));
        settings.channels.insert(name.to_owned(), channel);
    }
    settings.overviews.emergency_after = Duration::ZERO;
    settings.overviews.stage1_after = Duration::ZERO;
    settings.checks.canary = None;
    settings.checks.nodes = false;
    settings.maintenance = vec![
        maintenance(
            "{reason: releases, monitors: [m12], weekly: 'WED 23:00-02:00', timezone: Europe/Prague}",
        ),
        maintenance(
            "{reason: backup, monitors: [m10], weekly: 'SUN 01:00-04:00', timezone: Europe/Prague}",
        ),
        maintenance(
            "{reason: known, monitors: [m32], from: '2026-10-27T08:00:00Z', until: '2026-10-27T13:00:00Z'}",
        ),
    ];
    settings.dependencies = (21..=25)
        .map(|own| (format!("m{own}"), vec!["m20".to_owned()]))
        .collect();
    settings
}

fn listener(service: &Arc<Store>, url: &str, owner: &str) -> Listener {
    let mut rules = RuleSet::default();
    rules.add_built_in(Source::Monitors, "c.");
    rules.add_built_in(Source::Internal, "c.");
    rules.add_text(RULES, Source::Own, None, "rules.yaml", "c.");
    assert_eq!(rules.problems, []);
    let storage = Storage::new(Arc::clone(service) as Arc<dyn SearchService>, "c.");
    Listener::new(
        storage,
        settings(url),
        rules,
        Arc::new(Alone),
        Arc::new(|_: &str| {}),
        owner,
    )
}

fn items(documents: &[(i64, String, String, Value)]) -> Vec<BulkItem> {
    documents
        .iter()
        .map(|(_, index, id, document)| BulkItem {
            operation: BulkOperation::Create,
            index: index.clone(),
            id: Some(id.clone()),
            if_seq_no: None,
            source: Bytes::from(document.to_string()),
        })
        .collect()
}

/// A notice as it came: when by the simulated clock, kind, title.
fn received(web: &Web) -> Vec<(i64, String, String)> {
    web.asked()
        .iter()
        .map(|asked| {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let at: jiff::Timestamp = text("at").parse().unwrap();
            let mut kind = text("kind");
            if body["uncertain"] == true {
                kind.push_str(", may be repeated");
            }
            (at.as_millisecond(), kind, text("title"))
        })
        .collect()
}

#[test]
fn exactly_the_planted_troubles_are_told() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let planted = planted();
    let notices = runtime.block_on(replay(&planted));
    let mut rest: Vec<(i64, String, String)> = notices;
    let mut missing = Vec::new();
    let time = |ms: i64| Moment::from_epoch_ms(ms).to_string();
    for trouble in &planted {
        for expected in &trouble.expected {
            let found = rest.iter().position(|(at, kind, title)| {
                kind == expected.kind
                    && title == expected.title
                    && (expected.from..=expected.until).contains(at)
            });
            match found {
                Some(found) => drop(rest.remove(found)),
                None => missing.push(format!(
                    "{}: {} `{}` between {} and {}",
                    trouble.name,
                    expected.kind,
                    expected.title,
                    time(expected.from),
                    time(expected.until)
                )),
            }
        }
    }
    let unexpected: Vec<String> = rest
        .iter()
        .map(|(at, kind, title)| format!("{} {kind} `{title}`", time(*at)))
        .collect();
    assert!(
        missing.is_empty() && unexpected.is_empty(),
        "missing:\n  {}\nnobody expected:\n  {}",
        missing.join("\n  "),
        unexpected.join("\n  ")
    );
}

async fn replay(planted: &[Planted]) -> Vec<(i64, String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(
        Store::open(&StoreConfig {
            folder: folder.path().to_owned(),
        })
        .unwrap(),
    );
    for template in templates(DEFAULT_PREFIX) {
        let template = IndexTemplate {
            name: template.name,
            body: template.body,
        };
        store.put_template(template).await.unwrap();
    }
    let is_hanging = Arc::new(AtomicBool::new(false));
    let hanging = Arc::clone(&is_hanging);
    // The receiver that takes a message while the listener dies.
    let web = Web::start(move |_| match hanging.load(Ordering::SeqCst) {
        true => Reply::Hang,
        false => Reply::status(200, "ok"),
    });
    let documents = history(planted);
    let mut next = 0;
    let mut listener = listener(&store, &web.url, "first");
    let (mut spent, began) = (BTreeMap::<&str, Duration>::new(), Instant::now());
    let mut now = START;
    let mut is_killed = false;
    while now <= START + DAYS * DAY {
        let arrived = documents[next..]
            .iter()
            .take_while(|document| document.0 <= now)
            .count();
        let clock = Instant::now();
        if arrived > 0 {
            let batch = items(&documents[next..next + arrived]);
            for result in store.bulk(batch, Refresh::Now).await.unwrap() {
                result.outcome.unwrap();
            }
            next += arrived;
        }
        *spent.entry("documents").or_default() += clock.elapsed();
        let clock = Instant::now();
        let (day, hour) = STORE_AWAY;
        let away = at(day, hour, 0);
        if !(away..away + HOUR).contains(&now) {
            let (day, hour) = KILLED;
            let is_near = now > at(day, hour, 0) && now < at(day, hour + 2, 0);
            if is_near && !is_killed {
                is_killed = kill_while_sending(&mut listener, &store, &web, &is_hanging, now).await;
            } else {
                listener.round(Moment::from_epoch_ms(now)).await.unwrap();
            }
        }
        *spent.entry("rounds").or_default() += clock.elapsed();
        now += ROUND;
    }
    println!(
        "{} runs, {} rounds in {:.1?}: {spent:.1?}",
        documents.len(),
        DAYS * DAY / ROUND,
        began.elapsed()
    );
    received(&web)
}

/// Ends a listener whose message the receiver has, but not the answer; another one takes over.
async fn kill_while_sending(
    dying: &mut Listener,
    store: &Arc<Store>,
    web: &Web,
    is_hanging: &AtomicBool,
    now: i64,
) -> bool {
    let before = web.asked().len();
    is_hanging.store(true, Ordering::SeqCst);
    let arrived = async {
        while web.asked().len() == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let is_killed = tokio::select! {
        result = dying.round(Moment::from_epoch_ms(now)) => {
            result.unwrap();
            false
        }
        () = arrived => true,
    };
    is_hanging.store(false, Ordering::SeqCst);
    if is_killed {
        // Nothing of it is left but what is stored, not even its lease given up.
        *dying = listener(store, &web.url, "second");
    }
    is_killed
}

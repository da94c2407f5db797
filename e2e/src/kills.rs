//! Runs that are killed at any moment, and what must be true afterwards.

use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use canarytrace_history::Random;
use serde_json::Value;

use crate::{
    Server, Site, canarytrace, documents, eventually, leftovers, processes, record, signal,
};

/// What was killed, how and when.
#[derive(Clone, Debug)]
pub struct Kill {
    pub containment: &'static str,
    pub page: &'static str,
    pub victim: &'static str,
    pub signal: &'static str,
    pub after: Duration,
    /// The victim was there when its time came.
    pub hit: bool,
}

const CONTAINMENTS: [&str; 3] = ["cgroup", "pid-namespace", "subreaper"];
const SUPERVISOR: &str = "supervisor";
/// The kernel kills something of the run because its page takes more than the run's memory limit.
const MEMORY: &str = "whatever exceeds the memory limit";
/// A supervisor, or what the command line of the others holds.
const VICTIMS: [&str; 7] = [
    SUPERVISOR,
    MEMORY,
    "canarytrace runner",
    "chromedriver --port",
    "/chromium/chromium --",
    "--type=renderer",
    "--type=gpu-process",
];
/// A run takes about this long.
const SPAN_MS: u64 = 2600;
const RUN_LIMIT: Duration = Duration::from_secs(150);

/// Starts a run into `<data>/runs`, the folder of a server, and kills one of its processes; waits until the run is over
/// and the machine is clean.
pub fn kill_one(site: &Site, data: &Path, store: &str, random: &mut Random) -> Kill {
    let mut kill = Kill {
        containment: one_of(random, &CONTAINMENTS),
        page: one_of(random, &["/", "/", "/error", "/hang"]),
        victim: one_of(random, &VICTIMS),
        signal: one_of(random, &["KILL", "KILL", "TERM"]),
        after: Duration::from_millis(random.below(SPAN_MS)),
        hit: false,
    };
    if kill.victim == MEMORY {
        // Nothing else holds memory within limits.
        (kill.containment, kill.page, kill.signal) = ("cgroup", "/greedy", "OOM");
    }
    let out = data.join("runs");
    let target = target(site, data, &kill);
    let mut child = canarytrace(&["run", "--out", out.to_str().unwrap()])
        .args(target)
        .env("CANARYTRACE_CONTAINMENT", kill.containment)
        .args(["--timeout", "30s", "--store", store])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + kill.after;
    while let Some(rest) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(rest);
    }
    let victim = match kill.victim {
        SUPERVISOR => Some(child.id()),
        MEMORY => {
            kill.hit = true;
            None
        }
        text => processes(text).into_iter().next(),
    };
    if let Some(pid) = victim {
        kill.hit = true;
        signal(pid, kill.signal);
    }
    if kill.page == "/hang" {
        // Nothing else ends it before its limit.
        signal(child.id(), "TERM");
    }
    eventually(&format!("the end of {kill:?}"), RUN_LIMIT, || {
        child.try_wait().unwrap()
    });
    let clean = || {
        let left = leftovers();
        (left.is_empty()
            || kill.victim == SUPERVISOR && left.iter().all(|left| is_held_by_recovery(left)))
        .then_some(())
    };
    eventually(
        &format!("a clean machine after {kill:?}: {:?}", leftovers()),
        Duration::from_secs(20),
        clean,
    );
    kill
}

/// What the run checks: a page, with a memory limit when that is to be exceeded.
fn target(site: &Site, data: &Path, kill: &Kill) -> Vec<String> {
    let page = site.page(kill.page);
    if kill.victim != MEMORY {
        return vec![page];
    }
    let config = data.join("greedy.yaml");
    let delay = kill.after.as_millis();
    let text = format!(
        "version: 1\nmonitors:\n  - id: greedy\n    urls: [\"{page}?{delay}\"]\n    browser: {{ memory: 700MiB }}\n"
    );
    std::fs::write(&config, text).unwrap();
    ["--config", config.to_str().unwrap(), "--monitor", "greedy"]
        .map(str::to_owned)
        .to_vec()
}

/// Folders of a run whose supervisor was killed are removed by the next start, processes at once.
fn is_held_by_recovery(left: &str) -> bool {
    left.starts_with("canarytrace-")
}

/// The next start: every record is complete, every document delivered exactly once, nothing is left. Answers how many
/// runs there were.
pub fn verify(data: &Path) -> usize {
    let runs: Vec<_> = std::fs::read_dir(data.join("runs"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let server = Server::start(data, &[]);
    for run in &runs {
        // A supervisor that died before its first write has left an empty folder at most.
        if !run.join("run.json").exists() {
            continue;
        }
        eventually(
            &format!("the completion of {}", run.display()),
            Duration::from_secs(60),
            || {
                let record = record(run);
                (record["state"] == "ended" && record["delivered"]["pending"] == 0).then_some(())
            },
        );
        complete(run);
        let stored = server.count(&record(run)["uuid"]);
        assert_eq!(stored, documents(run, "c.").len(), "{}", run.display());
    }
    eventually("a clean machine", Duration::from_secs(20), || {
        leftovers().is_empty().then_some(())
    });
    assert_eq!(server.stop(), Some(0));
    runs.len()
}

/// The record of one run: an end, a verdict, one closing event, one run document, no number missing or twice.
fn complete(run: &Path) {
    let name = run.display();
    let record = record(run);
    assert!(record["verdict"]["outcome"].is_string(), "{name}: {record}");
    assert!(record["exitCode"].is_u64(), "{name}: {record}");
    assert_eq!(documents(run, "c.run-").len(), 1, "{name}");
    let ends = documents(run, "c.report-");
    let ends = ends.iter().filter(|event| event["event"] == "testEnd");
    assert_eq!(ends.count(), 1, "{name}");
    let text = std::fs::read_to_string(run.join("documents.ndjson")).unwrap();
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.lines().step_by(2) {
        let action: Value = serde_json::from_str(line).unwrap();
        let id = action["create"]["_id"].as_str().unwrap();
        let (family, number) = id.rsplit_once('-').unwrap();
        let last = numbers.entry(family.to_owned()).or_default();
        *last += 1;
        assert_eq!(number.parse(), Ok(*last), "{name}: {id}");
    }
}

fn one_of<T: Copy>(random: &mut Random, list: &[T]) -> T {
    *random.of_list(list).unwrap()
}

//! The same specs played by WebdriverIO and by us, and what differs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    canarytrace,
    web::{Asked, Reply, Web},
};

/// What came of one test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub passed: bool,
    /// First line of the error's text.
    pub error: String,
    pub console: Vec<String>,
    /// Commands that change page or window.
    pub commands: Vec<String>,
}

/// By the title of the test with its suite's.
pub type Outcomes = BTreeMap<String, Outcome>;

/// What may differ, and why.
#[derive(Debug, Deserialize)]
pub struct Difference {
    pub test: String,
    pub why: String,
}

/// The commands that both runners' order is compared of.
const CHANGES: [&str; 17] = [
    "elementClick",
    "elementClear",
    "elementSendKeys",
    "performActions",
    "releaseActions",
    "navigateTo",
    "back",
    "forward",
    "refresh",
    "acceptAlert",
    "dismissAlert",
    "switchToWindow",
    "closeWindow",
    "createWindow",
    "addCookie",
    "deleteCookie",
    "deleteAllCookies",
];
/// The name of a command in a line of the log; one of BiDi by the name of what it does.
fn protocol_command(line: &str) -> &str {
    if let Some(command) = line.strip_prefix("COMMAND ") {
        return command.split('(').next().unwrap_or_default();
    }
    let command = line.strip_prefix("BIDI COMMAND ").unwrap_or_default();
    let (method, params) = command.split_once(' ').unwrap_or((command, ""));
    match method {
        "browsingContext.navigate" => "navigateTo",
        "browsingContext.handleUserPrompt" if params.contains("\"accept\":true") => "acceptAlert",
        "browsingContext.handleUserPrompt" => "dismissAlert",
        _ => "",
    }
}

const WAIT_MS: &str = "1000";
const JUDGE_LIMIT_S: &str = "420";

/// The folder of specs, pages and the judge.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts")
}

/// Whose specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Both play them.
    Judged,
    /// Only we do: every test must pass.
    Own,
}

/// Paths of the specs, relative to [`folder`].
pub fn specs(kind: Kind) -> Vec<String> {
    let entries = std::fs::read_dir(folder().join("specs")).unwrap();
    let mut specs: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(if kind == Kind::Own { ".own." } else { ".spec." }))
        .map(|name| format!("specs/{name}"))
        .collect();
    specs.sort();
    specs
}

/// Takes its page at once, and answers one address itself.
const WORKER: &str = "self.oninstall = () => self.skipWaiting();
self.onactivate = (event) => event.waitUntil(self.clients.claim());
self.onfetch = (event) => {
  if (event.request.url.endsWith('/answered-by-worker')) event.respondWith(new Response('of the worker'));
};";

/// Serves the pages, and answers under `/api` what scripts ask for.
pub fn pages() -> Web {
    Web::start(|asked: &Asked| {
        let json = |text: &str| Reply::typed("application/json", text);
        match asked.path.as_str() {
            "/api/items" => json(r#"[{"id":1,"name":"one"},{"id":2,"name":"two"}]"#),
            "/api/echo" => {
                let headers: BTreeMap<_, _> = asked.headers.iter().cloned().collect();
                let body = String::from_utf8_lossy(&asked.body);
                json(
                    &serde_json::json!({"method": asked.method, "headers": headers, "body": body})
                        .to_string(),
                )
            }
            "/worker.js" => Reply::typed("text/javascript", WORKER),
            "/api/cookie" => Reply::page("cookie").with("set-cookie", "served=yes; Path=/"),
            "/api/error" => Reply::status(500, "<title>Broken</title>broken"),
            "/file.bin" => Reply::typed("application/octet-stream", "bytes")
                .with("content-disposition", "attachment; filename=file.bin"),
            "/" => file("index.html"),
            path => file(path.trim_start_matches('/')),
        }
    })
}

/// A page of our own, or one of the kitchen sink that npm has brought beside the judge.
fn file(name: &str) -> Reply {
    let kitchen_sink = folder().join("judge/node_modules/cypress-example-kitchensink/app");
    let candidates = [
        folder().join("pages").join(name),
        kitchen_sink.join(name),
        kitchen_sink.join(format!("{name}.html")),
    ];
    let kind = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css",
        Some((_, "js")) => "text/javascript",
        _ => "text/html; charset=utf-8",
    };
    let mut texts = candidates.iter().map(std::fs::read_to_string);
    match texts.find_map(Result::ok) {
        Some(text) => Reply::typed(kind, &text),
        None => Reply::status(404, "<title>Missing</title>missing"),
    }
}

/// Plays the specs with WebdriverIO, all in one session.
pub fn judged(specs: &[String], base_url: &str) -> Outcomes {
    let judge = folder().join("judge");
    let out = tempfile::tempdir().unwrap();
    let written = out.path().join("judge.ndjson");
    let paths: Vec<String> = specs
        .iter()
        .map(|spec| folder().join(spec).display().to_string())
        .collect();
    let playing = Command::new("timeout")
        .args(["--kill-after=5", JUDGE_LIMIT_S])
        .args(["npx", "wdio", "run", "wdio.conf.mjs"])
        .current_dir(&judge)
        .env("JUDGE_OUT", &written)
        .env("JUDGE_SPECS", paths.join(";"))
        .env("JUDGE_WAIT", WAIT_MS)
        .env("BASE_URL", base_url)
        .env("NO_COLOR", "1")
        .env("CHROMIUM", "/usr/lib/chromium/chromium")
        .env("CHROMEDRIVER", "/usr/bin/chromedriver")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("npx: {error}; Node 20 or newer with npm is needed"));
    let group = playing.id();
    let said = playing.wait_with_output().unwrap();
    // A worker that hangs outlives its command; a group that is gone already is as it should be.
    let ended = Command::new("sh")
        .args(["-c", &format!("kill -KILL -- -{group} 2>/dev/null")])
        .status();
    drop(ended);
    let text = std::fs::read_to_string(&written).unwrap_or_else(|error| {
        panic!(
            "WebdriverIO played nothing: {error}; `cargo xtask test scripts` installs it\n{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        )
    });
    let mut outcomes = Outcomes::new();
    let mut current = Outcome::default();
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let member = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        match member("kind").as_str() {
            "console" => current.console.push(member("text")),
            // A hook that fails is a step of its own with us, or fails the test that it runs for.
            "hook" => {
                // A hook without a name has the name of what WebdriverIO wraps it in.
                let title = member("title").replace(": wrappedHook", "");
                let each =
                    title.starts_with("\"before each\"") || title.starts_with("\"after each\"");
                let of = title.split('"').rev().nth(1).filter(|_| each);
                let title = format!("{} {}", member("parent"), of.unwrap_or(&title));
                let mut outcome = std::mem::take(&mut current);
                outcome.error = first_line(&member("error"));
                outcomes.insert(title, outcome);
            }
            "command" => current.commands.push(member("name")),
            "end" => {
                current.passed = entry["passed"].as_bool().unwrap();
                current.error = first_line(&member("error"));
                let title = format!("{} {}", member("parent"), member("title"));
                // A test that is tried again goes on where it was.
                let mut outcome = std::mem::take(&mut current);
                if let Some(before) = outcomes.remove(&title) {
                    outcome.console.splice(0..0, before.console);
                    outcome.commands.splice(0..0, before.commands);
                }
                outcomes.insert(title, outcome);
            }
            _ => {}
        }
    }
    outcomes
}

/// Plays one spec with us; also answers what was said.
pub fn ours(spec: &str, base_url: &str) -> (Outcomes, String) {
    ours_with(spec, base_url, &[])
}

/// The same with more variables.
pub fn ours_with(spec: &str, base_url: &str, variables: &[(&str, &str)]) -> (Outcomes, String) {
    let out = tempfile::tempdir().unwrap();
    let root = folder();
    let said = canarytrace(&["run", "--script", spec, "--base-url", base_url, "--json"])
        .args(["--out", out.path().to_str().unwrap()])
        .current_dir(root)
        .env("WAIT_FOR_TIMEOUT", WAIT_MS)
        .env("CANARYTRACE_STEP_TIMEOUT", "20000")
        .env("CANARYTRACE_SETTLE", "0")
        .env("ATTACHMENTS", "no")
        .env("CANARYTRACE_HAR", "never")
        .env("CANARYTRACE_DOM", "never")
        .env("PERFORMANCE_ENTRIES_INTERCEPT", "no")
        .env("MEMORY_INTERCEPT", "no")
        .env("LOG_LEVEL", "info")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&said.stdout).into_owned();
    let lines = String::from_utf8_lossy(&said.stderr).into_owned();
    let record: Value = stdout
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| panic!("{spec}: no record\n{stdout}\n{lines}"));
    let mut heard = heard(&lines);
    let mut outcomes = Outcomes::new();
    for step in record["steps"].as_array().unwrap() {
        let verdict = &step["verdict"];
        let error = &verdict["facts"]["errorMessage"];
        let title = step["fullTitle"].as_str().unwrap().to_owned();
        let (key, mut outcome) = heard
            .iter()
            .position(|(heard, _)| title.ends_with(heard.as_str()))
            .map(|at| heard.remove(at))
            .unwrap_or_else(|| panic!("{spec}: {title} was not announced\n{lines}"));
        outcome.passed = verdict["outcome"] == "passed";
        outcome.error = first_line(error.as_str().or(verdict["detail"].as_str()).unwrap_or(""));
        outcomes.insert(key, outcome);
    }
    (outcomes, lines)
}

/// Console and commands between the lines that begin steps.
fn heard(lines: &str) -> Vec<(String, Outcome)> {
    let mut heard: Vec<(String, Outcome)> = Vec::new();
    // Of hooks of a suite, which come before its first step.
    let mut early = Outcome::default();
    let mut open = false;
    let mut said_last = false;
    for line in lines.lines() {
        if let Some(title) = line.strip_prefix("testStepStart: ") {
            heard.push((title.to_owned(), std::mem::take(&mut early)));
            open = true;
            said_last = false;
            continue;
        }
        open &= !line.starts_with("testStepEnd: ");
        let outcome = match heard.last_mut() {
            Some((_, outcome)) if open => outcome,
            _ => &mut early,
        };
        let Some(text) = line.strip_prefix("[0-0] ") else {
            // A text of several lines goes on; everything else that is said begins in a known way.
            let known = ["testStep", "20", "FAILED", "PASSED", "Canarytrace"];
            if let Some(last) = outcome.console.last_mut()
                && said_last
                && !known.iter().any(|start| line.starts_with(start))
            {
                last.push('\n');
                last.push_str(line);
            } else {
                said_last = false;
            }
            continue;
        };
        said_last = !text.starts_with("INFO webdriver: ");
        match text.strip_prefix("INFO webdriver: ") {
            None => outcome.console.push(text.to_owned()),
            Some(command) => {
                let name = protocol_command(command);
                if CHANGES.contains(&name) {
                    outcome.commands.push(name.to_owned());
                }
            }
        }
    }
    heard
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}

/// What differs of one test, in words.
pub fn differences(theirs: &Outcome, ours: &Outcome) -> Vec<String> {
    let mut differences = Vec::new();
    if theirs.passed != ours.passed {
        let word = |outcome: &Outcome| match outcome.passed {
            true => "passed".to_owned(),
            false => format!("failed: {}", outcome.error),
        };
        differences.push(format!("judge {}; ours {}", word(theirs), word(ours)));
    } else if theirs.error != ours.error {
        differences.push(format!(
            "error\n    judge {}\n    ours  {}",
            theirs.error, ours.error
        ));
    }
    if theirs.console != ours.console {
        differences.push(format!(
            "console\n    judge {:?}\n    ours  {:?}",
            theirs.console, ours.console
        ));
    }
    if theirs.commands != ours.commands {
        differences.push(format!(
            "commands\n    judge {}\n    ours  {}",
            theirs.commands.join(" "),
            ours.commands.join(" ")
        ));
    }
    differences
}

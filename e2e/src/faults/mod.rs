//! Faults caused for real, and whom a run must blame for each.

mod journeys;
mod ours;
mod pages;
mod world;

use std::{fmt::Write, time::Instant};

use serde_json::Value;

pub use world::World;

/// Causes a fault and answers `run.json`.
pub type Cause = fn(&World) -> Value;

/// One fault.
pub struct Fault {
    pub name: &'static str,
    /// `verdict.cause` that is right; `passed` when the run must not mind.
    pub wanted: &'static str,
    pub cause: Cause,
}

/// What a run made of a fault.
#[derive(Debug)]
pub struct Judged {
    pub name: &'static str,
    pub wanted: &'static str,
    pub got: String,
    pub detail: String,
    pub facts: String,
    pub seconds: f64,
}

impl Judged {
    pub fn is_right(&self) -> bool {
        self.got == self.wanted
    }

    /// The worst mistake: the site is blamed for a fault of ours.
    pub fn is_slander(&self) -> bool {
        let ours = [
            "network",
            "script",
            "browser",
            "runner",
            "configuration",
            "passed",
        ];
        ours.contains(&self.wanted) && self.got == "site"
    }
}

/// Every fault there is.
pub fn all() -> Vec<Fault> {
    [pages::faults(), journeys::faults(), ours::faults()]
        .into_iter()
        .flatten()
        .collect()
}

/// Causes a fault once.
pub fn judge(world: &World, fault: &Fault) -> Judged {
    let started = Instant::now();
    let record = (fault.cause)(world);
    let verdict = &record["verdict"];
    let outcome = verdict["outcome"].as_str().unwrap_or("no verdict");
    Judged {
        name: fault.name,
        wanted: fault.wanted,
        got: verdict["cause"].as_str().unwrap_or(outcome).to_owned(),
        detail: verdict["detail"].as_str().unwrap_or_default().to_owned(),
        facts: verdict["facts"].to_string(),
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// A Markdown table, one line a fault: how often it was judged right, and the sentence of its first run.
pub fn table(judged: &[Judged]) -> String {
    let mut text = "| fault | blame | right | what the run says |\n|---|---|---|---|\n".to_owned();
    let mut names: Vec<&str> = judged.iter().map(|one| one.name).collect();
    names.dedup();
    for name in names {
        let runs: Vec<&Judged> = judged.iter().filter(|one| one.name == name).collect();
        let right = runs.iter().filter(|one| one.is_right()).count();
        let first = runs[0];
        writeln!(
            text,
            "| {name} | {} | {right}/{} | {} |",
            first.wanted,
            runs.len(),
            readable(&first.detail)
        )
        .unwrap();
    }
    text
}

/// Ports, ids and folders differ from run to run.
fn readable(detail: &str) -> String {
    let mut text = String::new();
    let mut rest = detail.replace('|', "/").replace('\n', " ");
    for (from, to) in [
        ("127.0.0.1:", "127.0.0.1:PORT"),
        ("/tmp/.tmp", "DIR"),
        ("pid ", "pid N"),
    ] {
        text.clear();
        let mut parts = rest.split(from);
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            text.push_str(to);
            text.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
        }
        rest.clone_from(&text);
    }
    rest.chars().take(220).collect()
}

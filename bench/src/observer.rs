//! What watching costs the page: load and LCP as the page itself reports them to its server. Watched by nobody, by each
//! DevTools domain alone, and by a run with the default collectors, in turns.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use canarytrace_driver::find_browser;
use canarytrace_e2e::{
    canarytrace, eventually,
    web::{Reply, Web},
};
use canarytrace_history::Random;
use serde_json::{Value, json};

use crate::{
    bare::{BareBrowser, PageSocket},
    median,
};

const PAGE: &str = "<!doctype html><title>Observed</title><link rel=stylesheet href=/style.css><h1 style='font-size:6rem'>A large paint</h1><div id=list></div>\
<script src=/script.js></script><img src=/a.svg width=400 height=300><img src=/b.svg width=400 height=300>\
<script>let lcp = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) lcp = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });\
addEventListener('load', () => setTimeout(() => { const [entry] = performance.getEntriesByType('navigation'); navigator.sendBeacon('/beacon', JSON.stringify({ load: entry.loadEventEnd, lcp })); }, 400));</script>";
const SCRIPT: &str = "for (let i = 0; i < 3000; i++) { performance.mark('m' + i); const e = document.createElement('p'); e.textContent = 'line ' + i; document.getElementById('list').append(e); } for (let i = 0; i < 20; i++) fetch('/data.json?' + i);";
const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3'><rect width='4' height='3' fill='teal'/></svg>";
/// As a run settles its browser.
const SETTLE: Duration = Duration::from_millis(600);
const RESAMPLES: usize = 2000;

/// Who watches a visit.
enum Watch {
    /// The page is opened and left alone.
    Nobody,
    /// These commands are answered before the page is opened.
    Domains(&'static [(&'static str, &'static str)]),
    /// A monitor with its defaults.
    Run,
}

const WATCHES: [(&str, Watch); 12] = [
    ("nobody", Watch::Nobody),
    ("attached, no domain", Watch::Domains(&[])),
    ("Page", Watch::Domains(&[("Page.enable", "{}")])),
    ("Network", Watch::Domains(&[("Network.enable", "{}")])),
    ("Runtime", Watch::Domains(&[("Runtime.enable", "{}")])),
    (
        "Log + Console",
        Watch::Domains(&[("Log.enable", "{}"), ("Console.enable", "{}")]),
    ),
    (
        "early script",
        Watch::Domains(&[("Page.enable", "{}"), (EARLY, "")]),
    ),
    (
        "request interception",
        Watch::Domains(&[(
            "Fetch.enable",
            r#"{"patterns":[{"urlPattern":"http://elsewhere.invalid/*"}]}"#,
        )]),
    ),
    (
        "JS coverage, functions",
        Watch::Domains(&[
            ("Profiler.enable", "{}"),
            (
                "Profiler.startPreciseCoverage",
                r#"{"callCount":false,"detailed":false}"#,
            ),
        ]),
    ),
    (
        "CSS coverage",
        Watch::Domains(&[
            ("DOM.enable", "{}"),
            ("CSS.enable", "{}"),
            ("CSS.startRuleUsageTracking", "{}"),
        ]),
    ),
    (
        "screencast",
        Watch::Domains(&[(
            "Page.startScreencast",
            r#"{"format":"jpeg","quality":50,"maxWidth":640,"maxHeight":640}"#,
        )]),
    ),
    ("run with its defaults", Watch::Run),
];
const EARLY: &str = "Page.addScriptToEvaluateOnNewDocument";
const EARLY_SCRIPT: &str = include_str!("../../crates/runner/src/js/early.js");

/// What one visit reported, ms.
#[derive(Clone, Copy)]
struct Reported {
    load: f64,
    lcp: f64,
}

pub(crate) fn observer(rounds: u64) -> Result<()> {
    let site = Web::start(|asked| match asked.path.as_str() {
        "/" => Reply::page(PAGE),
        "/script.js" => Reply::typed("text/javascript", SCRIPT),
        "/style.css" => Reply::typed("text/css", "body{margin:2rem}"),
        "/data.json" | "/beacon" => Reply::typed("application/json", "{}"),
        _ => Reply::typed("image/svg+xml", PICTURE),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let path = std::env::var_os("PATH").context("no PATH")?;
    let browser = find_browser(None, &path)?.path;
    let mut reported: Vec<Vec<Reported>> = WATCHES.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        // In another order each time: what is done right after a heavy one would pay for it.
        let shift = usize::try_from(round).unwrap_or(0) * 5;
        for position in 0..WATCHES.len() {
            let index = (position + shift) % WATCHES.len();
            let one = match &WATCHES[index].1 {
                Watch::Nobody => runtime.block_on(opened(&site, &browser, None))?,
                Watch::Domains(domains) => {
                    runtime.block_on(opened(&site, &browser, Some(domains)))?
                }
                Watch::Run => by_a_run(&site)?,
            };
            // The first round warms the disk's cache.
            if round > 0 {
                reported[index].push(one);
            }
        }
    }
    println!(
        "observer effect against nobody, {rounds} rounds (goal of the defaults: within 2 %); median of the rounds' differences, 95 % interval"
    );
    for (index, (name, _)) in WATCHES.iter().enumerate().skip(1) {
        let load = effect(&reported[0], &reported[index], |one| one.load);
        let lcp = effect(&reported[0], &reported[index], |one| one.lcp);
        println!("  {name:24} load {load}   LCP {lcp}");
    }
    let alone = |pick: fn(&Reported) -> f64| median(reported[0].iter().map(pick).collect());
    println!(
        "  nobody: load {:.1} ms, LCP {:.1} ms",
        alone(|one| one.load),
        alone(|one| one.lcp)
    );
    Ok(())
}

/// The median difference of the pairs, percent, with its bootstrap interval.
fn effect(alone: &[Reported], watched: &[Reported], pick: fn(&Reported) -> f64) -> String {
    let differences: Vec<f64> = alone
        .iter()
        .zip(watched)
        .map(|(alone, watched)| (pick(watched) / pick(alone) - 1.0) * 100.0)
        .collect();
    let mut random = Random::new(7);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut any = || {
                let index = random.below(differences.len() as u64);
                differences[usize::try_from(index).unwrap_or(0)]
            };
            median(differences.iter().map(|_| any()).collect())
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled[(share * (RESAMPLES - 1) as f64) as usize];
    format!(
        "{:+5.1} % ({:+.1} to {:+.1})",
        median(differences),
        at(0.025),
        at(0.975)
    )
}

/// Waits for the beacon after the first `before` ones.
fn beacon(site: &Web, before: usize) -> Result<Reported> {
    let body = eventually("the page's beacon", Duration::from_secs(20), || {
        let asked = site.asked();
        let mut beacons = asked.into_iter().filter(|asked| asked.path == "/beacon");
        beacons.nth(before).map(|asked| asked.body)
    });
    let value: Value = serde_json::from_slice(&body)?;
    let number = |name: &str| value.get(name).and_then(Value::as_f64).context("no number");
    Ok(Reported {
        load: number("load")?,
        lcp: number("lcp")?,
    })
}

/// A settled browser that is told to open the page. With no `domains` nobody stays attached to it.
async fn opened(site: &Web, browser: &Path, domains: Option<&[(&str, &str)]>) -> Result<Reported> {
    let before = site.count("/beacon");
    let bare = BareBrowser::start(browser).await?;
    tokio::time::sleep(SETTLE).await;
    let mut page = PageSocket::open(&bare.socket).await?;
    for (method, params) in domains.unwrap_or_default() {
        let params = match *method {
            EARLY => json!({"source": EARLY_SCRIPT, "worldName": "canarytrace"}),
            _ => serde_json::from_str(params)?,
        };
        page.call(method, &params).await?;
    }
    page.send("Page.navigate", &json!({"url": site.page("/")}))
        .await?;
    if domains.is_none() {
        page.close().await?;
        let reported = tokio::task::block_in_place(|| beacon(site, before))?;
        bare.end().await?;
        return Ok(reported);
    }
    let mut reading = tokio::task::JoinSet::new();
    reading.spawn(page.read());
    let reported = tokio::task::block_in_place(|| beacon(site, before))?;
    reading.shutdown().await;
    bare.end().await?;
    Ok(reported)
}

/// A monitor with its defaults.
fn by_a_run(site: &Web) -> Result<Reported> {
    let before = site.count("/beacon");
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("canarytrace.yaml");
    let text = format!(
        "version: 1\nmonitors:\n  - id: observed\n    urls: [\"{}\"]\n",
        site.page("/")
    );
    std::fs::write(&config, text)?;
    let output = canarytrace(&["run", "--monitor", "observed"])
        .arg("--config")
        .arg(&config)
        .arg("--out")
        .arg(folder.path())
        .output()?;
    ensure!(output.status.success(), "the run failed: {output:?}");
    beacon(site, before)
}

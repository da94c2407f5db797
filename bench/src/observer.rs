//! What watching costs the page: load and LCP as the page itself reports them to its server, watched by a run with the
//! default collectors against watched by nobody, in turns.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use canarytrace_driver::find_browser;
use canarytrace_e2e::{
    canarytrace, eventually,
    kills::Random,
    web::{Reply, Web},
};
use serde_json::Value;

use crate::{bare::BareBrowser, median};

const PAGE: &str = "<!doctype html><title>Observed</title><link rel=stylesheet href=/style.css><h1 style='font-size:6rem'>A large paint</h1><div id=list></div>\
<script src=/script.js></script><img src=/a.svg width=400 height=300><img src=/b.svg width=400 height=300>\
<script>let lcp = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) lcp = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });\
addEventListener('load', () => setTimeout(() => { const [entry] = performance.getEntriesByType('navigation'); navigator.sendBeacon('/beacon', JSON.stringify({ load: entry.loadEventEnd, lcp })); }, 400));</script>";
const SCRIPT: &str = "for (let i = 0; i < 3000; i++) { performance.mark('m' + i); const e = document.createElement('p'); e.textContent = 'line ' + i; document.getElementById('list').append(e); } for (let i = 0; i < 20; i++) fetch('/data.json?' + i);";
const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3'><rect width='4' height='3' fill='teal'/></svg>";
/// As a run settles its browser.
const SETTLE: Duration = Duration::from_millis(600);
const RESAMPLES: usize = 2000;

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
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let one = runtime.block_on(unwatched(&site, &browser))?;
        let other = by_a_run(&site)?;
        // The first pair warms the disk's cache.
        if round > 0 {
            alone.push(one);
            watched.push(other);
        }
    }
    println!("observer effect, {rounds} visits each, in turns (goal within 2 %)");
    report("load", &alone, &watched, |reported| reported.load);
    report("LCP", &alone, &watched, |reported| reported.lcp);
    Ok(())
}

fn report(name: &str, alone: &[Reported], watched: &[Reported], pick: fn(&Reported) -> f64) {
    let (alone, watched): (Vec<f64>, Vec<f64>) = (
        alone.iter().map(pick).collect(),
        watched.iter().map(pick).collect(),
    );
    let ratio =
        |alone: Vec<f64>, watched: Vec<f64>| (median(watched) / median(alone) - 1.0) * 100.0;
    let mut random = Random(7);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut draw = |values: &[f64]| -> Vec<f64> {
                let any = |random: &mut Random| {
                    let index = random.below(values.len() as u64);
                    values[usize::try_from(index).unwrap_or(0)]
                };
                values.iter().map(|_| any(&mut random)).collect()
            };
            ratio(draw(&alone), draw(&watched))
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled[(share * (RESAMPLES - 1) as f64) as usize];
    println!(
        "  {name:5} {:.1} ms alone, {:.1} ms watched: {:+.1} % (95 % between {:+.1} and {:+.1} %)",
        median(alone.clone()),
        median(watched.clone()),
        ratio(alone, watched),
        at(0.025),
        at(0.975)
    );
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

/// A settled browser that is told by a plain request to open the page; nothing is attached to it.
async fn unwatched(site: &Web, browser: &Path) -> Result<Reported> {
    let before = site.count("/beacon");
    let bare = BareBrowser::start(browser).await?;
    let address = bare
        .socket
        .split('/')
        .nth(2)
        .context("no address")?
        .to_owned();
    tokio::time::sleep(SETTLE).await;
    let request = format!(
        "PUT /json/new?{} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        site.page("/")
    );
    let mut stream = TcpStream::connect(&address)?;
    stream.write_all(request.as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    ensure!(answer.ends_with(b"200"), "the browser opened no page");
    let reported = tokio::task::block_in_place(|| beacon(site, before))?;
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

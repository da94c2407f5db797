//! The web UI as a person's browser has it: how soon each page is drawn and complete, how long it lets nobody do anything, and
//! what a tab that is open for long keeps.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use canarytrace_driver::find_browser;
use canarytrace_e2e::{Server, request};
use serde_json::{Value, json};

use crate::{
    bare::{BareBrowser, PageSocket},
    fed, median,
};

const MONITORS: usize = 24;
const DAYS: u32 = 30;
const PANELS: usize = 100;
const VISITS: usize = 5;
const LIMIT: Duration = Duration::from_secs(120);
/// How often the memory of the tab that stays open is asked.
const SAMPLES: u64 = 10;

/// Before anything of a page: long tasks, and when nothing is loaded any more.
const EARLY: &str = "window.bench = { tasks: [], complete: 0 };
new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) bench.tasks.push(duration); }).observe({ type: 'longtask', buffered: true });
new MutationObserver(() => {
  const { complete } = document.documentElement?.dataset ?? {};
  bench.complete = complete === 'yes' ? bench.complete || performance.now() : 0;
}).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-complete'] });";
/// It stays complete: a page that only asks again at once is not.
const STATE: &str = "JSON.stringify({ complete: bench.complete && performance.now() - bench.complete > 300 ? bench.complete : 0,
  paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, tasks: bench.tasks })";

/// One visit, ms.
struct Visit {
    paint: f64,
    complete: f64,
    long_tasks: Vec<f64>,
}

/// `seconds`: how long the tab stays open.
pub(crate) fn ui(documents: u64, seconds: u64) -> Result<()> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &["--only", "store,ui"]);
    let stored = fed::recent(&server.url, documents, DAYS, MONITORS)?;
    hundred(&server.url)?;
    let (monitor, run) = newest(&server.url)?;
    let pages = [
        ("nothing (floor)", "/nowhere".to_owned()),
        ("Overview", "/".to_owned()),
        (
            "Monitor, 7 days",
            format!("/monitors/{monitor}?from=now-7d&to=now"),
        ),
        ("Runs", "/runs".to_owned()),
        ("Run", format!("/runs/{run}")),
        ("Compare", format!("/compare?run={run}")),
        ("Discover, 24 h", "/discover".to_owned()),
        (
            "Discover, 30 days",
            "/discover?from=now-30d&to=now".to_owned(),
        ),
        ("Errors", "/errors".to_owned()),
        (
            "Dashboard, 24 h",
            "/dashboards/8c05ebd0-f282-11ea-8699-c53eab9b6869".to_owned(),
        ),
        ("100 panels, 24 h", "/dashboards/hundred".to_owned()),
        (
            "100 panels, 30 days",
            "/dashboards/hundred?from=now-30d&to=now".to_owned(),
        ),
        ("Stack", "/stack".to_owned()),
    ];
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let path = std::env::var_os("PATH").context("no PATH")?;
        let browser = BareBrowser::start(&find_browser(None, &path)?.path).await?;
        let mut page = PageSocket::open(&browser.socket).await?;
        page.call("Page.enable", &json!({})).await?;
        page.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": EARLY}))
            .await?;
        println!("{stored} documents of {DAYS} days; median of {VISITS} visits, ms (goal: first paint under 1000)");
        println!("  {:22} {:>7} {:>9} {:>7} {:>11} {:>8}", "page", "paint", "complete", "ratio", "long tasks", "longest");
        let mut floor = None;
        for (name, path) in &pages {
            let mut visits = Vec::new();
            for _ in 0..VISITS {
                visits.push(visit(&mut page, &format!("{}{path}", server.url)).await?);
            }
            report(name, &visits, &mut floor);
        }
        stay_open(&mut page, &server.url, seconds).await?;
        browser.end().await
    })
}

fn report(name: &str, visits: &[Visit], floor: &mut Option<f64>) {
    let of = |pick: fn(&Visit) -> f64| median(visits.iter().map(pick).collect());
    let complete = of(|visit| visit.complete);
    let floor = *floor.get_or_insert(complete);
    println!(
        "  {name:22} {:7.0} {complete:9.0} {:6.1}x {:11.0} {:8.0}",
        of(|visit| visit.paint),
        complete / floor,
        of(|visit| visit.long_tasks.len() as f64),
        of(|visit| visit.long_tasks.iter().copied().fold(0.0, f64::max)),
    );
}

/// Panels of the established dashboards, again and again.
fn hundred(server: &str) -> Result<()> {
    let list = request("GET", &format!("{server}/api/v1/saved/dashboards"), &[], "").1;
    let mut panels: Vec<Value> = Vec::new();
    for own in list["saved"].as_array().into_iter().flatten() {
        let id = own["id"].as_str().context("a dashboard without an id")?;
        let place = format!("{server}/api/v1/saved/dashboards/{id}");
        let dashboard = request("GET", &place, &[], "").1;
        let own = dashboard["body"]["panels"].as_array().cloned();
        panels.extend(own.unwrap_or_default().into_iter().filter(|panel| {
            !["markdown", "control"].contains(&panel["chart"]["kind"].as_str().unwrap_or_default())
        }));
    }
    let panels: Vec<Value> = panels
        .into_iter()
        .cycle()
        .take(PANELS)
        .enumerate()
        .map(|(number, mut panel)| {
            panel["id"] = json!(format!("p{number}"));
            panel["grid"] = json!({"x": number % 4 * 12, "y": number / 4 * 10, "w": 12, "h": 10});
            panel
        })
        .collect();
    ensure!(panels.len() == PANELS, "there are no panels");
    let body = json!({"body": {"title": "A hundred", "range": {"from": "now-24h", "to": "now"}, "panels": panels}});
    let headers = [("content-type", "application/json")];
    let place = format!("{server}/api/v1/saved/dashboards/hundred");
    let (status, said) = request("PUT", &place, &headers, &body.to_string());
    ensure!(status < 300, "{said}");
    Ok(())
}

/// Monitor and id of the newest run that failed.
fn newest(server: &str) -> Result<(String, String)> {
    let body = json!({"size": 1, "query": {"term": {"passed": false}}, "sort": [{"timestamp": "desc"}], "_source": ["monitor", "uuid"]});
    let headers = [("content-type", "application/json")];
    let place = format!("{server}/c.run-*/_search");
    let answer = request("POST", &place, &headers, &body.to_string()).1;
    let source = &answer["hits"]["hits"][0]["_source"];
    let text = |name: &str| source[name].as_str().map(str::to_owned);
    text("monitor").zip(text("uuid")).context("no run failed")
}

async fn evaluate(page: &mut PageSocket, expression: &str) -> Result<Value> {
    let asked = json!({"expression": expression, "returnByValue": true});
    let mut answer = page.call("Runtime.evaluate", &asked).await?;
    ensure!(
        answer["exceptionDetails"].is_null(),
        "{}",
        answer["exceptionDetails"]
    );
    Ok(answer["result"]["value"].take())
}

async fn visit(page: &mut PageSocket, url: &str) -> Result<Visit> {
    // From another page: an address of the same one would not be loaded anew.
    page.call("Page.navigate", &json!({"url": "about:blank"}))
        .await?;
    page.call("Page.navigate", &json!({"url": url})).await?;
    let began = Instant::now();
    loop {
        let state = evaluate(page, STATE).await?;
        let state: Value = serde_json::from_str(state.as_str().unwrap_or("{}"))?;
        let number = |name: &str| state[name].as_f64().unwrap_or(0.0);
        if number("complete") > 0.0 {
            let tasks = state["tasks"].as_array();
            return Ok(Visit {
                paint: number("paint"),
                complete: number("complete"),
                long_tasks: tasks
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_f64)
                    .collect(),
            });
        }
        ensure!(
            began.elapsed() < LIMIT,
            "{url} is not complete after {LIMIT:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A tab that loads all panels every second, an hour at the usual ten seconds in six minutes; what is garbage is collected
/// before it is measured.
async fn stay_open(page: &mut PageSocket, server: &str, seconds: u64) -> Result<()> {
    let url = format!("{server}/dashboards/hundred?refresh=1");
    page.call("Page.navigate", &json!({"url": url})).await?;
    page.call("HeapProfiler.enable", &json!({})).await?;
    let mut sizes = Vec::new();
    for _ in 0..SAMPLES {
        tokio::time::sleep(Duration::from_secs(seconds / SAMPLES)).await;
        page.call("HeapProfiler.collectGarbage", &json!({})).await?;
        let usage = page.call("Runtime.getHeapUsage", &json!({})).await?;
        sizes.push(usage["usedSize"].as_f64().context("no size")? / 1e6);
    }
    let listed: Vec<String> = sizes.iter().map(|size| format!("{size:.1}")).collect();
    let half = sizes.len() / 2;
    let growth = sizes[sizes.len() - 1] / sizes[half];
    println!(
        "  100 panels loaded every second for {seconds} s: heap {} MB; the last is {growth:.2} times that of half the time (goal: no growth)",
        listed.join(", ")
    );
    Ok(())
}

//! What judging costs: a thousand rules over the documents of a day, and how long a message takes from a stored document.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use canarytrace_e2e::{
    Server, canarytrace, request,
    web::{Reply, Web},
};
use canarytrace_model::time::Moment;
use serde_json::json;

use crate::fed;

const NDJSON: &[(&str, &str)] = &[("content-type", "application/x-ndjson")];
const RULES: usize = 1000;
const MONITORS: usize = 48;
const ROUNDS: usize = 3;
/// A channel's rate: what is beyond would come as one summary.
const MESSAGES: usize = 9;

pub(crate) fn alerts(documents: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let server = Server::start(&data, &["--only", "store"]);
    let stored = fed::recent(&server.url, documents, 1, MONITORS)?;
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, thousand())?;
    let rules = rules.to_string_lossy().into_owned();
    println!("{RULES} rules over {stored} documents of a day");
    for round in 0..ROUNDS {
        let (took, memory) = listen(&server.url, &rules)?;
        println!(
            "  round {}: {:.2} s, at most {:.0} MB in the listener (goal: 5 s, 100 MB)",
            round + 1,
            took.as_secs_f64(),
            memory as f64 / 1e6
        );
    }
    drop(server);
    latency()
}

/// All kinds of rules, each a hundred times with other limits and monitors.
fn thousand() -> String {
    let mut rules = "rules:\n".to_owned();
    for number in 0..RULES / 10 {
        let kinds = [
            format!(
                "type: range, index: c.performance-entries, filter: [{{field: loadEventEnd, operator: gte, value: {}}}], min: 5",
                500 + number * 50
            ),
            format!(
                "type: range, index: c.performance-entries, filter: [{{field: responseTime, operator: gte, value: {}}}], min: 10",
                100 + number * 30
            ),
            format!(
                "type: match, index: c.report, field: passed, operator: must, expected: false, min: {}",
                1 + number % 5
            ),
            format!(
                "type: contains, index: c.request-log, field: response.headers.content-type, value: javascript, expression: {{field: response.headers.content-encoding, operator: must_not, values: [gzip, br]}}, min: {}",
                10 + number
            ),
            format!(
                "type: range, index: c.request-log, field: response.status, operator: gte, value: '{}', min: 5",
                400 + number
            ),
            format!(
                "index: c.vitals, window: 1h, when: {{statistic: {{field: lcp, of: p75, above: {}, minimum: 3}}}}, by: monitor",
                1000 + number * 20
            ),
            format!(
                "index: c.request-log, window: 1h, when: {{ratio: {{of: 'response.status >= 400', above_percent: {}}}}}",
                1 + number % 50
            ),
            format!(
                "index: c.run, when: {{runs: {{failed: {}, of: 5}}}}",
                1 + number % 5
            ),
            format!(
                "index: c.run, query: 'monitor: *-{}', when: {{consecutive: 2}}",
                number % MONITORS
            ),
            format!(
                "index: c.run, when: {{burn_rate: {{objective: 99, above: {}, long: 1h, short: 10m, minimum: 2}}}}",
                2 + number % 40
            ),
        ];
        for (kind, rule) in kinds.iter().enumerate() {
            rules.push_str(&format!(
                "- {{ title: 'rule {number} {kind}', {rule}, score: 40, notify: never, reporters: [{{type: slack}}] }}\n"
            ));
        }
    }
    rules
}

/// One round in a process of its own: how long, and its largest memory, bytes.
fn listen(store: &str, rules: &str) -> Result<(Duration, u64)> {
    let began = Instant::now();
    let mut child = canarytrace(&["listen", "--store", store, "--rules", rules, "--once"])
        .env("DM_HEALTHCHECK", "no")
        .env("ELASTIC_REQUEST_TIMEOUT", "60000")
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let code = loop {
        if let Some(found) = std::fs::read_to_string(&status_file).ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        }) {
            memory = memory.max(found * 1024);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    };
    if !code.success() {
        bail!("listen ended with {code}");
    }
    Ok((began.elapsed(), memory))
}

/// From a stored document to a message at its receiver, in a server as people run it.
fn latency() -> Result<()> {
    let web = Web::start(|_| Reply::status(200, "ok"));
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("canarytrace.yaml");
    std::fs::write(
        &config,
        format!(
            "version: 1\nlistener: {{ slack: {{ webhook: \"{}\" }} }}\n",
            web.url
        ),
    )?;
    let config = config.to_string_lossy().into_owned();
    let data = folder.path().join("data");
    let server = Server::start(&data, &["--config", &config, "--only", "store,listener"]);
    let mut times = Vec::new();
    for number in 0..MESSAGES {
        let before = web.asked().len();
        let mut body = String::new();
        for minutes in [2, 1] {
            let at = Moment::from_epoch_ms(Moment::now().epoch_ms() - minutes * 60_000);
            let action = json!({"create": {"_index": format!("c.run-{}", at.index_date())}});
            let run = json!({
                "uuid": format!("{:032x}", at.epoch_ms() + number as i64), "monitor": format!("m{number}"), "timestamp": at.to_string(),
                "passed": false, "verdict": {"cause": "site", "facts": {"url": format!("https://m{number}.example/")}},
            });
            body.push_str(&format!("{action}\n{run}\n"));
        }
        let (status, _) = request("POST", &format!("{}/_bulk", server.url), NDJSON, &body);
        if status != 200 {
            bail!("the store answered {status}");
        }
        let began = Instant::now();
        while web.asked().len() == before {
            if began.elapsed() > Duration::from_secs(60) {
                bail!("no message within a minute");
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).context("nothing was measured")?;
    println!(
        "from a document stored to its Slack message: median {median:.2} s, at most {:.2} s (goal: 5 s)",
        times.last().context("nothing was measured")?
    );
    Ok(())
}

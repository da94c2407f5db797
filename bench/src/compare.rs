//! Whether `compare` tells noise from change: runs of a page as it is and with a fifth more load, drawn at random into two
//! sets of ten.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use canarytrace_e2e::{
    canarytrace,
    web::{Reply, Web},
};
use canarytrace_history::Random;
use canarytrace_model::statistics::Comparison;
use serde_json::Value;

use crate::median;

const N: usize = 10;
const TRIALS: usize = 300;
const METRICS: [&str; 5] = ["load", "lcp", "fcp", "ttfb", "cls"];
/// How much slower the changed page is.
const PLANTED: f64 = 0.2;
/// Runs that the page's usual load is taken from.
const FIRST: u64 = 5;

/// How long the server thinks: a page over a network, not one out of memory.
const DOCUMENT: Duration = Duration::from_millis(150);
const PART: Duration = Duration::from_millis(100);

/// A page that takes so much longer for its work.
fn page(more: Duration) -> Web {
    let html = format!(
        "<!doctype html><title>Compared</title><link rel=stylesheet href=/style.css><h1>Compared</h1><div id=list></div>\
         <script src=/script.js></script><script>const from = performance.now(); while (performance.now() - from < {});</script>",
        50.0 + more.as_secs_f64() * 1000.0
    );
    Web::start(move |asked| {
        let (pause, reply) = match asked.path.as_str() {
            "/" => (DOCUMENT, Reply::page(&html)),
            "/script.js" => (
                PART * 2,
                Reply::typed(
                    "text/javascript",
                    "for (let i = 0; i < 2000; i++) { const e = document.createElement('p'); e.textContent = 'line ' + i; document.getElementById('list').append(e); }",
                ),
            ),
            _ => (PART, Reply::typed("text/css", "body{margin:2rem}")),
        };
        Reply::After(pause, Box::new(reply))
    })
}

/// What one run measured, in the order of [`METRICS`].
type Run = [f64; METRICS.len()];

fn measure(web: &Web) -> Result<Run> {
    let out = tempfile::tempdir()?;
    let output = canarytrace(&["run", &web.page("/"), "--out"])
        .arg(out.path())
        .output()?;
    ensure!(output.status.success(), "the run failed: {output:?}");
    let run = std::fs::read_dir(out.path())?.next().context("no run")??;
    vitals(&run.path())
}

fn vitals(run: &Path) -> Result<Run> {
    let text = std::fs::read_to_string(run.join("documents.ndjson"))?;
    let mut lines = text.lines();
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        if action.contains("-vitals-") {
            let vitals: Value = serde_json::from_str(source)?;
            return Ok(METRICS.map(|name| vitals[name].as_f64().unwrap_or(0.0)));
        }
    }
    anyhow::bail!("no vitals")
}

pub(crate) fn compare(pool: u64) -> Result<()> {
    let usual = page(Duration::ZERO);
    let first: Vec<Run> = (0..FIRST).map(|_| measure(&usual)).collect::<Result<_>>()?;
    let base = loads(&first);
    let slower = page(Duration::from_secs_f64(base * PLANTED / 1000.0));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for _ in 0..pool {
        before.push(measure(&usual)?);
        after.push(measure(&slower)?);
    }
    let mut random = Random::new(11);
    let alarms = share(|| {
        let drawn = draw(&before, 2 * N, &mut random);
        is_slower(&drawn[..N], &drawn[N..])
    });
    let found = share(|| {
        let (before, after) = (draw(&before, N, &mut random), draw(&after, N, &mut random));
        is_slower(&before, &after)
    });
    println!(
        "compare, {pool} runs of each page, load {:.1} ms and {:.1} ms, {TRIALS} trials with N = {N}",
        loads(&before),
        loads(&after)
    );
    for (name, runs) in [("unchanged", &before), ("slower", &after)] {
        let mut loads: Vec<f64> = runs.iter().map(|run| run[0]).collect();
        loads.sort_by(f64::total_cmp);
        println!("  {name:9} load {loads:.0?}");
    }
    println!("  false alarms {alarms:.1} % (goal below 5 %)");
    println!(
        "  planted +{:.0} % found in {found:.1} % (goal at least 80 %)",
        PLANTED * 100.0
    );
    Ok(())
}

fn loads(runs: &[Run]) -> f64 {
    median(runs.iter().map(|run| run[0]).collect())
}

/// As `canarytrace compare` answers 1.
fn is_slower(before: &[Run], after: &[Run]) -> bool {
    let of = |runs: &[Run], index: usize| runs.iter().map(|run| run[index]).collect::<Vec<_>>();
    (0..METRICS.len()).any(|index| {
        let comparison = Comparison::of(&of(before, index), &of(after, index));
        comparison.is_some_and(|comparison| comparison.is_change() && comparison.shift > 0.0)
    })
}

/// Different ones, in any order.
fn draw(values: &[Run], count: usize, random: &mut Random) -> Vec<Run> {
    let mut left = values.to_vec();
    (0..count.min(values.len()))
        .map(|_| {
            let index = random.below(left.len() as u64);
            left.swap_remove(usize::try_from(index).unwrap_or(0))
        })
        .collect()
}

fn share(mut trial: impl FnMut() -> bool) -> f64 {
    let hits = (0..TRIALS).filter(|_| trial()).count();
    hits as f64 * 100.0 / TRIALS as f64
}

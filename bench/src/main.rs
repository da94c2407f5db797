//! Benchmarks: `cargo xtask bench [run|script|store|kills [count [seed]]|store-kills [count [seed]]|faults [times]|alerts [documents]|ui [documents [seconds]]|observer [rounds]|compare [trials]|month [documents [alone]]|random [count [seed]]]`. Prints ratios against a floor or a peer measured in the same run.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark talks to a person"
)]

mod alerts;
mod bare;
mod compare;
mod faults;
mod fed;
mod floor;
mod kills;
mod month;
mod observer;
mod peers;
mod random;
mod run;
mod script;
mod site;
mod store;
mod ui;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = if wanted.is_empty() {
        vec!["store", "run"]
    } else {
        wanted.iter().map(String::as_str).collect()
    };
    let done = match names.as_slice() {
        ["kills", rest @ ..] => bench_kills(rest),
        ["store-kills", rest @ ..] => bench_store_kills(rest),
        ["observer", rest @ ..] => number(rest, 0, 15).and_then(observer::observer),
        ["compare", rest @ ..] => number(rest, 0, 20).and_then(compare::compare),
        ["month", rest @ ..] => bench_month(rest),
        ["random", rest @ ..] => bench_random(rest),
        ["alerts", rest @ ..] => number(rest, 0, 1_000_000).and_then(alerts::alerts),
        ["ui", rest @ ..] => bench_ui(rest),
        ["faults", rest @ ..] => number(rest, 0, 5).and_then(faults::faults),
        names => names.iter().try_for_each(|name| bench(name)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `[count [seed]]`
fn bench_kills(rest: &[&str]) -> Result<()> {
    kills::kills(number(rest, 0, 1000)?, number(rest, 1, 1)?)
}

/// `[count [seed]]`
fn bench_store_kills(rest: &[&str]) -> Result<()> {
    let (count, started) = (number(rest, 0, 1000)?, std::time::Instant::now());
    let report = canarytrace_e2e::store_kills::kill_store(count, number(rest, 1, 1)?);
    println!(
        "{count} kills, {} of them under load, in {:.0} s: {} documents acknowledged of {} sent, none lost, none twice",
        report.under_load,
        started.elapsed().as_secs_f64(),
        report.acknowledged,
        report.sent
    );
    Ok(())
}

/// `[documents [alone]]`
fn bench_month(rest: &[&str]) -> Result<()> {
    month::month(number(rest, 0, 1_000_000)?, rest.get(1) == Some(&"alone"))
}

/// `[count [seed]]`
fn bench_random(rest: &[&str]) -> Result<()> {
    random::random(number(rest, 0, 100_000)?, number(rest, 1, 1)?)
}

fn number(rest: &[&str], position: usize, default: u64) -> Result<u64> {
    Ok(rest
        .get(position)
        .map_or(Ok(default), |text| text.parse())?)
}

fn bench_ui(rest: &[&str]) -> Result<()> {
    ui::ui(number(rest, 0, 1_000_000)?, number(rest, 1, 360)?)
}

fn bench(name: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match name {
        "run" => runtime.block_on(run::bench()),
        "script" => runtime.block_on(script::bench()),
        "store" => runtime.block_on(store::bench()),
        other => {
            bail!(
                "benchmark `{other}` is not known: run, script, store, kills, store-kills, faults, observer, compare, month, random, alerts, ui"
            )
        }
    }
}

/// The median of some measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

//! All automation: `cargo xtask <task>`. Needs Rust, Node and git; installs or names the rest.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "automation talks to a person"
)]

mod beats;
mod kernel;
mod prerequisites;
mod run;
mod script_api;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use run::{cargo, cargo_command, npm, run};

const HELP: &str = "cargo xtask <task>

  demo             build everything and start the demo shop with its monitors
  test [part]      unit, kernel, browser, e2e, scripts, faults, ui; all of them without a part
  test beats       Filebeat and Metricbeat 7.17, made with Go, ship to the store
  lint             rustfmt, clippy, the UI's linter and types
  tidy             crate edges, file sizes, headers, ARCHITECTURE.md
  ui               build the web UI
  script-api       docs/script-api.md and the types for editors, of crates/script/api.json
  openapi          crates/server/openapi.json, of the routes; the UI's types are made of it
  library          bundle the packages that scripts use (chai, expect, …)
  bench [name]     run, store: ratios; kills [count [seed]], faults [times]: docs/faults.md;
                   month [documents [alone]], random [count [seed]], store-kills [count [seed]]: docs/store.md;
                   ui [documents [seconds]]: each page in a browser, and a tab that stays open;
                   alerts [documents]: a thousand rules, and how long a message takes;
                   observer [rounds]: what watching costs the page; compare [runs]: noise told from change
  record           ask a real OpenSearch for the answers of e2e/scenarios (needs mvn, unzip and a JDK 21)
  fuzz NAME [s]    feed a target of fuzz/ with anything, for 60 s or as long as told
  dist             the release binary
  ci               what CI runs: lint, tidy, test
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match perform(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(words: &[&str]) -> Result<()> {
    match words {
        ["demo", rest @ ..] => demo(rest),
        ["test"] => test_all(),
        ["test", "unit"] => test_unit(),
        ["test", "kernel"] => kernel::test(),
        ["in-kernel", program @ ..] => kernel::inside(program),
        ["test", "browser"] => test_browser(),
        ["test", "ui"] => test_ui(),
        ["test", "e2e"] => test_e2e(),
        ["test", "scripts"] => test_scripts(),
        ["test", "faults"] => test_faults(),
        ["test", "beats"] => test_beats(),
        ["lint"] => lint(),
        ["tidy"] => tidy::check(&root()),
        ["ui"] => build_ui(),
        ["script-api"] => script_api::write(&root()),
        ["openapi"] => write_openapi(),
        ["library"] => build_library(),
        ["bench", rest @ ..] => bench(rest),
        ["record"] => record(),
        ["fuzz", target] => fuzz(target, "60"),
        ["fuzz", target, seconds] => fuzz(target, seconds),
        ["dist"] => dist(),
        ["ci"] => ci(),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("task `{}` is not known\n\n{HELP}", other.join(" ")),
    }
}

/// The folder of the repository, as cargo names it now: a shared target folder may hold what another checkout has built.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .parent()
        .map_or_else(|| PathBuf::from("."), PathBuf::from)
}

fn demo(rest: &[&str]) -> Result<()> {
    prerequisites::browser()?;
    build_assets()?;
    let mut arguments = vec!["run", "--quiet", "--package", "canarytrace", "--", "demo"];
    arguments.extend(rest);
    cargo(&arguments)
}

const UI: &str = "ui";
/// The packages that run inside the script engine.
const LIBRARY: &str = "crates/script/library";

fn build_ui() -> Result<()> {
    prerequisites::packages(UI)?;
    npm(UI, &["run", "--silent", "build"])
}

fn write_openapi() -> Result<()> {
    let arguments = [
        "run",
        "--quiet",
        "--package",
        "canarytrace-server",
        "--example",
        "openapi",
    ];
    let document = run::output(&mut cargo_command(&arguments))?;
    Ok(std::fs::write(
        root().join("crates/server/openapi.json"),
        document,
    )?)
}

fn build_library() -> Result<()> {
    prerequisites::packages(LIBRARY)?;
    npm(LIBRARY, &["run", "--silent", "build"])
}

/// What is built by npm and embedded into the binary.
fn build_assets() -> Result<()> {
    build_library()?;
    build_ui()
}

/// The crates whose tests start nothing.
const BROWSER_TESTS: [&str; 1] = ["canarytrace-driver"];

fn test_unit() -> Result<()> {
    build_library()?;
    cargo(&[
        "test",
        "--workspace",
        "--exclude",
        BROWSER_TESTS[0],
        "--exclude",
        "canarytrace-e2e",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ])
}

fn test_browser() -> Result<()> {
    prerequisites::browser()?;
    cargo(&["test", "--package", BROWSER_TESTS[0], "--no-fail-fast"])
}

/// Selected together, so that what both need is built once: cargo builds a crate anew for each set of features.
const BINARY_AND_ITS_TESTS: [&str; 4] =
    ["--package", "canarytrace", "--package", "canarytrace-e2e"];

fn build_binary() -> Result<()> {
    let mut arguments = vec!["build"];
    arguments.extend(BINARY_AND_ITS_TESTS);
    arguments.extend(["--bin", "canarytrace"]);
    cargo(&arguments)
}

/// Tests of the built binary; they count processes, so they run one after the other.
fn test_built(files: &[&str]) -> Result<()> {
    prerequisites::browser()?;
    build_assets()?;
    build_binary()?;
    let mut arguments = vec!["test"];
    arguments.extend(BINARY_AND_ITS_TESTS);
    arguments.push("--no-fail-fast");
    arguments.extend(files.iter().flat_map(|file| ["--test", file]));
    arguments.extend(["--", "--test-threads=1"]);
    cargo(&arguments)
}

fn test_e2e() -> Result<()> {
    prerequisites::python()?;
    prerequisites::cluster()?;
    test_built(&[
        "runs",
        "journeys",
        "git",
        "server",
        "https",
        "telemetry",
        "fields",
        "evidence",
        "attachments",
        "leaks",
        "scenarios",
        "clients",
        "store",
        "rules",
        "cluster",
        "listener",
        "month",
    ])
}

/// Asks a real OpenSearch for the answers that scenarios are compared with.
fn record() -> Result<()> {
    prerequisites::cluster()?;
    let mut test = cargo_command(&[
        "test",
        "--package",
        "canarytrace-e2e",
        "--test",
        "scenarios",
        "--",
        "--nocapture",
    ]);
    run(test.env("JUDGE", "opensearch"))
}

/// WebdriverIO itself, the judge of scripts.
const JUDGE: &str = "e2e/scripts/judge";

fn test_scripts() -> Result<()> {
    prerequisites::packages(JUDGE)?;
    test_built(&["scripts"])
}

fn test_faults() -> Result<()> {
    test_built(&["faults"])
}

/// Not part of `test`: making the Beats takes Go and ten minutes.
fn test_beats() -> Result<()> {
    let programs = beats::build()?;
    build_assets()?;
    build_binary()?;
    let mut arguments = vec!["test"];
    arguments.extend(BINARY_AND_ITS_TESTS);
    arguments.extend(["--test", "beats"]);
    let mut test = cargo_command(&arguments);
    run::run(test.args(["--", "--test-threads=1"]).env("BEATS", programs))
}

/// The UI's own tests, then a person's path through it with our own driver, whose counts end the output.
fn test_ui() -> Result<()> {
    build_assets()?;
    npm(UI, &["run", "--silent", "test"])?;
    prerequisites::browser()?;
    build_binary()?;
    cargo(&[
        "build",
        "--package",
        "canarytrace-history",
        "--example",
        "feed",
    ])?;
    let built = run::target()?.join("debug");
    run::run(
        run::command("npm")
            .args(["run", "--silent", "browser"])
            .current_dir(root().join(UI))
            .env("CANARYTRACE", built.join("canarytrace"))
            .env("FEED", built.join("examples/feed")),
    )
    .context("hint: pictures and traces are in ui/test-results")?;
    test_built(&["ui"])
}

fn test_all() -> Result<()> {
    test_unit()?;
    kernel::test()?;
    test_browser()?;
    test_e2e()?;
    test_scripts()?;
    test_faults()?;
    test_ui()
}

fn lint() -> Result<()> {
    build_library()?;
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    npm(LIBRARY, &["run", "--silent", "lint"])?;
    prerequisites::packages(UI)?;
    npm(UI, &["run", "--silent", "lint"])
}

fn bench(rest: &[&str]) -> Result<()> {
    prerequisites::browser()?;
    dist()?;
    let mut arguments = vec![
        "run",
        "--release",
        "--quiet",
        "--package",
        "canarytrace-bench",
        "--",
    ];
    arguments.extend(rest);
    cargo(&arguments)
}

/// The flags of `cargo fuzz`, which a stable compiler takes too.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// What was found out is kept below the target folder; an input that broke something belongs into `fuzz/corpus`.
fn fuzz(target: &str, seconds: &str) -> Result<()> {
    let found = format!("fuzz/target/corpus/{target}");
    std::fs::create_dir_all(root().join(&found))?;
    let limit = format!("-max_total_time={seconds}");
    let arguments = [
        "run",
        "--release",
        "--quiet",
        "--manifest-path",
        "fuzz/Cargo.toml",
    ];
    let mut command = run::cargo_command(&arguments);
    command
        .args(["--target", &host()?, "--bin", target, "--"])
        .args([
            &found,
            &format!("fuzz/corpus/{target}"),
            &limit,
            "-timeout=10",
        ])
        .env("RUSTFLAGS", COVERAGE);
    run::run(&mut command)
}

/// With an explicit target, build scripts are built without the flags above.
fn host() -> Result<String> {
    let said = run::output(run::command("rustc").args(["--version", "--verbose"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("`rustc --version --verbose` names no host")
}

fn dist() -> Result<()> {
    build_assets()?;
    cargo(&["build", "--release", "--package", "canarytrace"])
}

fn ci() -> Result<()> {
    lint()?;
    tidy::check(&root())?;
    test_all()
}

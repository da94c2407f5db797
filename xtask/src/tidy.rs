//! What no linter checks: crate edges, file sizes, headers, and that ARCHITECTURE.md names what exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// The crate table: who may use whom. A new edge is an architecture change.
const EDGES: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("es", &[]),
    ("process", &[]),
    ("driver", &["process"]),
    ("script", &["driver", "model"]),
    ("typescript", &[]),
    ("evidence", &["es", "model"]),
    (
        "runner",
        &[
            "script",
            "typescript",
            "driver",
            "evidence",
            "process",
            "model",
            "es",
        ],
    ),
    ("store", &["es"]),
    ("scheduler", &["evidence", "process", "model"]),
    ("listener", &["es", "model"]),
    ("server", &["es", "model"]),
    (
        "cli",
        &[
            "model",
            "es",
            "process",
            "driver",
            "script",
            "evidence",
            "runner",
            "store",
            "scheduler",
            "listener",
            "server",
        ],
    ),
];

/// Lines of a file, tests at its end apart.
const MAX_LINES: usize = 800;

pub(crate) fn check(root: &Path) -> Result<()> {
    let mut problems = Vec::new();
    edges(root, &mut problems)?;
    for file in sources(root)? {
        source(root, &file, &mut problems)?;
    }
    architecture(root, &mut problems)?;
    if let Err(error) = crate::script_api::check(root) {
        problems.push(error.to_string());
    }
    if !problems.is_empty() {
        bail!(
            "{} things are not tidy:\n  {}",
            problems.len(),
            problems.join("\n  ")
        );
    }
    println!("tidy");
    Ok(())
}

fn edges(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    let known: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    for name in folders(&root.join("crates"))? {
        if !known.contains(name.as_str()) {
            problems.push(format!(
                "crates/{name} is not in the crate table (xtask/src/tidy.rs, ARCHITECTURE.md)"
            ));
        }
    }
    for (name, allowed) in EDGES {
        let manifest = fs::read_to_string(root.join("crates").join(name).join("Cargo.toml"))
            .with_context(|| format!("crates/{name}"))?;
        let dependencies = manifest
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default();
        let used = dependencies.lines().filter_map(|line| {
            line.strip_prefix("canarytrace-")?
                .split(['.', ' ', '='])
                .next()
        });
        for used in used.filter(|used| !allowed.contains(used)) {
            problems.push(format!(
                "crates/{name} uses {used}, which the crate table does not allow"
            ));
        }
    }
    Ok(())
}

fn source(root: &Path, file: &Path, problems: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let name = file.strip_prefix(root).unwrap_or(file).display();
    if !text.starts_with("//!") {
        problems.push(format!("{name} has no header: begin with a `//!` sentence"));
    }
    let production = text
        .split("\n#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default()
        .lines()
        .count();
    if production > MAX_LINES {
        problems.push(format!(
            "{name} has {production} lines, at most {MAX_LINES} are readable"
        ));
    }
    Ok(())
}

/// Every crate is described, and nothing is that does not exist.
fn architecture(root: &Path, problems: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    for (name, _) in EDGES {
        if !text.contains(&format!("| `{name}` |")) {
            problems.push(format!("ARCHITECTURE.md does not describe `{name}`"));
        }
    }
    for path in text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.contains([' ', '<', '*', ':']))
    {
        if !path.starts_with('/') && !path.starts_with('_') && !root.join(path).exists() {
            problems.push(format!(
                "ARCHITECTURE.md names `{path}`, which does not exist"
            ));
        }
    }
    Ok(())
}

fn folders(path: &Path) -> Result<Vec<String>> {
    Ok(fs::read_dir(path)?
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = ["crates", "xtask", "e2e", "bench"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    Ok(found)
}

//! Filebeat and Metricbeat, the last ones that ship to Elasticsearch 7, for the tests that need them. They are made from the
//! modules that Go's proxy has: a module of our own takes over what theirs requires and replaces.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    prerequisites,
    run::{command, output, run},
};

const MODULE: &str = "github.com/elastic/beats/v7";
const VERSION: &str = "v7.17.29";
const PROGRAMS: [&str; 2] = ["filebeat", "metricbeat"];

/// The folder with both programs.
pub(crate) fn build() -> Result<PathBuf> {
    prerequisites::go()?;
    let home = prerequisites::cache().join(format!("beats-{VERSION}"));
    let programs = home.join("bin");
    if PROGRAMS.iter().all(|name| programs.join(name).is_file()) {
        return Ok(programs);
    }
    fs::create_dir_all(&programs)?;
    let source = download(&home)?;
    write_module(&home, &source)?;
    for name in PROGRAMS {
        // Renamed only when it is whole.
        let partial = programs.join(format!("{name}.partial"));
        let mut go = command("go");
        go.args(["build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o"])
            .arg(&partial)
            .arg(format!("{MODULE}/{name}"))
            .env("CGO_ENABLED", "0")
            .current_dir(&home);
        run(&mut go)?;
        fs::rename(partial, programs.join(name))?;
    }
    Ok(programs)
}

/// Where Go keeps what it downloads of a module.
fn download(home: &Path) -> Result<PathBuf> {
    let wanted = format!("{MODULE}@{VERSION}");
    let mut go = command("go");
    go.args(["mod", "download", "-json", &wanted])
        .current_dir(home);
    let said = output(&mut go)?;
    let folder = said.lines().find_map(|line| {
        let value = line.trim().strip_prefix("\"Dir\": \"")?;
        Some(value.trim_end_matches(',').trim_end_matches('"').to_owned())
    });
    folder
        .map(PathBuf::from)
        .with_context(|| format!("`go mod download {wanted}` names no folder"))
}

fn write_module(home: &Path, source: &Path) -> Result<()> {
    let theirs = fs::read_to_string(source.join("go.mod"))?;
    let ours = theirs.replacen(&format!("module {MODULE}"), "module beats.test", 1);
    fs::write(home.join("go.mod"), ours)?;
    fs::copy(source.join("go.sum"), home.join("go.sum"))?;
    fs::write(home.join("beats.go"), "package beats\n")?;
    let mut go = command("go");
    go.args(["mod", "edit", &format!("-require={MODULE}@{VERSION}")])
        .current_dir(home);
    run(&mut go)
}

//! Starting other programs; what fails is named with its arguments.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::root;

pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    run(&mut cargo_command(arguments))
}

pub(crate) fn cargo_command(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = command(&cargo.to_string_lossy());
    command.args(arguments);
    command
}

/// Standard output of a command that succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<PathBuf> {
    let metadata = output(&mut cargo_command(&[
        "metadata",
        "--no-deps",
        "--format-version=1",
    ]))?;
    let (_, rest) = metadata
        .split_once("\"target_directory\":\"")
        .context("cargo metadata names no target folder")?;
    let folder = rest.split('"').next().unwrap_or_default();
    Ok(PathBuf::from(folder))
}

/// npm in a folder of the repository.
pub(crate) fn npm(folder: &str, arguments: &[&str]) -> Result<()> {
    run(command("npm")
        .args(arguments)
        .current_dir(root().join(folder)))
    .context("hint: Node 20 or newer with npm is needed")
}

#[expect(
    clippy::disallowed_methods,
    reason = "automation starts tools, not runs"
)]
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{command:?} cannot be started"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

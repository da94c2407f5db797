//! What a bare machine lacks: installed where we may, else named exactly.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{
    root,
    run::{command, npm, run, succeeds},
};

const PACKAGES: [&str; 9] = [
    "chromium",
    "chromium-headless-shell",
    "chromium-driver",
    "fonts-liberation",
    "git",
    "iproute2",
    "libnss3-tools",
    "openssh-client",
    "openssh-server",
];
const PROGRAMS: [&str; 7] = [
    "certutil",
    "chromedriver",
    "chromium-headless-shell",
    "git",
    "ip",
    "ssh",
    "sshd",
];

/// Chromium, chromedriver, fonts, git and ssh; `ip` and `certutil` for tests without a network and with authorities.
pub(crate) fn browser() -> Result<()> {
    let has_browser = ["chromium", "google-chrome", "google-chrome-stable"]
        .iter()
        .any(|program| find(program));
    if has_browser && PROGRAMS.iter().all(|program| find(program)) {
        return Ok(());
    }
    install("a browser, its driver, git and ssh", &PACKAGES)
}

/// A Linux that runs as a program.
pub(crate) fn kernel() -> Result<()> {
    if find("linux.uml") {
        return Ok(());
    }
    install("a kernel with cgroup v2 for tests", &["user-mode-linux"])
}

/// For Elasticsearch's own client.
pub(crate) fn python() -> Result<()> {
    if succeeds("python3", &["-c", "import ensurepip, venv"]) {
        return Ok(());
    }
    install("Python 3 with its venv", &["python3-venv"])
}

/// What fetches and unpacks an OpenSearch; the tests themselves name the JDK that it needs.
pub(crate) fn cluster() -> Result<()> {
    if ["mvn", "unzip", "setpriv"]
        .iter()
        .all(|program| find(program))
    {
        return Ok(());
    }
    install("Maven and unzip", &["maven", "unzip", "util-linux"])
}

/// Go, which is not installed here: distributions have one that is too old.
pub(crate) fn go() -> Result<()> {
    if succeeds("go", &["version"]) {
        return Ok(());
    }
    bail!(
        "Beats are made with Go 1.23 or newer, which is not there: install it from your distribution or from its makers"
    )
}

/// Where downloads are kept.
pub(crate) fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("canarytrace")
}

/// Debian packages, when we may install them.
fn install(what: &str, packages: &[&str]) -> Result<()> {
    let line = format!(
        "apt-get install --no-install-recommends {}",
        packages.join(" ")
    );
    if !(is_root()
        && Path::new("/etc/debian_version").exists()
        && succeeds("apt-get", &["--version"]))
    {
        bail!("needed: {what}; type:\n\n    sudo {line}\n");
    }
    println!("installing {}", packages.join(", "));
    run(command("apt-get").args(["update", "-qq"]))?;
    let mut install = command("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run(install
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
}

/// The npm packages of a folder, as its lock file has them.
pub(crate) fn packages(folder: &str) -> Result<()> {
    let path = root().join(folder);
    let wanted = fs::read_to_string(path.join("package-lock.json"))?;
    let stamp = path.join("node_modules/.canarytrace-lock");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    // Not `npm ci`: it refuses a lock file without the optional packages of platforms that a registry does not carry.
    npm(folder, &["install", "--no-save", "--no-audit", "--no-fund"])?;
    fs::write(stamp, wanted)?;
    Ok(())
}

fn find(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    fs::metadata("/proc/self")
        .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0)
}

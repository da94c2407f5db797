//! A clone at a revision by the `git` program: https, ssh or a local path.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use canarytrace_process::{ChildSpec, Containment, Group, Limits, Stdio};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What to clone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GitJob {
    pub url: String,
    /// A branch, tag or commit, also abbreviated; none is the default branch.
    pub revision: Option<String>,
    /// Private key for ssh.
    pub ssh_key: Option<PathBuf>,
    /// `PATH` for git and ssh.
    pub search_path: String,
    /// Folder for git's own `HOME`; nothing of the user's configuration is read.
    pub home: PathBuf,
    /// How the network is reached: proxies and authorities to trust, by their usual variables.
    pub network: BTreeMap<String, String>,
    pub limit_ms: u64,
}

#[derive(Debug, Error)]
pub enum GitError {
    #[error("git is not installed: {0}; hint: apt-get install git openssh-client")]
    Missing(String),
    #[error("git repository {url} cannot be reached: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("git repository {url} has no revision `{revision}`: {reason}")]
    Revision {
        url: String,
        revision: String,
        reason: String,
    },
    #[error(
        "git repository {url} refuses us: {reason}; hint: check GIT_REPOSITORY and the key or credentials"
    )]
    Refused { url: String, reason: String },
    #[error("ssh key {} cannot be read: {reason}", path.display())]
    Key { path: PathBuf, reason: String },
    #[error("git {command} failed: {reason}")]
    Failed { command: String, reason: String },
    #[error("git repository {url} did not answer within {limit:?}")]
    Late { url: String, limit: Duration },
}

impl GitError {
    /// Our network or the server, rather than the configuration.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, GitError::Unreachable { .. } | GitError::Late { .. })
    }
}

impl GitJob {
    /// The address without the credentials in it.
    fn address(&self) -> String {
        credentials(&self.url).map_or_else(|| self.url.clone(), |(address, ..)| address)
    }
}

/// The password or token in `https://user:password@host/…`.
pub fn git_password(url: &str) -> Option<String> {
    let (_, user, password) = credentials(url)?;
    // A token may stand alone.
    Some(if password.is_empty() { user } else { password })
}

/// Address, user and password of a URL over HTTP that has them.
fn credentials(url: &str) -> Option<(String, String, String)> {
    let mut parsed = url::Url::parse(url).ok()?;
    if !parsed.scheme().starts_with("http") || parsed.username().is_empty() {
        return None;
    }
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let (user, password) = (
        plain(parsed.username()),
        plain(parsed.password().unwrap_or_default()),
    );
    parsed.set_username("").ok()?;
    parsed.set_password(None).ok()?;
    Some((parsed.into(), user, password))
}

/// Clones into `folder` and answers the full id of what was checked out.
/// Makes a clone; answers its revision. The folder is made, too.
pub async fn clone_scripts(job: &GitJob, folder: &Path) -> Result<String, GitError> {
    for path in [folder, &job.home] {
        std::fs::create_dir_all(path).ok();
    }
    clone(job, folder).await
}

pub(crate) async fn clone(job: &GitJob, folder: &Path) -> Result<String, GitError> {
    let limit = Duration::from_millis(job.limit_ms);
    tokio::time::timeout(limit, fetch(job, folder))
        .await
        .map_err(|_| GitError::Late {
            url: redact(&job.url),
            limit,
        })?
}

async fn fetch(job: &GitJob, folder: &Path) -> Result<String, GitError> {
    if let Some(path) = &job.ssh_key {
        std::fs::File::open(path).map_err(|error| GitError::Key {
            path: path.clone(),
            reason: error.to_string(),
        })?;
    }
    let run = async |arguments: &[&str]| git(job, folder, arguments).await;
    run(&["init", "--quiet"]).await?;
    let revision = job.revision.as_deref().unwrap_or("HEAD");
    let address = job.address();
    let shallow = run(&[
        "fetch",
        "--quiet",
        "--depth",
        "1",
        "--no-tags",
        "--",
        &address,
        revision,
    ])
    .await;
    match shallow {
        Ok(_) => run(&["checkout", "--quiet", "--detach", "FETCH_HEAD"]).await?,
        // An abbreviated id is no ref: with all branches here it resolves locally.
        Err(GitError::Revision { .. }) if is_abbreviated(revision) => {
            run(&[
                "fetch",
                "--quiet",
                "--",
                &address,
                "+refs/heads/*:refs/remotes/origin/*",
                "+refs/tags/*:refs/tags/*",
            ])
            .await?;
            run(&["checkout", "--quiet", "--detach", revision])
                .await
                .map_err(|error| GitError::Revision {
                    url: redact(&job.url),
                    revision: revision.to_owned(),
                    reason: error.to_string(),
                })?
        }
        Err(error) => return Err(error),
    };
    Ok(run(&["rev-parse", "HEAD"]).await?.trim().to_owned())
}

fn is_abbreviated(revision: &str) -> bool {
    (4..40).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

async fn git(job: &GitJob, folder: &Path, arguments: &[&str]) -> Result<String, GitError> {
    // The supervisor's containment holds the whole run; this group only starts the child.
    let mut group = Group::create(&Containment::Subreaper, "git", &Limits::default())
        .map_err(|error| GitError::Missing(error.to_string()))?;
    let mut spec = ChildSpec::new(resolve("git", &job.search_path))
        .args([
            "-c",
            "protocol.ext.allow=never",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "advice.detachedHead=false",
        ])
        .args(arguments);
    spec.environment = environment(job)
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    spec.working_directory = Some(folder.to_owned());
    spec = spec.streams(Stdio::Null, Stdio::Piped, Stdio::Piped);
    let child = group
        .spawn(&spec)
        .map_err(|error| GitError::Missing(error.to_string()))?;
    let output = child
        .wait_with_output()
        .await
        .map_err(|error| GitError::Missing(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let command = arguments.first().copied().unwrap_or_default();
    Err(classify(
        job,
        command,
        &String::from_utf8_lossy(&output.stderr),
    ))
}

fn environment(job: &GitJob) -> BTreeMap<String, String> {
    let mut ssh =
        "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=15".to_owned();
    ssh.push_str(&format!(
        " -o UserKnownHostsFile={}/known_hosts",
        job.home.display()
    ));
    if let Some(key) = &job.ssh_key {
        ssh.push_str(&format!(
            " -o IdentitiesOnly=yes -i '{}'",
            key.display().to_string().replace('\'', "'\\''")
        ));
    }
    let mut environment = job.network.clone();
    // In the environment, which only we can read; arguments are in everybody's process list.
    if let Some((_, user, password)) = credentials(&job.url) {
        let basic = BASE64_STANDARD.encode(format!("{user}:{password}"));
        environment.extend([
            ("GIT_CONFIG_COUNT".to_owned(), "1".to_owned()),
            ("GIT_CONFIG_KEY_0".to_owned(), "http.extraHeader".to_owned()),
            (
                "GIT_CONFIG_VALUE_0".to_owned(),
                format!("Authorization: Basic {basic}"),
            ),
        ]);
    }
    environment.extend([
        ("PATH".to_owned(), job.search_path.clone()),
        ("HOME".to_owned(), job.home.display().to_string()),
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
        ("GIT_SSH_COMMAND".to_owned(), ssh),
        ("LC_ALL".to_owned(), "C".to_owned()),
    ]);
    environment
}

fn resolve(program: &str, search_path: &str) -> PathBuf {
    std::env::split_paths(search_path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| program.into())
}

fn classify(job: &GitJob, command: &str, stderr: &str) -> GitError {
    let url = redact(&job.url);
    let reason = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
        .replace(&job.url, &url);
    let has = |parts: &[&str]| parts.iter().any(|part| stderr.contains(part));
    if has(&[
        "couldn't find remote ref",
        "unadvertised object",
        "not our ref",
        "did not match any file",
        "unknown revision",
    ]) {
        let revision = job.revision.clone().unwrap_or_else(|| "HEAD".to_owned());
        GitError::Revision {
            url,
            revision,
            reason,
        }
    } else if has(&[
        "Permission denied",
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "does not appear to be a git repository",
        "not found",
        "403",
        "server certificate",
        "SSL certificate",
        "invalid format",
        "error in libcrypto",
        "Load key",
    ]) {
        GitError::Refused { url, reason }
    } else if has(&[
        "Could not resolve host",
        "Connection refused",
        "Connection timed out",
        "unable to access",
        "No route to host",
        "Network is unreachable",
        "Connection closed",
        "Connection reset",
        "unable to connect",
        "Could not connect",
        "RPC failed",
    ]) {
        GitError::Unreachable { url, reason }
    } else {
        GitError::Failed {
            command: command.to_owned(),
            reason,
        }
    }
}

/// Without the password of `https://user:password@host/…`.
fn redact(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!(
            "{}://{}",
            url.get(..scheme).unwrap_or_default(),
            url.get(at + 1..).unwrap_or_default()
        ),
        _ => url.to_owned(),
    }
}

//! Several scripts by a pattern: each is a run of its own.

use std::path::{Path, PathBuf};

use canarytrace_model::RunId;
use canarytrace_runner::clone_scripts;

use super::{git_job, variables::DEFAULT_TESTS_PATH};
use crate::{arguments::RunArguments, failure::Failure, variables::Variables};

/// Runs of one command.
const MAX_SPECS: usize = 1000;

/// The arguments of each run; one that names no pattern is itself.
pub(crate) async fn expand(
    arguments: RunArguments,
    variables: &Variables,
) -> Result<Vec<RunArguments>, Failure> {
    let named = arguments
        .script
        .clone()
        .or_else(|| variables.get("SPEC").map(str::to_owned));
    let pattern = named.filter(|spec| is_pattern(spec) && arguments.urls.is_empty());
    let Some(pattern) = pattern.filter(|_| arguments.config.is_none()) else {
        return Ok(vec![arguments]);
    };
    let git = arguments
        .git
        .clone()
        .or_else(|| variables.get("GIT_REPOSITORY").map(str::to_owned));
    let specs = match git {
        Some(url) => cloned(url, &pattern, &arguments, variables).await?,
        None => local(&pattern, variables)?,
    };
    if specs.is_empty() {
        return Err(Failure::usage(format!("no script matches `{pattern}`")));
    }
    if specs.len() > MAX_SPECS {
        return Err(Failure::usage(format!(
            "`{pattern}` matches {} scripts; at most {MAX_SPECS} are run by one command",
            specs.len()
        )));
    }
    let of_spec = |spec| RunArguments {
        script: Some(spec),
        ..arguments.clone()
    };
    Ok(specs.into_iter().map(of_spec).collect())
}

fn is_pattern(spec: &str) -> bool {
    spec.contains(['*', '?', '['])
}

fn local(pattern: &str, variables: &Variables) -> Result<Vec<String>, Failure> {
    let tests = PathBuf::from(variables.get("TESTS_PATH").unwrap_or(DEFAULT_TESTS_PATH));
    let working = std::env::current_dir().map_err(Failure::broken)?;
    for folder in [tests, working] {
        let found = matching(&folder, pattern)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// Looks into a clone of its own, which is removed again: each run makes the one it plays.
async fn cloned(
    url: String,
    pattern: &str,
    arguments: &RunArguments,
    variables: &Variables,
) -> Result<Vec<String>, Failure> {
    let revision = arguments
        .revision
        .clone()
        .or_else(|| variables.get("GIT_REVISION").map(str::to_owned));
    let key = super::variables::established_key();
    let (root, job) = git_job(&RunId::random(), url, revision, key, variables);
    let found = match clone_scripts(&job, &root).await {
        Ok(_) => matching(&root, pattern),
        Err(error) => Err(Failure::usage(format!("scripts cannot be listed: {error}"))),
    };
    if let Some(folder) = root.parent() {
        std::fs::remove_dir_all(folder).ok();
    }
    found
}

/// Files below a folder, relative to it.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<String>, Failure> {
    let whole = Path::new(&glob::Pattern::escape(&folder.to_string_lossy()))
        .join(pattern.trim_start_matches("./"));
    let paths = glob::glob(&whole.to_string_lossy())
        .map_err(|error| Failure::usage(format!("script `{pattern}`: {error}")))?;
    let mut found: Vec<String> = paths
        .flatten()
        .filter(|path| path.is_file())
        .filter_map(|path| {
            Some(
                path.strip_prefix(folder)
                    .ok()?
                    .to_string_lossy()
                    .into_owned(),
            )
        })
        .filter(|path| !path.contains("node_modules/"))
        .collect();
    found.sort();
    Ok(found)
}

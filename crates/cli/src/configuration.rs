//! Reads canarytrace.yaml: the file, its problems with their place, and the values of its secrets.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use canarytrace_listener::yaml::YamlProblem;
use canarytrace_model::stack::{EnvValue, Monitor, Schedule, SecretSource, Stack};

use crate::{failure::Failure, variables::Variables};

/// A file that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    pub(crate) path: PathBuf,
    pub(crate) stack: Stack,
}

/// Reads and validates; all problems of the second kind are reported together.
pub(crate) fn read(path: &Path) -> Result<Configuration, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::with_hint(
            format!("configuration {} cannot be read: {error}", path.display()),
            "name it with --config FILE",
        )
    })?;
    let stack: Stack = serde_saphyr::from_str(&text).map_err(|error| syntax(path, &error))?;
    let problems = problems(&stack, path);
    if !problems.is_empty() {
        return Err(Failure::usage(problems.join("\n       ")));
    }
    Ok(Configuration {
        path: path.to_owned(),
        stack,
    })
}

fn syntax(path: &Path, error: &serde_saphyr::Error) -> Failure {
    let found = YamlProblem::of(error);
    let place = match found.place {
        Some((line, column)) => format!("{}:{line}:{column}", path.display()),
        None => path.display().to_string(),
    };
    let message = format!("{place}: {}", found.reason);
    match found.nearest {
        Some(nearest) => Failure::with_hint(message, format!("did you mean `{nearest}`?")),
        None => Failure::usage(message),
    }
}

fn problems(stack: &Stack, path: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    if stack.version != 1 {
        problems.push(format!(
            "{}: version {} is not known, write `version: 1`",
            path.display(),
            stack.version
        ));
    }
    let mut ids = HashSet::new();
    for monitor in &stack.monitors {
        let id = monitor.id.as_str();
        let mut problem =
            |text: String| problems.push(format!("{}: monitor `{id}`: {text}", path.display()));
        if !ids.insert(id) {
            problem("the id is used twice".to_owned());
        }
        match (monitor.urls.is_empty(), &monitor.script) {
            (true, None) => problem("it needs `urls` or a `script`".to_owned()),
            (false, Some(_)) => {
                problem("it has both `urls` and a `script`; make two monitors of it".to_owned())
            }
            _ => {}
        }
        for check in &monitor.urls {
            if let Err(error) = url::Url::parse(&check.url) {
                problem(format!("url `{}` is not valid: {error}", check.url));
            }
        }
        if monitor.git.is_some() && monitor.script.is_none() {
            problem("`git` needs a `script`".to_owned());
        }
        if let (Some(script), None) = (&monitor.script, &monitor.git) {
            let file = path.parent().unwrap_or(Path::new(".")).join(script);
            if !file.is_file() {
                problem(format!(
                    "script `{script}` does not exist ({})",
                    file.display()
                ));
            }
        }
        if let Some(Schedule::Cron {
            expression,
            timezone,
        }) = &monitor.schedule
            && let Err(error) = canarytrace_scheduler::check_cron(expression, timezone)
        {
            problem(error);
        }
    }
    problems
}

impl Configuration {
    /// Keys that are understood and do nothing yet, in words.
    pub(crate) fn without_effect(&self) -> Vec<String> {
        let audits = self
            .stack
            .monitors
            .iter()
            .filter(|monitor| monitor.collect.audit.is_some());
        audits
            .map(|monitor| {
                format!(
                    "monitor `{}`: `collect.audit` has no effect in this version",
                    monitor.id
                )
            })
            .collect()
    }

    pub(crate) fn monitor(&self, id: &str) -> Result<&Monitor, Failure> {
        self.stack
            .monitors
            .iter()
            .find(|monitor| monitor.id.as_str() == id)
            .ok_or_else(|| {
                let known: Vec<&str> = self
                    .stack
                    .monitors
                    .iter()
                    .map(|monitor| monitor.id.as_str())
                    .collect();
                Failure::with_hint(
                    format!("{} has no monitor `{id}`", self.path.display()),
                    format!("it has {}", known.join(", ")),
                )
            })
    }

    /// Folder that relative paths of the file start from.
    pub(crate) fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        }
    }
}

/// A monitor's `env` with the values of its secrets: `(environment, secret values)`.
pub(crate) fn resolve_env(
    monitor: &Monitor,
    variables: &Variables,
) -> Result<(BTreeMap<String, String>, Vec<String>), Failure> {
    let mut environment = BTreeMap::new();
    let mut secrets = Vec::new();
    for (name, value) in &monitor.env {
        let value = match value {
            EnvValue::Plain(value) => value.clone(),
            EnvValue::Secret(source) => {
                let secret = resolve_secret(source, variables).map_err(|reason| {
                    Failure::usage(format!(
                        "monitor `{}`: secret of `{name}`: {reason}",
                        monitor.id
                    ))
                })?;
                warn_if_short(name, &secret);
                secrets.push(secret.clone());
                secret
            }
        };
        environment.insert(name.clone(), value);
    }
    Ok((environment, secrets))
}

/// Inside of other texts a short value cannot be told from chance.
pub(crate) fn warn_if_short(name: &str, secret: &str) {
    if secret.chars().count() < canarytrace_evidence::SHORT_SECRET {
        tracing::warn!(
            "the secret {name} has fewer than {} characters: it is masked only where it is all there is",
            canarytrace_evidence::SHORT_SECRET
        );
    }
}

pub(crate) fn resolve_secret(
    source: &SecretSource,
    variables: &Variables,
) -> Result<String, String> {
    match source {
        SecretSource::Env(name) => variables
            .get(name)
            .map(str::to_owned)
            .ok_or_else(|| format!("variable {name} is not set")),
        SecretSource::File(path) => std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
            .map_err(|error| format!("file {path} cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, parts: &[&str]) {
        let folder = std::env::temp_dir().join(format!(
            "canarytrace-configuration-{}-{}",
            std::process::id(),
            text.len()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("canarytrace.yaml");
        std::fs::write(&path, text).unwrap();
        let result = read(&path);
        std::fs::remove_dir_all(&folder).unwrap();
        let failure = result.unwrap_err();
        let text = format!("{failure} {}", failure.hint().unwrap_or_default());
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_place_and_nearest_key() {
        check(
            "version: 1\nmonitors:\n  - id: a\n    url: [x]\n",
            &["canarytrace.yaml:4:5", "url", "did you mean `urls`"],
        );
        check(
            "version: 1\nmonitors:\n  - id: Shop Home\n    urls: [https://h/]\n",
            &["canarytrace.yaml:3:", "[a-z0-9-]"],
        );
        check(
            "version: 1\nmonitors:\n  - id: a\n    schedule: sometimes\n    urls: [https://h/]\n",
            &["canarytrace.yaml:4:", "every"],
        );
        check("version: 2\n", &["version 2"]);
        check(
            "version: 1\nmonitors:\n  - id: a\n  - id: a\n    script: none.js\n",
            &["needs `urls`", "used twice", "`none.js` does not exist"],
        );
        check(
            "version: 1\nmonitors:\n  - id: a\n    schedule: { cron: \"61 * * * *\" }\n    urls: [https://h/]\n",
            &["61 * * * *"],
        );
        check("version: 1\nversion: 1\n", &["canarytrace.yaml:2"]);
    }
}

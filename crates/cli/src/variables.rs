//! The environment: read once, here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use canarytrace_runner::PrintedVariables;

use crate::configuration::warn_if_short;

/// Variables by name: the process environment, overridden by flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
    /// Names that something of ours asked for, and that are set.
    used: Arc<Mutex<BTreeSet<String>>>,
}

/// By its words: `PASS`, `SHOP_TOKEN`, `AWS_S3_SECRET_KEY`; not by what only points at a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    const SECRET: [&str; 13] = [
        "PASS",
        "PASSWORD",
        "PASSWD",
        "SECRET",
        "TOKEN",
        "KEY",
        "APIKEY",
        "AUTH",
        "CREDENTIAL",
        "CREDENTIALS",
        "SEED",
        "TOTP",
        "WEBHOOK",
    ];
    const POINTER: [&str; 6] = ["SOCK", "FILE", "PATH", "DIR", "PID", "HELPER"];
    let name = name.to_uppercase();
    let mut words = name.split(['_', '-']);
    words.clone().any(|word| SECRET.contains(&word)) && !words.any(|word| POINTER.contains(&word))
        || name.starts_with("SLACK_WEBHOOK")
}

impl Variables {
    pub(crate) fn from_process() -> Self {
        Self {
            values: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            ..Self::default()
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// None when unset or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.look_up(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A switch of the established product: unset means `default`, `allow` is on, anything else is off.
    pub(crate) fn switch(&self, name: &str, default: bool) -> bool {
        self.look_up(name).map_or(default, |value| value == "allow")
    }

    fn look_up(&self, name: &str) -> Option<&String> {
        let found = self.values.get(name)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !used.contains(name) {
            used.insert(name.to_owned());
        }
        Some(found)
    }

    /// The variables that had a say so far, as they may be shown; not whatever else the process was started with.
    pub(crate) fn in_force(&self) -> BTreeMap<String, String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = self.printed().variables;
        shown.retain(|name, _| used.contains(name));
        shown
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.values
    }

    /// Values of variables whose names say that they are secret.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for (name, value) in &self.values {
            if !is_secret(name) || value.is_empty() {
                continue;
            }
            warn_if_short(name, value);
            // Of `user:password` the password is what must not be seen, alone as well.
            if let Some((_, password)) = value.split_once(':')
                && name.ends_with("AUTH")
            {
                secrets.push(password.to_owned());
            }
            secrets.push(value.clone());
        }
        secrets
    }

    /// All variables as they may be shown.
    pub(crate) fn printed(&self) -> PrintedVariables {
        let mut printed = PrintedVariables::default();
        for (name, value) in &self.values {
            let shown = if is_secret(name) {
                printed.masked.push(name.clone());
                "********".to_owned()
            } else {
                value.clone()
            };
            printed.variables.insert(name.clone(), shown);
        }
        printed
    }

    /// How this machine reaches a network: proxies, and authorities it trusts beside the usual ones.
    pub(crate) fn network(&self) -> BTreeMap<String, String> {
        self.named(&[
            "http_proxy",
            "https_proxy",
            "no_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "ALL_PROXY",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "GIT_SSL_CAINFO",
        ])
    }

    /// Only what other programs need to work at all; a monitor of canarytrace.yaml sees no more.
    pub(crate) fn base(&self) -> BTreeMap<String, String> {
        self.named(&[
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "TMPDIR",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XDG_RUNTIME_DIR",
            "SSL_CERT_FILE",
        ])
    }

    /// What is passed on, and not read by us.
    fn named(&self, names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.values.get(*name)?.clone())))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "PASS",
            "SHOP_TOKEN",
            "AWS_S3_SECRET_KEY",
            "ELASTIC_HTTP_AUTH",
            "api-key",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "SSH_AUTH_SOCK",
            "KEYBOARD",
            "AUTHOR",
            "SECRET_FILE",
            "USER",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

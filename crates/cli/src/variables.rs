//! The environment: read once, here.

use std::collections::BTreeMap;

/// Variables by name: the process environment, overridden by flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    pub(crate) fn from_process() -> Self {
        Self {
            values: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// None when unset or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A switch of the established product: unset means `default`, `allow` is on, anything else is off.
    pub(crate) fn switch(&self, name: &str, default: bool) -> bool {
        self.values
            .get(name)
            .map_or(default, |value| value == "allow")
    }

    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.values
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

    fn named(&self, names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.get(name)?.to_owned())))
            .collect()
    }
}

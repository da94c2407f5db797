//! Where a cluster is, and who we are there.

use std::time::Duration;

use url::Url;

use crate::ClientError;

/// How to reach a cluster.
#[derive(Clone)]
pub struct ClientConfig {
    /// Credentials in the URL are used and then removed from it.
    pub url: String,
    /// `user:password`.
    pub basic_auth: Option<String>,
    /// Of one request, `ELASTIC_TIMEOUT`.
    pub timeout: Duration,
    /// Compress request bodies.
    pub gzip: bool,
    /// Accept certificates nobody vouches for, as the established product does.
    pub accept_invalid_certificates: bool,
}

/// Where a cluster is and who we are there.
#[derive(Clone)]
pub(crate) struct Address {
    base: Url,
    auth: Option<(String, String)>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url())
    }
}

impl Address {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Url {
            url: redact(&config.url),
            reason,
        };
        let mut base = Url::parse(&config.url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong(
                "expected http://host:port or https://host:port".to_owned(),
            ));
        }
        let from_url = (!base.username().is_empty()).then(|| {
            (
                base.username().to_owned(),
                base.password().unwrap_or_default().to_owned(),
            )
        });
        let from_config = config
            .basic_auth
            .as_deref()
            .filter(|auth| !auth.is_empty())
            .map(|auth| {
                let (user, password) = auth.split_once(':').unwrap_or((auth, ""));
                (user.to_owned(), password.to_owned())
            });
        base.set_username("").ok();
        base.set_password(None).ok();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self {
            base,
            auth: from_config.or(from_url),
        })
    }

    /// Without credentials.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// `path` has no leading slash and is already encoded.
    pub(crate) fn join(&self, path: &str) -> Result<Url, ClientError> {
        // Not `Url::join`: a path may hold a colon, which would make it a URL of its own.
        Url::parse(&format!("{}{path}", self.base)).map_err(|error| ClientError::Url {
            url: path.to_owned(),
            reason: error.to_string(),
        })
    }

    pub(crate) fn authorize(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match &self.auth {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    pub(crate) fn unusable(&self, reason: &str) -> ClientError {
        ClientError::Url {
            url: self.url().to_owned(),
            reason: reason.to_owned(),
        }
    }
}

fn redact(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!(
                "{}://{}",
                url.get(..scheme).unwrap_or_default(),
                url.get(at + 1..).unwrap_or_default()
            )
        }
        _ => url.to_owned(),
    }
}

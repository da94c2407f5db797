//! Who may do what: users with passwords, tokens for programs, roles, sessions, and a log of what was changed.
//!
//! Start at [`Access`]. Off unless there are users: on loopback that is the default, anywhere else the server refuses to start.
//!
//! Invariants: a password or a token's secret is never kept, only what it can be checked with; what is checked takes the same
//! time whether a name exists or not; every refusal of a log-in counts against its name and its address.

pub(crate) mod audit;
mod file;
mod guard;
mod limits;
mod rules;
mod sessions;

use std::{
    collections::HashMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

pub(crate) use audit::AuditEntry;
pub use file::{AccessError, AccessFile, Token, User};
pub(crate) use guard::guard;
use limits::Limits;
pub(crate) use rules::{percent_decoded, role_for};
use sessions::Sessions;
pub(crate) use sessions::{COOKIE, IDLE};

/// What somebody may do; each role has its own tasks, and an admin all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at everything.
    Viewer,
    /// A viewer who changes dashboards and monitors.
    Editor,
    /// Everything, users and indices included.
    Admin,
    /// Sends documents and attachments, and sees nothing.
    Ingest,
}

impl Role {
    pub const NAMES: [&str; 4] = ["viewer", "editor", "admin", "ingest"];

    /// None: there is no such role.
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }
}

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Only indices that one of these patterns matches; none: all.
    pub(crate) indices: Option<Vec<String>>,
    /// Only this dashboard, with what its panels ask.
    pub(crate) dashboard: Option<String>,
    /// By a cookie, which a browser sends whoever asks it to.
    pub(crate) by_cookie: bool,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nothing was shown.
    Nobody,
    /// What was shown is wrong, or has expired.
    Wrong,
    /// Too many wrong attempts; seconds to wait.
    TooMany(u64),
}

/// The name under which this machine's own runs deliver.
const RUNNER: &str = "_runner";
/// How long a checked Basic password is known: hashing it takes tens of milliseconds, and a shipper sends it each time.
const CHECKED_FOR: Duration = Duration::from_secs(300);
const MOST_CHECKED: usize = 1000;
/// Passwords that are checked at once: each takes 19 MiB.
const HASHERS: usize = 2;

type Digested = [u8; 32];

/// Users, tokens and sessions of a server.
pub struct Access {
    path: PathBuf,
    file: AsyncMutex<AccessFile>,
    sessions: Sessions,
    limits: Limits,
    checked: Mutex<HashMap<Digested, (Instant, String)>>,
    hashers: Arc<Semaphore>,
    /// Entries of the audit log on their way.
    writing: TaskTracker,
    /// Of this process and its runs only.
    runner_secret: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn digest(text: &str) -> Digested {
    Sha256::digest(text.as_bytes()).into()
}

/// What a secret is known by.
pub(crate) fn digest_hex(text: &str) -> String {
    file::hex(&digest(text))
}

/// 256 random bits as hexadecimal.
pub(crate) fn secret() -> Result<String, AccessError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| AccessError::Random(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Access {
    /// None when there are no users: everybody on this machine may do everything.
    pub fn open(path: PathBuf) -> Result<Option<Arc<Self>>, AccessError> {
        let file = AccessFile::read(&path)?;
        if file.users.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self {
            path,
            file: AsyncMutex::new(file),
            sessions: Sessions::default(),
            limits: Limits::default(),
            checked: Mutex::default(),
            hashers: Arc::new(Semaphore::new(HASHERS)),
            writing: TaskTracker::new(),
            runner_secret: secret()?,
        })))
    }

    /// `user:password` for the runs of this machine.
    pub fn runner_credentials(&self) -> String {
        format!("{RUNNER}:{}", self.runner_secret)
    }

    /// Waits for the audit log; to be called when no request comes any more.
    pub async fn finish(&self) {
        self.writing.close();
        self.writing.wait().await;
    }

    /// Who the headers of a request say is asking.
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Identity, Denied> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            let value = value.to_str().map_err(|_| Denied::Wrong)?;
            return self.by_authorization(value, address).await;
        }
        let cookie = sessions::cookie(headers).ok_or(Denied::Nobody)?;
        let name = self.sessions.find(&cookie).ok_or(Denied::Wrong)?;
        self.user(&name, true).await.ok_or(Denied::Wrong)
    }

    async fn by_authorization(
        &self,
        value: &str,
        address: Option<IpAddr>,
    ) -> Result<Identity, Denied> {
        let (scheme, rest) = value.split_once(' ').ok_or(Denied::Wrong)?;
        let decoded = || {
            let bytes = BASE64_STANDARD.decode(rest.trim()).ok()?;
            String::from_utf8(bytes).ok()
        };
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => {
                let text = decoded().ok_or(Denied::Wrong)?;
                let (name, password) = text.split_once(':').ok_or(Denied::Wrong)?;
                self.by_password(name, password, address).await
            }
            "bearer" => self.by_token(rest.trim()).await,
            "apikey" => {
                let text = decoded().ok_or(Denied::Wrong)?;
                let (_, secret) = text.split_once(':').ok_or(Denied::Wrong)?;
                self.by_token(secret).await
            }
            _ => Err(Denied::Wrong),
        }
    }

    async fn by_token(&self, secret: &str) -> Result<Identity, Denied> {
        let wanted = digest_hex(secret);
        let file = self.file.lock().await;
        let now = Moment::now().epoch_ms();
        let token = file.tokens.iter().find(|token| {
            token.secret_sha256 == wanted
                && token.expires.is_none_or(|expires| expires.epoch_ms() > now)
        });
        let token = token.ok_or(Denied::Wrong)?;
        Ok(Identity {
            name: format!("token {}", token.name),
            role: token.role,
            indices: (!token.indices.is_empty()).then(|| token.indices.clone()),
            dashboard: token.dashboard.clone(),
            by_cookie: false,
        })
    }

    async fn user(&self, name: &str, by_cookie: bool) -> Option<Identity> {
        let file = self.file.lock().await;
        let user = file.users.get(name)?;
        Some(Identity {
            name: name.to_owned(),
            role: user.role,
            indices: None,
            dashboard: None,
            by_cookie,
        })
    }

    /// Checks a name and a password; wrong ones make the next attempt wait.
    pub(crate) async fn by_password(
        &self,
        name: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<Identity, Denied> {
        if name == RUNNER {
            let right = digest(password) == digest(&self.runner_secret);
            return right
                .then(|| Identity {
                    name: RUNNER.to_owned(),
                    role: Role::Ingest,
                    indices: None,
                    dashboard: None,
                    by_cookie: false,
                })
                .ok_or(Denied::Wrong);
        }
        let key = digest(&format!("{name}\0{password}"));
        if self.is_checked(&key, name)
            && let Some(identity) = self.user(name, false).await
        {
            return Ok(identity);
        }
        self.limits
            .may_try(name, address)
            .map_err(Denied::TooMany)?;
        let known = {
            let file = self.file.lock().await;
            file.users.get(name).map(|user| user.password.clone())
        };
        if !self.matches(known, password).await {
            self.limits.failed(name, address);
            return Err(Denied::Wrong);
        }
        self.limits.succeeded(name, address);
        self.remember(key, name);
        self.user(name, false).await.ok_or(Denied::Wrong)
    }

    /// Takes as long for a name that does not exist.
    async fn matches(&self, known: Option<String>, password: &str) -> bool {
        let Ok(permit) = Arc::clone(&self.hashers).acquire_owned().await else {
            return false;
        };
        let password = password.to_owned();
        let checking = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            file::is_password(known.as_deref(), &password)
        });
        checking.await.unwrap_or(false)
    }

    fn is_checked(&self, key: &Digested, name: &str) -> bool {
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked
            .get(key)
            .is_some_and(|(at, known)| at.elapsed() < CHECKED_FOR && known == name)
    }

    fn remember(&self, key: Digested, name: &str) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= MOST_CHECKED {
            checked.clear();
        }
        checked.insert(key, (Instant::now(), name.to_owned()));
    }

    /// A new session of a user; the value of its cookie.
    pub(crate) fn log_in(&self, name: &str) -> Result<String, AccessError> {
        self.sessions.begin(name)
    }

    pub(crate) fn log_out(&self, headers: &HeaderMap) {
        if let Some(cookie) = sessions::cookie(headers) {
            self.sessions.end(&cookie);
        }
    }

    /// Users and tokens as they may be shown.
    pub(crate) async fn listed(&self) -> AccessFile {
        self.file.lock().await.clone()
    }

    /// Changes users or tokens and writes them down; nothing changes when that fails. What was known of passwords is forgotten.
    pub(crate) async fn change<T>(
        &self,
        change: impl FnOnce(&mut AccessFile) -> Result<T, AccessError>,
    ) -> Result<T, AccessError> {
        let mut file = self.file.lock().await;
        let mut next = file.clone();
        let answer = change(&mut next)?;
        next.write(&self.path)?;
        self.sessions.keep(|name| next.users.contains_key(name));
        *file = next;
        self.checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        Ok(answer)
    }

    /// A password is hashed beside the tasks that answer.
    pub(crate) async fn hashed(&self, password: String) -> Result<String, AccessError> {
        let hashing = tokio::task::spawn_blocking(move || file::hash(&password));
        hashing
            .await
            .map_err(|error| AccessError::Random(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &std::path::Path) -> Arc<Access> {
        let path = folder.join("access.json");
        let mut file = AccessFile::default();
        file.add_user("anna", "correct horse", Role::Editor)
            .unwrap();
        file.tokens.push(Token {
            id: "1".to_owned(),
            name: "ci".to_owned(),
            role: Role::Ingest,
            secret_sha256: file::hex(&digest("tok")),
            indices: Vec::new(),
            dashboard: None,
            expires: Some(Moment::from_epoch_ms(1)),
        });
        file.write(&path).unwrap();
        Access::open(path).unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_password_is_right_or_wrong_and_wrong_ones_wait() {
        let folder = tempfile::tempdir().unwrap();
        let access = opened(folder.path());
        let identity = access
            .by_password("anna", "correct horse", None)
            .await
            .unwrap();
        assert_eq!((identity.role, identity.by_cookie), (Role::Editor, false));
        for _ in 0..limits::FREE_ATTEMPTS {
            let denied = access.by_password("anna", "guess", None).await.unwrap_err();
            assert_eq!(denied, Denied::Wrong);
        }
        let denied = access.by_password("anna", "guess", None).await.unwrap_err();
        assert!(matches!(denied, Denied::TooMany(_)), "{denied:?}");
        // Who is known already is not locked out by somebody who guesses.
        assert!(
            access
                .by_password("anna", "correct horse", None)
                .await
                .is_ok()
        );
        assert_eq!(
            access.by_password("nobody", "x", None).await.unwrap_err(),
            Denied::Wrong
        );
    }

    #[tokio::test]
    async fn an_expired_token_and_a_removed_user_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let access = opened(folder.path());
        assert_eq!(access.by_token("tok").await.unwrap_err(), Denied::Wrong);
        let cookie = access.log_in("anna").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            format!("{COOKIE}={cookie}").parse().unwrap(),
        );
        assert!(access.identify(&headers, None).await.unwrap().by_cookie);
        access
            .change(|file| {
                file.users.remove("anna");
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(
            access.identify(&headers, None).await.unwrap_err(),
            Denied::Wrong
        );
    }

    #[tokio::test]
    async fn runs_of_this_machine_only_deliver() {
        let folder = tempfile::tempdir().unwrap();
        let access = opened(folder.path());
        let mut headers = HeaderMap::new();
        let basic = BASE64_STANDARD.encode(access.runner_credentials());
        headers.insert(
            header::AUTHORIZATION,
            format!("Basic {basic}").parse().unwrap(),
        );
        assert_eq!(
            access.identify(&headers, None).await.unwrap().role,
            Role::Ingest
        );
    }
}

//! Sessions of people: a random cookie each, in memory only; a restart asks everybody for their password again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header};

use super::{AccessError, Digested, digest, secret};

pub(crate) const COOKIE: &str = "canarytrace_session";
/// Without a request for so long a session ends.
pub(crate) const IDLE: Duration = Duration::from_secs(12 * 3600);
const MOST: usize = 10_000;

#[derive(Debug)]
struct Session {
    user: String,
    used: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    by_digest: Mutex<HashMap<Digested, Session>>,
}

impl Sessions {
    pub(super) fn begin(&self, user: &str) -> Result<String, AccessError> {
        let cookie = secret()?;
        let mut sessions = self.lock();
        if sessions.len() >= MOST {
            sessions.retain(|_, session| session.used.elapsed() < IDLE);
        }
        if sessions.len() >= MOST {
            return Err(AccessError::Refused("too many sessions".to_owned()));
        }
        let session = Session {
            user: user.to_owned(),
            used: Instant::now(),
        };
        sessions.insert(digest(&cookie), session);
        Ok(cookie)
    }

    /// Whose session it is; using it keeps it.
    pub(super) fn find(&self, cookie: &str) -> Option<String> {
        let mut sessions = self.lock();
        let key = digest(cookie);
        let session = sessions.get_mut(&key)?;
        if session.used.elapsed() >= IDLE {
            sessions.remove(&key);
            return None;
        }
        session.used = Instant::now();
        Some(session.user.clone())
    }

    pub(super) fn end(&self, cookie: &str) {
        self.lock().remove(&digest(cookie));
    }

    pub(super) fn keep(&self, is_wanted: impl Fn(&str) -> bool) {
        self.lock().retain(|_, session| is_wanted(&session.user));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digested, Session>> {
        self.by_digest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session's cookie of a request.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

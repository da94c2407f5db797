//! `access.json` of a data folder: users and tokens, readable by its owner only.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Role;

#[derive(Debug, Error)]
pub enum AccessError {
    #[error("{path} cannot be {what}: {source}")]
    File {
        path: PathBuf,
        what: &'static str,
        source: io::Error,
    },
    #[error("{path} is not understood: {source}")]
    Content {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{0}")]
    Refused(String),
    #[error("no random numbers: {0}")]
    Random(String),
}

/// Somebody with a password.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub role: Role,
    /// Argon2id, in PHC form.
    pub password: String,
}

/// For a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Token {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Of its 256 random bits, so a plain hash is enough.
    pub secret_sha256: String,
    /// Patterns; empty: all indices.
    #[serde(default)]
    pub indices: Vec<String>,
    /// Only to look at this dashboard, in a frame of another page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    #[serde(default)]
    pub expires: Option<Moment>,
}

/// Everybody who is let in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessFile {
    #[serde(default)]
    pub users: BTreeMap<String, User>,
    #[serde(default)]
    pub tokens: Vec<Token>,
}

const LEAST_PASSWORD: usize = 10;
const MOST_PASSWORD: usize = 1000;

impl AccessFile {
    /// Nobody, when there is no file.
    pub fn read(path: &Path) -> Result<Self, AccessError> {
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(AccessError::File {
                    path: path.to_owned(),
                    what: "read",
                    source,
                });
            }
        };
        serde_json::from_slice(&content).map_err(|source| AccessError::Content {
            path: path.to_owned(),
            source,
        })
    }

    /// Replaces the file in one step.
    pub fn write(&self, path: &Path) -> Result<(), AccessError> {
        let content = serde_json::to_vec_pretty(self).unwrap_or_default();
        let beside = path.with_extension("json.new");
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(&content)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&beside, path));
        written.map_err(|source| AccessError::File {
            path: path.to_owned(),
            what: "written",
            source,
        })
    }

    /// Adds a user, or gives one another password and role.
    pub fn add_user(&mut self, name: &str, password: &str, role: Role) -> Result<(), AccessError> {
        check_name(name)?;
        let hash = hash(password)?;
        self.set_user(name, hash, role)
    }

    /// The same with a password that is hashed already.
    pub(crate) fn set_user(
        &mut self,
        name: &str,
        password: String,
        role: Role,
    ) -> Result<(), AccessError> {
        check_name(name)?;
        let had_admin = self.has_admin();
        self.users.insert(name.to_owned(), User { role, password });
        self.keeps_admin(had_admin)
    }

    pub fn remove_user(&mut self, name: &str) -> Result<(), AccessError> {
        let had_admin = self.has_admin();
        if self.users.remove(name).is_none() {
            return Err(AccessError::Refused(format!("there is no user `{name}`")));
        }
        self.keeps_admin(had_admin)
    }

    fn has_admin(&self) -> bool {
        self.users.values().any(|user| user.role == Role::Admin)
    }

    /// Without an admin nobody could add one; nobody at all is how access is switched off.
    fn keeps_admin(&self, had_admin: bool) -> Result<(), AccessError> {
        if self.users.is_empty() || !had_admin || self.has_admin() {
            return Ok(());
        }
        Err(AccessError::Refused(
            "no admin would be left; make somebody else one first".to_owned(),
        ))
    }
}

fn check_name(name: &str) -> Result<(), AccessError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    let right =
        !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) && !name.starts_with('_');
    if right {
        return Ok(());
    }
    Err(AccessError::Refused(format!(
        "`{name}` is no name: letters, digits, - _ . @, at most 64, not beginning with _"
    )))
}

/// An Argon2id hash with its own salt.
pub(super) fn hash(password: &str) -> Result<String, AccessError> {
    if !(LEAST_PASSWORD..=MOST_PASSWORD).contains(&password.chars().count()) {
        return Err(AccessError::Refused(format!(
            "a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters"
        )));
    }
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| AccessError::Random(error.to_string()))
}

/// Of nobody's password, so that a wrong name takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9i$5Bd6XyAJVmkP1n0hLRhYlnM3fmcDKHh3Pz3LHyJoGSM";

pub(super) fn is_password(known: Option<&str>, password: &str) -> bool {
    let Ok(hash) = PasswordHash::new(known.unwrap_or(NOBODY)) else {
        return false;
    };
    let right = Argon2::default()
        .verify_password(password.as_bytes(), &hash)
        .is_ok();
    right && known.is_some()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_its_owners_and_holds_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.json");
        let mut file = AccessFile::default();
        file.add_user("anna", "correct horse", Role::Admin).unwrap();
        file.write(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("correct horse"));
        let read = AccessFile::read(&path).unwrap();
        assert!(is_password(
            Some(&read.users["anna"].password),
            "correct horse"
        ));
        assert!(!is_password(
            Some(&read.users["anna"].password),
            "correct horsE"
        ));
        assert!(!is_password(None, "correct horse"));
    }

    #[test]
    fn names_passwords_and_the_last_admin_are_checked() {
        let mut file = AccessFile::default();
        assert!(
            file.add_user("_runner", "correct horse", Role::Admin)
                .is_err()
        );
        assert!(file.add_user("anna", "short", Role::Admin).is_err());
        file.add_user("anna", "correct horse", Role::Admin).unwrap();
        file.add_user("ben", "correct horse", Role::Viewer).unwrap();
        assert!(file.clone().remove_user("anna").is_err());
        assert!(file.remove_user("ben").is_ok());
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}

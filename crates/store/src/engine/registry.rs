//! Named JSON bodies that are kept in one small file: templates of each kind, aliases.

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::{PoisonError, RwLock},
};

use canarytrace_es::{EsError, query::wildcard_matches};
use serde_json::Value;

use super::{StoreError, files};

type Entries = BTreeMap<String, Value>;

#[derive(Debug)]
pub(crate) struct Registry {
    path: PathBuf,
    entries: RwLock<Entries>,
}

impl Registry {
    /// Reads the file if there is one.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let entries = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| StoreError::Damaged(path.clone(), error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Entries::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            path,
            entries: RwLock::new(entries),
        })
    }

    /// Everything, as it is now.
    pub(crate) fn all(&self) -> Entries {
        self.entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).cloned()
    }

    /// By names that are separated by commas and may hold `*`.
    pub(crate) fn named(&self, names: &str) -> Vec<(String, Value)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |name: &str| {
            let mut names = names.split(',');
            names.any(|pattern| pattern == "_all" || wildcard_matches(pattern, name))
        };
        entries
            .iter()
            .filter(|(name, _)| is_wanted(name))
            .map(|(name, body)| (name.clone(), body.clone()))
            .collect()
    }

    /// Changes a copy, writes it, and takes it over: a failure leaves everything as it was.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Entries) -> Result<T, EsError>,
    ) -> Result<T, EsError> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = entries.clone();
        let answer = change(&mut changed)?;
        if changed != *entries {
            let text = serde_json::to_vec(&changed)
                .map_err(|error| EsError::internal(error.to_string()))?;
            files::replace(&self.path, &text).map_err(StoreError::from)?;
            *entries = changed;
        }
        Ok(answer)
    }
}

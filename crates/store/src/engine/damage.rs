//! Indices that cannot be read: each is told by its name and kept apart, the others go on.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use canarytrace_es::{EsError, IndexTarget, query::wildcard_matches};

/// Names, and what is wrong with each.
#[derive(Debug, Default)]
pub(crate) struct Damages(RwLock<BTreeMap<String, String>>);

impl Damages {
    pub(crate) fn add(&self, name: &str, reason: &str) {
        tracing::error!(
            index = name,
            reason,
            "an index is damaged and left out; hint: stop the server and run canarytrace store rebuild"
        );
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(name.to_owned(), reason.to_owned());
    }

    pub(crate) fn remove(&self, name: &str) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(name).is_some()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.keys().cloned().collect()
    }

    /// Those that a target means, by name or by pattern.
    pub(crate) fn meant_by(&self, target: &IndexTarget) -> Vec<String> {
        let is_meant = |name: &String| {
            let mut patterns = target.patterns.iter();
            patterns.any(|pattern| wildcard_matches(pattern, name))
        };
        self.names().into_iter().filter(is_meant).collect()
    }

    /// What is asked by its name is refused rather than not found.
    pub(crate) fn check(&self, name: &str) -> Result<(), EsError> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match all.get(name) {
            None => Ok(()),
            Some(reason) => Err(EsError::new(
                503,
                "no_shard_available_action_exception",
                format!("index [{name}] is damaged: {reason}; hint: canarytrace store rebuild"),
            )),
        }
    }
}

//! Settings of the whole store: the persistent ones in a small file, the transient ones until it closes.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{PoisonError, RwLock},
};

use canarytrace_es::{ClusterSettings, EsError};
use serde_json::Value;

use super::{Registry, StoreError};

#[derive(Debug)]
pub(crate) struct Switches {
    persistent: Registry,
    transient: RwLock<BTreeMap<String, Value>>,
}

impl Switches {
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        Ok(Self {
            persistent: Registry::open(path)?,
            transient: RwLock::default(),
        })
    }

    pub(crate) fn get(&self) -> ClusterSettings {
        let transient = self.transient.read();
        ClusterSettings {
            transient: transient.unwrap_or_else(PoisonError::into_inner).clone(),
            persistent: self.persistent.all(),
        }
    }

    /// All or nothing; answers what was set.
    pub(crate) fn change(&self, body: &Value) -> Result<ClusterSettings, EsError> {
        let mut transient = self
            .transient
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let (set, changed) = self.persistent.change(|persistent| {
            let mut all = ClusterSettings {
                persistent: persistent.clone(),
                transient: transient.clone(),
            };
            let set = all.change(body)?;
            *persistent = all.persistent;
            Ok((set, all.transient))
        })?;
        *transient = changed;
        Ok(set)
    }
}

//! Names that stand for indices: whole, or the part that a filter shows.

use std::{collections::BTreeMap, sync::Arc};

use canarytrace_es::{
    Alias, AliasAction, EsError, IndexTarget,
    query::{Query, wildcard_matches},
};
use serde_json::{Value, json};

use super::{Index, Shared};

/// An index of a search, and what its aliases let through.
pub(crate) struct Selected {
    pub(crate) index: Arc<Index>,
    /// Any of them; everything when empty.
    pub(crate) filters: Vec<Query>,
}

/// Aliases by name, of each the indices; as they are kept.
type Table = BTreeMap<String, BTreeMap<String, Value>>;

impl Shared {
    fn table(&self) -> Table {
        let all = self.aliases.all();
        all.into_iter()
            .map(|(name, indices)| {
                let indices = indices.as_object().cloned().unwrap_or_default();
                (name, indices.into_iter().collect())
            })
            .collect()
    }

    /// The indices of one alias: a write asks for each of its documents.
    fn members(&self, name: &str) -> Option<BTreeMap<String, Value>> {
        let members = self.aliases.get(name)?;
        Some(members.as_object()?.clone().into_iter().collect())
    }

    /// Indices by their names and those of their aliases.
    pub(crate) fn select(&self, target: &IndexTarget) -> Result<Vec<Selected>, EsError> {
        target
            .patterns
            .iter()
            .try_for_each(|name| self.damages.check(name))?;
        let (table, indices) = (self.table(), self.by_name());
        let names = indices.keys().chain(table.keys()).map(String::as_str);
        // None: the whole index is meant.
        let mut selected: BTreeMap<String, Option<Vec<Query>>> = BTreeMap::new();
        for name in target.resolve(names)? {
            let Some(members) = table.get(&name) else {
                selected.insert(name, None);
                continue;
            };
            for (index, body) in members {
                let filter = Alias::parse(body)?.filter.map(|(_, query)| query);
                let known = selected
                    .entry(index.clone())
                    .or_insert_with(|| Some(Vec::new()));
                match (known.as_mut(), filter) {
                    (Some(filters), Some(filter)) => filters.push(filter),
                    _ => *known = None,
                }
            }
        }
        Ok(selected
            .into_iter()
            .filter_map(|(name, filters)| {
                Some(Selected {
                    index: Arc::clone(indices.get(&name)?),
                    filters: filters.unwrap_or_default(),
                })
            })
            .collect())
    }

    /// The aliases of an index.
    pub(crate) fn aliases_of(&self, index: &str) -> BTreeMap<String, Alias> {
        let table = self.table();
        let own = table.into_iter().filter_map(|(name, mut members)| {
            let alias = Alias::parse(&members.remove(index)?).ok()?;
            Some((name, alias))
        });
        own.collect()
    }

    pub(crate) fn is_alias(&self, name: &str) -> bool {
        self.aliases.get(name).is_some()
    }

    /// Where a write to an alias goes; none of a name that is no alias.
    pub(crate) fn write_index(&self, name: &str) -> Result<Option<String>, EsError> {
        let Some(members) = self.members(name) else {
            return Ok(None);
        };
        let flag = |body: &Value| body.get("is_write_index").and_then(Value::as_bool);
        let chosen = members.iter().find(|(_, body)| flag(body) == Some(true));
        let only = || match members.iter().collect::<Vec<_>>().as_slice() {
            [(index, body)] if flag(body) != Some(false) => Some((*index).clone()),
            _ => None,
        };
        let target = chosen.map(|(index, _)| index.clone()).or_else(only);
        target.map(Some).ok_or_else(|| {
            EsError::illegal_argument(format!(
                "no write index is defined for alias [{name}]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index"
            ))
        })
    }

    /// The one index that a document is read from.
    pub(crate) fn read_index(&self, name: &str) -> Result<Arc<Index>, EsError> {
        self.damages.check(name)?;
        let Some(members) = self.members(name) else {
            return self
                .index(name)
                .ok_or_else(|| EsError::index_not_found(name));
        };
        let names: Vec<&String> = members.keys().collect();
        match names.as_slice() {
            [only] => self
                .index(only)
                .ok_or_else(|| EsError::index_not_found(only)),
            _ => Err(EsError::illegal_argument(format!(
                "alias [{name}] has more than one index associated with it [{}], can't execute a single index op",
                names
                    .iter()
                    .map(|name| name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    /// Concrete indices, named by themselves: an alias is refused.
    pub(crate) fn concrete(&self, target: &IndexTarget) -> Result<Vec<Arc<Index>>, EsError> {
        if let Some(alias) = target.patterns.iter().find(|name| self.is_alias(name)) {
            return Err(EsError::illegal_argument(format!(
                "The provided expression [{alias}] matches an alias, specify the corresponding concrete indices instead."
            )));
        }
        let indices = self.by_name();
        let names = target.resolve(indices.keys().map(String::as_str))?;
        Ok(names
            .iter()
            .filter_map(|name| indices.get(name).cloned())
            .collect())
    }

    /// All actions or none; answers the indices that are to be removed.
    pub(crate) fn change_aliases(&self, actions: &[AliasAction]) -> Result<Vec<String>, EsError> {
        // Before the table is locked: names are looked up in it.
        let resolved = actions
            .iter()
            .map(|action| {
                let (AliasAction::Add { indices, .. }
                | AliasAction::Remove { indices, .. }
                | AliasAction::RemoveIndex(indices)) = action;
                let found = self.concrete(indices)?;
                Ok(found.iter().map(|index| index.name.clone()).collect())
            })
            .collect::<Result<Vec<Vec<String>>, EsError>>()?;
        let doomed: Vec<String> = actions
            .iter()
            .zip(&resolved)
            .filter(|(action, _)| matches!(action, AliasAction::RemoveIndex(_)))
            .flat_map(|(_, indices)| indices.clone())
            .collect();
        self.aliases.change(|all| {
            for (action, indices) in actions.iter().zip(&resolved) {
                match action {
                    AliasAction::Add { name, alias, .. } => {
                        if !doomed.contains(name) {
                            self.check_alias_name(name)?;
                        }
                        let members = all.entry(name.clone()).or_insert_with(|| json!({}));
                        for index in indices {
                            members[index] = alias.to_json();
                        }
                    }
                    AliasAction::Remove {
                        name, must_exist, ..
                    } => {
                        let removed = remove(all, name, indices);
                        if !removed && (*must_exist || !name.contains('*')) {
                            return Err(aliases_missing(name));
                        }
                    }
                    AliasAction::RemoveIndex(_) => {}
                }
            }
            retain_used(all);
            Ok(())
        })?;
        Ok(doomed)
    }

    /// An index that is gone has no aliases.
    pub(crate) fn forget_aliases(&self, index: &str) -> Result<(), EsError> {
        self.aliases.change(|all| {
            remove(all, "*", &[index.to_owned()]);
            retain_used(all);
            Ok(())
        })
    }

    pub(crate) fn check_alias_name(&self, name: &str) -> Result<(), EsError> {
        let invalid = |reason: &str| {
            Err(EsError::new(
                400,
                "invalid_alias_name_exception",
                format!("Invalid alias name [{name}]: {reason}"),
            ))
        };
        if self.index(name).is_some() {
            return invalid("an index or data stream exists with the same name as the alias");
        }
        if name.is_empty()
            || name.starts_with(['_', '-', '+'])
            || name.contains(['*', ',', '/', '\\', '"', '#', ':'])
        {
            return invalid("must be a name that an index could have");
        }
        Ok(())
    }
}

/// Takes indices out of aliases; answers whether one was in.
fn remove(all: &mut BTreeMap<String, Value>, pattern: &str, indices: &[String]) -> bool {
    let mut removed = false;
    for (name, members) in all.iter_mut() {
        let members = members.as_object_mut();
        let Some(members) = members.filter(|_| wildcard_matches(pattern, name)) else {
            continue;
        };
        for index in indices {
            removed |= members.remove(index).is_some();
        }
    }
    removed
}

fn retain_used(all: &mut BTreeMap<String, Value>) {
    let is_used = |members: &Value| {
        members
            .as_object()
            .is_some_and(|members| !members.is_empty())
    };
    all.retain(|_, members| is_used(members));
}

fn aliases_missing(name: &str) -> EsError {
    EsError::new(
        404,
        "aliases_not_found_exception",
        format!("aliases [{name}] missing"),
    )
}

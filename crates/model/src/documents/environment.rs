//! `c.env-*`: the variables a run was started with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Common;

/// One document a run. The established product stored secrets here as they were; ours are masked, and the document
/// says which.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    #[serde(flatten)]
    pub common: Common,
    /// Names of the variables whose values are masked.
    pub masked_variables: Vec<String>,
    /// Each variable is a field of its own name, unless a field of the document has that name.
    #[serde(flatten)]
    pub variables: BTreeMap<String, String>,
}

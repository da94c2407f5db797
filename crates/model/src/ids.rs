//! Identifiers of a run (32 lower-case hex digits, also a valid trace id) and of a test step (20).

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The id of one run; joins all indices as `uuid`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RunId(String);

/// The id of one test step; stored as `uuidAction`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ActionId(String);

impl RunId {
    /// A new random id.
    pub fn random() -> Self {
        Self(random_hex::<16>())
    }

    /// Accepts exactly 32 lower-case hex digits, so that an id is always a safe file name.
    pub fn parse(text: &str) -> Option<Self> {
        is_lower_hex(text, 32).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ActionId {
    /// A new random id.
    pub fn random() -> Self {
        Self(random_hex::<10>())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn random_hex<const N: usize>() -> String {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).expect("the operating system has a random source");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_documented_length() {
        assert_eq!(RunId::random().as_str().len(), 32);
        assert_eq!(ActionId::random().as_str().len(), 20);
        assert_ne!(RunId::random(), RunId::random());
    }

    #[test]
    fn a_run_id_is_a_safe_file_name() {
        assert!(RunId::parse("../../../../../../../etc/passwd..").is_none());
        assert!(RunId::parse(&"A".repeat(32)).is_none());
        assert!(RunId::parse(&"a".repeat(32)).is_some());
    }
}

//! References to elements and how they are found.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The key that marks an element in WebDriver JSON.
pub const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The key that marks a shadow root.
pub const SHADOW_KEY: &str = "shadow-6066-11e4-a52e-4f735466cecf";

/// An element of the current page.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementId(pub String);

impl ElementId {
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        value
            .get(ELEMENT_KEY)
            .or_else(|| value.get(SHADOW_KEY))
            .and_then(Value::as_str)
            .map(|id| Self(id.to_owned()))
    }

    /// As an argument of a script.
    pub fn to_value(&self) -> Value {
        json!({ELEMENT_KEY: self.0})
    }
}

/// A location strategy of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locator {
    /// `css selector`, `xpath`, `link text`, `partial link text` or `tag name`.
    pub using: &'static str,
    pub value: String,
}

impl Locator {
    pub fn css(value: impl Into<String>) -> Self {
        Self {
            using: "css selector",
            value: value.into(),
        }
    }

    pub fn xpath(value: impl Into<String>) -> Self {
        Self {
            using: "xpath",
            value: value.into(),
        }
    }

    pub fn link_text(value: impl Into<String>) -> Self {
        Self {
            using: "link text",
            value: value.into(),
        }
    }

    pub fn partial_link_text(value: impl Into<String>) -> Self {
        Self {
            using: "partial link text",
            value: value.into(),
        }
    }
}

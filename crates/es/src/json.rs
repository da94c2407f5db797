//! Building answers without copies.

use serde_json::{Map, Value};

/// An object of values that are moved into it: `json!` serialises what it is given, and copies all of it.
pub fn object_of<const COUNT: usize>(members: [(&str, Value); COUNT]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::Object(Map::from_iter(members))
}

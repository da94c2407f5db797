//! Settings by whole names with dots, and as objects within objects.

use serde_json::{Value, json};

/// Settings by their whole names; numbers and flags become texts, as they are told.
pub fn flat_settings(settings: &Value) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    flatten(settings, "", &mut flat);
    flat
}

fn flatten(value: &Value, path: &str, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                flatten(value, &path, into);
            }
        }
        Value::Number(number) => into.push((path.to_owned(), json!(number.to_string()))),
        Value::Bool(flag) => into.push((path.to_owned(), json!(flag.to_string()))),
        other => into.push((path.to_owned(), other.clone())),
    }
}

/// Puts a value where its whole name says, making objects on the way.
pub fn put_nested(root: &mut Value, path: &str, value: Value) {
    let mut node = root;
    for name in path.split('.') {
        if !node.is_object() {
            *node = json!({});
        }
        node = &mut node[name];
    }
    *node = value;
}

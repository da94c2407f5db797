//! Cherry picking: one value of a request's JSON body, by a path such as `[0].user.id` (`POST_DATA_PATH`).

use serde_json::Value;

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Position(usize),
}

/// A path that was understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CherryPath(Vec<Step>);

impl CherryPath {
    /// An optional leading `data`, then dots with names and brackets with positions or quoted names.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "POST_DATA_PATH `{text}` is no path; hint: write it like `[0].user.id` or `data.title`"
            )
        };
        let mut rest = text.trim();
        if let Some(after) = rest.strip_prefix("data")
            && (after.is_empty() || after.starts_with(['.', '[']))
        {
            rest = after;
        } else if !rest.starts_with(['.', '[']) {
            return Err(wrong());
        }
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, next) = after.split_at(end);
                if name.is_empty() {
                    return Err(wrong());
                }
                steps.push(Step::Name(name.to_owned()));
                rest = next;
            } else {
                let inner = rest.strip_prefix('[').ok_or_else(wrong)?;
                let (inside, next) = inner.split_once(']').ok_or_else(wrong)?;
                let quoted = inside.trim_matches(['"', '\'']);
                steps.push(match inside.parse() {
                    Ok(position) => Step::Position(position),
                    Err(_) if quoted.len() + 2 == inside.len() => Step::Name(quoted.to_owned()),
                    Err(_) => return Err(wrong()),
                });
                rest = next;
            }
        }
        Ok(Self(steps))
    }

    /// The picked value as JSON text; nothing there, or no JSON, is an empty text.
    pub(crate) fn pick(&self, body: &str) -> String {
        let Ok(body) = serde_json::from_str::<Value>(body) else {
            return String::new();
        };
        let found = self.0.iter().try_fold(&body, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Position(position) => value.get(position),
        });
        found.map(Value::to_string).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_paths_pick() {
        let pick = |path: &str, body: &str| CherryPath::parse(path).unwrap().pick(body);
        assert_eq!(pick(".title", r#"{"title":"a"}"#), "\"a\"");
        assert_eq!(pick("data[0].type", r#"[{"type":1}]"#), "1");
        assert_eq!(
            pick("[0].user.biskoId", r#"[{"user":{"biskoId":"x"}}]"#),
            "\"x\""
        );
        assert_eq!(pick("[0].user", r#"[{"user":{"b":1}}]"#), "{\"b\":1}");
        assert_eq!(pick("['a b'][\"c\"]", r#"{"a b":{"c":true}}"#), "true");
        assert_eq!(pick(".title", "title=a"), "");
        assert_eq!(pick(".title", "{}"), "");
        for wrong in ["", "title", ".", "[x]", "[0", "..a"] {
            assert!(CherryPath::parse(wrong).is_err(), "{wrong}");
        }
    }
}

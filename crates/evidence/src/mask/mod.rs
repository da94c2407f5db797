//! Declared secrets are masked by value, in every form in which they travel.

mod forms;

use std::{borrow::Cow, fmt, sync::Arc};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

/// What stands where a secret was.
const MASK: &str = "********";
/// A shorter value would mask half of every document: it is masked only where it is all there is.
pub const SHORT: usize = 6;

/// The secrets of a run; prints nothing.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Finds every form of every secret; none when there is no secret.
    finder: Option<Arc<AhoCorasick>>,
    short: Arc<[String]>,
    values: Arc<[String]>,
}

impl Secrets {
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let (short, long): (Vec<String>, Vec<String>) = values
            .into_iter()
            .filter(|value| !value.is_empty())
            .partition(|value| value.chars().count() < SHORT);
        let forms: Vec<Vec<u8>> = long.iter().flat_map(|value| forms::of(value)).collect();
        let finder = (!forms.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(forms)
                .expect("secrets are far smaller than an automaton may be")
        });
        Self {
            finder: finder.map(Arc::new),
            values: long.iter().chain(&short).cloned().collect(),
            short: short.into(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values themselves, for what has to look for them elsewhere (a page that is about to be pictured).
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether a text holds a secret in any form.
    pub fn is_in(&self, text: &str) -> bool {
        self.finder
            .as_ref()
            .is_some_and(|finder| finder.is_match(text))
    }

    /// `text` without the secrets.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.finder {
            Some(finder) if finder.is_match(text) => {
                let mut masked = String::with_capacity(text.len());
                finder.replace_all_with(text, &mut masked, |_, _, masked| {
                    masked.push_str(MASK);
                    true
                });
                Cow::Owned(masked)
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// JSON text without the secrets: names and texts are masked, a number that is a secret becomes null. It stays JSON.
    pub fn mask_json<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.short.is_empty() && !self.is_in(text) {
            return Cow::Borrowed(text);
        }
        match serde_json::from_str::<Value>(text) {
            Ok(mut value) => {
                self.mask_value(&mut value);
                Cow::Owned(value.to_string())
            }
            Err(_) => self.mask(text),
        }
    }

    /// As [`Secrets::mask_json`], for a value.
    pub fn mask_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if self.short.contains(text) {
                    MASK.clone_into(text);
                } else if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.is_in(&text) || self.short.contains(&text) {
                    *value = Value::Null;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_value(item)),
            Value::Object(members) => {
                if members.keys().any(|name| self.is_in(name)) {
                    *members = std::mem::take(members)
                        .into_iter()
                        .map(|(name, value)| (self.mask(&name).into_owned(), value))
                        .collect();
                }
                members
                    .values_mut()
                    .for_each(|member| self.mask_value(member));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "p@ss \"wörd\" & <more>/+%";

    fn check(text: &str) {
        let masked = Secrets::new([SECRET.to_owned()]).mask(text).into_owned();
        assert!(masked.contains(MASK), "{text}: {masked}");
        assert!(!masked.contains("ss "), "{masked}");
        assert!(
            masked.starts_with("before:") && masked.ends_with(":after"),
            "{masked}"
        );
    }

    #[test]
    fn every_form_is_masked() {
        let around = |text: &str| format!("before:{text}:after");
        check(&around(SECRET));
        let json = json!(SECRET).to_string();
        check(&around(json.trim_matches('"')));
        let twice = json!(json).to_string();
        check(&around(twice.trim_matches('"')));
        check(&around(
            "p%40ss%20%22w%C3%B6rd%22%20%26%20%3Cmore%3E%2F%2B%25",
        ));
        check(&around(
            "p%40ss%20%22w%c3%b6rd%22%20%26%20%3cmore%3e%2f%2b%25",
        ));
        check(&around("p%40ss+%22w%C3%B6rd%22+%26+%3Cmore%3E%2F%2B%25"));
        check(&around("p@ss%20%22w%C3%B6rd%22%20&%20%3Cmore%3E/+%"));
        check(&around("p@ss \"wörd\" &amp; &lt;more&gt;/+%"));
        check(&around("p@ss &quot;wörd&quot; &amp; &lt;more&gt;/+%"));
        check(&around("p@ss &#34;wörd&#34; &amp; &lt;more&gt;/+%"));
        check(&around("p@ss \\\"w\\u00f6rd\\\" & <more>/+%"));
    }

    #[test]
    fn base64_is_masked_wherever_the_secret_begins_in_it() {
        let secrets = Secrets::new([SECRET.to_owned()]);
        for before in ["", "a", "ab", "robot:"] {
            for after in ["", "x", "yz"] {
                let encoded = BASE64_STANDARD.encode(format!("{before}{SECRET}{after}"));
                let masked = secrets.mask(&encoded).into_owned();
                assert!(masked.contains(MASK), "{before} {after}: {encoded}");
                let decodable = masked.replace(MASK, "AAAA");
                let decoded = BASE64_STANDARD.decode(decodable.trim_end_matches('='));
                let decoded = String::from_utf8_lossy(&decoded.unwrap_or_default()).into_owned();
                assert!(!decoded.contains("more"), "{decoded}");
            }
        }
    }

    #[test]
    fn json_stays_json() {
        let secrets = Secrets::new(["123456".to_owned(), "passed".to_owned(), "tru".to_owned()]);
        let text = r#"{"passed":true,"n":123456,"m":1234567,"t":"tru","list":["x123456y","tru "]}"#;
        let value: Value = serde_json::from_str(&secrets.mask_json(text)).unwrap();
        assert_eq!(
            value,
            json!({MASK: true, "n": null, "m": null, "t": MASK, "list": [format!("x{MASK}y"), "tru "]})
        );
        assert!(matches!(secrets.mask("nothing"), Cow::Borrowed(_)));
        assert!(!format!("{secrets:?}").contains("123456"));
    }
}

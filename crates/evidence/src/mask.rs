//! Declared secrets are masked by value, in every form in which they travel.

use std::fmt;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};

/// What stands where a secret was.
const MASK: &str = "********";
/// A shorter value would mask half of every document; it is refused where it is declared.
const MIN_LENGTH: usize = 4;

/// The secrets of a run; prints nothing.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Every form of every secret, longest first.
    forms: Vec<String>,
}

impl Secrets {
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut forms: Vec<String> = values
            .into_iter()
            .filter(|value| value.len() >= MIN_LENGTH)
            .flat_map(|value| forms(&value))
            .collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// `text` without the secrets.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for form in &self.forms {
            if masked.contains(form.as_str()) {
                masked = masked.replace(form.as_str(), MASK);
            }
        }
        masked
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} forms)", self.forms.len())
    }
}

/// Plain, inside JSON (once and twice), in a URL (both space conventions), base64 (both alphabets).
fn forms(value: &str) -> Vec<String> {
    let json = json_escaped(value);
    let twice = json_escaped(&json);
    let percent = percent_encoded(value);
    let form_encoded = percent.replace("%20", "+");
    let base64 = BASE64_STANDARD.encode(value);
    let lower_percent = percent.to_lowercase();
    let mut all = vec![
        value.to_owned(),
        json,
        twice,
        percent,
        form_encoded,
        base64,
        BASE64_STANDARD_NO_PAD.encode(value),
        BASE64_URL_SAFE_NO_PAD.encode(value),
    ];
    if lower_percent != value.to_lowercase() {
        all.push(lower_percent);
    }
    all
}

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    quoted
        .trim_start_matches('"')
        .strip_suffix('"')
        .unwrap_or_default()
        .to_owned()
}

fn percent_encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_masked() {
        let secret = "p@ss \"wörd\"";
        let secrets = Secrets::new([secret.to_owned()]);
        let texts = [
            secret.to_owned(),
            serde_json::json!({"a": secret}).to_string(),
            serde_json::json!({"a": serde_json::json!({"b": secret}).to_string()}).to_string(),
            "https://h/?q=p%40ss%20%22w%C3%B6rd%22".to_owned(),
            "https://h/?q=p%40ss+%22w%C3%B6rd%22".to_owned(),
            BASE64_STANDARD.encode(secret),
        ];
        for text in texts {
            let masked = secrets.mask(&text);
            assert!(masked.contains(MASK), "{text}");
            assert!(!masked.contains("rd"), "{masked}");
        }
        assert!(!format!("{secrets:?}").contains("p@ss"));
    }

    #[test]
    fn short_values_and_other_text_stay() {
        let secrets = Secrets::new(["abc".to_owned(), "longer".to_owned()]);
        assert_eq!(secrets.mask("abc longe"), "abc longe");
    }
}

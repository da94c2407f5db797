//! The shapes a value takes on its way: escaped, encoded, in the middle of something else.

use std::collections::BTreeSet;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
/// JavaScript's `encodeURIComponent`.
const COMPONENT: &AsciiSet = &STRICT
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');
/// JavaScript's `encodeURI`.
const WHOLE: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');
/// A form's body (`application/x-www-form-urlencoded`); its spaces are `+`.
const FORM: &AsciiSet = &STRICT.remove(b'*').add(b'~');
/// The URL standard's query, path and userinfo.
const QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\'');
const PATH: &AsciiSet = &QUERY
    .remove(b'\'')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');
const USERINFO: &AsciiSet = &PATH
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'=')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'|');

/// Shorter pieces of base64 would be found everywhere.
const MIN_BASE64: usize = 6;

/// Every form of a value, as bytes.
pub(super) fn of(value: &str) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    let mut add = |form: String| {
        all.insert(form.into_bytes());
    };
    let json = json_escaped(value);
    add(json_escaped(&json));
    add(ascii_json(value));
    add(json);
    for set in [STRICT, COMPONENT, WHOLE, QUERY, PATH, USERINFO, FORM] {
        let encoded = utf8_percent_encode(value, set).to_string();
        add(encoded.replace("%20", "+"));
        add(lower_case_hex(&encoded));
        add(encoded);
    }
    html(value).into_iter().for_each(&mut add);
    base64(value.as_bytes()).into_iter().for_each(&mut add);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    add(hex.to_uppercase());
    add(hex);
    add(value.to_owned());
    all
}

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    let inner = quoted.strip_prefix('"').unwrap_or_default();
    inner.strip_suffix('"').unwrap_or_default().to_owned()
}

/// JSON as writers have it that keep to ASCII.
fn ascii_json(value: &str) -> String {
    let mut text = String::new();
    for character in json_escaped(value).chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

fn lower_case_hex(encoded: &str) -> String {
    let mut text = String::with_capacity(encoded.len());
    let mut hex = 0;
    for character in encoded.chars() {
        text.push(if hex > 0 {
            character.to_ascii_lowercase()
        } else {
            character
        });
        hex = if character == '%' { 2 } else { hex.max(1) - 1 };
    }
    text
}

/// As text, as an attribute, and with the quotes that some writers escape too.
fn html(value: &str) -> Vec<String> {
    let text = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let attribute = value.replace('&', "&amp;").replace('"', "&quot;");
    let mut all = vec![attribute, text.clone()];
    for quote in ["&quot;", "&#34;", "&#x22;", "\""] {
        for apostrophe in ["&#39;", "&#x27;", "&apos;", "'"] {
            all.push(text.replace('"', quote).replace('\'', apostrophe));
        }
    }
    all
}

/// The characters of base64 that a value alone decides, for each of the three places it can begin at.
fn base64(value: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for offset in 0..3 {
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(value);
        // The first characters hold bits of what comes before, the last one bits of what follows.
        let first = (offset * 8).div_ceil(6);
        let end = bytes.len() * 8 / 6;
        for encoded in [
            BASE64_STANDARD_NO_PAD.encode(&bytes),
            BASE64_URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            all.extend(
                encoded
                    .get(first..end)
                    .filter(|piece| piece.len() >= MIN_BASE64)
                    .map(str::to_owned),
            );
        }
    }
    all
}

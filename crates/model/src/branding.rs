//! How a company's own UI looks: `branding` of canarytrace.yaml.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// What is left out looks as it does without.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branding {
    /// Instead of `canarytrace`.
    #[serde(default)]
    pub name: Option<String>,
    /// SVG or PNG; also the icon of the page. Relative to the file it stands in.
    #[serde(default)]
    pub logo: Option<PathBuf>,
    #[serde(default)]
    pub accent: Option<Accent>,
    /// At the bottom of each page.
    #[serde(default)]
    pub footer: Option<String>,
}

/// The color of links and main buttons, for each theme; checked to be read on it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accent {
    #[serde(
        default,
        deserialize_with = "on_light",
        skip_serializing_if = "Option::is_none"
    )]
    pub light: Option<String>,
    #[serde(
        default,
        deserialize_with = "on_dark",
        skip_serializing_if = "Option::is_none"
    )]
    pub dark: Option<String>,
}

/// WCAG 2.2 AA, for texts.
const LEAST_CONTRAST: f64 = 4.5;
/// The surfaces of the themes (`ui/src/design/tokens.css`).
const LIGHT_SURFACE: &str = "#ffffff";
const DARK_SURFACE: &str = "#171b21";

fn on_light<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    readable(deserializer, LIGHT_SURFACE, "white")
}

fn on_dark<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    readable(deserializer, DARK_SURFACE, "the dark theme")
}

fn readable<'de, D: Deserializer<'de>>(
    deserializer: D,
    surface: &str,
    name: &str,
) -> Result<Option<String>, D::Error> {
    let color = String::deserialize(deserializer)?;
    let contrast = contrast(&color, surface).ok_or_else(|| {
        de::Error::custom(format!("`{color}` is no color; write it as \"#1f5fae\""))
    })?;
    if contrast < LEAST_CONTRAST {
        return Err(de::Error::custom(format!(
            "`{color}` cannot be read on {name}: its contrast is {contrast:.1}, and {LEAST_CONTRAST} is needed"
        )));
    }
    Ok(Some(color))
}

/// Contrast of two `#rrggbb`, 1 to 21. <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>
fn contrast(one: &str, other: &str) -> Option<f64> {
    let (one, other) = (luminance(one)?, luminance(other)?);
    Some((one.max(other) + 0.05) / (one.min(other) + 0.05))
}

fn luminance(color: &str) -> Option<f64> {
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let part = |at: usize| {
        let value = u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()?;
        let value = f64::from(value) / 255.0;
        Some(if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        })
    };
    Some(0.2126 * part(0)? + 0.7152 * part(2)? + 0.0722 * part(4)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn colors_that_cannot_be_read_are_refused_with_the_reason() {
        let read = |accent| serde_json::from_value::<Branding>(json!({"accent": accent}));
        assert!(read(json!({"light": "#1f5fae", "dark": "#7db4f5"})).is_ok());
        for (accent, part) in [
            (json!({"light": "#ffd43b"}), "its contrast is 1.4"),
            (json!({"dark": "#1f2f4e"}), "the dark theme"),
            (json!({"light": "red"}), "is no color"),
            (json!({"light": "#ééé"}), "is no color"),
        ] {
            let told = read(accent).unwrap_err().to_string();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn black_on_white_is_21() {
        assert_eq!(contrast("#000000", "#ffffff"), Some(21.0));
    }
}

//! The company's name, logo and colors: those of canarytrace.yaml, or what an admin has put in their place in the UI.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use canarytrace_es::{
    EsError, Refresh, SearchService,
    bulk::{BulkItem, BulkOperation},
};
use canarytrace_model::branding::Accent;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Name, logo and colors of the company whose UI this is.
#[derive(Clone, Debug, Default)]
pub struct ServedBranding {
    pub name: Option<String>,
    pub accent: Option<Accent>,
    pub footer: Option<String>,
    pub logo: Option<Logo>,
}

#[derive(Clone, Debug)]
pub struct Logo {
    media_type: &'static str,
    content: Bytes,
}

const MOST_LOGO_BYTES: usize = 512 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n";

impl Logo {
    /// Answers why it cannot be shown: only SVG and PNG of at most 512 kB can.
    pub fn new(content: Bytes) -> Result<Self, &'static str> {
        if content.len() > MOST_LOGO_BYTES {
            return Err("is larger than 512 kB");
        }
        let media_type = if content.starts_with(PNG) {
            "image/png"
        } else if is_svg(&content) {
            "image/svg+xml"
        } else {
            return Err("is neither SVG nor PNG");
        };
        Ok(Self {
            media_type,
            content,
        })
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    pub(crate) fn content(&self) -> Bytes {
        self.content.clone()
    }
}

/// A text with the root element of SVG near its start.
fn is_svg(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| {
        text.char_indices()
            .take(4096)
            .any(|(at, _)| text.get(at..).is_some_and(|rest| rest.starts_with("<svg")))
    })
}

/// What an admin wants; all of it takes the place of what was there.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BrandingSettings)]
pub(crate) struct Settings {
    #[serde(default)]
    #[schema(max_length = 60)]
    name: Option<String>,
    #[serde(default)]
    accent: Option<Accent>,
    #[serde(default)]
    #[schema(max_length = 300)]
    footer: Option<String>,
    /// SVG or PNG of at most 512 kB, in base64.
    #[serde(default)]
    logo: Option<String>,
}

const LONGEST_NAME: usize = 60;
const LONGEST_FOOTER: usize = 300;

impl Settings {
    /// As it is shown; answers what is wrong with it.
    pub(crate) fn served(&self) -> Result<ServedBranding, String> {
        let bounded = |what: &str, text: &Option<String>, most: usize| match text {
            Some(text) if text.chars().count() > most => {
                Err(format!("the {what} has more than {most} characters"))
            }
            Some(text) if text.trim().is_empty() => Ok(None),
            text => Ok(text.clone()),
        };
        let logo = self.logo.as_deref().map(|text| {
            let content = STANDARD
                .decode(text)
                .map_err(|_| "the logo is not in base64".to_owned())?;
            Logo::new(Bytes::from(content)).map_err(|reason| format!("the logo {reason}"))
        });
        Ok(ServedBranding {
            name: bounded("name", &self.name, LONGEST_NAME)?,
            accent: self.accent.clone(),
            footer: bounded("footer", &self.footer, LONGEST_FOOTER)?,
            logo: logo.transpose()?,
        })
    }
}

/// State, not telemetry: hidden from patterns, never deleted by age.
const INDEX: &str = ".canarytrace-branding";
const ID: &str = "branding";

/// What was put in the place of the configuration; none: nothing was.
pub(crate) async fn stored(service: &dyn SearchService) -> Result<Option<Settings>, EsError> {
    match service.get(INDEX, ID).await {
        Ok(found) => Ok(found.and_then(|own| serde_json::from_value(own.source).ok())),
        Err(error) if error.status == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts it in the place of the configuration; none: the configuration is in force again.
pub(crate) async fn store(
    service: &dyn SearchService,
    settings: Option<&Settings>,
) -> Result<(), EsError> {
    let mapping = json!({"mappings": {"dynamic": false}});
    crate::api::ensure_index(service, INDEX, mapping).await?;
    let item = BulkItem {
        operation: match settings {
            Some(_) => BulkOperation::Index,
            None => BulkOperation::Delete,
        },
        index: INDEX.to_owned(),
        id: Some(ID.to_owned()),
        if_seq_no: None,
        source: settings.map_or_else(Bytes::new, |own| {
            Bytes::from(serde_json::to_vec(own).unwrap_or_default())
        }),
    };
    for result in service.bulk(vec![item], Refresh::Now).await? {
        match result.outcome {
            Err(error) if error.status != 404 => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_svg_or_png_and_small() {
        let kind =
            |content: &[u8]| Logo::new(Bytes::copy_from_slice(content)).map(|logo| logo.media_type);
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n"), Ok("image/png"));
        assert_eq!(
            kind("<?xml version='1.0'?>é<svg/>".as_bytes()),
            Ok("image/svg+xml")
        );
        assert_eq!(kind(b"GIF89a"), Err("is neither SVG nor PNG"));
        assert_eq!(
            kind(&vec![0; MOST_LOGO_BYTES + 1]),
            Err("is larger than 512 kB")
        );
    }

    #[test]
    fn settings_are_told_what_is_wrong_with_them() {
        let told = |settings: Settings| settings.served().unwrap_err();
        let named = |name: &str| Settings {
            name: Some(name.to_owned()),
            ..Settings::default()
        };
        assert!(told(named(&"é".repeat(61))).contains("more than 60"));
        assert_eq!(named(" ").served().unwrap().name, None);
        assert_eq!(
            named(&"é".repeat(60)).served().unwrap().name,
            Some("é".repeat(60))
        );
        let logo = Settings {
            logo: Some("!".to_owned()),
            ..Settings::default()
        };
        assert!(told(logo).contains("base64"));
    }
}

//! The same run somewhere else: `links` of canarytrace.yaml.

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

/// What takes the place of a run's own in an address, each encoded for it.
pub const PLACEHOLDERS: [&str; 4] = ["{uuid}", "{monitor}", "{from}", "{to}"];

/// A place that knows a run by its id: another store, traces of the site's own servers, logs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunLink {
    pub title: String,
    /// With [`PLACEHOLDERS`]; times are RFC 3339.
    #[serde(deserialize_with = "address")]
    pub url: String,
}

impl RunLink {
    /// Kibana's Discover behind `KIBANA_ENDPOINT`.
    pub fn kibana(endpoint: &str) -> Self {
        let endpoint = endpoint.trim_end_matches('/');
        Self {
            title: "Kibana".to_owned(),
            url: format!(
                "{endpoint}/app/discover#/?_g=(time:(from:'{{from}}',to:'{{to}}'))&_a=(query:(language:kuery,query:'uuid:{{uuid}}'))"
            ),
        }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err(de::Error::custom(format!(
            "`{text}` is no address that begins with https:// or http://"
        )));
    }
    let unknown = text.match_indices('{').find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let name = rest.get(..=rest.find('}')?)?;
        (!PLACEHOLDERS.contains(&name)).then_some(name)
    });
    match unknown {
        None => Ok(text),
        Some(name) => Err(de::Error::custom(format!(
            "`{name}` is none of {}",
            PLACEHOLDERS.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<RunLink, serde_json::Error> {
        serde_json::from_value(serde_json::json!({"title": "Traces", "url": url}))
    }

    #[test]
    fn an_address_is_one_and_knows_its_placeholders() {
        assert!(read("https://jaeger.example/trace/{uuid}?end={to}").is_ok());
        for (url, said) in [
            ("javascript:alert(1)", "begins with https"),
            ("https://x.example/{id}", "`{id}` is none of {uuid}"),
        ] {
            let error = read(url).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let kibana = RunLink::kibana("https://kibana.example/");
        assert_eq!(read(&kibana.url).unwrap().url, kibana.url);
    }
}

//! Which pages of other sites may show a dashboard of ours in a frame.

use url::Url;

/// The origins that may; nobody's page by default.
#[derive(Clone, Debug, Default)]
pub struct FrameOrigins(Vec<String>);

impl FrameOrigins {
    /// Origins such as `https://portal.example`, or `*` for everybody's.
    pub fn parse(origins: &[String]) -> Result<Self, String> {
        let each = origins.iter().map(|text| match text.as_str() {
            "*" => Ok("*".to_owned()),
            text => origin(text),
        });
        each.collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `frame-ancestors` of a content security policy has them, for a path of ours.
    pub(crate) fn ancestors(&self, path: &str) -> String {
        match path.trim_start_matches('/').starts_with(EMBEDDED) && !self.is_empty() {
            true => self.0.join(" "),
            false => "'none'".to_owned(),
        }
    }
}

/// Pages that are made to be shown in a frame: they change nothing and lead nowhere.
const EMBEDDED: &str = "embed/";

fn origin(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is no origin such as https://portal.example");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty();
    is_plain
        .then(|| url.origin().ascii_serialization())
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_embedded_pages_are_shown_and_only_by_those_who_may() {
        let parse = |origins: &[&str]| {
            let origins: Vec<String> = origins.iter().map(|own| (*own).to_owned()).collect();
            FrameOrigins::parse(&origins)
        };
        let some = parse(&["https://Portal.example/", "http://127.0.0.1:8080"]).unwrap();
        assert_eq!(
            some.ancestors("/embed/dashboards/x"),
            "https://portal.example http://127.0.0.1:8080"
        );
        assert_eq!(some.ancestors("/dashboards/x"), "'none'");
        assert_eq!(parse(&[]).unwrap().ancestors("/embed/x"), "'none'");
        for wrong in [
            "portal.example",
            "https://portal.example/page",
            "https://a.example; script-src *",
            "ftp://a.example",
        ] {
            assert!(parse(&[wrong]).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}

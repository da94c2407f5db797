//! First or third party: whether a URL belongs to the site that is watched.

use url::{Host, Url};

/// Second levels under which names are sold, for the country codes where that is usual.
const SOLD_SECOND_LEVELS: [&str; 8] = ["co", "com", "org", "net", "gov", "ac", "edu", "or"];

/// Whether `url` belongs to another site than the page at `page`. What has no host (`data:`, `blob:`) belongs to its page.
pub fn is_third_party(page: &str, url: &str) -> bool {
    matches!((site(page), site(url)), (Some(page), Some(url)) if page != url)
}

/// The registrable domain; for an address or `localhost`, which nobody registers, host and port.
fn site(url: &str) -> Option<String> {
    let url = url.strip_prefix("blob:").unwrap_or(url);
    let parsed = Url::parse(url).ok()?;
    let name = match parsed.host()? {
        Host::Domain(name) if name != "localhost" => name.to_lowercase(),
        host => return Some(format!("{host}:{}", parsed.port_or_known_default()?)),
    };
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let length = match labels.as_slice() {
        [.., second, top] if top.len() == 2 && SOLD_SECOND_LEVELS.contains(second) => 3,
        _ => 2,
    };
    Some(labels[labels.len().saturating_sub(length)..].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_its_registrable_domain() {
        let first = [
            "https://shop.example/a.js",
            "https://cdn.shop.example/a.js",
            "data:text/css,a",
            "blob:https://shop.example/1234",
        ];
        for url in first {
            assert!(!is_third_party("https://www.shop.example/", url), "{url}");
        }
        let third = [
            "https://shop.example.net/",
            "https://other.example/",
            "http://127.0.0.1/",
        ];
        for url in third {
            assert!(is_third_party("https://www.shop.example/", url), "{url}");
        }
        assert!(is_third_party("https://a.co.uk/", "https://b.co.uk/"));
        assert!(!is_third_party("https://a.b.co.uk/", "https://c.b.co.uk/"));
        assert!(is_third_party(
            "http://127.0.0.1:80/",
            "http://127.0.0.1:81/"
        ));
        assert!(!is_third_party(
            "http://127.0.0.1:80/",
            "http://127.0.0.1/x"
        ));
    }
}

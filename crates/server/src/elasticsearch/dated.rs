//! Dates in the names of a path: `/<logs-{now/d}>/_search`.

use axum::{
    extract::Request,
    http::{Uri, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use canarytrace_es::{EsError, with_dates};
use jiff::Timestamp;

use super::answer::Failed;
use crate::access::percent_decoded;

/// Puts them in before anything looks at the path, so that rules of access see the names that are meant.
pub(crate) async fn put_in(mut request: Request, next: Next) -> Response {
    match dated_uri(request.uri(), Timestamp::now()) {
        Ok(Some(uri)) => *request.uri_mut() = uri,
        Ok(None) => {}
        Err(error) => return Failed::from(error).into_response(),
    }
    next.run(request).await
}

/// A name in a body, or a comma list of them, with its dates.
pub(super) fn dated(names: String) -> Result<String, EsError> {
    match names.contains('<') {
        true => Ok(with_dates(&names, Timestamp::now())?.unwrap_or(names)),
        false => Ok(names),
    }
}

/// The same address with its dates; none if it has none.
fn dated_uri(uri: &Uri, now: Timestamp) -> Result<Option<Uri>, EsError> {
    // Hardly any address has one: those are not taken apart.
    if !["<", "%3C", "%3c"]
        .iter()
        .any(|sign| uri.path().contains(sign))
    {
        return Ok(None);
    }
    let mut parts: Vec<&str> = uri.path().split('/').collect();
    // `/{index}/...`, or `/_cat/count/{index}` and the like.
    let at = match parts.get(1) {
        Some(first) if first.starts_with('_') => 3,
        _ => 1,
    };
    let Some(part) = parts.get_mut(at) else {
        return Ok(None);
    };
    let Some(names) = with_dates(&percent_decoded(part), now)? else {
        return Ok(None);
    };
    let names: String = url::form_urlencoded::byte_serialize(names.as_bytes()).collect();
    *part = &names;
    let mut path = parts.join("/");
    if let Some(query) = uri.query() {
        path = format!("{path}?{query}");
    }
    let mut whole = uri.clone().into_parts();
    whole.path_and_query = PathAndQuery::try_from(path).ok();
    Ok(Uri::from_parts(whole).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_a_path_gets_its_date() {
        let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
        for (path, expected) in [
            ("/%3Ca-%7Bnow/d%7D%3E/_search", None),
            (
                "/%3Ca-%7Bnow%2Fd%7D%3E/_search?size=1",
                Some("/a-2026.11.27/_search?size=1"),
            ),
            ("/b*,%3ca-%7bnow%2Fd%7d%3e", Some("/b*%2Ca-2026.11.27")),
            (
                "/_cat/count/%3Ca-%7Bnow%2Fd%7D%3E",
                Some("/_cat/count/a-2026.11.27"),
            ),
            ("/a/_doc/%3Cnow%3E", None),
            ("/_bulk", None),
        ] {
            let found = dated_uri(&path.parse().unwrap(), now).unwrap();
            assert_eq!(found, expected.map(|path| path.parse().unwrap()), "{path}");
        }
    }
}

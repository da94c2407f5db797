//! What a request needs: a pure function of its method and path.

use axum::http::Method;
use canarytrace_es::query::wildcard_matches;

use super::{Identity, Role};

/// The least that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nobody is asked who they are.
    Nothing,
    /// To look.
    View,
    /// To change what the UI keeps, and monitors.
    Edit,
    /// To send documents.
    Ingest,
    /// What a client asks before it sends or searches.
    Greet,
    Administer,
}

impl Need {
    pub(super) fn is_met_by(self, role: Role) -> bool {
        match self {
            Need::Nothing => true,
            Need::View => matches!(role, Role::Viewer | Role::Editor | Role::Admin),
            Need::Edit => matches!(role, Role::Editor | Role::Admin),
            Need::Ingest => matches!(role, Role::Ingest | Role::Admin),
            Need::Greet => true,
            Need::Administer => role == Role::Admin,
        }
    }

    /// Whether what was done is written down.
    pub(super) fn is_change(self, method: &Method) -> bool {
        matches!(self, Need::Edit | Need::Administer)
            && *method != Method::GET
            && *method != Method::HEAD
    }
}

/// The least role that a path needs, for the description of the API; `nobody`: nobody is asked.
pub(crate) fn role_for(method: &Method, path: &str) -> &'static str {
    match need(method, path) {
        Need::Nothing => "nobody",
        Need::View | Need::Greet => "viewer",
        Need::Edit => "editor",
        Need::Ingest => "ingest",
        Need::Administer => "admin",
    }
}

/// Endpoints that only read, though they are asked with a body.
const READS: [&str; 14] = [
    "_search",
    "_msearch",
    "_count",
    "_mget",
    "_field_caps",
    "_validate",
    "_analyze",
    "_pit",
    "_resolve",
    "_search_shards",
    "_termvectors",
    "_explain",
    "_rank_eval",
    "_source",
];
/// Endpoints that write documents.
const WRITES: [&str; 4] = ["_bulk", "_doc", "_create", "_update"];
/// What Beats and clients ask first, or set up for themselves.
const GREETINGS: [&str; 8] = [
    "_license",
    "_xpack",
    "_cluster",
    "_template",
    "_index_template",
    "_component_template",
    "_nodes",
    "_ilm",
];

pub(super) fn need(method: &Method, path: &str) -> Need {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let path = path.trim_start_matches('/');
    if let Some(own) = path.strip_prefix("api/v1/") {
        return need_of_api(reads, own);
    }
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let first = segments.first().copied().unwrap_or_default();
    if matches!(first, "healthz" | "readyz") {
        return Need::Nothing;
    }
    let endpoint = segments.iter().copied().find(|part| part.starts_with('_'));
    let is_hidden = first.starts_with('.');
    match endpoint {
        None if first.is_empty() => Need::Greet,
        _ if is_hidden => Need::Administer,
        Some(own) if GREETINGS.contains(&own) => match (reads, own) {
            (true, _) => Need::Greet,
            (false, "_template" | "_index_template" | "_component_template" | "_ilm")
                if *method == Method::PUT =>
            {
                Need::Ingest
            }
            (false, _) => Need::Administer,
        },
        Some(own) if READS.contains(&own) => Need::View,
        Some(own) if WRITES.contains(&own) && !reads && *method != Method::DELETE => Need::Ingest,
        _ if reads => Need::View,
        _ => Need::Administer,
    }
}

fn need_of_api(reads: bool, path: &str) -> Need {
    let first = path.split('/').next().unwrap_or_default();
    match first {
        "session" | "openapi.json" => Need::Nothing,
        "branding" if reads => Need::Nothing,
        "users" | "tokens" | "branding" => Need::Administer,
        "configuration" => Need::Edit,
        "attachments" if !reads => Need::Ingest,
        // They ask with a body and change nothing.
        "search" | "export" | "compare" | "render" => Need::View,
        _ if reads => Need::View,
        _ => Need::Edit,
    }
}

/// Whether somebody whose dashboard or indices are limited may use this path; what cannot be told is refused.
pub(super) fn may_use(identity: &Identity, path: &str, query: Option<&str>) -> bool {
    if let Some(dashboard) = &identity.dashboard {
        let path = path.trim_start_matches('/');
        let own = path.strip_prefix("api/v1/saved/dashboards/");
        let is_own = own.is_some_and(|own| percent_decoded(own) == *dashboard);
        let is_search = path == "api/v1/search" && identity.indices.is_some();
        if !is_search {
            return is_own || path == "api/v1/status";
        }
    }
    let Some(patterns) = &identity.indices else {
        return true;
    };
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    match first {
        "" | "_bulk" | "_license" | "_xpack" | "_cluster" => true,
        "api" if path.starts_with("api/v1/attachments/") => true,
        "api" if path == "api/v1/search" => {
            let index = url_parameter(query.unwrap_or_default(), "index");
            index.is_some_and(|index| are_within(patterns, &index))
        }
        "api" => false,
        own if own.starts_with('_') => false,
        own => are_within(patterns, own),
    }
}

/// Whether every name or pattern of a list is within one of the patterns: `c.*` is not within `c.report-*`.
pub(super) fn are_within(patterns: &[String], list: &str) -> bool {
    !list.is_empty()
        && list.split(',').all(|name| {
            patterns
                .iter()
                .any(|pattern| wildcard_matches(pattern, name))
        })
}

pub(crate) fn percent_decoded(text: &str) -> String {
    // As a form has it, but for the plus sign.
    let text = text.replace('+', "%2B");
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

fn url_parameter(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: Need) {
        let method: Method = method.parse().unwrap();
        assert_eq!(need(&method, path), expected, "{method} {path}");
    }

    #[test]
    fn every_path_needs_the_least_that_it_does() {
        check("GET", "/", Need::Greet);
        check("GET", "/healthz", Need::Nothing);
        check("POST", "/api/v1/session", Need::Nothing);
        check("GET", "/api/v1/status", Need::View);
        check("POST", "/api/v1/search", Need::View);
        check("POST", "/api/v1/export", Need::View);
        check("PUT", "/api/v1/saved/dashboards/x", Need::Edit);
        check("POST", "/api/v1/monitors/x/pause", Need::Edit);
        check("GET", "/api/v1/users", Need::Administer);
        check("GET", "/api/v1/branding", Need::Nothing);
        check("PUT", "/api/v1/branding", Need::Administer);
        check("PUT", "/api/v1/attachments/x/y", Need::Ingest);
        check("POST", "/c.*/_search", Need::View);
        check("POST", "/_msearch", Need::View);
        check("POST", "/_bulk", Need::Ingest);
        check("PUT", "/c.report-2026.11.26/_doc/1", Need::Ingest);
        check("DELETE", "/c.report-2026.11.26/_doc/1", Need::Administer);
        check("POST", "/c.*/_delete_by_query", Need::Administer);
        check("DELETE", "/c.report-2026.11.26", Need::Administer);
        check("PUT", "/_template/x", Need::Ingest);
        check("DELETE", "/_template/x", Need::Administer);
        check("PUT", "/_cluster/settings", Need::Administer);
        check("GET", "/.canarytrace-audit/_search", Need::Administer);
        check("POST", "/_reindex", Need::Administer);
        check("GET", "/_cat/indices", Need::View);
        check("POST", "/_aliases", Need::Administer);
    }

    #[test]
    fn a_token_of_a_dashboard_shows_that_one() {
        let embedded = Identity {
            name: "t".to_owned(),
            role: Role::Viewer,
            indices: Some(vec!["c.report-*".to_owned()]),
            dashboard: Some("smoke overview".to_owned()),
            by_cookie: false,
        };
        let may = |path: &str, query: Option<&str>| may_use(&embedded, path, query);
        assert!(may("/api/v1/saved/dashboards/smoke%20overview", None));
        assert!(may("/api/v1/search", Some("index=c.report-2026*")));
        for (path, query) in [
            ("/api/v1/saved/dashboards/other", None),
            ("/api/v1/saved/dashboards/", None),
            ("/api/v1/saved/dashboards", None),
            ("/api/v1/search", Some("index=c.run-*")),
            ("/api/v1/attachments/x/shot.png", None),
            ("/c.report-*/_search", None),
            ("/api/v1/export", None),
            ("/", None),
        ] {
            assert!(!may(path, query), "{path} {query:?}");
        }
        let nothing = Identity {
            indices: None,
            ..embedded
        };
        assert!(!may_use(&nothing, "/api/v1/search", Some("index=c.run-*")));
    }

    #[test]
    fn a_limited_token_stays_within_its_indices() {
        let limited = Identity {
            name: "t".to_owned(),
            role: Role::Viewer,
            indices: Some(vec!["c.report-*".to_owned()]),
            dashboard: None,
            by_cookie: false,
        };
        let may = |path: &str, query: Option<&str>| may_use(&limited, path, query);
        assert!(may("/c.report-*/_search", None));
        assert!(may(
            "/c.report-2026.11.26,c.report-2026.11.25/_search",
            None
        ));
        assert!(may("/api/v1/search", Some("index=c.report-2026*")));
        for (path, query) in [
            ("/c.*/_search", None),
            ("/c.report-*,c.run-*/_search", None),
            ("/_search", None),
            ("/_msearch", None),
            ("/_all/_search", None),
            ("/api/v1/search", Some("index=c.run-*")),
            ("/api/v1/search", None),
            ("/api/v1/export", None),
            ("/api/v1/runs/x/archive.zip", None),
        ] {
            assert!(!may(path, query), "{path} {query:?}");
        }
    }
}

//! What changed between two sides, each one run or many: pure, so that it can be tested without a store.
//!
//! Start at [`compare`]. A change has to be large enough to matter ([`NOTABLE_RATIO`], [`NOTABLE_MS`]) before it is told.

mod headline;

use std::collections::{BTreeMap, BTreeSet};

use canarytrace_model::party::is_third_party;
use serde::Serialize;
use utoipa::ToSchema;

/// One side of a comparison; times are means in milliseconds, sizes means in bytes.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ComparedSide)]
pub(crate) struct Side {
    /// The run, when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uuid: Option<String>,
    pub(crate) monitor: String,
    /// RFC 3339: of the first and the last run.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    #[schema(required)]
    pub(crate) cause: Option<String>,
    #[schema(required)]
    pub(crate) detail: Option<String>,
    #[schema(required)]
    pub(crate) screenshot: Option<String>,
    /// `browser`, `canarytrace`, `revision`: each value that occurred.
    pub(crate) versions: BTreeMap<&'static str, BTreeSet<String>>,
    pub(crate) vitals: BTreeMap<&'static str, f64>,
    #[serde(skip)]
    pub(crate) steps: BTreeMap<String, Step>,
    #[serde(skip)]
    pub(crate) requests: BTreeMap<RequestKey, Request>,
    /// Header values of the pages themselves, by URL and lower-case name.
    #[serde(skip)]
    pub(crate) headers: BTreeMap<(String, String), String>,
    /// Errors and warnings by their text without numbers.
    #[serde(skip)]
    pub(crate) console: BTreeMap<String, u64>,
    /// The address of the first page, for parties.
    #[serde(skip)]
    pub(crate) page: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ComparedStep)]
pub(crate) struct Step {
    /// Where it stands in its run.
    pub(crate) order: u64,
    pub(crate) duration_ms: f64,
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    #[schema(required)]
    pub(crate) error: Option<String>,
}

/// Method and URL without what changes from run to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct RequestKey {
    pub(crate) method: String,
    pub(crate) url: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ComparedRequest)]
pub(crate) struct Request {
    /// For each run.
    pub(crate) count: f64,
    pub(crate) duration_ms: f64,
    pub(crate) bytes: f64,
    /// Status codes and network errors that occurred.
    pub(crate) answers: BTreeSet<String>,
    #[schema(required)]
    pub(crate) kind: Option<String>,
}

impl Request {
    /// What the page took back itself, because it went on, is no failure.
    fn is_bad(&self) -> bool {
        self.answers
            .iter()
            .any(|answer| match answer.parse::<u16>() {
                Ok(status) => status >= 400,
                Err(_) => !answer.starts_with("canceled"),
            })
    }
}

/// A pair of values, one of which may be missing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair<T> {
    pub(crate) before: Option<T>,
    pub(crate) after: Option<T>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepChange {
    title: String,
    changes: Vec<&'static str>,
    #[schema(required)]
    before: Option<Step>,
    #[schema(required)]
    after: Option<Step>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestChange {
    #[serde(flatten)]
    key: RequestKey,
    third_party: bool,
    changes: Vec<&'static str>,
    #[schema(required)]
    before: Option<Request>,
    #[schema(required)]
    after: Option<Request>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostChange {
    host: String,
    change: &'static str,
    #[schema(required)]
    before: Option<f64>,
    #[schema(required)]
    after: Option<f64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct HeaderChange {
    url: String,
    name: String,
    #[schema(required)]
    before: Option<String>,
    #[schema(required)]
    after: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ConsoleChange {
    text: String,
    change: &'static str,
    #[schema(required)]
    before: Option<u64>,
    #[schema(required)]
    after: Option<u64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VitalChange {
    name: &'static str,
    #[schema(required)]
    before: Option<f64>,
    #[schema(required)]
    after: Option<f64>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VersionChange {
    /// `browser`, `canarytrace`, `revision`.
    name: &'static str,
    #[schema(required)]
    before: Option<BTreeSet<String>>,
    #[schema(required)]
    after: Option<BTreeSet<String>>,
}

/// What is different after, compared with before.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comparison {
    /// The most likely change, in one sentence.
    pub(crate) headline: String,
    before: Side,
    after: Side,
    steps: Vec<StepChange>,
    /// Only those that changed, the most telling first.
    requests: Vec<RequestChange>,
    requests_same: usize,
    third_parties: Vec<HostChange>,
    headers: Vec<HeaderChange>,
    console: Vec<ConsoleChange>,
    vitals: Vec<VitalChange>,
    versions: Vec<VersionChange>,
}

/// A time or size that is so much of the other is a change…
const NOTABLE_RATIO: f64 = 1.3;
/// …when it is this many milliseconds as well…
const NOTABLE_MS: f64 = 100.0;
/// …or this many bytes.
const NOTABLE_BYTES: f64 = 10_000.0;

/// Headers that are different each time and explain nothing.
const RESTLESS_HEADERS: [&str; 9] = [
    "date",
    "age",
    "etag",
    "expires",
    "last-modified",
    "content-length",
    "set-cookie",
    "x-request-id",
    "cf-ray",
];

pub(crate) fn compare(before: Side, after: Side) -> Comparison {
    let steps = steps(&before, &after);
    let (requests, requests_same) = requests(&before, &after);
    let third_parties = hosts(&before, &after);
    let console = console(&before, &after);
    let versions: Vec<_> = union(&before.versions, &after.versions)
        .map(|(name, Pair { before, after })| VersionChange {
            name,
            before,
            after,
        })
        .collect();
    let vitals: Vec<_> = union(&before.vitals, &after.vitals)
        .map(|(name, Pair { before, after })| VitalChange {
            name,
            before,
            after,
        })
        .collect();
    let headers = union(&before.headers, &after.headers)
        .filter(|((_, name), values)| {
            values.before != values.after && !RESTLESS_HEADERS.contains(&name.as_str())
        })
        // A page that only one side opened has no headers to compare.
        .filter(|((url, _), _)| has_page(&before, url) && has_page(&after, url))
        .map(|((url, name), Pair { before, after })| HeaderChange {
            url,
            name,
            before,
            after,
        })
        .collect();
    let mut comparison = Comparison {
        headline: String::new(),
        before,
        after,
        steps,
        requests,
        requests_same,
        third_parties,
        headers,
        console,
        vitals,
        versions,
    };
    comparison.headline = headline::headline(&comparison);
    comparison
}

fn has_page(side: &Side, url: &str) -> bool {
    side.headers.keys().any(|(own, _)| own == url)
}

/// The keys of both with the values of each.
fn union<'a, K: Ord + Clone, V: Clone>(
    before: &'a BTreeMap<K, V>,
    after: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Pair<V>)> + 'a {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    keys.into_iter().map(|key| {
        let values = Pair {
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        };
        (key.clone(), values)
    })
}

/// `slower`, `faster` or nothing.
fn pace(before: f64, after: f64) -> Option<&'static str> {
    if after > before * NOTABLE_RATIO && after - before > NOTABLE_MS {
        Some("slower")
    } else if before > after * NOTABLE_RATIO && before - after > NOTABLE_MS {
        Some("faster")
    } else {
        None
    }
}

fn steps(before: &Side, after: &Side) -> Vec<StepChange> {
    let mut changes: Vec<StepChange> = union(&before.steps, &after.steps)
        .map(|(title, values)| {
            let changes = match (&values.before, &values.after) {
                (None, _) => vec!["new"],
                (_, None) => vec!["gone"],
                (Some(before), Some(after)) => {
                    let fails = match (before.failed > 0, after.failed > 0) {
                        (false, true) => Some("fails"),
                        (true, false) => Some("works again"),
                        _ => None,
                    };
                    let pace = pace(before.duration_ms, after.duration_ms);
                    fails.into_iter().chain(pace).collect()
                }
            };
            StepChange {
                title,
                changes,
                before: values.before,
                after: values.after,
            }
        })
        .collect();
    let order = |change: &StepChange| {
        let step = change.after.as_ref().or(change.before.as_ref());
        step.map_or(u64::MAX, |step| step.order)
    };
    changes.sort_by_key(order);
    changes
}

fn requests(before: &Side, after: &Side) -> (Vec<RequestChange>, usize) {
    let page = if after.page.is_empty() {
        &before.page
    } else {
        &after.page
    };
    let mut same = 0;
    let mut changes: Vec<RequestChange> = union(&before.requests, &after.requests)
        .filter_map(|(key, values)| {
            let changes = request_changes(&values);
            if changes.is_empty() {
                same += 1;
                return None;
            }
            Some(RequestChange {
                third_party: is_third_party(page, &key.url),
                key,
                changes,
                before: values.before,
                after: values.after,
            })
        })
        .collect();
    changes.sort_by(|one, other| weight(other).total_cmp(&weight(one)));
    (changes, same)
}

fn request_changes(values: &Pair<Request>) -> Vec<&'static str> {
    match (&values.before, &values.after) {
        (None, _) => vec!["new"],
        (_, None) => vec!["gone"],
        (Some(before), Some(after)) => {
            let mut changes = Vec::new();
            if before.answers != after.answers {
                changes.push("other answer");
            }
            changes.extend(pace(before.duration_ms, after.duration_ms));
            let larger =
                |one: f64, other: f64| one > other * NOTABLE_RATIO && one - other > NOTABLE_BYTES;
            if larger(after.bytes, before.bytes) {
                changes.push("bigger");
            } else if larger(before.bytes, after.bytes) {
                changes.push("smaller");
            }
            changes
        }
    }
}

/// How telling a change is: a failure before everything, then the time it costs.
fn weight(change: &RequestChange) -> f64 {
    let (before, after) = (&change.before, &change.after);
    let is_bad = |side: &Option<Request>| side.as_ref().is_some_and(Request::is_bad);
    let time = |side: &Option<Request>| side.as_ref().map_or(0.0, |request| request.duration_ms);
    let breaks = if is_bad(after) && !is_bad(before) {
        1e9
    } else {
        0.0
    };
    let is_document = |side: &Option<Request>| {
        side.as_ref().and_then(|request| request.kind.as_deref()) == Some("Document")
    };
    let page = if breaks > 0.0 && is_document(after) {
        1e9
    } else {
        0.0
    };
    breaks + page + (time(after) - time(before)).abs()
}

fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    rest.split(['/', '?', '#']).next()
}

/// Time spent in requests of each host of a third party.
fn hosts(before: &Side, after: &Side) -> Vec<HostChange> {
    let sum = |side: &Side| {
        let mut hosts: BTreeMap<String, f64> = BTreeMap::new();
        for (key, request) in &side.requests {
            if let Some(host) = host(&key.url)
                && is_third_party(&side.page, &key.url)
            {
                *hosts.entry(host.to_owned()).or_default() += request.duration_ms * request.count;
            }
        }
        hosts
    };
    union(&sum(before), &sum(after))
        .filter_map(|(host, values)| {
            let change = match (values.before, values.after) {
                (None, _) => "new",
                (_, None) => "gone",
                (Some(before), Some(after)) => pace(before, after)?,
            };
            Some(HostChange {
                host,
                change,
                before: values.before,
                after: values.after,
            })
        })
        .collect()
}

fn console(before: &Side, after: &Side) -> Vec<ConsoleChange> {
    let mut changes: Vec<ConsoleChange> = union(&before.console, &after.console)
        .filter_map(|(text, values)| {
            let change = match (values.before, values.after) {
                (None, _) => "new",
                (_, None) => "gone",
                _ => return None,
            };
            Some(ConsoleChange {
                text,
                change,
                before: values.before,
                after: values.after,
            })
        })
        .collect();
    changes.sort_by_key(|change| change.change != "new");
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(answer: &str, duration_ms: f64) -> Request {
        Request {
            count: 1.0,
            duration_ms,
            bytes: 1000.0,
            answers: BTreeSet::from([answer.to_owned()]),
            kind: Some("Script".to_owned()),
        }
    }

    fn side(requests: &[(&str, Request)]) -> Side {
        let key = |url: &str| RequestKey {
            method: "GET".to_owned(),
            url: url.to_owned(),
        };
        Side {
            page: "https://shop.example/".to_owned(),
            requests: requests
                .iter()
                .map(|(url, request)| (key(url), request.clone()))
                .collect(),
            ..Side::default()
        }
    }

    fn told(before: &[(&str, Request)], after: &[(&str, Request)]) -> String {
        compare(side(before), side(after)).headline
    }

    #[test]
    fn a_request_that_broke_comes_first() {
        let headline = told(
            &[
                ("https://shop.example/a.js", request("200", 50.0)),
                ("https://cdn.example/b.js", request("200", 50.0)),
            ],
            &[
                ("https://shop.example/a.js", request("503", 50.0)),
                ("https://cdn.example/b.js", request("200", 900.0)),
            ],
        );
        assert_eq!(
            headline,
            "GET https://shop.example/a.js answered 503, before: 200."
        );
    }

    #[test]
    fn what_the_page_took_back_is_no_failure() {
        let headline = told(
            &[("https://shop.example/a.js", request("200", 50.0))],
            &[(
                "https://shop.example/a.js",
                request("canceled: net::ERR_ABORTED", 0.0),
            )],
        );
        assert!(headline.starts_with("Nothing differs"), "{headline}");
    }

    #[test]
    fn a_third_party_is_named() {
        let headline = told(
            &[("https://cdn.example/b.js", request("200", 50.0))],
            &[("https://cdn.example/b.js", request("200", 900.0))],
        );
        assert_eq!(
            headline,
            "The third party cdn.example takes 900 ms instead of 50 ms."
        );
    }

    #[test]
    fn small_differences_are_none() {
        let (before, after) = (request("200", 100.0), request("200", 125.0));
        let comparison = compare(
            side(&[("https://shop.example/", before)]),
            side(&[("https://shop.example/", after)]),
        );
        assert_eq!(
            (comparison.requests.len(), comparison.requests_same),
            (0, 1)
        );
        assert!(
            comparison.headline.starts_with("Nothing differs"),
            "{}",
            comparison.headline
        );
    }

    #[test]
    fn a_failing_step_and_a_new_revision_are_one_sentence() {
        let step = |failed, error: Option<&str>| Step {
            runs: 1,
            failed,
            error: error.map(str::to_owned),
            ..Step::default()
        };
        let of = |step: Step, revision: &str| Side {
            steps: BTreeMap::from([("pays".to_owned(), step)]),
            versions: BTreeMap::from([("revision", BTreeSet::from([revision.to_owned()]))]),
            ..Side::default()
        };
        let comparison = compare(
            of(step(0, None), "a1"),
            of(step(1, Some("no button\nat line 3")), "b2"),
        );
        assert_eq!(
            comparison.headline,
            "Step “pays” fails: no button; the script has another revision (a1 → b2)."
        );
    }
}

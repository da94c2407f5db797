//! Answers and parameters as Elasticsearch has them.

use std::{collections::BTreeMap, io::Read};

use axum::{
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use canarytrace_es::{EsError, Refresh, SourceFilter, TargetOptions, human_bytes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filter_path;

/// A JSON answer with its status.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Body,
    pretty: bool,
}

#[derive(Debug)]
enum Body {
    Tree(Value),
    /// As it is sent, unless the request wants another shape.
    Text(String),
}

pub(crate) type Outcome = Result<Answer, Failed>;

/// An error answer.
#[derive(Debug)]
pub(crate) struct Failed(EsError);

impl From<EsError> for Failed {
    fn from(error: EsError) -> Self {
        Failed(error)
    }
}

impl From<Value> for Answer {
    fn from(body: Value) -> Self {
        Self::new(200, body)
    }
}

impl Answer {
    /// A long answer, which is not made a tree of its values first.
    pub(crate) fn of(body: &impl Serialize) -> Self {
        Self {
            status: StatusCode::OK,
            body: Body::Text(serde_json::to_string(body).unwrap_or_default()),
            pretty: false,
        }
    }

    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: Body::Tree(body),
            pretty: false,
        }
    }

    /// As the query string wants it: `pretty`, `human`, `filter_path`.
    pub(crate) fn shaped(mut self, parameters: &Parameters) -> Self {
        self.pretty = parameters.flag("pretty");
        let paths = parameters.get("filter_path");
        let is_human = parameters.flag("human");
        if let Body::Text(text) = &self.body
            && (self.pretty || is_human || paths.is_some())
        {
            self.body = Body::Tree(serde_json::from_str(text).unwrap_or_default());
        }
        let Body::Tree(body) = &mut self.body else {
            return self;
        };
        if is_human {
            tell_sizes(body);
        }
        if let Some(paths) = paths {
            *body = filter_path::apply(paths, body);
        }
        self
    }
}

/// Beside each size in bytes, the size as people read it (`human`). Documents are left alone: nothing that has them has sizes.
fn tell_sizes(body: &mut Value) {
    match body {
        Value::Object(map) => {
            let told: Vec<(String, Value)> = map
                .iter()
                .filter_map(|(name, value)| {
                    let name = name.strip_suffix("_in_bytes")?;
                    Some((name.to_owned(), human_bytes(value.as_u64()?).into()))
                })
                .collect();
            map.extend(told);
            for (name, value) in map.iter_mut() {
                if name != "_source" && name != "hits" {
                    tell_sizes(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(tell_sizes),
        _ => {}
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let text = match self.body {
            Body::Text(text) => Ok(text),
            Body::Tree(body) if self.pretty => {
                serde_json::to_string_pretty(&body).map(|text| text + "\n")
            }
            Body::Tree(body) => serde_json::to_string(&body),
        };
        let mut response = (self.status, text.unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        // Clients from 7.14 on refuse a server that does not say this.
        headers.insert(
            "x-elastic-product",
            HeaderValue::from_static("Elasticsearch"),
        );
        response
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        if self.0.status >= 500 {
            tracing::error!(error = %self.0, "a request failed");
        }
        let mut response = Answer::new(self.0.status, self.0.body()).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Errors as the query string wants them (`pretty`, `error_trace`; never `filter_path`): handlers that fail do not look at it
/// any more.
pub(super) async fn shape_errors(request: Request, next: Next) -> Response {
    let parameters = Query::<Parameters>::try_from_uri(request.uri());
    let response = next.run(request).await;
    let (Some(error), Ok(Query(parameters))) = (response.extensions().get::<EsError>(), parameters)
    else {
        return response;
    };
    let mut body = error.body();
    if parameters.flag("error_trace") {
        tell_trace(&mut body, &error.to_string());
    }
    let mut answer = Answer::new(error.status, body);
    answer.pretty = parameters.flag("pretty");
    answer.into_response()
}

/// `error_trace`: what went wrong as one text, where Java has its stack.
fn tell_trace(body: &mut Value, trace: &str) {
    for at in ["/error", "/error/root_cause/0"] {
        if let Some(map) = body.pointer_mut(at).and_then(Value::as_object_mut) {
            map.insert("stack_trace".to_owned(), trace.into());
        }
    }
}

/// The query string; what is not known is refused, as Elasticsearch does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Parameters(BTreeMap<String, String>);

const KNOWN: [&str; 75] = [
    "preserve_existing",
    "terminate_after",
    "max_num_segments",
    "only_expunge_deletes",
    "flush",
    "verbose",
    "pretty",
    "human",
    "error_trace",
    "format",
    "v",
    "h",
    "s",
    "bytes",
    "refresh",
    "ignore_unavailable",
    "allow_no_indices",
    "expand_wildcards",
    "q",
    "df",
    "default_operator",
    "size",
    "from",
    "sort",
    "track_total_hits",
    "_source",
    "_source_includes",
    "_source_excludes",
    "if_seq_no",
    "if_primary_term",
    "op_type",
    "timeout",
    "master_timeout",
    "wait_for_status",
    "rest_total_hits_as_int",
    "preference",
    "max_concurrent_searches",
    "request_cache",
    "typed_keys",
    "level",
    "local",
    "conflicts",
    "retry_on_conflict",
    "filter_path",
    "scroll",
    "scroll_id",
    "keep_alive",
    "create",
    "order",
    "cause",
    "flat_settings",
    "include_defaults",
    "fields",
    "include_unmapped",
    "search_type",
    "batched_reduce_size",
    "ccs_minimize_roundtrips",
    "pre_filter_shard_size",
    "max_concurrent_shard_requests",
    "ignore_throttled",
    "allow_partial_search_results",
    "wait_for_active_shards",
    "routing",
    "require_alias",
    "analyze_wildcard",
    "lenient",
    "explain",
    "wait_for_completion",
    "slices",
    "requests_per_second",
    "scroll_size",
    "include_type_name",
    "realtime",
    "flat",
    "min_score",
];

impl Parameters {
    fn check(&self) -> Result<(), EsError> {
        match self.0.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            Some(name) => Err(EsError::illegal_argument(format!(
                "request contains unrecognized parameter: [{name}]"
            ))),
            None => Ok(()),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A switch is on when it is named, unless its value is `false`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "false")
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, EsError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                EsError::illegal_argument(format!(
                    "Failed to parse int parameter [{name}] with value [{text}]"
                ))
            })
        };
        self.get(name).map(parse).transpose()
    }

    /// `_source`, `_source_includes` and `_source_excludes` as a body has them.
    pub(crate) fn source(&self) -> Option<Value> {
        let list = |text: &str| {
            let names = text.split(',').map(str::trim);
            names.map(Value::from).collect::<Vec<_>>()
        };
        let (includes, excludes) = (self.get("_source_includes"), self.get("_source_excludes"));
        if includes.is_some() || excludes.is_some() {
            return Some(serde_json::json!({
                "includes": includes.map(list).unwrap_or_default(),
                "excludes": excludes.map(list).unwrap_or_default(),
            }));
        }
        Some(match self.get("_source")? {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            fields => Value::Array(list(fields)),
        })
    }

    pub(crate) fn source_filter(&self) -> Result<SourceFilter, EsError> {
        self.source()
            .map(|filter| SourceFilter::parse(&filter))
            .transpose()
            .map(Option::unwrap_or_default)
    }

    /// `rest_total_hits_as_int`.
    pub(crate) fn total_as_number(&self, answer: &mut Value) {
        if self.flag("rest_total_hits_as_int")
            && let Some(total) = answer.pointer_mut("/hits/total")
        {
            *total = total.get("value").cloned().unwrap_or(Value::Null);
        }
    }

    pub(crate) fn refresh(&self) -> Refresh {
        if self.flag("refresh") {
            Refresh::Now
        } else {
            Refresh::Later
        }
    }

    pub(crate) fn target_options(&self) -> TargetOptions {
        TargetOptions {
            ignore_unavailable: self.flag("ignore_unavailable"),
            forbid_no_indices: self.get("allow_no_indices") == Some("false"),
            without_open: self.get("expand_wildcards").is_some_and(|kinds| {
                let mut kinds = kinds.split(',').map(str::trim);
                !kinds.any(|kind| ["open", "all"].contains(&kind))
            }),
        }
    }
}

/// The query string of a request, with nothing in it that is not known.
pub(crate) struct Checked(pub(crate) Parameters);

impl<S: Sync> FromRequestParts<S> for Checked {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let Query(parameters) = Query::<Parameters>::try_from_uri(&parts.uri)
            .map_err(|error| EsError::illegal_argument(error.body_text()))?;
        parameters.check()?;
        Ok(Self(parameters))
    }
}

/// What a request says: its query string, and its body as JSON (`{}` without one).
pub(crate) struct Asked {
    pub(crate) parameters: Parameters,
    pub(crate) body: Value,
}

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        let (mut parts, body) = request.into_parts();
        let Checked(parameters) = Checked::from_request_parts(&mut parts, state).await?;
        let headers = parts.headers.clone();
        let body = Bytes::from_request(Request::from_parts(parts, body), state)
            .await
            .map_err(|error| {
                EsError::new(
                    error.status().as_u16(),
                    "content_too_long",
                    error.body_text(),
                )
            })?;
        Ok(Self {
            parameters,
            body: json(&headers, body)?,
        })
    }
}

/// A small compressed body may hold a large one.
const MAX_INFLATED: u64 = 100 << 20;

/// The body, decompressed if it says so.
pub(crate) fn inflate(headers: &HeaderMap, body: Bytes) -> Result<Bytes, EsError> {
    match headers
        .get(header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
    {
        None | Some("identity") => Ok(body),
        Some("gzip") => {
            let mut inflated = Vec::new();
            let mut reader = flate2::read::GzDecoder::new(body.as_ref()).take(MAX_INFLATED + 1);
            reader.read_to_end(&mut inflated).map_err(|error| {
                EsError::illegal_argument(format!("the body is not gzip: {error}"))
            })?;
            if inflated.len() as u64 > MAX_INFLATED {
                return Err(EsError::new(
                    413,
                    "content_too_long",
                    format!("the decompressed body is larger than {MAX_INFLATED} bytes"),
                ));
            }
            Ok(Bytes::from(inflated))
        }
        Some(other) => Err(EsError::illegal_argument(format!(
            "content encoding [{other}] is not supported"
        ))),
    }
}

/// A JSON body; an empty one is `{}`.
pub(crate) fn json(headers: &HeaderMap, body: Bytes) -> Result<Value, EsError> {
    let body = inflate(headers, body)?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(serde_json::json!({}));
    }
    serde_json::from_slice(&body)
        .map_err(|error| EsError::json(format!("the body is not JSON: {error}")))
}

//! Requests that are counted, answered, changed or refused before they leave.
//! <https://chromedevtools.github.io/devtools-protocol/tot/Fetch/>

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Caller, DevToolsError,
    caller::{CALL_LIMIT, TraceHeader},
    questions::{Question, Questions},
};

/// Calls that one rule remembers.
const MAX_CALLS: usize = 1000;
/// Of a response, kept for the script.
const MAX_BODY_BYTES: usize = 1 << 20;

/// Which requests a rule is about.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    pub url: Option<Regex>,
    /// In upper case.
    pub method: Option<String>,
    /// Names in lower case; all must be there with these values.
    pub headers: HashMap<String, String>,
    pub response_headers: HashMap<String, String>,
    pub status: Option<u16>,
    pub post_data: Option<String>,
    /// DevTools' name of what is asked for, such as `Document`.
    pub resource_type: Option<String>,
    /// The script looks at what fits so far, and answers [`InterceptionAnswer::Matches`] or nothing.
    pub token: Option<u64>,
    /// What the script looks at is known with the response only.
    pub needs_response: bool,
}

/// What becomes of a request.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum InterceptionAnswer {
    /// Refused with a network error of DevTools, such as `Failed`.
    Abort { reason: String },
    /// Answered without or (`fetch`) after asking the server.
    Respond {
        body: Option<InterceptedBody>,
        status: Option<u16>,
        headers: Option<HashMap<String, String>>,
        #[serde(default)]
        fetch: bool,
    },
    /// Answered by the server, with these texts replaced: the first place of each, in order.
    Rewrite { rules: Vec<(String, String)> },
    /// As the script says when it is asked, before or (`fetch`) after the server was.
    Ask {
        token: u64,
        #[serde(default)]
        fetch: bool,
    },
    /// The rule is about this request: a filter's answer.
    Matches,
    /// Sent otherwise than the page wanted.
    Request {
        url: Option<String>,
        method: Option<String>,
        headers: Option<HashMap<String, String>>,
        body: Option<InterceptedBody>,
    },
}

/// A body as text or as base64.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct InterceptedBody {
    pub data: String,
    #[serde(default)]
    pub base64: bool,
    #[serde(default)]
    pub json: bool,
}

impl InterceptedBody {
    fn encoded(&self) -> String {
        use base64::{Engine, prelude::BASE64_STANDARD};
        if self.base64 {
            self.data.clone()
        } else {
            BASE64_STANDARD.encode(&self.data)
        }
    }
}

/// A request that a rule was about, as WebdriverIO's mocks show it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterceptedCall {
    pub url: String,
    pub method: String,
    pub headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<Map<String, Value>>,
    /// Parsed when it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub aborted: bool,
    /// The rule changed the request or its response.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub overwritten: bool,
}

#[derive(Debug, Default)]
struct Rule {
    filter: RequestFilter,
    /// Used up first, in order.
    once: Vec<InterceptionAnswer>,
    always: Option<InterceptionAnswer>,
    calls: Vec<InterceptedCall>,
    restored: bool,
}

/// The rules of one browser; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interceptions {
    rules: Arc<Mutex<Vec<Rule>>>,
    questions: Questions,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paused {
    pub(super) request_id: String,
    pub(super) request: PausedRequest,
    response_status_code: Option<u16>,
    response_headers: Option<Vec<HeaderEntry>>,
    response_error_reason: Option<String>,
    resource_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PausedRequest {
    #[serde(default)]
    url: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    pub(super) headers: Map<String, Value>,
    post_data: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct HeaderEntry {
    name: String,
    value: String,
}

impl Interceptions {
    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a script is asked next ([`InterceptionAnswer::Ask`]).
    pub async fn next_question(&self) -> Question {
        self.questions.next().await
    }

    /// The script's answer; none lets the request go its way.
    pub fn reply(&self, question: u64, answer: Option<InterceptionAnswer>) {
        self.questions.reply(question, answer);
    }

    /// Adds a rule that only counts; answers its number.
    pub fn add(&self, filter: RequestFilter) -> usize {
        let mut rules = self.lock();
        rules.push(Rule {
            filter,
            ..Rule::default()
        });
        rules.len() - 1
    }

    /// Sets what becomes of the next request of a rule, or of all of them.
    pub fn answer(&self, rule: usize, answer: InterceptionAnswer, once: bool) {
        if let Some(rule) = self.lock().get_mut(rule) {
            if once {
                rule.once.push(answer);
            } else {
                rule.always = Some(answer);
            }
        }
    }

    /// Forgets the calls of a rule, or of all.
    pub fn clear(&self, rule: Option<usize>) {
        for (number, one) in self.lock().iter_mut().enumerate() {
            if rule.is_none_or(|rule| rule == number) {
                one.calls.clear();
            }
        }
    }

    /// Ends a rule, or all of them; its calls are kept.
    pub fn restore(&self, rule: Option<usize>) {
        for (number, one) in self.lock().iter_mut().enumerate() {
            if rule.is_none_or(|rule| rule == number) {
                one.restored = true;
            }
        }
    }

    /// What was asked for so far.
    pub fn calls(&self, rule: usize) -> Vec<InterceptedCall> {
        let rules = self.lock();
        rules
            .get(rule)
            .map(|rule| rule.calls.clone())
            .unwrap_or_default()
    }

    /// Whether a request may have to wait for a rule.
    pub fn is_active(&self) -> bool {
        self.lock().iter().any(|rule| !rule.restored)
    }

    /// The rule of a request; the latest one wins.
    async fn matching(&self, paused: &Paused) -> Option<usize> {
        let candidates: Vec<(usize, Option<u64>)> = {
            let rules = self.lock();
            let numbered = rules.iter().enumerate().rev();
            numbered
                .filter(|(_, rule)| !rule.restored && rule.filter.matches(paused))
                .map(|(number, rule)| (number, rule.filter.token))
                .collect()
        };
        for (number, token) in candidates {
            let fits = match token {
                Some(token) => self.questions.ask(token, call_of(paused)).await.is_some(),
                None => true,
            };
            if fits {
                return Some(number);
            }
        }
        None
    }

    /// The answer for a request that has not left yet: none lets it leave.
    fn before(&self, number: usize) -> Option<InterceptionAnswer> {
        let mut rules = self.lock();
        let rule = rules.get_mut(number)?;
        let needs_response = rule.filter.needs_response
            || rule.filter.status.is_some()
            || !rule.filter.response_headers.is_empty();
        let answer = rule.once.first().or(rule.always.as_ref())?.clone();
        let waits = matches!(
            answer,
            InterceptionAnswer::Respond { fetch: true, .. }
                | InterceptionAnswer::Ask { fetch: true, .. }
                | InterceptionAnswer::Rewrite { .. }
        );
        if waits || needs_response {
            return None;
        }
        if !rule.once.is_empty() {
            rule.once.remove(0);
        }
        Some(answer)
    }

    /// Remembers a request that is answered without its server.
    fn record_answered(&self, number: usize, paused: &Paused, answer: &InterceptionAnswer) {
        let mut call = call_of(paused);
        match answer {
            InterceptionAnswer::Abort { .. } => call.aborted = true,
            InterceptionAnswer::Respond {
                status,
                headers,
                body,
                ..
            } => {
                call.overwritten = true;
                call.status_code = Some(status.unwrap_or(200));
                call.response_headers = headers.as_ref().map(|headers| {
                    headers
                        .iter()
                        .map(|(name, value)| (name.clone(), json!(value)))
                        .collect()
                });
                call.body = body.as_ref().map(|body| parsed(&body.data));
            }
            // Recorded when its response comes.
            InterceptionAnswer::Request { .. }
            | InterceptionAnswer::Rewrite { .. }
            | InterceptionAnswer::Matches
            | InterceptionAnswer::Ask { .. } => return,
        }
        if let Some(rule) = self.lock().get_mut(number) {
            record(rule, call);
        }
    }

    /// Asks the script where it wants to be asked.
    async fn decided(
        &self,
        answer: Option<InterceptionAnswer>,
        call: impl FnOnce() -> InterceptedCall,
    ) -> Option<InterceptionAnswer> {
        match answer {
            Some(InterceptionAnswer::Ask { token, .. }) => self.questions.ask(token, call()).await,
            other => other,
        }
    }

    fn after(&self, number: usize, mut call: InterceptedCall) -> Option<InterceptionAnswer> {
        let mut rules = self.lock();
        let rule = rules.get_mut(number)?;
        call.overwritten = rule.once.first().or(rule.always.as_ref()).is_some();
        record(rule, call);
        let answer = if rule.once.is_empty() {
            rule.always.clone()
        } else {
            Some(rule.once.remove(0))
        };
        answer.filter(|answer| !matches!(answer, InterceptionAnswer::Request { .. }))
    }
}

fn record(rule: &mut Rule, call: InterceptedCall) {
    if rule.calls.len() < MAX_CALLS {
        rule.calls.push(call);
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn call_of(paused: &Paused) -> InterceptedCall {
    let headers = paused.response_headers.as_ref();
    InterceptedCall {
        url: paused.request.url.clone(),
        method: paused.request.method.clone(),
        headers: paused.request.headers.clone(),
        post_data: paused.request.post_data.clone(),
        status_code: paused.response_status_code,
        response_headers: headers.map(|headers| {
            let named =
                |header: &HeaderEntry| (header.name.to_ascii_lowercase(), json!(header.value));
            headers.iter().map(named).collect()
        }),
        ..InterceptedCall::default()
    }
}

impl RequestFilter {
    fn matches(&self, paused: &Paused) -> bool {
        let request = &paused.request;
        let has = |wanted: &HashMap<String, String>, get: &dyn Fn(&str) -> Option<String>| {
            wanted
                .iter()
                .all(|(name, value)| get(name).as_deref() == Some(value.as_str()))
        };
        let of_request = |name: &str| {
            let mut headers = request.headers.iter();
            headers
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .and_then(|(_, value)| value.as_str().map(str::to_owned))
        };
        let response = paused.response_headers.as_deref();
        let of_response = |name: &str| {
            let mut headers = response.unwrap_or_default().iter();
            headers
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value.clone())
        };
        let arrived = paused.response_status_code.is_some();
        self.url
            .as_ref()
            .is_none_or(|url| url.is_match(&request.url))
            && self
                .method
                .as_ref()
                .is_none_or(|method| *method == request.method)
            && self
                .resource_type
                .as_ref()
                .is_none_or(|kind| paused.resource_type.as_ref() == Some(kind))
            && self
                .post_data
                .as_ref()
                .is_none_or(|data| request.post_data.as_ref() == Some(data))
            && has(&self.headers, &of_request)
            && (!arrived
                || (self
                    .status
                    .is_none_or(|status| Some(status) == paused.response_status_code)
                    && has(&self.response_headers, &of_response)))
    }
}

/// Decides about one request that waits.
pub(super) async fn handle(
    caller: Caller,
    rules: Interceptions,
    trace: Option<TraceHeader>,
    session: Option<String>,
    paused: Paused,
) -> Result<(), DevToolsError> {
    let send = async |method: &'static str, params: Value| {
        caller
            .send(session.clone(), method, params, CALL_LIMIT)
            .await
    };
    let id = paused.request_id.clone();
    let rule = rules.matching(&paused).await;
    let arrived = paused.response_status_code.is_some() || paused.response_error_reason.is_some();
    if !arrived {
        let answer = rule.and_then(|rule| rules.before(rule));
        let answer = rules.decided(answer, || call_of(&paused)).await;
        if let (Some(rule), Some(answer)) = (rule, &answer) {
            rules.record_answered(rule, &paused, answer);
        }
        let (method, params) = before_command(&id, answer, &paused, trace);
        return send(method, params).await.map(drop);
    }
    let mut whole = None;
    let answer = match rule {
        Some(rule) => {
            let mut call = call_of(&paused);
            let redirected = matches!(paused.response_status_code, Some(300..=399));
            if !redirected
                && let Ok(body) = send("Fetch.getResponseBody", json!({"requestId": id})).await
            {
                whole = text_of(&body);
                let kept = whole.as_ref().filter(|text| text.len() <= MAX_BODY_BYTES);
                call.body = kept.map(|text| parsed(text));
            }
            let answer = rules.after(rule, call.clone());
            rules.decided(answer, || call).await
        }
        None => None,
    };
    let (method, params) = after_command(&id, answer, &paused, whole);
    send(method, params).await.map(drop)
}

fn after_command(
    id: &str,
    answer: Option<InterceptionAnswer>,
    paused: &Paused,
    whole: Option<String>,
) -> (&'static str, Value) {
    let status = paused.response_status_code.unwrap_or(200);
    match (answer, whole) {
        (Some(InterceptionAnswer::Abort { reason }), _) => (
            "Fetch.failRequest",
            json!({"requestId": id, "errorReason": reason}),
        ),
        (
            Some(InterceptionAnswer::Respond {
                body,
                status: wanted,
                headers,
                ..
            }),
            _,
        ) => (
            "Fetch.fulfillRequest",
            fulfilled(id, wanted.unwrap_or(status), headers, body),
        ),
        (Some(InterceptionAnswer::Rewrite { rules }), Some(text)) => {
            ("Fetch.fulfillRequest", rewritten(id, paused, text, &rules))
        }
        _ => ("Fetch.continueRequest", json!({"requestId": id})),
    }
}

/// The server's answer with other texts; what told of the old body's bytes is left out.
fn rewritten(id: &str, paused: &Paused, mut text: String, rules: &[(String, String)]) -> Value {
    use base64::{Engine, prelude::BASE64_STANDARD};
    for (search, replacement) in rules {
        text = text.replacen(search.as_str(), replacement, 1);
    }
    let of_bytes = ["content-length", "content-encoding", "transfer-encoding"];
    let headers: Vec<&HeaderEntry> = paused
        .response_headers
        .iter()
        .flatten()
        .filter(|header| {
            !of_bytes
                .iter()
                .any(|name| header.name.eq_ignore_ascii_case(name))
        })
        .collect();
    json!({
        "requestId": id, "responseCode": paused.response_status_code.unwrap_or(200),
        "responseHeaders": headers, "body": BASE64_STANDARD.encode(text),
    })
}

fn text_of(body: &Value) -> Option<String> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let text = body.get("body")?.as_str()?;
    if body.get("base64Encoded") == Some(&Value::Bool(true)) {
        return String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok();
    }
    Some(text.to_owned())
}

fn before_command(
    id: &str,
    answer: Option<InterceptionAnswer>,
    paused: &Paused,
    trace: Option<TraceHeader>,
) -> (&'static str, Value) {
    match answer {
        Some(InterceptionAnswer::Abort { reason }) => (
            "Fetch.failRequest",
            json!({"requestId": id, "errorReason": reason}),
        ),
        Some(InterceptionAnswer::Respond {
            body,
            status,
            headers,
            ..
        }) => (
            "Fetch.fulfillRequest",
            fulfilled(id, status.unwrap_or(200), headers, body),
        ),
        Some(InterceptionAnswer::Request {
            url,
            method,
            headers,
            body,
        }) => {
            let mut params =
                json!({"requestId": id, "headers": request_headers(paused, trace, headers)});
            for (name, value) in [
                ("url", url),
                ("method", method),
                ("postData", body.map(|body| body.encoded())),
            ] {
                if let Some(value) = value {
                    params[name] = json!(value);
                }
            }
            ("Fetch.continueRequest", params)
        }
        // A rewritten one is rewritten when its answer has come.
        None
        | Some(
            InterceptionAnswer::Rewrite { .. }
            | InterceptionAnswer::Ask { .. }
            | InterceptionAnswer::Matches,
        ) => {
            let mut params = json!({"requestId": id});
            if trace.is_some() {
                params["headers"] = json!(request_headers(paused, trace, None));
            }
            ("Fetch.continueRequest", params)
        }
    }
}

/// The headers a request leaves with: its own, the tracing one, and those that replace them.
pub(super) fn request_headers(
    paused: &Paused,
    trace: Option<TraceHeader>,
    replaced: Option<HashMap<String, String>>,
) -> Vec<Value> {
    let replaced = replaced.unwrap_or_default();
    let is_replaced = |name: &str| replaced.keys().any(|key| key.eq_ignore_ascii_case(name));
    let own = paused.request.headers.iter();
    own.filter(|(name, _)| !is_replaced(name))
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .chain(trace.map(|trace| (trace.name, trace.value)))
        .chain(replaced.clone())
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn fulfilled(
    id: &str,
    status: u16,
    headers: Option<HashMap<String, String>>,
    body: Option<InterceptedBody>,
) -> Value {
    let mut headers = headers.unwrap_or_default();
    let typed = headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("content-type"));
    if !typed {
        let kind = if body.as_ref().is_some_and(|body| body.json) {
            "application/json"
        } else {
            "text/plain;charset=utf-8"
        };
        headers.insert("content-type".to_owned(), kind.to_owned());
    }
    let allowed = headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("access-control-allow-origin"));
    if !allowed {
        headers.insert("access-control-allow-origin".to_owned(), "*".to_owned());
    }
    let headers: Vec<Value> = headers
        .into_iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let body = body.map(|body| body.encoded()).unwrap_or_default();
    json!({"requestId": id, "responseCode": status, "responseHeaders": headers, "body": body})
}

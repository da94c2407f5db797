//! HAR 1.2 of a run, made from its documents: what they hold is masked already. <http://www.softwareishard.com/blog/har-12-spec/>

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::{EvidenceError, ResponseBody, bodies, directory::DOCUMENTS};

/// Entries of one file; a run with more requests has the first of them.
const MAX_ENTRIES: usize = 20_000;

/// The archive of the run in `folder`; none when it has logged no request.
pub fn har(folder: &Path, version: &str) -> Result<Option<Value>, EvidenceError> {
    let path = folder.join(DOCUMENTS);
    let failed = |source| EvidenceError::Read {
        path: path.clone(),
        source,
    };
    let mut lines = BufReader::new(File::open(&path).map_err(failed)?).lines();
    let bodies = bodies::read(folder);
    let (mut entries, mut pages) = (Vec::new(), BTreeMap::new());
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        let (action, source) = (action.map_err(failed)?, source.map_err(failed)?);
        let is_request = action.contains("-request-log-");
        if !is_request && !action.contains("-vitals-") || entries.len() >= MAX_ENTRIES {
            continue;
        }
        let Ok(document) = serde_json::from_str::<Value>(&source) else {
            continue;
        };
        let step = text(&document, "/uuidAction").to_owned();
        if is_request {
            let page: &mut Page = pages.entry(step).or_default();
            page.begin(&document);
            entries.push(entry(&document, &bodies));
        } else if let Some(page) = pages.get_mut(&step) {
            page.timings(&document);
        } else {
            // Vitals come before the requests of their step.
            let mut page = Page::default();
            page.timings(&document);
            pages.insert(step, page);
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    let pages: Vec<Value> = pages
        .into_iter()
        .filter(|(_, page)| !page.started.is_empty())
        .map(|(id, page)| page.to_json(&id))
        .collect();
    Ok(Some(json!({"log": {
        "version": "1.2",
        "creator": {"name": "canarytrace", "version": version},
        "pages": pages,
        "entries": entries,
    }})))
}

/// A step with requests.
#[derive(Default)]
struct Page {
    started: String,
    title: String,
    content_load: Option<f64>,
    load: Option<f64>,
}

impl Page {
    fn begin(&mut self, request: &Value) {
        if self.started.is_empty() {
            text(request, "/timestamp").clone_into(&mut self.started);
            text(request, "/context").clone_into(&mut self.title);
        }
    }

    fn timings(&mut self, vitals: &Value) {
        let number = |name: &str| vitals.get(name).and_then(Value::as_f64);
        self.content_load = number("domContentLoaded");
        self.load = number("load");
    }

    fn to_json(&self, id: &str) -> Value {
        let unknown = |time: Option<f64>| time.unwrap_or(-1.0);
        json!({
            "startedDateTime": self.started, "id": id, "title": self.title,
            "pageTimings": {"onContentLoad": unknown(self.content_load), "onLoad": unknown(self.load)},
        })
    }
}

fn text<'a>(document: &'a Value, pointer: &str) -> &'a str {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn entry(document: &Value, bodies: &HashMap<String, ResponseBody>) -> Value {
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_f64);
    let timing = |name: &str| number(&format!("/har/{name}")).unwrap_or(-1.0);
    // `send`, `wait` and `receive` are never unknown in the format.
    let needed = |name: &str| timing(name).max(0.0);
    let url = text(document, "/url");
    let version = http_version(text(document, "/response/protocol"));
    let mut entry = json!({
        "pageref": text(document, "/uuidAction"),
        "startedDateTime": text(document, "/timestamp"),
        "time": timing("time").max(0.0),
        "request": {
            "method": text(document, "/request/method"), "url": url, "httpVersion": version,
            "cookies": [], "headers": headers(document.pointer("/request/headers")),
            "queryString": query(url), "headersSize": -1,
            "bodySize": text(document, "/request/postData").len(),
        },
        "response": response(document, version, bodies),
        "cache": {},
        "timings": {
            "blocked": timing("blocked"), "dns": timing("dns"), "connect": timing("connect"),
            "send": needed("send"), "wait": needed("wait"), "receive": needed("receive"), "ssl": timing("ssl"),
        },
        "_resourceType": text(document, "/request/type").to_lowercase(),
        "_initiator": document.pointer("/request/initiator"),
    });
    let mut add = |pointer: &str, name: &str, value: Value| {
        if let Some(Value::Object(map)) = entry.pointer_mut(pointer) {
            map.insert(name.to_owned(), value);
        }
    };
    if let Some(body) = document
        .pointer("/request/postData")
        .and_then(Value::as_str)
    {
        let kind = text(document, "/request/headers/content-type");
        add(
            "/request",
            "postData",
            json!({"mimeType": kind, "params": [], "text": body}),
        );
    }
    if let Some(address) = document.pointer("/response/remoteIPAddress") {
        add("", "serverIPAddress", address.clone());
    }
    if let Some(connection) = number("/response/connectionId") {
        add("", "connection", json!(connection.to_string()));
    }
    entry
}

fn response(document: &Value, version: &str, bodies: &HashMap<String, ResponseBody>) -> Value {
    let size = |pointer: &str| document.pointer(pointer).and_then(Value::as_i64);
    let failure = text(document, "/failure");
    let mut response = json!({
        // A request without an answer has status 0, as browsers export it.
        "status": size("/response/status").unwrap_or(0), "statusText": text(document, "/response/statusText"),
        "httpVersion": version, "cookies": [], "headers": headers(document.pointer("/response/headers")),
        "content": {
            "size": size("/response/totalEncodedDataLength").unwrap_or(0),
            "mimeType": text(document, "/response/mimeType"),
        },
        "redirectURL": text(document, "/response/headers/location"), "headersSize": -1,
        "bodySize": size("/response/totalEncodedDataLength").unwrap_or(-1),
    });
    let is_redirect = !text(document, "/response/headers/location").is_empty();
    let body = bodies.get(text(document, "/requestId"));
    if let (Some(body), Some(content)) =
        (body.filter(|_| !is_redirect), response.get_mut("content"))
    {
        content["size"] = json!(body.size);
        content["text"] = json!(body.text);
        if body.text.len() < body.size {
            content["comment"] = json!("only the beginning is kept");
        }
    }
    if let (false, Value::Object(map)) = (failure.is_empty(), &mut response) {
        map.insert("_error".to_owned(), json!(failure));
    }
    response
}

fn headers(headers: Option<&Value>) -> Vec<Value> {
    headers
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
        .map(|(name, value)| json!({"name": name, "value": value.as_str().unwrap_or_default()}))
        .collect()
}

/// The query as it was sent: an archive shows it undecoded in `url` and decoded here.
fn query(url: &str) -> Vec<Value> {
    let Some((_, query)) = url.split_once('?') else {
        return Vec::new();
    };
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('#')
        .next()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({"name": decode(name), "value": decode(value)})
        })
        .collect()
}

fn http_version(protocol: &str) -> &'static str {
    match protocol {
        "h2" => "HTTP/2.0",
        "h3" => "HTTP/3.0",
        "http/1.0" => "HTTP/1.0",
        "http/1.1" => "HTTP/1.1",
        _ => "unknown",
    }
}

//! Names, templates and mappings of the telemetry indices: the one source for runner, store and `setup`.

use serde_json::{Map, Value, json};

use crate::{documents::WEIGHT_TYPES, time::Moment};

/// The index prefix when `INDEX_PREFIX` says nothing else.
pub const DEFAULT_PREFIX: &str = "c.";

/// A family of daily indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Report,
    PerformanceEntries,
    RequestLog,
    Console,
    SmokeTitle,
    Memory,
    CoverageAudit,
    Env,
    Vitals,
    Run,
    Ledger,
}

impl Service {
    pub const ALL: [Service; 11] = [
        Service::Report,
        Service::PerformanceEntries,
        Service::RequestLog,
        Service::Console,
        Service::SmokeTitle,
        Service::Memory,
        Service::CoverageAudit,
        Service::Env,
        Service::Vitals,
        Service::Run,
        Service::Ledger,
    ];

    /// The part of the index name between prefix and date; also the middle of a document's `_id`.
    pub fn name(self) -> &'static str {
        match self {
            Service::Report => "report",
            Service::PerformanceEntries => "performance-entries",
            Service::RequestLog => "request-log",
            Service::Console => "console",
            Service::SmokeTitle => "smoke-title",
            Service::Memory => "memory",
            Service::CoverageAudit => "coverage-audit",
            Service::Env => "env",
            Service::Vitals => "vitals",
            Service::Run => "run",
            Service::Ledger => "ledger",
        }
    }

    /// `<prefix><service>-YYYY.MM.DD`, by UTC date.
    pub fn index(self, prefix: &str, at: Moment) -> String {
        format!("{prefix}{}-{}", self.name(), at.index_date())
    }

    fn own_properties(self) -> Value {
        match self {
            Service::Report => report(),
            Service::PerformanceEntries => performance_entries(),
            Service::RequestLog => request_log(),
            Service::Console => console(),
            Service::SmokeTitle => json!({
                "url": keyword(), "entryUrl": keyword(), "entryURL": keyword(), "responseUrl": keyword(),
                "title": text_keyword(), "responseStatus": {"type": "integer"}, "responseStatusText": text_keyword(),
            }),
            Service::Memory => json!({
                "testStep": text_raw(),
                "data": {"properties": {
                    "jsHeapSizeLimit": long(), "totalJSHeapSize": long(), "usedJSHeapSize": long(),
                }},
            }),
            Service::CoverageAudit => json!({
                "url": text_raw(), "total": long(), "unused": long(), "percentUnused": {"type": "short"},
                "testStep": text_raw(), "kind": keyword(),
            }),
            Service::Env => json!({"maskedVariables": keyword()}),
            Service::Vitals => vitals(),
            Service::Run => run(),
            Service::Ledger => json!({
                "event": keyword(), "dueAt": date(), "reason": text_keyword(), "exitCode": {"type": "integer"}, "delayMs": long(),
            }),
        }
    }
}

/// An index template, ready for `PUT _index_template/<name>`.
#[derive(Clone, Debug)]
pub struct Template {
    pub name: String,
    pub body: Value,
}

/// The templates of all telemetry indices under `prefix`.
pub fn templates(prefix: &str) -> Vec<Template> {
    Service::ALL
        .into_iter()
        .map(|service| Template {
            name: format!("{prefix}{}", service.name()),
            body: json!({
                "index_patterns": [format!("{prefix}{}-*", service.name())],
                "priority": 200,
                "version": 1,
                "template": {
                    "settings": {
                        "index": {
                            "number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "1s",
                            "translog": {"durability": "request"},
                        }
                    },
                    "mappings": mappings(service),
                },
            }),
        })
        .collect()
}

/// Each variable of an environment would be a field of its own: they are stored, not indexed.
fn mappings(service: Service) -> Value {
    match service {
        Service::Env => json!({"dynamic": false, "properties": properties(service)}),
        _ => json!({"properties": properties(service)}),
    }
}

fn properties(service: Service) -> Value {
    let mut properties = common();
    if let Value::Object(own) = service.own_properties() {
        properties.extend(own);
    }
    Value::Object(properties)
}

fn keyword() -> Value {
    json!({"type": "keyword"})
}

fn date() -> Value {
    json!({"type": "date"})
}

fn long() -> Value {
    json!({"type": "long"})
}

fn double() -> Value {
    json!({"type": "double"})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// Stored in `_source`, never indexed.
fn opaque() -> Value {
    json!({"type": "object", "enabled": false})
}

fn text_raw() -> Value {
    json!({"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 8191}}})
}

fn text_keyword() -> Value {
    json!({"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 8191}}})
}

fn verdict() -> Value {
    json!({"properties": {"outcome": keyword(), "cause": keyword(), "detail": text_keyword(), "facts": opaque()}})
}

fn host() -> Value {
    json!({"properties": {"cpuPressurePercent": double(), "stealPercent": double(), "load1": double()}})
}

fn common() -> Map<String, Value> {
    let value = json!({
        "uuid": keyword(), "uuidAction": keyword(), "labels": text_raw(), "spec": keyword(), "timestamp": date(),
        "monitor": keyword(), "sequence": {"type": "integer"}, "overhead": {"properties": pedigree()},
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn pedigree() -> Map<String, Value> {
    let value = json!({
        "class": keyword(), "settled": boolean(), "cache": keyword(), "rendering": keyword(), "cpus": double(),
        "memoryBytes": long(), "otherRuns": {"type": "integer"},
    });
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn report() -> Value {
    json!({
        "title": keyword(), "fullTitle": keyword(), "parent": keyword(), "baseUrl": keyword(), "errType": keyword(),
        "event": keyword(), "sessionId": keyword(), "attachments": keyword(), "seleniumCluster": keyword(),
        "errMessage": text_raw(), "passed": boolean(),
        "testStepDuration": long(), "totalRunnerDuration": long(), "totalTestStepsDuration": long(),
        "capabilities": {"properties": {
            "browserName": keyword(),
            "goog:chromeOptions": {"properties": {"args": keyword()}},
        }},
        "verdict": verdict(), "host": host(),
    })
}

fn performance_entries() -> Value {
    let mut properties = Map::new();
    for name in [
        "name",
        "entryType",
        "initiatorType",
        "nextHopProtocol",
        "type",
        "fullTitle",
    ] {
        properties.insert(name.to_owned(), keyword());
    }
    let times = [
        "startTime",
        "duration",
        "workerStart",
        "redirectStart",
        "redirectEnd",
        "fetchStart",
        "domainLookupStart",
        "domainLookupEnd",
        "connectStart",
        "connectEnd",
        "secureConnectionStart",
        "requestStart",
        "responseStart",
        "responseEnd",
        "unloadEventStart",
        "unloadEventEnd",
        "domInteractive",
        "domComplete",
        "domContentLoadedEventStart",
        "domContentLoadedEventEnd",
        "loadEventStart",
        "loadEventEnd",
        "responseTime",
        "ttfb",
    ];
    for name in times {
        properties.insert(name.to_owned(), json!({"type": "float"}));
    }
    for name in [
        "encodedBodySize",
        "decodedBodySize",
        "transferSize",
        "redirectCount",
    ] {
        properties.insert(name.to_owned(), long());
    }
    properties.insert("serverTiming".to_owned(), opaque());
    properties.insert("workerTiming".to_owned(), opaque());
    properties.insert("toJSON".to_owned(), opaque());
    Value::Object(properties)
}

fn request_log() -> Value {
    let timing: Map<String, Value> = [
        "requestTime",
        "proxyStart",
        "proxyEnd",
        "dnsStart",
        "dnsEnd",
        "connectStart",
        "connectEnd",
        "sslStart",
        "sslEnd",
        "workerStart",
        "workerReady",
        "workerFetchStart",
        "workerRespondWithSettled",
        "sendStart",
        "sendEnd",
        "pushStart",
        "pushEnd",
        "receiveHeadersStart",
        "receiveHeadersEnd",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), double()))
    .collect();
    let har: Map<String, Value> = [
        "blocked", "dns", "connect", "send", "wait", "receive", "ssl", "time",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), double()))
    .chain([("comment".to_owned(), json!({"type": "text"}))])
    .collect();
    json!({
        "requestId": keyword(), "context": keyword(), "failure": text_keyword(),
        "url": {"type": "text", "index": false, "fields": {"raw": {"type": "keyword", "ignore_above": 8191}}},
        "request": {"properties": {
            "requestId": keyword(), "timestamp": double(), "wallTime": double(),
            "initiator": {"properties": {"type": keyword(), "url": keyword(), "lineNumber": long(), "columnNumber": long()}},
            "redirectHasExtraInfo": boolean(), "type": keyword(), "method": keyword(), "initialPriority": keyword(),
            "isSameSite": boolean(), "postDataParsed": {"type": "text"},
            "postData": {"type": "text", "index": false},
        }},
        "response": {"properties": {
            "status": keyword(), "statusText": {"type": "text"}, "mimeType": keyword(), "protocol": keyword(),
            "connectionReused": boolean(), "connectionId": double(), "remoteIPAddress": {"type": "ip"},
            "remotePort": {"type": "integer"}, "fromDiskCache": boolean(), "fromServiceWorker": boolean(),
            "fromPrefetchCache": boolean(), "fromMemoryCache": boolean(), "encodedDataLength": long(), "timing": {"properties": timing},
            "responseTime": double(), "securityState": {"type": "text"}, "requestId": keyword(), "timestamp": double(),
            "totalEncodedDataLength": long(), "shouldReportCorbBlocking": boolean(),
        }},
        "har": {"properties": har},
    })
}

fn console() -> Value {
    json!({
        "eventType": keyword(), "source": text_keyword(), "level": text_keyword(), "text": text_keyword(),
        "url": text_keyword(), "context": text_keyword(), "type": text_keyword(),
        "args": opaque(), "stackTrace": opaque(), "exception": opaque(),
        "lineNumber": long(), "columnNumber": long(), "line": long(), "column": long(), "exceptionId": long(),
        "executionContextId": long(), "networkRequestId": keyword(), "scriptId": keyword(),
    })
}

fn vitals_properties() -> Map<String, Value> {
    let mut properties: Map<String, Value> = ["lcp", "cls", "fcp", "ttfb", "inp", "load"]
        .into_iter()
        .map(|name| (name.to_owned(), double()))
        .collect();
    properties.insert("url".to_owned(), keyword());
    properties
}

fn vitals() -> Value {
    let mut properties = vitals_properties();
    for name in [
        "domContentLoaded",
        "lcpSize",
        "longestTask",
        "blockingTime",
        "longestFrame",
        "dnsMs",
        "tcpMs",
        "tlsMs",
        "thirdPartyPercent",
        "certificateDaysLeft",
    ] {
        properties.insert(name.to_owned(), double());
    }
    for name in [
        "longTasks",
        "longFrames",
        "requests",
        "transferBytes",
        "thirdPartyRequests",
        "thirdPartyBytes",
        "cookiesSet",
        "mixedContent",
    ] {
        properties.insert(name.to_owned(), long());
    }
    for name in [
        "fullTitle",
        "navigationType",
        "lcpElement",
        "lcpUrl",
        "inpElement",
    ] {
        properties.insert(name.to_owned(), keyword());
    }
    let by_type: Map<String, Value> = WEIGHT_TYPES
        .into_iter()
        .map(|name| (name.to_owned(), long()))
        .collect();
    properties.insert("bytesByType".to_owned(), json!({"properties": by_type}));
    properties.insert(
        "certificates".to_owned(),
        json!({"properties": {
            "host": keyword(), "subject": keyword(), "issuer": keyword(), "protocol": keyword(), "daysLeft": double(),
        }}),
    );
    properties.insert("clsShifts".to_owned(), opaque());
    properties.insert("serverTiming".to_owned(), opaque());
    properties.insert("host".to_owned(), host());
    Value::Object(properties)
}

fn run() -> Value {
    json!({
        "mode": keyword(), "startedAt": date(), "endedAt": date(), "durationMs": long(), "passed": boolean(),
        "exitCode": {"type": "integer"}, "verdict": verdict(), "host": host(),
        "vitals": {"properties": vitals_properties()},
        "stepsTotal": long(), "stepsFailed": long(), "requests": long(), "transferBytes": long(),
        "requestsFailed": long(), "consoleErrors": long(), "screenshot": keyword(), "attachments": keyword(), "browserVersion": keyword(),
        "version": keyword(), "revision": keyword(),
        "overhead": {"properties": {
            "class": keyword(), "runnerCpuS": double(), "runnerPeakRssBytes": long(), "browserCpuS": double(),
            "droppedEvents": long(), "droppedFrames": long(), "settledMs": long(),
        }},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_names_carry_prefix_service_and_utc_date() {
        let at = Moment::from_epoch_ms(1_652_057_999_999);
        assert_eq!(Service::Report.index("c.", at), "c.report-2022.05.09");
        assert_eq!(
            Service::RequestLog.index("dev.", Moment::from_epoch_ms(1_652_054_399_999)),
            "dev.request-log-2022.05.08"
        );
    }

    #[test]
    fn every_template_matches_only_its_own_indices() {
        let templates = templates(DEFAULT_PREFIX);
        assert_eq!(templates.len(), Service::ALL.len());
        let request_log = templates
            .iter()
            .find(|template| template.name == "c.request-log")
            .unwrap();
        assert_eq!(
            request_log.body["index_patterns"],
            json!(["c.request-log-*"])
        );
        assert_eq!(
            request_log.body["template"]["mappings"]["properties"]["response"]["properties"]["status"]
                ["type"],
            "keyword"
        );
    }
}

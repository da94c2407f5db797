//! Pairs requests with their responses.

use std::{collections::HashMap, time::Duration};

use canarytrace_driver::devtools::{
    BrowserEvent, NetworkFailed, NetworkFinished, NetworkRequest, NetworkResponse,
};
use canarytrace_model::{
    documents::{Har, RequestPart, ResponsePart, Timing},
    time::Moment,
};
use serde_json::Value;

/// Requests of one run that are kept; what is beyond is counted.
const MAX_REQUESTS: u32 = 50_000;

/// One request with what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) sequence: u32,
    pub(crate) request: NetworkRequest,
    pub(crate) response: Option<NetworkResponse>,
    pub(crate) finished: Option<NetworkFinished>,
    pub(crate) failed: Option<NetworkFailed>,
    pub(crate) cookies_set: u32,
    /// The response sent the browser elsewhere; there is no finishing data.
    redirected: bool,
    /// Nothing was sent: the browser had it in memory, and repeats the phases of when it was fetched.
    from_memory: bool,
}

/// The first navigation of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Navigation {
    request_id: String,
    /// Where it began.
    pub(crate) url: String,
    /// Where it ended, after redirects.
    pub(crate) response_url: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) status_text: String,
    pub(crate) error: Option<String>,
}

impl Navigation {
    pub(crate) fn is_settled(&self) -> bool {
        self.status.is_some() || self.error.is_some()
    }
}

/// Requests by id, in order.
#[derive(Debug, Default)]
pub(crate) struct Network {
    exchanges: Vec<Exchange>,
    /// Index into `exchanges` of the latest request with an id.
    open: HashMap<String, usize>,
    last_sequence: u32,
    navigation: Option<Navigation>,
    pub(crate) dropped: u64,
}

impl Network {
    pub(crate) fn end_step(&mut self) {
        self.navigation = None;
    }

    pub(crate) fn navigation(&self) -> Option<Navigation> {
        self.navigation.clone()
    }

    pub(crate) fn receive(&mut self, event: BrowserEvent) {
        match event {
            BrowserEvent::Request(request) => self.requested(*request),
            BrowserEvent::Response(response) => {
                if let Some(navigation) = self.own_navigation(&response.request_id) {
                    navigation.status = Some(response.status);
                    navigation.status_text.clone_from(&response.status_text);
                    navigation.response_url = Some(response.url.clone());
                }
                if let Some(exchange) = self.exchange(&response.request_id) {
                    exchange.response = Some(*response);
                }
            }
            BrowserEvent::Finished(finished) => {
                if let Some(exchange) = self.exchange(&finished.request_id) {
                    exchange.finished = Some(finished);
                }
            }
            BrowserEvent::Failed(failed) => {
                if let Some(navigation) = self
                    .own_navigation(&failed.request_id)
                    .filter(|navigation| navigation.status.is_none())
                {
                    navigation.error = Some(failed.error_text.clone());
                }
                if let Some(exchange) = self.exchange(&failed.request_id) {
                    exchange.failed = Some(failed);
                }
            }
            BrowserEvent::SocketOpening(opening) => {
                if let Some(exchange) = self.exchange(&opening.request_id) {
                    exchange.request.timestamp = opening.timestamp;
                    exchange.request.wall_time = opening.wall_time;
                    exchange.request.headers = opening.headers;
                }
            }
            BrowserEvent::FromCache(served) => {
                if let Some(exchange) = self.exchange(&served.request_id) {
                    exchange.from_memory = true;
                }
            }
            BrowserEvent::CookiesSet(set) => {
                if let Some(exchange) = self.exchange(&set.request_id) {
                    exchange.cookies_set += set.count;
                }
            }
            _ => {}
        }
    }

    fn requested(&mut self, mut request: NetworkRequest) {
        // The browser's own pages are no requests of the site.
        if request.url.starts_with("chrome") || request.url.starts_with("devtools:") {
            return;
        }
        if let Some(redirect) = request.redirect.take()
            && let Some(previous) = self.exchange(&request.request_id)
        {
            previous.response = Some(*redirect);
            previous.redirected = true;
        }
        if request.is_navigation && self.navigation.is_none() {
            self.navigation = Some(Navigation {
                request_id: request.request_id.clone(),
                url: request.url.clone(),
                ..Navigation::default()
            });
        }
        if self.last_sequence >= MAX_REQUESTS {
            self.dropped += 1;
            return;
        }
        self.last_sequence += 1;
        self.open
            .insert(request.request_id.clone(), self.exchanges.len());
        self.exchanges.push(Exchange {
            sequence: self.last_sequence,
            request,
            response: None,
            finished: None,
            failed: None,
            cookies_set: 0,
            redirected: false,
            from_memory: false,
        });
    }

    fn exchange(&mut self, request_id: &str) -> Option<&mut Exchange> {
        let index = *self.open.get(request_id)?;
        self.exchanges.get_mut(index)
    }

    fn own_navigation(&mut self, request_id: &str) -> Option<&mut Navigation> {
        self.navigation
            .as_mut()
            .filter(|navigation| navigation.request_id == request_id)
    }

    /// Requests of this step so far, complete or not.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Removes and answers what is complete, in request order.
    pub(crate) fn take(&mut self, all: bool) -> Vec<Exchange> {
        let (taken, kept): (Vec<Exchange>, Vec<Exchange>) = std::mem::take(&mut self.exchanges)
            .into_iter()
            .partition(|exchange| all || exchange.is_complete());
        self.exchanges = kept;
        self.open = self
            .exchanges
            .iter()
            .enumerate()
            .map(|(index, exchange)| (exchange.request.request_id.clone(), index))
            .collect();
        taken
    }
}

impl Exchange {
    /// From the request to its end, or to now.
    pub(crate) fn duration_ms(&self) -> u64 {
        let end = self
            .finished
            .as_ref()
            .map(|finished| finished.timestamp)
            .or_else(|| self.failed.as_ref().map(|failed| failed.timestamp));
        let seconds = match end {
            Some(end) => end - self.request.timestamp,
            None if self.redirected => 0.0,
            None => Moment::now().epoch_ms() as f64 / 1000.0 - self.request.wall_time,
        };
        Duration::try_from_secs_f64(seconds).map_or(0, |duration| {
            u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
        })
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.redirected || self.finished.is_some() || self.failed.is_some()
    }

    /// Why the request failed: the browser's error, or that it never ended.
    pub(crate) fn failure(&self) -> Option<String> {
        match (&self.failed, self.is_complete()) {
            (Some(failed), _) => Some(match &failed.blocked_reason {
                Some(reason) => format!("blocked: {reason}"),
                None if failed.canceled => format!("canceled: {}", failed.error_text),
                None => failed.error_text.clone(),
            }),
            (None, false) => Some("unfinished when the run ended".to_owned()),
            (None, true) => None,
        }
    }

    pub(crate) fn transfer_bytes(&self) -> u64 {
        self.finished.as_ref().map_or(0, |finished| {
            u64::try_from(finished.encoded_data_length).unwrap_or(0)
        })
    }

    /// A failure of the site: an error answer, or no answer (a request that the page itself gave up does not count).
    pub(crate) fn is_error(&self) -> bool {
        self.response
            .as_ref()
            .is_some_and(|response| response.status > 399)
            || self.failed.as_ref().is_some_and(|failed| !failed.canceled)
    }

    pub(crate) fn request_part(&self) -> RequestPart {
        let request = self.request.clone();
        RequestPart {
            request_id: request.request_id,
            timestamp: request.timestamp,
            wall_time: request.wall_time,
            initiator: request.initiator,
            redirect_has_extra_info: request.redirect_has_extra_info,
            resource_type: request.resource_type,
            method: request.method,
            headers: request.headers,
            initial_priority: request.initial_priority,
            is_same_site: request.is_same_site,
            post_data: request.post_data,
            post_data_parsed: String::new(),
        }
    }

    pub(crate) fn response_part(&self) -> Option<ResponsePart> {
        let response = self.response.clone()?;
        Some(ResponsePart {
            status: response.status,
            status_text: response.status_text,
            headers: response.headers,
            mime_type: response.mime_type,
            protocol: response.protocol,
            connection_reused: response.connection_reused,
            connection_id: response.connection_id,
            remote_ip_address: response.remote_ip_address,
            remote_port: response.remote_port,
            from_disk_cache: response.from_disk_cache,
            from_service_worker: response.from_service_worker,
            from_prefetch_cache: response.from_prefetch_cache,
            from_memory_cache: self.from_memory,
            encoded_data_length: response.encoded_data_length,
            timing: timing(response.timing.filter(|_| !self.from_memory)),
            response_time: response.response_time,
            security_state: response.security_state,
            request_id: response.request_id,
            timestamp: self.finished.as_ref().map(|finished| finished.timestamp),
            total_encoded_data_length: self
                .finished
                .as_ref()
                .map(|finished| finished.encoded_data_length),
            should_report_corb_blocking: self
                .finished
                .as_ref()
                .and_then(|finished| finished.should_report_corb_blocking),
        })
    }

    pub(crate) fn har(&self) -> Option<Har> {
        let (response, finished) = (self.response.as_ref()?, self.finished.as_ref()?);
        if self.from_memory || response.protocol.as_deref() == Some("data") {
            return Some(Har::zero());
        }
        Some(Har::compute(
            timing(response.timing.clone()).as_ref(),
            response.timestamp,
            finished.timestamp,
        ))
    }
}

fn timing(timing: Option<serde_json::Map<String, Value>>) -> Option<Timing> {
    serde_json::from_value(Value::Object(timing?)).ok()
}

#[cfg(test)]
mod tests {
    use canarytrace_driver::devtools::{ServedFromCache, decode};

    use super::*;

    fn request(id: &str, url: &str, navigation: bool) -> NetworkRequest {
        NetworkRequest {
            request_id: id.to_owned(),
            url: url.to_owned(),
            is_navigation: navigation,
            ..NetworkRequest::default()
        }
    }

    fn response(id: &str, status: u16) -> NetworkResponse {
        NetworkResponse {
            request_id: id.to_owned(),
            status,
            ..NetworkResponse::default()
        }
    }

    #[test]
    fn a_redirect_is_a_document_of_its_own_without_finishing_data() {
        let mut network = Network::default();
        network.receive(BrowserEvent::Request(Box::new(request(
            "1",
            "http://h/a",
            true,
        ))));
        let redirected = NetworkRequest {
            redirect: Some(Box::new(response("1", 302))),
            ..request("1", "http://h/b", true)
        };
        network.receive(BrowserEvent::Request(Box::new(redirected)));
        network.receive(BrowserEvent::Response(Box::new(response("1", 200))));
        assert_eq!(network.take(false).len(), 1);
        network.receive(BrowserEvent::Finished(NetworkFinished {
            request_id: "1".to_owned(),
            ..NetworkFinished::default()
        }));
        let taken = network.take(false);
        assert_eq!(
            (taken.len(), taken[0].sequence, taken[0].failure()),
            (1, 2, None)
        );
        let navigation = network.navigation().unwrap();
        assert_eq!(
            (navigation.url.as_str(), navigation.status),
            ("http://h/a", Some(200))
        );
    }

    /// What only the browser knows is stored as it said it.
    #[test]
    fn a_recorded_visit_is_carried_over() {
        let frames: Vec<Value> = include_str!("../../../driver/tests/golden/page.ndjson")
            .lines()
            .map(|frame| serde_json::from_str(frame).unwrap())
            .collect();
        let mut network = Network::default();
        for frame in &frames {
            let params = serde_json::value::to_raw_value(&frame["params"]).unwrap();
            if let Some(event) = decode(frame["method"].as_str().unwrap(), &params) {
                network.receive(event);
            }
        }
        let taken = network.take(true);
        let of = |method: &str, id: &Value| {
            let own =
                |frame: &&Value| frame["method"] == method && frame["params"]["requestId"] == *id;
            frames.iter().rfind(own).map(|frame| &frame["params"])
        };
        let mut compared = 0;
        for exchange in taken.iter().filter(|exchange| !exchange.redirected) {
            let id = Value::from(exchange.request.request_id.clone());
            let request = serde_json::to_value(exchange.request_part()).unwrap();
            let response = serde_json::to_value(exchange.response_part()).unwrap();
            let Some(sent) = of("Network.requestWillBeSent", &id) else {
                continue;
            };
            assert_eq!(
                request["initialPriority"],
                sent["request"]["initialPriority"]
            );
            assert_eq!(request["isSameSite"], sent["request"]["isSameSite"]);
            assert_eq!(
                request["redirectHasExtraInfo"],
                sent["redirectHasExtraInfo"]
            );
            if let Some(received) = of("Network.responseReceived", &id) {
                let received = &received["response"];
                for name in ["connectionReused", "fromPrefetchCache", "securityState"] {
                    assert_eq!(response[name], received[name], "{name}: {received}");
                }
                assert_eq!(
                    response["connectionId"].as_f64(),
                    received["connectionId"].as_f64()
                );
                compared += 1;
            }
            if let Some(finished) = of("Network.loadingFinished", &id) {
                let name = "shouldReportCorbBlocking";
                assert_eq!(response[name], finished[name]);
            }
        }
        assert!(compared >= 3, "{compared}");
    }

    #[test]
    fn what_was_in_memory_took_no_time() {
        let mut network = Network::default();
        network.receive(BrowserEvent::Request(Box::new(request(
            "1",
            "http://h/a",
            false,
        ))));
        network.receive(BrowserEvent::FromCache(ServedFromCache {
            request_id: "1".to_owned(),
        }));
        let then = serde_json::json!({"requestTime": 1.0, "sendStart": 10.0, "sendEnd": 11.0, "receiveHeadersEnd": 90.0});
        let repeated = NetworkResponse {
            timing: then.as_object().cloned(),
            ..response("1", 200)
        };
        network.receive(BrowserEvent::Response(Box::new(repeated)));
        network.receive(BrowserEvent::Finished(NetworkFinished {
            request_id: "1".to_owned(),
            ..NetworkFinished::default()
        }));
        let taken = network.take(false);
        let response = taken[0].response_part().unwrap();
        assert!(response.from_memory_cache && response.timing.is_none());
        assert_eq!(taken[0].har(), Some(Har::zero()));
    }

    #[test]
    fn an_unfinished_request_is_told_at_the_end() {
        let mut network = Network::default();
        network.receive(BrowserEvent::Request(Box::new(request(
            "1",
            "http://h/slow",
            false,
        ))));
        assert!(network.take(false).is_empty());
        assert_eq!(
            network.take(true)[0].failure().as_deref(),
            Some("unfinished when the run ended")
        );
    }
}

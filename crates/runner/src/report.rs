//! Appends the documents of a run and tells the supervisor.

use std::{io::Write, sync::Arc};

use canarytrace_driver::devtools::{ConsoleEvent, ConsoleKind};
use canarytrace_evidence::{EvidenceError, LogStream, RunDirectory, Secrets};
use canarytrace_model::{
    ActionId,
    documents::{
        Common, Console, ConsoleEventType, OverheadClass, OverheadField, PerformanceEntry, Report,
        ReportEvent, RequestLog, SmokeTitle,
    },
    index::Service,
    record::RunRecord,
    time::{Moment, RunClock},
};
use serde_json::{Map, Value};

use crate::{collect::network::Exchange, job::RunnerMessage};

/// The one writer of a run.
#[derive(Debug)]
pub(crate) struct Reporter {
    directory: RunDirectory,
    pub(crate) clock: RunClock,
    labels: Arc<[String]>,
    spec: Arc<str>,
    monitor: Arc<str>,
    record: RunRecord,
    sequence: u32,
    console_sequence: u32,
    pub(crate) totals: Totals,
}

/// Sums over the run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps_ms: u64,
    pub(crate) transfer_bytes: u64,
    pub(crate) requests_failed: u64,
    pub(crate) console_errors: u64,
}

/// The step a document belongs to.
#[derive(Clone, Debug)]
pub(crate) struct StepName {
    pub(crate) action: ActionId,
    pub(crate) title: String,
    pub(crate) full_title: String,
    pub(crate) parent: String,
}

const LIGHT: OverheadField = OverheadField {
    class: OverheadClass::Light,
};
/// How deep console arguments are kept.
const MAX_DEPTH: usize = 6;

impl Reporter {
    pub(crate) fn new(directory: RunDirectory, record: RunRecord, clock: RunClock) -> Self {
        Self {
            directory,
            clock,
            labels: record.labels.clone().into(),
            spec: record.spec.as_str().into(),
            monitor: record.monitor.as_str().into(),
            record,
            sequence: 0,
            console_sequence: 0,
            totals: Totals::default(),
        }
    }

    fn common(&self, timestamp: Moment) -> Common {
        Common {
            uuid: self.record.uuid.clone(),
            labels: Arc::clone(&self.labels),
            spec: Arc::clone(&self.spec),
            monitor: Arc::clone(&self.monitor),
            timestamp,
        }
    }

    /// Appends an event; `fill` sets what this kind of event has.
    pub(crate) fn event(
        &mut self,
        event: ReportEvent,
        fill: impl FnOnce(&mut Report),
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        self.sequence += 1;
        let mut report = Report::new(self.common(now), event, self.sequence);
        fill(&mut report);
        self.directory.append(Service::Report, now, &report)?;
        self.tell(&RunnerMessage::Documents);
        Ok(())
    }

    /// The final event of a run that could not be carried out.
    pub(crate) fn lifecycle_error(
        &mut self,
        err_type: &str,
        verdict: &canarytrace_model::verdict::Verdict,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        let message = verdict.detail.clone().unwrap_or_default();
        let report = Report::lifecycle_error(self.common(now), err_type, &message, verdict.clone());
        self.directory.append(Service::Report, now, &report)?;
        self.tell(&RunnerMessage::Documents);
        Ok(())
    }

    pub(crate) fn performance(
        &mut self,
        step: &StepName,
        entries: Vec<Map<String, Value>>,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        for (entry, sequence) in entries.into_iter().zip(1..) {
            let (response_time, ttfb) = PerformanceEntry::compute(&entry);
            let document = PerformanceEntry {
                entry,
                response_time,
                ttfb,
                sequence,
                uuid_action: step.action.clone(),
                full_title: step.full_title.clone(),
                common: self.common(now),
                overhead: LIGHT,
            };
            self.directory
                .append(Service::PerformanceEntries, now, &document)?;
        }
        Ok(())
    }

    pub(crate) fn exchanges(
        &mut self,
        step: &StepName,
        exchanges: &[Exchange],
    ) -> Result<(), EvidenceError> {
        for exchange in exchanges {
            self.totals.transfer_bytes += exchange.transfer_bytes();
            self.totals.requests_failed += u64::from(exchange.is_error());
            let wall_ms = exchange.request.wall_time * 1000.0;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "epoch milliseconds are far below 2^53"
            )]
            let at = if wall_ms > 0.0 {
                Moment::from_epoch_ms(wall_ms as i64)
            } else {
                self.clock.now()
            };
            let document = RequestLog {
                common: self.common(at),
                request_id: exchange.request.request_id.clone(),
                uuid_action: step.action.clone(),
                context: step.full_title.clone(),
                sequence: exchange.sequence,
                url: exchange.request.url.clone(),
                request: exchange.request_part(),
                response: exchange.response_part(),
                har: exchange.har(),
                failure: exchange.failure(),
                overhead: LIGHT,
            };
            self.directory.append(Service::RequestLog, at, &document)?;
        }
        Ok(())
    }

    pub(crate) fn console(
        &mut self,
        step: &StepName,
        events: Vec<ConsoleEvent>,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        for event in events {
            self.console_sequence += 1;
            let is_error = event.fields.get("level").and_then(Value::as_str) == Some("error");
            // The same call comes twice, once as a message and once as an API call: only the first has a level.
            self.totals.console_errors += u64::from(is_error);
            let document = Console {
                common: self.common(now),
                event_type: match event.kind {
                    ConsoleKind::Log => ConsoleEventType::LogEntryAdded,
                    ConsoleKind::Message => ConsoleEventType::ConsoleMessageAdded,
                    ConsoleKind::ApiCall => ConsoleEventType::ConsoleApiCalled,
                    ConsoleKind::Exception => ConsoleEventType::ExceptionThrown,
                },
                uuid_action: step.action.clone(),
                context: step.full_title.clone(),
                sequence: self.console_sequence,
                fields: event
                    .fields
                    .into_iter()
                    .map(|(name, value)| (name, shallow(value, MAX_DEPTH)))
                    .collect(),
            };
            self.directory.append(Service::Console, now, &document)?;
        }
        Ok(())
    }

    pub(crate) fn smoke_title(
        &mut self,
        step: &StepName,
        url: &str,
        title: &str,
        navigation: &crate::collect::network::Navigation,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        let document = SmokeTitle {
            common: self.common(now),
            uuid_action: step.action.clone(),
            url: url.to_owned(),
            entry_url: url.to_owned(),
            entry_url_upper: url.to_owned(),
            response_url: navigation.response_url.clone().unwrap_or_default(),
            title: title.to_owned(),
            response_status: navigation.status.unwrap_or(0),
            response_status_text: navigation.status_text.clone(),
        };
        self.directory
            .append(Service::SmokeTitle, now, &document)
            .map(drop)
    }

    /// Stores a screenshot of the step and answers its name.
    pub(crate) fn screenshot(
        &mut self,
        step: &StepName,
        picture: &[u8],
    ) -> Result<String, EvidenceError> {
        let name = format!("{}-{}.png", self.clock.now().file_stamp(), step.action);
        self.directory.attach(&name, picture)?;
        self.tell(&RunnerMessage::Attachment(name.clone()));
        Ok(name)
    }

    pub(crate) fn log(&mut self, stream: LogStream, text: &str) {
        let now = self.clock.now();
        self.directory.log(stream, now, text);
    }

    /// A line for the user, without secrets.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        let text = self.directory.secrets().mask(text.as_ref()).into_owned();
        self.tell(&RunnerMessage::Line(text));
    }

    /// Tells the supervisor.
    pub(crate) fn tell(&self, message: &RunnerMessage) {
        tell(self.directory.secrets(), message);
    }
}

/// Tells the supervisor; if it is gone, this process is about to end anyway.
pub(crate) fn tell(secrets: &Secrets, message: &RunnerMessage) {
    let text = serde_json::to_string(message).unwrap_or_default();
    let mut stdout = std::io::stdout().lock();
    if writeln!(stdout, "{}", secrets.mask_json(&text))
        .and_then(|()| stdout.flush())
        .is_err()
    {
        tracing::debug!("the supervisor does not listen");
    }
}

fn shallow(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if depth == 0 => Value::Null,
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(name, value)| (name, shallow(value, depth - 1)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(
            items
                .into_iter()
                .map(|item| shallow(item, depth - 1))
                .collect(),
        ),
        other => other,
    }
}

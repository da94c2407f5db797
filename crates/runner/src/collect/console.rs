//! Console, log and exception events: on disk as they come, because a page may say more than memory should hold.

use canarytrace_driver::devtools::{ConsoleEvent, ConsoleKind};
use canarytrace_evidence::EvidenceError;
use canarytrace_model::{
    documents::{Common, Console, ConsoleEventType},
    index::Service,
    time::RunClock,
};
use serde_json::Value;

use crate::report::{SharedDirectory, StepName, lock};

/// Events of one run that are written; what is beyond is counted.
const MAX_EVENTS: u32 = 300_000;
/// Exceptions of one step that are kept for the judge.
const MAX_EXCEPTIONS: usize = 20;
/// How deep console arguments are kept.
const MAX_DEPTH: usize = 6;

/// Writes console documents of the step that runs.
#[derive(Debug)]
pub(crate) struct ConsoleLog {
    directory: SharedDirectory,
    /// What every document of the run carries.
    common: Common,
    clock: RunClock,
    /// Documents are wanted.
    stored: bool,
    /// What comes before the first step is the browser's own.
    step: Option<StepName>,
    sequence: u32,
    pub(crate) errors: u64,
    pub(crate) dropped: u64,
    exceptions: Vec<ConsoleEvent>,
    /// A write that failed; said at the next step's end.
    failure: Option<EvidenceError>,
}

impl ConsoleLog {
    pub(crate) fn new(
        directory: SharedDirectory,
        common: Common,
        clock: RunClock,
        stored: bool,
    ) -> Self {
        Self {
            directory,
            common,
            clock,
            stored,
            step: None,
            sequence: 0,
            errors: 0,
            dropped: 0,
            exceptions: Vec::new(),
            failure: None,
        }
    }

    /// From here on events belong to this step.
    pub(crate) fn begin(&mut self, step: StepName) {
        self.step = Some(step);
        self.exceptions.clear();
    }

    /// Uncaught exceptions of the step, at most a few; an error when documents could not be written.
    pub(crate) fn end(&mut self) -> Result<Vec<ConsoleEvent>, EvidenceError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(std::mem::take(&mut self.exceptions)),
        }
    }

    pub(crate) fn receive(&mut self, event: ConsoleEvent) {
        let Some(step) = &self.step else { return };
        if event.kind == ConsoleKind::Exception && self.exceptions.len() < MAX_EXCEPTIONS {
            self.exceptions.push(event.clone());
        }
        // The same call comes twice, once as a message and once as an API call: only the first has a level. An exception
        // that nobody caught has none, and is one.
        let level = event.fields.get("level").and_then(Value::as_str);
        self.errors += u64::from(level == Some("error") || event.kind == ConsoleKind::Exception);
        if !self.stored || self.failure.is_some() {
            return;
        }
        if self.sequence >= MAX_EVENTS {
            self.dropped += 1;
            return;
        }
        self.sequence += 1;
        let now = self.clock.now();
        let document = Console {
            common: Common {
                timestamp: now,
                ..self.common.clone()
            },
            event_type: match event.kind {
                ConsoleKind::Log => ConsoleEventType::LogEntryAdded,
                ConsoleKind::Message => ConsoleEventType::ConsoleMessageAdded,
                ConsoleKind::ApiCall => ConsoleEventType::ConsoleApiCalled,
                ConsoleKind::Exception => ConsoleEventType::ExceptionThrown,
            },
            uuid_action: step.action.clone(),
            context: step.full_title.clone(),
            sequence: self.sequence,
            fields: event
                .fields
                .into_iter()
                .map(|(name, value)| (name, shallow(value, MAX_DEPTH)))
                .collect(),
        };
        let written = lock(&self.directory).append(Service::Console, now, &document);
        self.failure = written.err();
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

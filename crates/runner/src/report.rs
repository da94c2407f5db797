//! Appends the documents of a run and tells the supervisor.

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use canarytrace_evidence::{EvidenceError, LogStream, ResponseBody, RunDirectory, Secrets};
use canarytrace_model::{
    ActionId,
    documents::{
        CacheState, Common, CoverageAudit, Environment, Heap, HostPressure, Memory, OverheadClass,
        OverheadField, PageVitals, PageWeight, PerformanceEntry, Report, ReportEvent, RequestLog,
        RequestPart, SmokeTitle, Vitals, VitalsDetail,
    },
    index::Service,
    record::RunRecord,
    time::{Moment, RunClock},
};
use serde_json::{Map, Value};

use crate::{
    cherry::CherryPath,
    collect::{console::ConsoleLog, coverage::Covered, film::Picture, network::Exchange},
    job::{PrintedVariables, RunnerMessage},
};

/// The run directory, written to by the reporter and, as they come, by console events.
pub(crate) type SharedDirectory = Arc<Mutex<RunDirectory>>;

pub(crate) fn lock(directory: &SharedDirectory) -> MutexGuard<'_, RunDirectory> {
    directory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the documents of a run.
#[derive(Debug)]
pub(crate) struct Reporter {
    directory: SharedDirectory,
    secrets: Secrets,
    pub(crate) clock: RunClock,
    labels: Arc<[String]>,
    spec: Arc<str>,
    monitor: Arc<str>,
    record: RunRecord,
    sequence: u32,
    memory_sequence: u32,
    /// What is on while pages are timed.
    pub(crate) overhead: OverheadField,
    cherry: Option<CherryPath>,
    attachments_url: Option<String>,
    pub(crate) totals: Totals,
}

/// Sums over the run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps_ms: u64,
    pub(crate) transfer_bytes: u64,
    pub(crate) requests_failed: u64,
    /// Documents of the script's own.
    pub(crate) saved: u64,
}

/// The step a document belongs to.
#[derive(Clone, Debug)]
pub(crate) struct StepName {
    pub(crate) action: ActionId,
    pub(crate) title: String,
    pub(crate) full_title: String,
    pub(crate) parent: String,
}

impl Reporter {
    pub(crate) fn new(directory: RunDirectory, record: RunRecord, clock: RunClock) -> Self {
        Self {
            secrets: directory.secrets().clone(),
            directory: Arc::new(Mutex::new(directory)),
            clock,
            labels: record.labels.clone().into(),
            spec: record.spec.as_str().into(),
            monitor: record.monitor.as_str().into(),
            record,
            sequence: 0,
            memory_sequence: 0,
            overhead: OverheadField {
                class: OverheadClass::Light,
                settled: false,
                cache: CacheState::Cold,
                rendering: None,
                cpus: None,
                memory_bytes: None,
                other_runs: None,
            },
            cherry: None,
            attachments_url: None,
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

    /// What writes console documents of this run.
    pub(crate) fn console(&self, stored: bool) -> ConsoleLog {
        ConsoleLog::new(
            Arc::clone(&self.directory),
            self.common(self.clock.now()),
            self.clock,
            stored,
        )
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
        lock(&self.directory).append(Service::Report, now, &report)?;
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
        lock(&self.directory).append(Service::Report, now, &report)?;
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
                overhead: self.overhead,
            };
            lock(&self.directory).append(Service::PerformanceEntries, now, &document)?;
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
                request: self.request_part(exchange),
                response: exchange.response_part(),
                har: exchange.har(),
                failure: exchange.failure(),
                overhead: self.overhead,
            };
            lock(&self.directory).append(Service::RequestLog, at, &document)?;
        }
        Ok(())
    }

    /// Picks values of request bodies from here on.
    pub(crate) fn pick(&mut self, cherry: CherryPath) {
        self.cherry = Some(cherry);
    }

    /// Names attachments by their address below `url` from here on.
    pub(crate) fn keep_attachments_at(&mut self, url: String) {
        self.attachments_url = Some(url);
    }

    /// How documents name an attachment.
    pub(crate) fn attachment_name(&self, name: String) -> String {
        match &self.attachments_url {
            Some(url) => format!("{url}/{}/{name}", self.record.uuid),
            None => name,
        }
    }

    fn request_part(&self, exchange: &Exchange) -> RequestPart {
        let mut part = exchange.request_part();
        if let (Some(cherry), Some(body)) = (&self.cherry, &part.post_data) {
            part.post_data_parsed = cherry.pick(body);
            if !part.post_data_parsed.is_empty() {
                self.line(format!(
                    "Canarytrace:RequestLog:CherryPicker:Parsed: requestId: {}, url: {}, parsed: {}",
                    part.request_id, exchange.request.url, part.post_data_parsed
                ));
            }
        }
        part
    }

    pub(crate) fn memory(
        &mut self,
        step: &StepName,
        samples: Vec<(Moment, Heap)>,
    ) -> Result<(), EvidenceError> {
        for (at, data) in samples {
            self.memory_sequence += 1;
            let document = Memory {
                common: self.common(at),
                uuid_action: step.action.clone(),
                test_step: step.full_title.clone(),
                sequence: self.memory_sequence,
                data,
                overhead: self.overhead,
            };
            lock(&self.directory).append(Service::Memory, at, &document)?;
        }
        Ok(())
    }

    pub(crate) fn coverage(
        &mut self,
        step: &StepName,
        covered: Vec<Covered>,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        for Covered {
            url,
            kind,
            total,
            used,
        } in covered
        {
            let unused = total.saturating_sub(used);
            let document = CoverageAudit {
                common: self.common(now),
                uuid_action: step.action.clone(),
                test_step: step.full_title.clone(),
                url,
                total,
                unused,
                percent_unused: CoverageAudit::percent(unused, total),
                kind,
                overhead: self.overhead,
            };
            lock(&self.directory).append(Service::CoverageAudit, now, &document)?;
        }
        Ok(())
    }

    /// A document of the script's own; what is common to all documents is added where it has nothing of that name.
    pub(crate) fn saved(
        &mut self,
        index: &str,
        payload: Map<String, Value>,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        let common = serde_json::to_value(self.common(now)).unwrap_or_default();
        let mut document = common.as_object().cloned().unwrap_or_default();
        document.extend(payload);
        lock(&self.directory).append_saved(index, now, &document)?;
        self.totals.saved += 1;
        Ok(())
    }

    pub(crate) fn vitals(
        &mut self,
        step: &StepName,
        vitals: Vitals,
        detail: VitalsDetail,
        weight: PageWeight,
        host: HostPressure,
    ) -> Result<(), EvidenceError> {
        let now = self.clock.now();
        let document = PageVitals {
            common: self.common(now),
            uuid_action: step.action.clone(),
            full_title: step.full_title.clone(),
            vitals,
            detail,
            weight,
            overhead: self.overhead,
            host,
        };
        lock(&self.directory)
            .append(Service::Vitals, now, &document)
            .map(drop)
    }

    /// Prints and stores the variables of the run; a variable with the name of a field of the document is left out.
    pub(crate) fn environment(&mut self, printed: &PrintedVariables) -> Result<(), EvidenceError> {
        const FIELDS: [&str; 6] = [
            "uuid",
            "labels",
            "spec",
            "monitor",
            "timestamp",
            "maskedVariables",
        ];
        for (name, value) in &printed.variables {
            self.line(format!("{name}={value}"));
        }
        let now = self.clock.now();
        let variables = printed.variables.clone().into_iter();
        let document = Environment {
            common: self.common(now),
            masked_variables: printed.masked.clone(),
            variables: variables
                .filter(|(name, _)| !FIELDS.contains(&name.as_str()))
                .collect(),
        };
        lock(&self.directory)
            .append(Service::Env, now, &document)
            .map(drop)
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
        lock(&self.directory)
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
        lock(&self.directory).attach(&name, picture)?;
        self.tell(&RunnerMessage::Attachment(name.clone()));
        Ok(name)
    }

    /// Stores the page as it was, without secrets.
    pub(crate) fn dom_copy(&mut self, step: &StepName, copy: &str) -> Result<(), EvidenceError> {
        let name = format!("{}.dom.html", step.action);
        let masked = self.secrets.mask(copy);
        lock(&self.directory).attach(&name, masked.as_bytes())?;
        self.tell(&RunnerMessage::Attachment(name));
        Ok(())
    }

    /// Stores the pictures of a step, named by the time since it began.
    pub(crate) fn filmstrip(
        &mut self,
        step: &StepName,
        strip: Vec<Picture>,
    ) -> Result<(), EvidenceError> {
        for Picture { at_ms, jpeg } in strip {
            let name = format!("{}-film-{at_ms:06}.jpg", step.action);
            lock(&self.directory).attach(&name, &jpeg)?;
            self.tell(&RunnerMessage::Attachment(name));
        }
        Ok(())
    }

    /// Keeps texts of responses for the archive.
    pub(crate) fn bodies(&mut self, bodies: &[ResponseBody]) -> Result<(), EvidenceError> {
        lock(&self.directory).keep_bodies(bodies)
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn log(&mut self, stream: LogStream, text: &str) {
        let now = self.clock.now();
        lock(&self.directory).log(stream, now, text);
    }

    /// A line for the user, without secrets.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        let text = self.secrets.mask(text.as_ref()).into_owned();
        self.tell(&RunnerMessage::Line(text));
    }

    /// Tells the supervisor.
    pub(crate) fn tell(&self, message: &RunnerMessage) {
        tell(&self.secrets, message);
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

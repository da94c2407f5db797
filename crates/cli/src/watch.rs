//! The listener as a part of a process: its rounds, what it needs of the rest, and what the UI does to it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_es::{
    Refresh, SearchRequest, SearchService,
    bulk::{BulkItem, BulkOperation},
    date::{Round, parse_query_date},
};
use canarytrace_listener::{
    ActError, Action, Listener, Say, Settings, Surroundings,
    calendar::{Maintenance, Silence},
    message::Picture,
    rehearse,
    reporters::SendError,
    rules::{RuleSet, Source, read_text},
    storage::{Storage, lenient},
    trace,
};
use canarytrace_model::{RunId, alerting::MaintenanceConfig, time::Moment};
use canarytrace_server::{
    AlertError, Alerts, AlertsView, Attachments, ChannelView, IncidentAction, MonitorState,
    NewSilence, Schedule, Trace, Trial,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;
use tokio::sync::{Mutex, broadcast};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    alert_views,
    alerting::Alerting,
    away::Away,
    reporting::{Mailing, Wanted},
};

/// Between two rounds, and how much longer than a round that is at least.
const PAUSE: Duration = Duration::from_secs(2);
const REST: u32 = 4;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Files of rules are looked at so often.
const FILES_EVERY: Duration = Duration::from_secs(5);
/// Rules that are written in the UI.
const STORED_RULES: &str = ".canarytrace-rules";
/// When old data was deleted.
pub(crate) const STATE_INDEX: &str = ".canarytrace-state";

/// What the listener asks of the process around it.
pub(crate) struct Around {
    /// Where it is kept that the store is away.
    pub(crate) away: PathBuf,
    pub(crate) service: Arc<dyn SearchService>,
    pub(crate) attachments: Option<Arc<dyn Attachments>>,
    pub(crate) schedule: Option<Arc<dyn Schedule>>,
}

const LARGEST_PICTURE: usize = 8 << 20;

#[async_trait]
impl Surroundings for Around {
    async fn picture(&self, uuid: &str, name: &str) -> Option<Picture> {
        let content = self.attachments.as_ref()?.get(uuid, name).await.ok()??;
        let media_type = match name.rsplit('.').next()? {
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            _ => return None,
        };
        (content.len() <= LARGEST_PICTURE).then(|| Picture {
            name: name.to_owned(),
            media_type,
            content,
        })
    }

    async fn what_changed(&self, uuid: &str) -> Option<String> {
        canarytrace_server::what_changed(&*self.service, uuid).await
    }

    async fn run_again(&self, monitor: &str) -> bool {
        match &self.schedule {
            Some(schedule) => schedule.run_now(monitor).await.is_ok(),
            None => false,
        }
    }

    async fn is_expected(&self, monitor: &str, since: Moment) -> Option<bool> {
        let monitors = self.schedule.as_ref()?.monitors().await;
        if let Some(own) = monitors.iter().find(|own| own.id == monitor) {
            let is_on = !matches!(own.state, MonitorState::Paused | MonitorState::Manual);
            return Some(is_on && was_due(own.schedule.as_deref(), since, Moment::now()));
        }
        // One that was scheduled and is not any more was taken out; of others nothing is known here.
        let body =
            json!({"size": 0, "query": {"term": {"monitor": monitor}}, "track_total_hits": 1});
        let request = SearchRequest::parse(body).ok()?;
        let answer = self
            .service
            .search(&lenient("c.ledger-*"), request)
            .await
            .ok()?;
        (answer.total?.value > 0).then_some(false)
    }

    async fn kept_at(&self) -> Option<Option<Moment>> {
        let found = self.service.get(STATE_INDEX, "retention").await;
        let at = found.ok().flatten().and_then(|found| {
            let text = found.source.get("ranAt")?.as_str()?;
            text.parse().ok().map(Moment)
        });
        Some(at)
    }
}

/// Whether a schedule as it is shown had a run between two moments; a run needs a while to be stored.
fn was_due(schedule: Option<&str>, since: Moment, now: Moment) -> bool {
    const RUN: Duration = Duration::from_secs(600);
    let Some((expression, zone)) = schedule
        .filter(|schedule| !schedule.starts_with("every "))
        .and_then(|schedule| schedule.rsplit_once(' '))
    else {
        return true;
    };
    let next = canarytrace_scheduler::next_of_cron(expression, zone, since.0);
    next.is_none_or(|next| next.checked_add(RUN).is_ok_and(|late| late < now.0))
}

/// Reads settings and rules anew.
pub(crate) type Reader = Arc<dyn Fn() -> Result<Alerting, String> + Send + Sync>;

/// A listener that goes on until it is stopped.
pub(crate) struct Watch {
    listener: Mutex<Listener>,
    away: PathBuf,
    service: Arc<dyn SearchService>,
    reader: Option<Reader>,
    /// Files that rules and settings came from, with their content.
    files: Mutex<Vec<(PathBuf, Option<Vec<u8>>)>>,
    status: Mutex<Status>,
    mailing: Mutex<Option<Arc<Mailing>>>,
}

#[derive(Clone, Debug, Default)]
struct Status {
    standby: bool,
    round_ms: u64,
    at: Option<Moment>,
    problem: Option<String>,
    stored_rules: String,
}

fn read_all(files: &[PathBuf]) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    files
        .iter()
        .map(|file| (file.clone(), std::fs::read(file).ok()))
        .collect()
}

impl Watch {
    pub(crate) fn new(
        alerting: Alerting,
        around: Around,
        say: Say,
        config: Option<&Path>,
        reader: Option<Reader>,
    ) -> Self {
        let service = Arc::clone(&around.service);
        let away = around.away.clone();
        let storage = Storage::new(Arc::clone(&service), &alerting.settings.prefix);
        let owner = RunId::random().to_string();
        let mut files = alerting.files;
        files.extend(config.map(Path::to_owned));
        let listener = Listener::new(
            storage,
            alerting.settings,
            alerting.rules,
            Arc::new(around),
            say,
            &owner,
        );
        Self {
            listener: Mutex::new(listener),
            away,
            service,
            reader,
            files: Mutex::new(read_all(&files)),
            status: Mutex::new(Status::default()),
            mailing: Mutex::new(alerting.mailing),
        }
    }

    /// One round; what is due is sent.
    pub(crate) async fn once(
        &self,
    ) -> Result<canarytrace_listener::Outcome, canarytrace_es::EsError> {
        self.refresh_rules(true).await;
        let mut listener = self.listener.lock().await;
        let outcome = listener.round(Moment::now()).await?;
        listener.finish().await?;
        Ok(outcome)
    }

    /// Rounds until `stop`; news of written indices bring the next one forward.
    pub(crate) async fn run(
        self: Arc<Self>,
        mut changes: Option<broadcast::Receiver<std::collections::BTreeSet<String>>>,
        stop: CancellationToken,
    ) {
        let mut away = Away::open(self.away.clone());
        let mut files_at = Instant::now();
        self.refresh_rules(true).await;
        loop {
            let began = Instant::now();
            if files_at.elapsed() >= FILES_EVERY {
                files_at = Instant::now();
                self.refresh_rules(false).await;
            }
            let mut listener = self.listener.lock().await;
            let result = listener.round(Moment::now()).await;
            let took = began.elapsed();
            {
                let mut status = self.status.lock().await;
                status.round_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                status.at = Some(Moment::now());
                status.standby = result.as_ref().is_ok_and(|outcome| outcome.standby);
            }
            let direct = match result {
                Ok(_) => away.is_back(Moment::now()),
                Err(error) => away.failed(&error.to_string(), Moment::now()),
            };
            if let Some(message) = direct {
                match listener.send_directly("slack-internal", &message).await {
                    Ok(()) => away.arrived(),
                    Err(SendError::Uncertain { .. }) => away.may_have_arrived(&message),
                    Err(_) => away.did_not_arrive(),
                }
            }
            let prefix = listener.settings().prefix.clone();
            drop(listener);
            self.mail_report(&prefix).await;
            let pause = (took * REST).clamp(PAUSE, LONGEST_PAUSE);
            let woken = async {
                match &mut changes {
                    // Documents come in bursts: all of a burst are judged at once.
                    Some(changes) => {
                        changes.recv().await.ok();
                        tokio::time::sleep(PAUSE / 2).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                () = woken, if took < PAUSE => {}
            }
        }
        if let Err(error) = self.listener.lock().await.finish().await {
            warn!(%error, "the lease was not given up; another listener waits until it ends");
        }
    }

    /// Sends the daily report when its hour has come, unless another listener does.
    async fn mail_report(&self, prefix: &str) {
        let mailing = self.mailing.lock().await.clone();
        if let (Some(mailing), false) = (mailing, self.status.lock().await.standby) {
            let storage = Storage::new(Arc::clone(&self.service), prefix);
            mailing.send_due(&storage, prefix).await;
        }
    }

    /// Takes changed files and changed rules of the UI into force; what is wrong leaves the old ones there.
    async fn refresh_rules(&self, is_first: bool) {
        let Some(reader) = &self.reader else { return };
        let stored = self.read_stored().await;
        let mut files = self.files.lock().await;
        let paths: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
        let now = read_all(&paths);
        let mut status = self.status.lock().await;
        let is_same = *files == now && status.stored_rules == stored;
        // Those of the UI are not in force yet when it starts.
        let has_stored = is_first && !stored.is_empty();
        if is_same && !has_stored {
            return;
        }
        *files = now;
        status.stored_rules.clone_from(&stored);
        match reader() {
            Ok(mut alerting) => {
                let prefix = alerting.settings.prefix.clone();
                alerting
                    .rules
                    .add_text(&stored, Source::Store, None, "rules of the UI", &prefix);
                status.problem = None;
                if !is_first {
                    info!("the listener's rules and settings changed");
                }
                let mut listener = self.listener.lock().await;
                listener.replace(alerting.settings, alerting.rules);
                *self.mailing.lock().await = alerting.mailing;
            }
            Err(problem) => {
                warn!(%problem, "the changed listener configuration is invalid; the old one stays in force");
                status.problem = Some(problem);
            }
        }
    }

    async fn read_stored(&self) -> String {
        let found = self.service.get(STORED_RULES, "rules").await;
        let text = found
            .ok()
            .flatten()
            .and_then(|found| Some(found.source.get("text")?.as_str()?.to_owned()));
        text.unwrap_or_default()
    }
}

/// As an answer to the UI.
fn alert_error(error: ActError) -> AlertError {
    match error {
        ActError::Unknown(id) => AlertError::Unknown(id),
        ActError::Refused(reason) => AlertError::Refused(reason),
        ActError::Store(error) => AlertError::Store(error),
    }
}

fn moment(text: &str) -> Result<Moment, AlertError> {
    parse_query_date(text, &TimeZone::UTC, Round::Down, Timestamp::now())
        .map(Moment::from_epoch_ms)
        .map_err(|error| AlertError::Refused(error.to_string()))
}

/// Rounds of one trial; a longer time is tried in longer steps.
const MOST_ROUNDS: i64 = 2000;
const LEAST_STEP_MS: i64 = 600_000;
/// Points of a rule's chart.
const MOST_POINTS: i64 = 150;

#[async_trait]
impl Alerts for Watch {
    async fn state(&self) -> Result<AlertsView, AlertError> {
        let status = self.status.lock().await.clone();
        let listener = self.listener.lock().await;
        let settings: &Settings = listener.settings();
        let states = listener.states();
        let rules = &listener.rules().rules;
        let channels = listener.channels().into_iter();
        let silences = listener.storage().silences(Moment::now()).await?;
        let written = listener.storage().maintenance().await?;
        Ok(AlertsView {
            standby: status.standby,
            round_ms: status.round_ms,
            at: status.at,
            problem: status.problem,
            problems: listener
                .rules()
                .problems
                .iter()
                .map(alert_views::problem)
                .collect(),
            rules: rules
                .iter()
                .map(|rule| alert_views::rule(rule, states.get(&rule.title.to_lowercase())))
                .collect(),
            channels: channels
                .map(|(name, what)| ChannelView {
                    name: name.to_owned(),
                    what: what.to_owned(),
                })
                .collect(),
            routes: settings.routes.clone(),
            silences: silences.into_iter().map(alert_views::silence).collect(),
            maintenance: settings
                .maintenance
                .iter()
                .chain(&written)
                .map(alert_views::maintenance)
                .collect(),
        })
    }

    async fn act(
        &self,
        incident: &str,
        action: IncidentAction,
        by: &str,
    ) -> Result<(), AlertError> {
        let action = match action {
            IncidentAction::Acknowledge(text) => Action::Acknowledge(text),
            IncidentAction::Note(text) => Action::Note(text),
            IncidentAction::Retry => Action::Retry,
        };
        let mut listener = self.listener.lock().await;
        listener
            .act(incident, action, by, Moment::now())
            .await
            .map_err(alert_error)
    }

    async fn silence(&self, silence: NewSilence, by: &str) -> Result<String, AlertError> {
        let now = Moment::now();
        if silence.until <= now {
            return Err(AlertError::Refused("`until` is over already".to_owned()));
        }
        if silence.reason.trim().is_empty() {
            return Err(AlertError::Refused("a silence needs a `reason`".to_owned()));
        }
        let is_all =
            silence.incident.is_none() && silence.rules.is_empty() && silence.monitors.is_empty();
        if is_all {
            return Err(AlertError::Refused(
                "a silence of everything is refused: name an incident, rules or monitors (`*` for all)".to_owned(),
            ));
        }
        let silence = Silence {
            id: None,
            reason: silence.reason,
            by: by.to_owned(),
            until: silence.until,
            incident: silence.incident,
            rules: silence.rules,
            monitors: silence.monitors,
        };
        let listener = self.listener.lock().await;
        Ok(listener.storage().add_silence(&silence).await?)
    }

    async fn unsilence(&self, id: &str) -> Result<(), AlertError> {
        let listener = self.listener.lock().await;
        Ok(listener.storage().remove_silence(id).await?)
    }

    async fn add_maintenance(&self, window: MaintenanceConfig) -> Result<String, AlertError> {
        if window.reason.trim().is_empty() {
            return Err(AlertError::Refused(
                "a maintenance needs a `reason`".to_owned(),
            ));
        }
        Maintenance::parse(&window).map_err(AlertError::Refused)?;
        let listener = self.listener.lock().await;
        Ok(listener.storage().add_maintenance(&window).await?)
    }

    async fn remove_maintenance(&self, id: &str) -> Result<(), AlertError> {
        let listener = self.listener.lock().await;
        Ok(listener.storage().remove_maintenance(id).await?)
    }

    async fn stored_rules(&self) -> Result<String, AlertError> {
        Ok(self.read_stored().await)
    }

    async fn store_rules(&self, text: &str) -> Result<(), AlertError> {
        let prefix = self.listener.lock().await.settings().prefix.clone();
        let (_, problems) = read_text(text, Source::Store, None, "rules", &prefix);
        if let Some(problem) = problems.first() {
            return Err(AlertError::Refused(problem.to_string()));
        }
        let item = BulkItem {
            operation: BulkOperation::Index,
            index: STORED_RULES.to_owned(),
            id: Some("rules".to_owned()),
            if_seq_no: None,
            source: Bytes::from(json!({"text": text}).to_string()),
        };
        for result in self.service.bulk(vec![item], Refresh::Now).await? {
            result.outcome?;
        }
        self.refresh_rules(false).await;
        Ok(())
    }

    async fn try_rules(&self, text: &str, from: &str, to: &str) -> Result<Trial, AlertError> {
        let (from, to) = (moment(from)?, moment(to)?);
        let (storage, settings) = {
            let listener = self.listener.lock().await;
            let settings = listener.settings().clone();
            (
                Storage::new(Arc::clone(&self.service), &settings.prefix),
                settings,
            )
        };
        let mut set = RuleSet::default();
        set.add_text(text, Source::Store, None, "rules", &settings.prefix);
        let step = ((to.epoch_ms() - from.epoch_ms()) / MOST_ROUNDS).max(LEAST_STEP_MS);
        let step = Duration::from_millis(step.unsigned_abs());
        let rehearsal = rehearse(&storage, &settings, &set.rules, from, to, step).await?;
        Ok(Trial {
            problems: set.problems.iter().map(alert_views::problem).collect(),
            rehearsal: alert_views::rehearsal(rehearsal),
        })
    }

    async fn trace_rule(&self, title: &str, from: &str, to: &str) -> Result<Trace, AlertError> {
        let (from, to) = (moment(from)?, moment(to)?);
        let (storage, rule) = {
            let listener = self.listener.lock().await;
            let rules = &listener.rules().rules;
            let rule = rules.iter().find(|rule| rule.is(title)).cloned();
            let rule =
                rule.ok_or_else(|| AlertError::Refused(format!("no rule `{title}` is in force")))?;
            let prefix = &listener.settings().prefix;
            (Storage::new(Arc::clone(&self.service), prefix), rule)
        };
        let step = ((to.epoch_ms() - from.epoch_ms()) / MOST_POINTS).max(LEAST_STEP_MS);
        let step = Duration::from_millis(step.unsigned_abs());
        let points = trace(&storage, &rule, from, to, step).await?;
        Ok(Trace {
            points: points.into_iter().map(alert_views::traced).collect(),
            step_ms: u64::try_from(step.as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn try_channel(&self, channel: &str) -> Result<(), AlertError> {
        let mut listener = self.listener.lock().await;
        let sent = listener.send_test(channel, Moment::now()).await;
        sent.map_err(|error| AlertError::Refused(error.to_string()))
    }

    async fn report(&self, day: Option<&str>, period: Option<&str>) -> Result<String, AlertError> {
        let prefix = self.listener.lock().await.settings().prefix.clone();
        let storage = Storage::new(Arc::clone(&self.service), &prefix);
        let wanted = Wanted::read(day, period, None).map_err(AlertError::Refused)?;
        Ok(wanted.make(&storage, &prefix).await?.html)
    }
}

//! The listener: rounds, one at a time, by whoever holds the lease.

mod delivery;
mod evaluation;
mod holds;
mod living;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    calendar::{Maintenance, Silence},
    incident::{self, Incident, Notice, NoticeState},
    measure::{Memory, Reading},
    message::Picture,
    rules::RuleSet,
    settings::Settings,
    storage::{Pointers, Storage, Stored, WriteError},
};

/// What a listener needs of the program around it.
#[async_trait]
pub trait Surroundings: Send + Sync {
    /// A screenshot of a run.
    async fn picture(&self, uuid: &str, name: &str) -> Option<Picture>;
    /// What is different from the last good run, in one sentence.
    async fn what_changed(&self, uuid: &str) -> Option<String>;
    /// Starts a monitor at once; false where none is run here.
    async fn run_again(&self, monitor: &str) -> bool;
    /// Whether a monitor was to run after a moment by its schedule; none: not known here.
    async fn is_expected(&self, monitor: &str, since: Moment) -> Option<bool>;
    /// When old data was last deleted; the outer none: not asked here.
    async fn kept_at(&self) -> Option<Option<Moment>>;
}

/// Where the established product's lines go.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Another listener evaluates.
    pub standby: bool,
    pub rules: usize,
    pub findings: usize,
    pub opened: usize,
    pub closed: usize,
    pub sent: usize,
}

/// How a rule is doing, for the UI.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    /// What it measured last, worst first.
    pub readings: Vec<Reading>,
    pub judged_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A lease is kept so long without a round.
const LEASE: Duration = Duration::from_secs(60);
/// Closed incidents that are kept in mind: they may open again, or late documents may belong to them.
const REMEMBERED: Duration = Duration::from_secs(26 * 3600);
const ARRIVALS_EVERY: Duration = Duration::from_secs(60);
const POINTERS_EVERY: Duration = Duration::from_secs(10);
const MOST_READINGS: usize = 20;
/// Steps of late documents that are judged in one round.
const MOST_LATE: usize = 150;

/// One listener. Every method takes the time: there is no clock in here.
pub struct Listener {
    storage: Storage,
    settings: Arc<Settings>,
    surroundings: Arc<dyn Surroundings>,
    say: Say,
    owner: String,
    rules: RuleSet,
    is_leading: bool,
    leased_at: Option<Moment>,
    pointers: Pointers,
    memories: BTreeMap<String, Memory>,
    /// Rules whose memory is not stored yet.
    changed: BTreeSet<String>,
    incidents: BTreeMap<String, Stored<Incident>>,
    /// Incidents that are not stored yet.
    dirty: BTreeSet<String>,
    overviews: BTreeMap<String, Stored<Value>>,
    silences: Vec<Silence>,
    /// Windows that were written in the UI.
    planned: Vec<Maintenance>,
    arrivals: Option<BTreeMap<String, BTreeMap<i64, u64>>>,
    arrivals_at: Option<Moment>,
    /// When a rule is judged again.
    due: BTreeMap<String, Moment>,
    evented: BTreeMap<String, Moment>,
    states: BTreeMap<String, RuleState>,
    pointed_at: Option<Moment>,
    sent: BTreeMap<String, VecDeque<Moment>>,
    warned: BTreeSet<String>,
    /// Monitors whose last run failed, as the last look at the runs says.
    failing: BTreeSet<String>,
}

impl Listener {
    pub fn new(
        storage: Storage,
        settings: Settings,
        rules: RuleSet,
        surroundings: Arc<dyn Surroundings>,
        say: Say,
        owner: &str,
    ) -> Self {
        let listener = Self {
            storage,
            settings: Arc::new(settings),
            surroundings,
            say,
            owner: owner.to_owned(),
            rules,
            is_leading: false,
            leased_at: None,
            pointers: Pointers::default(),
            memories: BTreeMap::new(),
            changed: BTreeSet::new(),
            incidents: BTreeMap::new(),
            dirty: BTreeSet::new(),
            overviews: BTreeMap::new(),
            silences: Vec::new(),
            planned: Vec::new(),
            arrivals: None,
            arrivals_at: None,
            due: BTreeMap::new(),
            evented: BTreeMap::new(),
            states: BTreeMap::new(),
            pointed_at: None,
            sent: BTreeMap::new(),
            warned: BTreeSet::new(),
            failing: BTreeSet::new(),
        };
        listener.say_what_was_loaded();
        listener
    }

    fn say_what_was_loaded(&self) {
        for (count, source, name) in &self.rules.loaded {
            self.say(&format!(
                "Listener: loaded {count}x {} rules from {name}",
                source.word()
            ));
        }
        if self.settings.print_rules {
            for rule in &self.rules.rules {
                self.say(&format!("{}, filter: {}", rule.title, rule.words));
            }
        }
        for problem in &self.rules.problems {
            tracing::warn!("a rule is not in force: {problem}");
        }
    }

    fn say(&self, line: &str) {
        (self.say)(line);
    }

    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Other rules and settings from now on; what is remembered of rules that stay is kept.
    pub fn replace(&mut self, settings: Settings, rules: RuleSet) {
        self.settings = Arc::new(settings);
        self.rules = rules;
        self.say_what_was_loaded();
        self.due.clear();
    }

    pub fn states(&self) -> &BTreeMap<String, RuleState> {
        &self.states
    }

    /// Evaluates once and sends what is due.
    pub async fn round(&mut self, now: Moment) -> Result<Outcome, EsError> {
        let mut outcome = Outcome::default();
        if !self.lead(now).await? {
            outcome.standby = true;
            return Ok(outcome);
        }
        self.look(now).await?;
        self.internal_checks(now, &mut outcome).await?;
        self.evaluate(now, &mut outcome).await?;
        self.live(now, &mut outcome).await?;
        self.overview(now).await?;
        self.store(now).await?;
        outcome.sent = self.deliver(now).await?;
        Ok(outcome)
    }

    async fn lead(&mut self, now: Moment) -> Result<bool, EsError> {
        if !self.is_leading {
            self.storage.prepare().await?;
        }
        let renewed = self.leased_at.is_some_and(|at| {
            let held = now.epoch_ms() - at.epoch_ms();
            self.is_leading && (0..LEASE.as_millis() as i64 / 2).contains(&held)
        });
        if !renewed {
            if !self.storage.lease(&self.owner, now, LEASE).await? {
                self.is_leading = false;
                return Ok(false);
            }
            self.leased_at = Some(now);
        }
        if !self.is_leading {
            self.take_over(now).await?;
            self.is_leading = true;
        }
        Ok(true)
    }

    /// Reads all that the one before has left.
    async fn take_over(&mut self, now: Moment) -> Result<(), EsError> {
        let own = [self.storage.state_index(), self.storage.queue_index()].join(",");
        self.storage
            .service()
            .refresh(&canarytrace_es::IndexTarget::new(&own))
            .await?;
        self.pointers = self.storage.pointers().await?;
        self.incidents.clear();
        self.dirty.clear();
        self.arrivals = self.storage.state("arrivals").await?;
        self.evented = self
            .storage
            .state::<BTreeMap<String, Moment>>("evented")
            .await?;
        self.memories.clear();
        for rule in &self.rules.rules {
            let title = rule.title.to_lowercase();
            let memory: Memory = self.storage.state(&memory_name(&title)).await?;
            if memory != Memory::default() {
                self.memories.insert(title, memory);
            }
        }
        self.say(&format!(
            "Listener:lastRuleCheck used is: {}",
            self.pointers
                .last_rule_check
                .clone()
                .unwrap_or_else(|| now.to_string())
        ));
        self.look(now).await?;
        self.recover();
        Ok(())
    }

    /// What was on its way when a listener ended may have arrived.
    fn recover(&mut self) {
        for (id, stored) in &mut self.incidents {
            for notice in &mut stored.value.notices {
                if notice.state == NoticeState::Sending {
                    notice.state = NoticeState::Pending;
                    notice.uncertain = true;
                    self.dirty.insert(id.clone());
                }
            }
        }
        for stored in self.overviews.values_mut() {
            delivery::each_notice(&mut stored.value, |notice| {
                if notice.state == NoticeState::Sending {
                    notice.state = NoticeState::Pending;
                    notice.uncertain = true;
                }
            });
        }
    }

    /// What others have written meanwhile.
    async fn look(&mut self, now: Moment) -> Result<(), EsError> {
        let since = now.epoch_ms() - i64::try_from(REMEMBERED.as_millis()).unwrap_or(0);
        let since = Moment::from_epoch_ms(since);
        for mut found in self.storage.incidents(since).await? {
            if found.value.rule.is_empty() {
                // Of the established product.
                found.value.rule.clone_from(&found.value.title);
                if !found.value.open {
                    found.value.state = incident::State::Closed;
                }
            }
            match self.incidents.get(&found.id) {
                Some(known) if known.seq_no >= found.seq_no => {}
                _ => {
                    self.dirty.remove(&found.id);
                    self.incidents.insert(found.id.clone(), found);
                }
            }
        }
        self.incidents.retain(|id, stored| {
            stored.value.is_open()
                || stored.value.last() >= since
                || stored.value.notices.iter().any(Notice::is_waiting)
                || self.dirty.contains(id)
        });
        for found in self.storage.overviews().await? {
            self.overviews.entry(found.id.clone()).or_insert(found);
        }
        self.silences = self.storage.silences(now).await?;
        self.planned = self.storage.maintenance().await?;
        Ok(())
    }

    /// Writes down what changed: memories first, so that what was counted is not counted again, then incidents.
    async fn store(&mut self, now: Moment) -> Result<(), EsError> {
        let mut states = Vec::new();
        for name in std::mem::take(&mut self.changed) {
            let state = match name.as_str() {
                ARRIVALS => ("arrivals".to_owned(), json!(self.arrivals)),
                EVENTED => ("evented".to_owned(), json!(self.evented)),
                title => (memory_name(title), json!(self.memories.get(title))),
            };
            states.push(state);
        }
        let every = i64::try_from(POINTERS_EVERY.as_millis()).unwrap_or(0);
        let is_time = self
            .pointed_at
            .is_none_or(|at| now.epoch_ms() - at.epoch_ms() >= every);
        if is_time {
            self.pointed_at = Some(now);
        }
        let pointers = is_time.then_some(&self.pointers);
        self.storage.set_states(states, pointers).await?;
        self.write_incidents().await
    }

    async fn write_incidents(&mut self) -> Result<(), EsError> {
        for id in self.dirty.clone() {
            self.write_incident(&id).await?;
        }
        Ok(())
    }

    /// Answers false when somebody else has written it: his is in force then.
    async fn write_incident(&mut self, id: &str) -> Result<bool, EsError> {
        let Some(stored) = self.incidents.get_mut(id) else {
            return Ok(false);
        };
        let written = self
            .storage
            .put_incident(id, &stored.value, stored.seq_no)
            .await;
        match written {
            Ok(seq_no) => {
                stored.seq_no = Some(seq_no);
                self.dirty.remove(id);
                Ok(true)
            }
            Err(WriteError::Conflict) => {
                if let Some(theirs) = self.storage.incident(id).await? {
                    self.incidents.insert(id.to_owned(), theirs);
                }
                self.dirty.remove(id);
                Ok(false)
            }
            Err(WriteError::Store(error)) => Err(error),
        }
    }

    /// Ends in order: others may evaluate at once.
    pub async fn finish(&mut self) -> Result<(), EsError> {
        if self.is_leading {
            self.is_leading = false;
            self.storage.give_up_lease(&self.owner).await?;
        }
        Ok(())
    }

    /// Changes an incident in somebody's name.
    pub async fn act(
        &mut self,
        id: &str,
        action: Action,
        by: &str,
        now: Moment,
    ) -> Result<(), ActError> {
        let found = self.storage.incident(id).await?;
        let mut stored = found.ok_or_else(|| ActError::Unknown(id.to_owned()))?;
        match action {
            Action::Acknowledge(text) => {
                incident::acknowledge(&mut stored.value, by, &text, now)
                    .map_err(ActError::Refused)?;
            }
            Action::Note(text) => incident::note(&mut stored.value, by, &text, now),
            Action::Retry => {
                for notice in &mut stored.value.notices {
                    if notice.state == NoticeState::Dead {
                        notice.state = NoticeState::Pending;
                        notice.next_at = None;
                        notice.attempts = 0;
                    }
                }
            }
        }
        let written = self
            .storage
            .put_incident(id, &stored.value, stored.seq_no)
            .await;
        match written {
            Ok(seq_no) => {
                let what = stored.value.transitions.last().map(|last| last.what);
                if let Some(what) = what {
                    self.transition(id, &stored.value, what, now).await?;
                }
                stored.seq_no = Some(seq_no);
                self.incidents.insert(id.to_owned(), stored);
                self.dirty.remove(id);
                Ok(())
            }
            Err(WriteError::Conflict) => Err(ActError::Refused(
                "somebody else changed it at the same time; try again".to_owned(),
            )),
            Err(WriteError::Store(error)) => Err(error.into()),
        }
    }

    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// What a person does to an incident.
#[derive(Clone, Debug)]
pub enum Action {
    Acknowledge(String),
    Note(String),
    /// Sends what was given up once more.
    Retry,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("there is no incident `{0}`")]
    Unknown(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] EsError),
}

const ARRIVALS: &str = "\0arrivals";
const EVENTED: &str = "\0evented";

fn memory_name(title: &str) -> String {
    format!("rule-{}", incident::hash(title, ""))
}

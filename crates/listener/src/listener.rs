//! The listener: rounds, one at a time, by whoever holds the lease.

mod delivery;
mod holds;

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
    calendar::Silence,
    checks::{self, Alarm},
    incident::{self, Incident, Notice, NoticeKind, NoticeState, Told, What},
    measure::{self, Evidence, Finding, Memory, Reading},
    message::{self, Message, Picture},
    round,
    rules::{Condition, Rule, RuleSet},
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
        Ok(())
    }

    async fn internal_checks(&mut self, now: Moment, outcome: &mut Outcome) -> Result<(), EsError> {
        let every = Duration::from_secs(30);
        if !self.is_due("\0checks", now, every) {
            return Ok(());
        }
        let kept_at = self.surroundings.kept_at().await;
        let checked = checks::check(
            &self.storage,
            &self.settings.checks,
            &self.settings.prefix,
            kept_at,
            now,
        )
        .await?;
        for line in &checked.lines {
            self.say(line);
        }
        for Alarm { rule, finding } in checked.alarms {
            outcome.findings += 1;
            self.found(&rule, "", &[&finding], now, false, outcome)
                .await?;
        }
        Ok(())
    }

    /// Whether something that is done every so often is to be done now; a scheduled round is never too early.
    fn is_due(&mut self, name: &str, now: Moment, every: Duration) -> bool {
        if self.due.get(name).is_some_and(|due| *due > now) {
            return false;
        }
        let every = i64::try_from(every.as_millis()).unwrap_or(0);
        self.due.insert(
            name.to_owned(),
            Moment::from_epoch_ms(now.epoch_ms() + every),
        );
        true
    }

    async fn evaluate(&mut self, now: Moment, outcome: &mut Outcome) -> Result<(), EsError> {
        for (index, moments) in self.late(now).await? {
            for at in moments {
                let of_index: Vec<Rule> = self
                    .rules
                    .rules
                    .iter()
                    .filter(|rule| rule.index == index && is_judged_late(rule))
                    .cloned()
                    .collect();
                self.judge(&of_index, at, true, outcome).await?;
            }
        }
        let rules: Vec<Rule> = self.rules.rules.clone();
        let due: Vec<Rule> = rules
            .into_iter()
            .filter(|rule| self.is_due(&rule.title.to_lowercase(), now, rule.cadence()))
            .collect();
        outcome.rules = due.len();
        self.say(&format!("Listener agent: evaluate {} rules", due.len()));
        self.judge(&due, now, false, outcome).await?;
        self.pointers.last_rule_check = Some(now.to_string());
        Ok(())
    }

    /// Steps of time with more documents than when they were looked at last, by index.
    async fn late(&mut self, now: Moment) -> Result<BTreeMap<String, Vec<Moment>>, EsError> {
        let every = i64::try_from(ARRIVALS_EVERY.as_millis()).unwrap_or(0);
        if self
            .arrivals_at
            .is_some_and(|at| now.epoch_ms() - at.epoch_ms() < every)
        {
            return Ok(BTreeMap::new());
        }
        self.arrivals_at = Some(now);
        let indices: BTreeSet<String> = self
            .rules
            .rules
            .iter()
            .filter(|rule| is_judged_late(rule))
            .map(|rule| rule.index.clone())
            .collect();
        let after = round::arrivals(&self.storage, &indices, now).await?;
        let mut late = BTreeMap::new();
        // The first time there is nothing to compare with.
        if let Some(before) = &self.arrivals {
            for (index, counts) in &after {
                let Some(before) = before.get(index) else {
                    continue;
                };
                let mut moments = round::late_moments(before, counts, now);
                let skipped = moments.len().saturating_sub(MOST_LATE);
                if skipped > 0 {
                    moments.drain(..skipped);
                }
                if !moments.is_empty() {
                    late.insert(index.clone(), moments);
                }
            }
        }
        self.arrivals = Some(after);
        self.changed.insert(ARRIVALS.to_owned());
        Ok(late)
    }

    async fn judge(
        &mut self,
        rules: &[Rule],
        at: Moment,
        is_late: bool,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        let asked: Vec<&Rule> = rules.iter().collect();
        let observability = self.settings.observability;
        let say = Arc::clone(&self.say);
        let observe = move |text: &str| {
            if observability {
                say(text);
            }
        };
        let answers = round::ask(&self.storage, &asked, &self.memories, at, &observe).await?;
        for (rule, answer) in rules.iter().zip(answers) {
            match answer {
                Ok(answer) => self.judge_one(rule, &answer, at, is_late, outcome).await?,
                Err(error) => self.broken(rule, &error, at, outcome).await?,
            }
        }
        Ok(())
    }

    async fn judge_one(
        &mut self,
        rule: &Rule,
        answer: &Value,
        at: Moment,
        is_late: bool,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        let title = rule.title.to_lowercase();
        let before = self.memories.get(&title).cloned().unwrap_or_default();
        let mut memory = before.clone();
        let mut judged = measure::judge(rule, answer, &mut memory, at);
        if !is_late {
            self.note_failing(rule, answer);
            for (monitor, uuid) in &judged.confirm {
                if memory.confirming.get(monitor) != Some(uuid)
                    && self.surroundings.run_again(monitor).await
                {
                    memory.confirming.insert(monitor.clone(), uuid.clone());
                }
            }
            let confirming: Vec<&String> = judged.confirm.iter().map(|(own, _)| own).collect();
            memory
                .confirming
                .retain(|monitor, _| confirming.contains(&monitor));
            let mut readings = std::mem::take(&mut judged.readings);
            readings.sort_by(|a, b| (b.value / b.limit).total_cmp(&(a.value / a.limit)));
            readings.truncate(MOST_READINGS);
            self.states.insert(
                title.clone(),
                RuleState {
                    readings,
                    judged_at: at.to_string(),
                    error: None,
                },
            );
        }
        if memory != before {
            self.memories.insert(title.clone(), memory);
            self.changed.insert(title);
        }
        if matches!(rule.condition, Condition::Absence(_)) {
            let mut missed = Vec::new();
            for finding in judged.findings {
                let monitor = finding.key.clone().unwrap_or_default();
                let since = Moment::from_epoch_ms(finding.since.unwrap_or_else(|| at.epoch_ms()));
                // Who was paused or taken away, or has his hours, is not missed.
                if self.surroundings.is_expected(&monitor, since).await != Some(false) {
                    missed.push(finding);
                }
            }
            judged.findings = missed;
        }
        outcome.findings += judged.findings.len();
        if !judged.findings.is_empty() {
            self.say(&format!("{}, filter: {}", rule.title, rule.words));
            let incidents: u64 = judged.findings.iter().map(|finding| finding.total).sum();
            self.say(&format!("analyzers: incidents {incidents}"));
        }
        for (key, findings) in round::grouped(rule, &judged) {
            self.found(rule, &key, &findings, at, is_late, outcome)
                .await?;
        }
        Ok(())
    }

    /// Which monitors fail right now, for those that need them.
    fn note_failing(&mut self, rule: &Rule, answer: &Value) {
        if !rule.is_about_runs() || self.settings.dependencies.is_empty() {
            return;
        }
        let buckets = answer.pointer("/keys/buckets").and_then(Value::as_array);
        let mut failing = BTreeSet::new();
        for bucket in buckets.into_iter().flatten() {
            let newest = bucket.pointer("/last/hits/hits/0/_source/passed");
            if let (Some(monitor), Some(false)) = (
                bucket.get("key").and_then(Value::as_str),
                newest.and_then(Value::as_bool),
            ) {
                failing.insert(monitor.to_owned());
            }
        }
        // Rules about some monitors only know less than those about all.
        match rule.filters.is_empty() {
            true => self.failing = failing,
            false => self.failing.extend(failing),
        }
    }

    /// A rule that the store refuses is told to those who look after us, and disables nobody else.
    async fn broken(
        &mut self,
        rule: &Rule,
        error: &EsError,
        at: Moment,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        let text = error.to_string();
        self.states.insert(
            rule.title.to_lowercase(),
            RuleState {
                readings: Vec::new(),
                judged_at: at.to_string(),
                error: Some(text.clone()),
            },
        );
        if self.warned.insert(rule.title.clone()) {
            tracing::warn!(rule = %rule.title, %error, "a rule cannot be judged");
        }
        let Alarm { rule: own, finding } = checks::alarm(
            "Canarytrace rules: one cannot be judged",
            31,
            "A rule is not in force",
            format!("rule `{}`: {text}", rule.title),
        );
        self.found(&own, &rule.title, &[&finding], at, false, outcome)
            .await
    }

    /// The last incident of a rule and key.
    fn latest(&self, rule: &str, key: &str) -> Option<String> {
        self.incidents
            .iter()
            .filter(|(_, stored)| {
                stored.value.rule.eq_ignore_ascii_case(rule) && stored.value.key == key
            })
            .max_by(|(_, one), (_, other)| one.value.start_time.cmp(&other.value.start_time))
            .map(|(id, _)| id.clone())
    }

    async fn found(
        &mut self,
        rule: &Rule,
        key: &str,
        findings: &[&Finding],
        at: Moment,
        is_late: bool,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        let known = self.latest(&rule.title, key);
        let mut current = known
            .as_ref()
            .and_then(|id| self.incidents.get(id))
            .map(|stored| stored.value.clone());
        let started = current.as_ref().map(|incident| incident.start_time.clone());
        let told = incident::observe(
            &mut current,
            rule,
            key,
            findings,
            at,
            is_late,
            &self.settings.policy,
        );
        let Some(mut own) = current else {
            return Ok(());
        };
        let is_same = started.as_ref() == Some(&own.start_time);
        let id = match known.filter(|_| is_same) {
            Some(id) => id,
            None => incident::id(&rule.title, key, at),
        };
        let is_eventful = self.is_eventful(&rule.title, at);
        if (told == Told::Opened || is_eventful)
            && own.documents.is_empty()
            && !rule.index.is_empty()
        {
            for finding in findings {
                let size = self.settings.query_size.min(1000);
                let found = round::documents(&self.storage, rule, finding, size, at).await?;
                own.documents.extend(found);
            }
            name_monitors(&mut own);
        }
        if told == Told::Opened {
            outcome.opened += 1;
        }
        if is_eventful {
            self.event(&id, &own, rule, findings, told == Told::Opened, at)
                .await?;
        }
        own.documents.truncate(measure::MOST_EVIDENCE);
        let stored = self.incidents.entry(id.clone()).or_insert(Stored {
            id: id.clone(),
            seq_no: None,
            value: Incident::default(),
        });
        if is_worth_writing(&stored.value, &own) {
            self.dirty.insert(id);
        }
        stored.value = own;
        Ok(())
    }

    fn is_eventful(&self, title: &str, at: Moment) -> bool {
        let repeat = i64::try_from(incident::REPEAT.as_millis()).unwrap_or(0);
        self.evented
            .get(&title.to_lowercase())
            .is_none_or(|last| at.epoch_ms() - last.epoch_ms() >= repeat)
    }

    /// The index of truth for others: one event of a rule in ten minutes at most.
    async fn event(
        &mut self,
        id: &str,
        incident: &Incident,
        rule: &Rule,
        findings: &[&Finding],
        is_new: bool,
        at: Moment,
    ) -> Result<(), EsError> {
        let total: u64 = findings.iter().map(|finding| finding.total).sum();
        let documents: Vec<Evidence> = match incident.documents.is_empty() {
            true => findings
                .iter()
                .flat_map(|finding| finding.documents.iter().cloned())
                .collect(),
            false => incident.documents.clone(),
        };
        let mut event = json!({
            "type": "events", "rule": rule.kind, "tags": message::tags(&self.settings.origin),
            "score": rule.score, "title": rule.title,
            "description": format!("{}, total {total} exceeded.", rule.message()),
            "documents": documents, "timestamp": at.to_string(), "incident": id, "total": total,
            "monitors": incident.monitors,
        });
        if let Some(map) = event.as_object_mut() {
            if let Some(kibana) = &self.settings.origin.kibana {
                map.insert("kibana_endpoint".to_owned(), json!(kibana));
            }
            if let Some(cause) = &incident.cause {
                map.insert("cause".to_owned(), json!(cause));
            }
            if is_new {
                map.insert("transition".to_owned(), json!(What::Opened));
            }
        }
        let slot = at.epoch_ms() / 1000;
        let name = format!("{}-{slot}", incident::hash(&rule.title, "event"));
        self.storage.event(&name, at, &event).await?;
        self.evented.insert(rule.title.to_lowercase(), at);
        self.changed.insert(EVENTED.to_owned());
        Ok(())
    }

    /// What became of an incident, for those who read the events.
    async fn transition(
        &self,
        id: &str,
        incident: &Incident,
        what: What,
        now: Moment,
    ) -> Result<(), EsError> {
        let text = incident
            .transitions
            .last()
            .map(|transition| transition.text.clone())
            .unwrap_or_default();
        let event = json!({
            "type": "events", "rule": "incident", "tags": message::tags(&self.settings.origin),
            // Closing is good news, and no reason for those who look for low scores.
            "score": if what == What::Closed { 100 } else { incident.score },
            "title": incident.rule, "description": text, "documents": [], "timestamp": now.to_string(),
            "incident": id, "transition": what, "monitors": incident.monitors,
        });
        let name = format!("{id}-{}", incident.transitions.len());
        self.storage.event(&name, now, &event).await
    }

    /// Tells, reminds and closes.
    async fn live(&mut self, now: Moment, outcome: &mut Outcome) -> Result<(), EsError> {
        let ids: Vec<String> = self.incidents.keys().cloned().collect();
        let by_title: BTreeMap<String, Rule> = self
            .rules
            .rules
            .iter()
            .map(|rule| (rule.title.to_lowercase(), rule.clone()))
            .collect();
        let open = ids
            .iter()
            .filter(|id| {
                self.incidents
                    .get(*id)
                    .is_some_and(|own| own.value.is_open())
            })
            .count();
        self.say(&format!("errors-queue:queue size {open}"));
        for id in ids {
            let Some(stored) = self.incidents.get(&id) else {
                continue;
            };
            if !stored.value.is_open() {
                continue;
            }
            let mut own = stored.value.clone();
            let written = by_title.get(&own.rule.to_lowercase());
            let mut rule = match written {
                Some(rule) => rule.clone(),
                // Checks are rules that are not written anywhere; others were taken away.
                None => checks::internal_rule(&own.rule, own.score, &own.description),
            };
            // A channel that nobody set up was told of at the start; it is no letter that cannot be delivered.
            let channels = &self.settings.channels;
            rule.reporters
                .retain(|own| channels.contains_key(self.settings.route(&own.channel)));
            if written.is_some() || own.check {
                let hold = self.hold(&id, &own, &rule, now);
                incident::deliver_held(&mut own, &id, &rule, hold, now);
            }
            incident::remind(&mut own, &id, &rule, now);
            let before = own.transitions.len();
            let told = incident::age(&mut own, &id, Some(&rule), now, &self.settings.policy);
            if told == Told::Closed {
                outcome.closed += 1;
                self.drop_unsent(&mut own);
                self.say(&format!(
                    "errors-queue:closing: 1 incidents older {} minutes.",
                    self.settings.policy.close_after.as_secs() / 60
                ));
            } else {
                let minutes = (now.epoch_ms() - own.last().epoch_ms()) / 60_000;
                self.say(&format!(
                    "errors-queue:how long:{minutes}min: {}",
                    own.title
                ));
                self.say("errors-queue:not closed");
            }
            for transition in own.transitions.iter().skip(before) {
                self.transition(&id, &own, transition.what, now).await?;
            }
            if let Some(stored) = self.incidents.get_mut(&id)
                && stored.value != own
            {
                stored.value = own;
                self.dirty.insert(id);
            }
        }
        Ok(())
    }

    /// Who was never told that it opened, because his hours had not begun, is not told that it closed.
    fn drop_unsent(&self, incident: &mut Incident) {
        let unsent: BTreeSet<String> = incident
            .notices
            .iter()
            .filter(|notice| {
                notice.kind != NoticeKind::Closed
                    && notice.state == NoticeState::Pending
                    && self.settings.hours.contains_key(&notice.channel)
            })
            .map(|notice| notice.channel.clone())
            .collect();
        for notice in &mut incident.notices {
            if notice.is_waiting() && unsent.contains(&notice.channel) {
                notice.state = NoticeState::Dead;
                notice.error = Some("it closed before the hours of the channel began".to_owned());
            }
        }
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

    /// A message that says only that it arrived.
    pub fn test_message(&self, now: Moment) -> Message {
        Message {
            id: format!("test-{}", now.epoch_ms()),
            kind: message::Kind::Test,
            incident: format!("test-{}", now.epoch_ms()),
            title: "canarytrace can reach this channel".to_owned(),
            text: "This is a test: nothing is wrong.".to_owned(),
            score: 100,
            tags: message::tags(&self.settings.origin),
            started_at: now.to_string(),
            at: now.to_string(),
            ..Message::default()
        }
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

/// That it was seen again is written once a minute; everything else at once.
fn is_worth_writing(before: &Incident, after: &Incident) -> bool {
    const EVERY_MS: i64 = 60_000;
    if after.last().epoch_ms() - before.last().epoch_ms() >= EVERY_MS {
        return true;
    }
    let mut same = after.clone();
    same.last_time.clone_from(&before.last_time);
    for (name, member) in &mut same.members {
        if let Some(known) = before.members.get(name) {
            member.last.clone_from(&known.last);
        }
    }
    same != *before
}

const ARRIVALS: &str = "\0arrivals";
const EVENTED: &str = "\0evented";

fn memory_name(title: &str) -> String {
    format!("rule-{}", incident::hash(title, ""))
}

fn name_monitors(incident: &mut Incident) {
    let named: BTreeSet<String> = incident
        .documents
        .iter()
        .filter_map(|document| document.fields.get("monitor")?.as_str())
        .map(str::to_owned)
        .collect();
    if incident.monitors.is_empty() {
        incident.monitors = named.into_iter().take(50).collect();
    }
}

/// What late documents can change. Silence and news are of now.
fn is_judged_late(rule: &Rule) -> bool {
    !matches!(
        rule.condition,
        Condition::Absence(_) | Condition::New(_) | Condition::Certificate(_)
    )
}

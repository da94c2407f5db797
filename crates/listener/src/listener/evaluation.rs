//! Asking and judging: all rules that are due, now and at the times that late documents belong to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde_json::Value;

use super::{ARRIVALS, ARRIVALS_EVERY, Listener, MOST_LATE, MOST_READINGS, Outcome, RuleState};
use crate::{
    checks::{self, Alarm},
    measure,
    round::{self, Look},
    rules::{Condition, Rule},
};

/// Rules whose answers are held at the same time.
const RULES_AT_ONCE: usize = 100;

impl Listener {
    pub(super) async fn internal_checks(
        &mut self,
        now: Moment,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
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
    pub(super) fn is_due(&mut self, name: &str, now: Moment, every: Duration) -> bool {
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

    pub(super) async fn evaluate(
        &mut self,
        now: Moment,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        for (index, moments) in self.late(now).await? {
            for at in moments {
                let of_index: Vec<Arc<Rule>> = self
                    .rules
                    .rules
                    .iter()
                    .filter(|rule| rule.index == index && is_judged_late(rule))
                    .cloned()
                    .collect();
                self.judge(&of_index, at, true, outcome).await?;
            }
        }
        let rules: Vec<Arc<Rule>> = self.rules.rules.clone();
        let due: Vec<Arc<Rule>> = rules
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
    pub(super) async fn late(
        &mut self,
        now: Moment,
    ) -> Result<BTreeMap<String, Vec<Moment>>, EsError> {
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

    pub(super) async fn judge(
        &mut self,
        rules: &[Arc<Rule>],
        at: Moment,
        is_late: bool,
        outcome: &mut Outcome,
    ) -> Result<(), EsError> {
        let mut asked: Vec<&Rule> = rules.iter().map(Arc::as_ref).collect();
        let observability = self.settings.observability;
        let say = Arc::clone(&self.say);
        let observe = move |text: &str| {
            if observability {
                say(text);
            }
        };
        // Questions about the same index are asked together, and answers of some rules are gone before the next ones come.
        asked.sort_by(|one, other| one.index.cmp(&other.index));
        let needed: BTreeSet<String> = self
            .settings
            .dependencies
            .iter()
            .flat_map(|(_, needed)| needed.iter().cloned())
            .collect();
        for some in asked.chunks(RULES_AT_ONCE) {
            let look = Look::Quick(&needed);
            let answers =
                round::ask(&self.storage, some, &self.memories, at, look, &observe).await?;
            for (rule, answer) in some.iter().zip(answers) {
                match answer {
                    Ok(answer) => self.judge_one(rule, &answer, at, is_late, outcome).await?,
                    Err(error) => self.broken(rule, &error, at, outcome).await?,
                }
            }
        }
        Ok(())
    }

    pub(super) async fn judge_one(
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
            measure::worst_first(&mut readings);
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
    pub(super) fn note_failing(&mut self, rule: &Rule, answer: &Value) {
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
    pub(super) async fn broken(
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
}

/// What late documents can change. Silence and news are of now.
fn is_judged_late(rule: &Rule) -> bool {
    !matches!(
        rule.condition,
        Condition::Absence(_) | Condition::New(_) | Condition::Certificate(_)
    )
}

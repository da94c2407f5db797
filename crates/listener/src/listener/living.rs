//! Findings become incidents, and incidents live: opened, told, reminded of, closed, each with its event.

use std::collections::BTreeSet;

use canarytrace_es::EsError;
use canarytrace_model::time::Moment;
use serde_json::json;

use super::{EVENTED, Listener, Outcome};
use crate::{
    checks,
    incident::{self, Incident, NoticeKind, NoticeState, Told, What},
    measure::{self, Evidence, Finding},
    message, round,
    rules::Rule,
    storage::Stored,
};

impl Listener {
    /// The last incident of a rule and key.
    pub(super) fn latest(&self, rule: &str, key: &str) -> Option<String> {
        self.incidents
            .iter()
            .filter(|(_, stored)| {
                stored.value.rule.eq_ignore_ascii_case(rule) && stored.value.key == key
            })
            .max_by(|(_, one), (_, other)| one.value.start_time.cmp(&other.value.start_time))
            .map(|(id, _)| id.clone())
    }

    pub(super) async fn found(
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

    pub(super) fn is_eventful(&self, title: &str, at: Moment) -> bool {
        let repeat = i64::try_from(incident::REPEAT.as_millis()).unwrap_or(0);
        self.evented
            .get(&title.to_lowercase())
            .is_none_or(|last| at.epoch_ms() - last.epoch_ms() >= repeat)
    }

    /// The index of truth for others: one event of a rule in ten minutes at most.
    pub(super) async fn event(
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
    pub(super) async fn transition(
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
    pub(super) async fn live(&mut self, now: Moment, outcome: &mut Outcome) -> Result<(), EsError> {
        let ids: Vec<String> = self.incidents.keys().cloned().collect();
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
            // Only of what is open: a thousand rules need not be copied in every round.
            let written = self.rules.rules.iter().find(|rule| rule.is(&own.rule));
            let mut rule = match written {
                Some(rule) => Rule::clone(rule),
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
    pub(super) fn drop_unsent(&self, incident: &mut Incident) {
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

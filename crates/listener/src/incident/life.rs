//! How an incident lives: pure functions of what is known and what was found, at a moment.

use std::{collections::BTreeMap, time::Duration};

use canarytrace_model::{stack::Span, time::Moment};

use super::{Incident, Member, Notice, NoticeKind, NoticeState, State, What, digest, moment};
use crate::{
    measure::Finding,
    rules::{Group, Notify, Rule},
};

/// What an installation decides for all rules.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Closed when not seen for so long.
    pub close_after: Duration,
}

/// `repetition` rises, and events are written, at most once in this time.
pub const REPEAT: Duration = Duration::from_secs(600);
/// Seen again so often after it was not, an incident flaps…
const FLAPPING_BOUTS: u32 = 3;
/// …and must be quiet so many times as long to be closed.
const FLAPPING_PATIENCE: u32 = 8;
const MOST_MEMBERS: usize = 200;

/// Why an incident is not told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub reason: String,
}

/// What happened to an incident that others want to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Nothing,
    /// It is new, or open again.
    Opened,
    Closed,
}

/// The first half of an incident's id: the same for all incidents of a rule and key.
pub fn hash(rule: &str, key: &str) -> String {
    digest(&[rule, key])
}

/// The id of an incident that opens now. Two listeners that open it within the same ten minutes choose the same.
pub fn id(rule: &str, key: &str, at: Moment) -> String {
    let slot = at.epoch_ms().div_euclid(REPEAT.as_millis() as i64);
    format!("{}-{slot}", hash(rule, key))
}

/// What the findings of a rule are told apart by.
pub fn group_key(rule: &Rule, finding: &Finding) -> String {
    match rule.group {
        Group::Rule => String::new(),
        Group::Key => finding.key.clone().unwrap_or_default(),
        Group::Blame => finding
            .blame
            .as_ref()
            .map(|blame| blame.party.clone())
            .or_else(|| finding.key.clone())
            .unwrap_or_default(),
    }
}

/// A rule was true: `incident` is the last one of its key, if there is one. Answers whether it opened.
pub fn observe(
    incident: &mut Option<Incident>,
    rule: &Rule,
    key: &str,
    findings: &[&Finding],
    at: Moment,
    is_late: bool,
    policy: &Policy,
) -> Told {
    let close_after = rule.close_after.unwrap_or(policy.close_after);
    let mut told = Told::Nothing;
    let known = incident.take().filter(|known| {
        // One that was closed a moment ago is the same trouble.
        let is_near =
            since(known.last(), at) < close_after * 2 && since(at, known.start()) < close_after * 2;
        known.is_open() && !is_late || is_near
    });
    let mut own = known.unwrap_or_else(|| {
        told = Told::Opened;
        open(rule, key, findings, at, is_late)
    });
    if own.state == State::Closed && !is_late {
        own.state = State::Open;
        own.closed_at = None;
        own.acknowledged_by = None;
        own.reopened += 1;
        own.bouts += 1;
        own.record(at, What::Reopened, "", "seen again");
        told = Told::Opened;
    }
    let is_new = own.repetition == 0;
    count(&mut own, rule, findings, at, is_new);
    describe(&mut own, rule, findings, at);
    *incident = Some(own);
    told
}

fn since(then: Moment, now: Moment) -> Duration {
    Duration::from_millis(u64::try_from(now.epoch_ms() - then.epoch_ms()).unwrap_or(0))
}

fn open(rule: &Rule, key: &str, findings: &[&Finding], at: Moment, is_late: bool) -> Incident {
    let title = match key.is_empty() {
        true => rule.title.clone(),
        false => format!("{} · {key}", rule.title),
    };
    let first = findings.iter().filter_map(|finding| finding.since).min();
    let mut incident = Incident {
        title,
        description: rule.message().to_owned(),
        score: rule.score,
        start_time: at.to_string(),
        last_time: at.to_string(),
        counted_at: at.to_string(),
        since: first.map(|first| Moment::from_epoch_ms(first).to_string()),
        open: true,
        rule: rule.title.clone(),
        key: key.to_owned(),
        late: is_late,
        check: rule.index.is_empty(),
        ..Incident::default()
    };
    let text = match (is_late, first) {
        (true, _) => "found in documents that came late".to_owned(),
        (false, Some(first)) => format!("since {}", Moment::from_epoch_ms(first)),
        (false, None) => String::new(),
    };
    incident.record(at, What::Opened, "", text);
    incident
}

/// Each document once; a repetition at most every ten minutes.
fn count(incident: &mut Incident, rule: &Rule, findings: &[&Finding], at: Moment, is_new: bool) {
    let newest = incident
        .documents
        .iter()
        .filter_map(|document| document.fields.get("timestamp")?.as_str())
        .max()
        .unwrap_or_default()
        .to_owned();
    for finding in findings {
        // Runs are looked at again and again: those after the newest one known are fresh.
        let later = finding.documents.iter().filter(|document| {
            document
                .fields
                .get("timestamp")
                .and_then(|time| time.as_str())
                .is_some_and(|time| time > newest.as_str())
        });
        incident.incidents += match finding.fresh {
            0 => later.count() as u64,
            fresh => fresh,
        };
    }
    if is_new {
        incident.repetition = 1;
        incident.counted_at = at.to_string();
        return;
    }
    if !is_current(incident, rule, at) {
        incident.bouts += 1;
    }
    if since(moment(&incident.counted_at), at) >= REPEAT {
        incident.repetition += 1;
        incident.counted_at = at.to_string();
    }
}

/// Whether it was seen when it was looked for last, even by a listener that comes every ten minutes only.
fn is_current(incident: &Incident, rule: &Rule, at: Moment) -> bool {
    let between = REPEAT.max(rule.cadence());
    since(incident.last(), at) <= between + between / 2
}

fn describe(incident: &mut Incident, rule: &Rule, findings: &[&Finding], at: Moment) {
    if at > incident.last() {
        incident.last_time = at.to_string();
    }
    incident.score = rule.score;
    for finding in findings {
        let names = match finding.monitors.is_empty() {
            true => finding.key.iter().cloned().collect(),
            false => finding.monitors.clone(),
        };
        for name in names {
            let is_new = !incident.members.contains_key(&name);
            if is_new && incident.members.len() >= MOST_MEMBERS {
                continue;
            }
            if is_new && !incident.members.is_empty() {
                incident.record(at, What::Joined, "", name.clone());
            }
            let member = incident.members.entry(name).or_insert_with(|| Member {
                since: at.to_string(),
                ..Member::default()
            });
            member.last = at.to_string();
            member.sentence.clone_from(&finding.sentence);
        }
        for monitor in &finding.monitors {
            if !incident.monitors.contains(monitor) && incident.monitors.len() < MOST_MEMBERS {
                incident.monitors.push(monitor.clone());
            }
        }
    }
    let Some(worst) = findings.first() else {
        return;
    };
    incident.recovering = findings.iter().all(|finding| finding.is_recovering);
    incident.sentence = match findings.len() {
        1 => worst.sentence.clone(),
        more => format!("{}; and {} more", worst.sentence, more - 1),
    };
    (incident.value, incident.limit) = (worst.value, worst.limit);
    if let Some(blame) = findings.iter().find_map(|finding| finding.blame.clone()) {
        incident.cause = Some(blame.cause.clone());
        incident.blame = Some(blame);
    }
    let documents: Vec<_> = findings
        .iter()
        .flat_map(|finding| finding.documents.iter().cloned())
        .take(crate::measure::MOST_EVIDENCE)
        .collect();
    if !documents.is_empty() {
        incident.documents = documents;
    }
}

/// The channels of a rule with what they are sent, `events` apart: that is an index.
fn channels(rule: &Rule) -> BTreeMap<String, Vec<String>> {
    let mut channels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reporter in rule.reporters.iter().filter(|own| own.channel != "events") {
        let recipients = channels.entry(reporter.channel.clone()).or_default();
        recipients.extend(reporter.recipients.iter().cloned());
    }
    channels
}

fn add_notice(
    incident: &mut Incident,
    id: &str,
    kind: NoticeKind,
    channel: &str,
    recipients: &[String],
    at: Moment,
) {
    // As many of a kind as were there before, so that the name is the same after a kill.
    let number = incident
        .notices
        .iter()
        .filter(|notice| notice.kind == kind && notice.channel == channel)
        .count();
    const MOST: usize = 100;
    if incident.notices.len() >= MOST {
        let sent = incident
            .notices
            .iter()
            .position(|notice| !notice.is_waiting());
        incident.notices.remove(sent.unwrap_or(0));
    }
    let word = match kind {
        NoticeKind::Opened => "opened",
        NoticeKind::Reopened => "reopened",
        NoticeKind::Closed => "closed",
        NoticeKind::Reminder => "reminder",
        NoticeKind::Escalation => "escalation",
        NoticeKind::Overview => "overview",
        NoticeKind::Test => "test",
    };
    incident.notices.push(Notice {
        id: format!("{id}-{word}-{number}-{channel}"),
        kind,
        channel: channel.to_owned(),
        recipients: recipients.to_vec(),
        state: NoticeState::Pending,
        made_at: at.to_string(),
        attempts: 0,
        next_at: None,
        sent_at: None,
        error: None,
        uncertain: false,
    });
}

/// Tells that an incident is open, unless something holds it back; called until it is told.
pub fn deliver_held(
    incident: &mut Incident,
    id: &str,
    rule: &Rule,
    hold: Option<Hold>,
    at: Moment,
) -> bool {
    let reopened = incident.reopened > 0 && incident.told;
    // What already gets better is not news; if it does not, it is told then.
    let is_there = incident.late || is_current(incident, rule, at) && !incident.recovering;
    let owed = incident.is_open() && rule.notify == Notify::Immediately && is_there;
    let last_told =
        incident.transitions.iter().rev().find(|transition| {
            matches!(transition.what, What::Told | What::Closed | What::Reopened)
        });
    let is_told =
        incident.told && !last_told.is_some_and(|transition| transition.what == What::Reopened);
    if !owed || is_told {
        return false;
    }
    if let Some(hold) = hold {
        if incident.held.as_deref() == Some(&hold.reason) {
            return false;
        }
        incident.record(at, What::Held, "", hold.reason.clone());
        incident.held = Some(hold.reason);
        return true;
    }
    let kind = match reopened {
        true => NoticeKind::Reopened,
        false => NoticeKind::Opened,
    };
    let channels = channels(rule);
    for (channel, recipients) in &channels {
        add_notice(incident, id, kind, channel, recipients, at);
    }
    let was_held = incident.held.take();
    incident.told = true;
    let text = match (was_held, channels.is_empty()) {
        (_, true) => "nobody: none of its channels is set up".to_owned(),
        (Some(reason), _) => format!("still failing after: {reason}"),
        (None, _) => channels.into_keys().collect::<Vec<_>>().join(", "),
    };
    incident.record(at, What::Told, "", text);
    true
}

/// Closes what was not seen for long enough; whoever was told that it is open is told.
pub fn age(
    incident: &mut Incident,
    id: &str,
    rule: Option<&Rule>,
    at: Moment,
    policy: &Policy,
) -> Told {
    if !incident.is_open() {
        return Told::Nothing;
    }
    let usual = rule
        .and_then(|rule| rule.close_after)
        .unwrap_or(policy.close_after);
    let patience = match incident.bouts >= FLAPPING_BOUTS {
        true => usual * FLAPPING_PATIENCE,
        false => usual,
    };
    let quiet = since(incident.last(), at);
    if quiet < patience {
        return Told::Nothing;
    }
    incident.state = State::Closed;
    incident.closed_at = Some(at.to_string());
    incident.held = None;
    let lasted = since(incident.start(), incident.last());
    incident.record(
        at,
        What::Closed,
        "",
        format!(
            "lasted {}, seen {} times, {} documents; not seen for {}",
            in_minutes(lasted),
            incident.repetition,
            incident.incidents,
            in_minutes(quiet)
        ),
    );
    if incident.told {
        // Those who were told, and nobody else.
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for notice in &incident.notices {
            told.entry(notice.channel.clone())
                .or_insert_with(|| notice.recipients.clone());
        }
        for (channel, recipients) in told {
            add_notice(incident, id, NoticeKind::Closed, &channel, &recipients, at);
        }
    }
    Told::Closed
}

/// `90s` as `1m`, a day and more in days.
pub fn in_minutes(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match minutes {
        0 => format!("{}s", span.as_secs()),
        1..180 => format!("{minutes}m"),
        180..2880 => format!("{}h {}m", minutes / 60, minutes % 60),
        _ => format!("{}d {}h", minutes / 1440, minutes % 1440 / 60),
    }
}

/// Reminds, and tells others when nobody took it.
pub fn remind(incident: &mut Incident, id: &str, rule: &Rule, at: Moment) -> bool {
    if incident.state != State::Open || !incident.told {
        return false;
    }
    let mut changed = false;
    let told_at = |incident: &Incident, what: &[What]| {
        incident
            .transitions
            .iter()
            .rev()
            .find(|transition| what.contains(&transition.what))
            .map(|transition| moment(&transition.at))
    };
    for step in &rule.escalate {
        let is_done = incident
            .notices
            .iter()
            .any(|notice| notice.kind == NoticeKind::Escalation && notice.channel == step.channel);
        let opened = told_at(incident, &[What::Told]);
        if !is_done && opened.is_some_and(|opened| since(opened, at) >= step.after) {
            add_notice(incident, id, NoticeKind::Escalation, &step.channel, &[], at);
            let text = format!(
                "nobody acknowledged within {}: {}",
                Span(step.after),
                step.channel
            );
            incident.record(at, What::Escalated, "", text);
            changed = true;
        }
    }
    if let Some(every) = rule.remind {
        let last = told_at(incident, &[What::Told, What::Reminded]);
        if last.is_some_and(|last| since(last, at) >= every) {
            for (channel, recipients) in channels(rule) {
                add_notice(
                    incident,
                    id,
                    NoticeKind::Reminder,
                    &channel,
                    &recipients,
                    at,
                );
            }
            incident.record(at, What::Reminded, "", "");
            changed = true;
        }
    }
    changed
}

/// Somebody takes an incident: reminders and escalations end.
pub fn acknowledge(
    incident: &mut Incident,
    by: &str,
    text: &str,
    at: Moment,
) -> Result<(), String> {
    if !incident.is_open() {
        return Err("the incident is closed".to_owned());
    }
    incident.state = State::Acknowledged;
    incident.acknowledged_by = Some(by.to_owned());
    incident.record(at, What::Acknowledged, by, text);
    Ok(())
}

pub fn note(incident: &mut Incident, by: &str, text: &str, at: Moment) {
    incident.record(at, What::Note, by, text);
}

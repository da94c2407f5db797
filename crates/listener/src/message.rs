//! What a notice says, whatever channel it goes to.

use std::time::Duration;

use bytes::Bytes;
use canarytrace_model::time::Moment;
use serde::{Deserialize, Serialize};

pub use crate::incident::NoticeKind as Kind;
use crate::{
    incident::{Incident, Notice, in_minutes, moment},
    score::Severity,
};

/// One message; every reporter writes it in its own form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// What a receiver may tell repetitions by.
    pub id: String,
    pub kind: Kind,
    /// Of the incident; the same for all its messages.
    pub incident: String,
    pub rule: String,
    pub title: String,
    /// The rule's message with the established ending.
    pub text: String,
    pub score: u8,
    pub monitors: Vec<String>,
    pub tags: Vec<String>,
    /// Name and text, in the order they are read.
    pub facts: Vec<(String, String)>,
    /// Name and address.
    pub links: Vec<(String, String)>,
    /// Lines of an overview or a closure.
    pub lines: Vec<String>,
    pub started_at: String,
    pub at: String,
    /// It may have arrived before.
    pub uncertain: bool,
    pub recipients: Vec<String>,
    /// The channel's name of the thread to answer in.
    pub thread: Option<String>,
    #[serde(skip)]
    pub picture: Option<Picture>,
}

/// A screenshot of the failure.
#[derive(Clone, Debug)]
pub struct Picture {
    pub name: String,
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    pub content: Bytes,
}

impl Message {
    pub fn severity(&self) -> Severity {
        match self.kind {
            Kind::Closed => Severity::Good,
            _ => Severity::of(self.score),
        }
    }

    /// Left bar or heading.
    pub fn color(&self) -> &'static str {
        self.severity().color()
    }

    /// What it is about, on one line.
    pub fn subject(&self) -> String {
        let again = if self.uncertain {
            " (may be repeated)"
        } else {
            ""
        };
        format!("{}: {}{again}", self.kind.word(), self.title)
    }

    /// All of it as plain text.
    pub fn plain(&self) -> String {
        let mut lines = vec![self.subject(), String::new()];
        lines.push(self.text.clone());
        lines.extend(self.lines.iter().cloned());
        if !self.facts.is_empty() {
            lines.push(String::new());
        }
        for (name, text) in &self.facts {
            lines.push(format!("{name}: {text}"));
        }
        if self.kind != Kind::Closed && self.kind != Kind::Overview {
            lines.push(format!("Score: {}, {}", self.score, self.severity().text()));
        }
        if !self.tags.is_empty() {
            lines.push(self.tags.join(" "));
        }
        if !self.links.is_empty() {
            lines.push(String::new());
        }
        for (name, url) in &self.links {
            lines.push(format!("{name}: {url}"));
        }
        if self.uncertain {
            lines.push(String::new());
            lines.push(REPEATED.to_owned());
        }
        lines.join("\n")
    }
}

pub(crate) const REPEATED: &str =
    "This message may be a repetition: we were interrupted when it was sent first.";

/// What messages need to know beside the incident.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Of our own UI, without a slash at its end.
    pub url: Option<String>,
    pub kibana: Option<String>,
    pub tags: Vec<String>,
    /// Id of the listener's run.
    pub uuid: String,
}

/// The message of a notice.
pub fn of_incident(
    incident: &Incident,
    id: &str,
    notice: &Notice,
    others_open: usize,
    origin: &Origin,
    now: Moment,
) -> Message {
    let kind = notice.kind;
    let mut message = Message {
        id: notice.id.clone(),
        kind,
        incident: id.to_owned(),
        rule: incident.rule.clone(),
        title: incident.title.clone(),
        text: format!(
            "{}, total {} exceeded.",
            incident.description, incident.incidents
        ),
        score: incident.score,
        monitors: incident.monitors.clone(),
        tags: tags(origin),
        started_at: incident.start_time.clone(),
        at: now.to_string(),
        uncertain: notice.uncertain,
        recipients: notice.recipients.clone(),
        thread: incident.threads.get(&notice.channel).cloned(),
        ..Message::default()
    };
    if kind == Kind::Closed {
        closed(&mut message, incident, others_open);
    } else {
        facts(&mut message, incident, now);
    }
    links(&mut message, incident, id, origin);
    message
}

pub(crate) fn tags(origin: &Origin) -> Vec<String> {
    let mut tags = origin.tags.clone();
    tags.push(format!("uuid:{}", origin.uuid));
    tags
}

fn closed(message: &mut Message, incident: &Incident, others_open: usize) {
    let but = match others_open {
        0 => String::new(),
        1 => ", but one incident is still open".to_owned(),
        more => format!(", but {more} incidents are still open"),
    };
    message.text = format!("Congratulations, one incident was closed{but}.");
    message.lines.push(format!(
        "- {}x {} from {}",
        incident.repetition, incident.title, incident.start_time
    ));
    let lasted = incident.last().epoch_ms() - incident.start().epoch_ms();
    let lasted = Duration::from_millis(u64::try_from(lasted).unwrap_or(0));
    message.facts = vec![
        ("Lasted".to_owned(), in_minutes(lasted)),
        ("Documents".to_owned(), incident.incidents.to_string()),
    ];
    if incident.reopened > 0 {
        message.facts.push((
            "Open again".to_owned(),
            format!("{} times", incident.reopened),
        ));
    }
}

/// A moment to the minute, as people write it; nothing between colons, which a messenger takes for a picture of its own.
fn in_utc(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => at.to_owned(),
    }
}

fn facts(message: &mut Message, incident: &Incident, now: Moment) {
    let mut fact = |name: &str, text: String| {
        if !text.is_empty() {
            message.facts.push((in_words(name), text));
        }
    };
    let since = incident.since.as_ref().unwrap_or(&incident.start_time);
    let lasts = age_of(since, now);
    let at = in_utc(since);
    let since = match lasts.as_secs() {
        0..60 => at,
        _ => format!("{at} ({})", in_minutes(lasts)),
    };
    fact("Since", since);
    if incident.late {
        fact(
            "Late",
            "its documents arrived after their time, so this is found only now".to_owned(),
        );
    }
    fact("Measured", incident.sentence.clone());
    const SHOWN: usize = 10;
    let names = incident.monitors.iter().take(SHOWN).cloned();
    let mut monitors = names.collect::<Vec<_>>().join(", ");
    if incident.monitors.len() > SHOWN {
        monitors.push_str(&format!(" and {} more", incident.monitors.len() - SHOWN));
    }
    fact("Monitors", monitors);
    if let Some(blame) = &incident.blame {
        fact("Cause", blame.party.clone());
        fact("Error", blame.detail.clone());
        for (name, text) in &blame.facts {
            if !blame.detail.contains(text.as_str()) {
                fact(name, text.clone());
            }
        }
        fact("Revision", blame.revision.clone().unwrap_or_default());
    }
    if let Some(by) = &incident.acknowledged_by {
        fact("Acknowledged by", by.clone());
    }
}

/// `netError` as `Net error`.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    for (position, character) in name.chars().enumerate() {
        match character.is_uppercase() && position > 0 {
            true => {
                words.push(' ');
                words.extend(character.to_lowercase());
            }
            false if position == 0 => words.extend(character.to_uppercase()),
            false => words.push(character),
        }
    }
    words
}

fn links(message: &mut Message, incident: &Incident, id: &str, origin: &Origin) {
    let mut link = |name: &str, url: String| message.links.push((name.to_owned(), url));
    if let Some(url) = &origin.url {
        link("Incident", format!("{url}/incidents/{id}"));
        let of_document = || {
            incident
                .documents
                .iter()
                .find_map(|document| document.fields.get("uuid")?.as_str())
        };
        let uuid = incident.blame.as_ref().map(|blame| blame.uuid.as_str());
        if let Some(uuid) = uuid.or_else(of_document).filter(|uuid| !uuid.is_empty()) {
            link("Run", format!("{url}/runs/{uuid}"));
            link("What changed", format!("{url}/compare?run={uuid}"));
        }
        link("Silence", format!("{url}/incidents/{id}?silence=1h"));
    }
    if let Some(kibana) = &origin.kibana {
        link("Open Kibana", kibana.clone());
    }
}

/// A message that says only that it arrived.
pub fn test(origin: &Origin, now: Moment) -> Message {
    let id = format!("test-{}", now.epoch_ms());
    Message {
        incident: id.clone(),
        id,
        kind: Kind::Test,
        title: "canarytrace can reach this channel".to_owned(),
        text: "This is a test: nothing is wrong.".to_owned(),
        score: 100,
        tags: tags(origin),
        started_at: now.to_string(),
        at: now.to_string(),
        ..Message::default()
    }
}

/// All that is open, for those who want it every hour or so.
pub fn overview(
    name: &str,
    id: &str,
    incidents: &[(&str, &Incident)],
    origin: &Origin,
    now: Moment,
) -> Message {
    let worst = incidents.iter().map(|(_, incident)| incident.score).min();
    let mut message = Message {
        id: id.to_owned(),
        kind: Kind::Overview,
        incident: id.to_owned(),
        title: name.to_owned(),
        text: match incidents.len() {
            1 => "One incident is open.".to_owned(),
            more => format!("{more} incidents are open."),
        },
        score: worst.unwrap_or(100),
        tags: tags(origin),
        started_at: now.to_string(),
        at: now.to_string(),
        ..Message::default()
    };
    const SHOWN: usize = 30;
    for (_, incident) in incidents.iter().take(SHOWN) {
        message.lines.push(format!(
            "- {}x {} from {}, score {}",
            incident.repetition, incident.title, incident.start_time, incident.score
        ));
    }
    if incidents.len() > SHOWN {
        message
            .lines
            .push(format!("- and {} more", incidents.len() - SHOWN));
    }
    if let Some(url) = &origin.url {
        message
            .links
            .push(("Incidents".to_owned(), format!("{url}/incidents")));
    }
    if let Some(kibana) = &origin.kibana {
        message
            .links
            .push(("Open Kibana".to_owned(), kibana.clone()));
    }
    message
}

/// How long ago a stored time is.
pub fn age_of(text: &str, now: Moment) -> Duration {
    let ms = now.epoch_ms() - moment(text).epoch_ms();
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_no_picture_of_a_messenger() {
        assert_eq!(in_utc("2026-11-26T12:49:38.000Z"), "2026-11-26 12:49 UTC");
        assert_eq!(in_utc("long ago"), "long ago");
    }
}

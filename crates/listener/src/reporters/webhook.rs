//! Any HTTP receiver: our own JSON, the formats of PagerDuty, Alertmanager and Microsoft Teams, or a template, signed if
//! wanted.

use hmac::{Hmac, KeyInit, Mac};
use minijinja::Environment;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{HttpClient, SendError};
use crate::{
    message::{Kind, Message},
    score::Severity,
};

/// What is sent.
#[derive(Clone, Debug)]
pub enum Format {
    /// [`Message`] as JSON; its schema is in docs/listener.md.
    Own,
    /// Events API v2. <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>
    PagerDuty { routing_key: String },
    /// `/api/v2/alerts`. <https://prometheus.io/docs/alerting/latest/alerts_api/>
    Alertmanager,
    /// An adaptive card. <https://adaptivecards.io/>
    Teams,
    /// A text that is made from the message.
    Template { text: String, media_type: String },
}

/// One address.
#[derive(Clone)]
pub struct Webhook {
    pub url: String,
    pub format: Format,
    pub headers: Vec<(String, String)>,
    /// The key of `X-Canarytrace-Signature: sha256=…` over `<X-Canarytrace-Timestamp>.<body>`.
    pub secret: Option<String>,
    pub client: HttpClient,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Webhook {
    pub(super) fn describe(&self) -> String {
        let host = url::Url::parse(&self.url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default();
        let name = match &self.format {
            Format::Own => "webhook",
            Format::PagerDuty { .. } => "PagerDuty",
            Format::Alertmanager => "Alertmanager",
            Format::Teams => "Microsoft Teams",
            Format::Template { .. } => "webhook with a template",
        };
        format!("{name} at {host}")
    }

    /// Whether a message can be written at all: a template is tried.
    pub fn check(&self) -> Result<(), String> {
        match &self.format {
            Format::Template { text, .. } => render(text, &Message::default()).map(drop),
            _ => Ok(()),
        }
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        let (body, media_type) = self.payload(message)?;
        let mut headers = vec![
            ("content-type".to_owned(), media_type),
            ("idempotency-key".to_owned(), message.id.clone()),
        ];
        headers.extend(self.headers.iter().cloned());
        if let Some(secret) = &self.secret {
            headers.push(("x-canarytrace-timestamp".to_owned(), message.at.clone()));
            headers.push((
                "x-canarytrace-signature".to_owned(),
                signature(secret, &message.at, &body),
            ));
        }
        self.client.post(&self.url, &headers, body).await.map(drop)
    }

    fn payload(&self, message: &Message) -> Result<(String, String), SendError> {
        let json = |value: Value| Ok((value.to_string(), "application/json".to_owned()));
        match &self.format {
            Format::Own => json(own(message)),
            Format::PagerDuty { routing_key } => json(pager_duty(message, routing_key)),
            Format::Alertmanager => json(alertmanager(message)),
            Format::Teams => json(teams(message)),
            Format::Template { text, media_type } => {
                let text = render(text, message).map_err(SendError::refused)?;
                Ok((text, media_type.clone()))
            }
        }
    }
}

fn signature(secret: &str, at: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(at.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={hex}")
}

/// A template with the message's fields as its variables, or what is wrong with it.
fn render(text: &str, message: &Message) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(100_000));
    environment
        .render_str(text, minijinja::value::Serde(own(message)))
        .map_err(|error| format!("the template cannot be used: {error}"))
}

fn own(message: &Message) -> Value {
    let pairs = |list: &[(String, String)], value: &str| -> Vec<Value> {
        list.iter()
            .map(|(name, text)| json!({"name": name, value: text}))
            .collect()
    };
    json!({
        "version": 1, "id": message.id, "kind": message.kind, "incident": message.incident, "rule": message.rule,
        "title": message.title, "text": message.text, "score": message.score, "severity": message.severity(),
        "monitors": message.monitors, "tags": message.tags, "facts": pairs(&message.facts, "text"),
        "links": pairs(&message.links, "url"), "lines": message.lines, "startedAt": message.started_at, "at": message.at,
        "uncertain": message.uncertain,
    })
}

fn link<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message
        .links
        .iter()
        .find(|(own, _)| own == name)
        .map(|(_, url)| url.as_str())
}

fn pager_duty(message: &Message, routing_key: &str) -> Value {
    let action = match message.kind {
        Kind::Closed => "resolve",
        _ => "trigger",
    };
    let severity = match message.severity() {
        Severity::Poor if message.score < 15 => "critical",
        Severity::Poor => "error",
        Severity::Fair => "warning",
        Severity::Good => "info",
    };
    let details: serde_json::Map<String, Value> = message
        .facts
        .iter()
        .map(|(name, text)| (name.clone(), json!(text)))
        .collect();
    let summary: String = message.subject().chars().take(1024).collect();
    let links: Vec<Value> = message
        .links
        .iter()
        .map(|(name, url)| json!({"href": url, "text": name}))
        .collect();
    json!({
        "routing_key": routing_key, "event_action": action, "dedup_key": message.incident,
        "client": "canarytrace", "client_url": link(message, "Incident"), "links": links,
        "payload": {
            "summary": summary, "source": message.monitors.first().map_or("canarytrace", String::as_str),
            "severity": severity, "timestamp": message.started_at, "component": message.rule,
            "custom_details": details,
        },
    })
}

fn alertmanager(message: &Message) -> Value {
    let summary = json!({"summary": message.subject(), "description": message.plain()});
    let severity = match message.severity() {
        Severity::Poor => "critical",
        Severity::Fair => "warning",
        Severity::Good => "info",
    };
    let mut alert = json!({
        "labels": {
            "alertname": message.rule, "incident": message.incident, "severity": severity,
            "monitor": message.monitors.first().cloned().unwrap_or_default(),
        },
        "annotations": summary, "startsAt": message.started_at,
    });
    if let Some(map) = alert.as_object_mut() {
        if let Some(url) = link(message, "Incident") {
            map.insert("generatorURL".to_owned(), json!(url));
        }
        if message.kind == Kind::Closed {
            map.insert("endsAt".to_owned(), json!(message.at));
        }
    }
    json!([alert])
}

fn teams(message: &Message) -> Value {
    let color = match message.severity() {
        Severity::Poor => "Attention",
        Severity::Fair => "Warning",
        Severity::Good => "Good",
    };
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    let mut body = vec![
        json!({"type": "TextBlock", "text": message.subject(), "wrap": true, "weight": "Bolder", "size": "Medium", "color": color}),
        block(&message.text),
    ];
    body.extend(message.lines.iter().map(|line| block(line)));
    let facts: Vec<Value> = message
        .facts
        .iter()
        .map(|(name, text)| json!({"title": name, "value": text}))
        .collect();
    if !facts.is_empty() {
        body.push(json!({"type": "FactSet", "facts": facts}));
    }
    body.push(json!({"type": "TextBlock", "text": message.tags.join(" "), "wrap": true, "isSubtle": true, "size": "Small"}));
    let actions: Vec<Value> = message
        .links
        .iter()
        .take(5)
        .map(|(name, url)| json!({"type": "Action.OpenUrl", "title": name, "url": url}))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
                "body": body, "actions": actions, "msteams": {"width": "Full"},
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_time_and_body() {
        // printf '2026-11-26T00:00:00.000Z.{}' | openssl dgst -sha256 -hmac key
        assert_eq!(
            signature("key", "2026-11-26T00:00:00.000Z", "{}"),
            "sha256=5111f2499b9454b0bf0bf6dc2175b98f6bcc8fa1200cfa295e1847b6edbf142b"
        );
    }

    #[test]
    fn a_template_has_the_fields_of_a_message() {
        let message = Message {
            title: "A \"b\"".to_owned(),
            ..Message::default()
        };
        let text = r#"{"t": {{ title | tojson }}}"#;
        assert_eq!(render(text, &message).unwrap(), r#"{"t": "A \"b\""}"#);
        assert!(render("{{ title", &message).is_err());
        assert!(
            render(
                "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
                &message
            )
            .is_err()
        );
    }
}

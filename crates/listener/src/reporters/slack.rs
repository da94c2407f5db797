//! Slack: an attachment with a colored bar through a webhook, or blocks with the picture and a thread for each incident
//! through a bot.
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

use bytes::Bytes;
use serde_json::{Value, json};

use super::{HttpClient, SendError, http};
use crate::message::{Kind, Message, REPEATED};

/// An incoming webhook.
#[derive(Clone)]
pub struct SlackWebhook {
    pub url: String,
    pub client: HttpClient,
}

impl std::fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlackWebhook")
    }
}

impl SlackWebhook {
    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        let headers = http::json_headers(&message.id);
        self.client
            .post(&self.url, &headers, http::body(&attachment(message)))
            .await
            .map(drop)
    }
}

/// Characters that are marks to Slack.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

const LONGEST: usize = 2900;

fn cut(text: &str) -> String {
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// The message of the established product, with what ours knows beyond it.
fn attachment(message: &Message) -> Value {
    json!({
        "text": escaped(&message.subject()),
        "attachments": [{
            "color": message.color(),
            "fallback": escaped(&message.subject()),
            "blocks": blocks(message, None),
        }],
    })
}

fn blocks(message: &Message, picture: Option<&str>) -> Value {
    let mut text = format!("*{}*\n{}", escaped(&message.title), escaped(&message.text));
    for line in &message.lines {
        text.push('\n');
        text.push_str(&escaped(line));
    }
    let section =
        |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": cut(text)}});
    let mut blocks = vec![section(&text)];
    if !message.facts.is_empty() {
        let facts: Vec<String> = message
            .facts
            .iter()
            .map(|(name, text)| format!("*{}:* {}", escaped(name), escaped(text)))
            .collect();
        blocks.push(section(&facts.join("\n")));
    }
    if let Some(file) = picture {
        blocks.push(json!({
            "type": "image", "slack_file": {"id": file}, "alt_text": format!("The page of {}", message.title),
        }));
    }
    blocks.push(json!({"type": "divider"}));
    let mut foot = Vec::new();
    if message.kind != Kind::Closed && message.kind != Kind::Overview {
        foot.push(format!(
            "Score {}, {}",
            message.score,
            message.severity().text()
        ));
    }
    foot.extend(message.tags.iter().map(|tag| format!("`{}`", escaped(tag))));
    if message.uncertain {
        foot.push(REPEATED.to_owned());
    }
    blocks.push(
        json!({"type": "context", "elements": [{"type": "mrkdwn", "text": cut(&foot.join("  "))}]}),
    );
    if !message.links.is_empty() {
        let links: Vec<String> = message
            .links
            .iter()
            .map(|(name, url)| format!("<{}|{}>", escaped(url), escaped(name)))
            .collect();
        blocks.push(section(&links.join("  ·  ")));
    }
    Value::Array(blocks)
}

/// A bot with a token: it can send pictures and answer in threads.
#[derive(Clone)]
pub struct SlackBot {
    pub token: String,
    pub channel: String,
    /// Default `https://slack.com/api`.
    pub endpoint: String,
    pub client: HttpClient,
}

impl std::fmt::Debug for SlackBot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlackBot({})", self.channel)
    }
}

impl SlackBot {
    pub(super) async fn send(&self, message: &Message) -> Result<Option<String>, SendError> {
        // A picture that cannot be uploaded must not keep the words back.
        let picture = match &message.picture {
            Some(picture) => match self.upload(picture).await {
                Ok(file) => Some(file),
                Err(error) => {
                    tracing::warn!(%error, "the picture was not taken by slack");
                    None
                }
            },
            None => None,
        };
        let mut body = json!({
            "channel": self.channel,
            "text": message.subject(),
            "attachments": [{"color": message.color(), "blocks": blocks(message, picture.as_deref())}],
            "metadata": {"event_type": "canarytrace", "event_payload": {"id": message.id, "incident": message.incident}},
        });
        if let (Some(thread), Some(map)) = (&message.thread, body.as_object_mut()) {
            map.insert("thread_ts".to_owned(), json!(thread));
            // Good news and new trouble are for those who do not read threads, too.
            map.insert(
                "reply_broadcast".to_owned(),
                json!(message.kind != Kind::Reminder),
            );
        }
        let answer = self
            .call(
                "chat.postMessage",
                &message.id,
                http::body(&body),
                "application/json; charset=utf-8",
            )
            .await?;
        Ok(message
            .thread
            .clone()
            .or_else(|| answer.get("ts").and_then(Value::as_str).map(str::to_owned)))
    }

    async fn call(
        &self,
        method: &str,
        id: &str,
        body: Bytes,
        media_type: &str,
    ) -> Result<Value, SendError> {
        let headers = [
            ("content-type".to_owned(), media_type.to_owned()),
            ("idempotency-key".to_owned(), id.to_owned()),
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
        ];
        let url = format!("{}/{method}", self.endpoint.trim_end_matches('/'));
        let text = self.client.post(&url, &headers, body).await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if answer.get("ok").and_then(Value::as_bool) == Some(true) {
            return Ok(answer);
        }
        let error = answer
            .get("error")
            .and_then(Value::as_str)
            .unwrap_or("no reason");
        match error {
            "ratelimited" | "internal_error" | "service_unavailable" | "fatal_error" => {
                Err(SendError::temporary(format!("slack says {error}")))
            }
            other => Err(SendError::refused(format!("slack says {other}"))),
        }
    }

    /// In three steps: a place, the content, and that it is complete.
    async fn upload(&self, picture: &crate::message::Picture) -> Result<String, SendError> {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filename", &picture.name)
            .append_pair("length", &picture.content.len().to_string())
            .finish();
        let place = self
            .call(
                "files.getUploadURLExternal",
                &picture.name,
                Bytes::from(form),
                "application/x-www-form-urlencoded",
            )
            .await?;
        let text = |name: &str| {
            place
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| SendError::refused(format!("slack answered no {name}")))
        };
        let (url, file) = (text("upload_url")?, text("file_id")?);
        let headers = [("content-type".to_owned(), picture.media_type.to_owned())];
        self.client
            .post(&url, &headers, picture.content.clone())
            .await?;
        let complete = json!({"files": [{"id": file, "title": picture.name}]});
        self.call(
            "files.completeUploadExternal",
            &file,
            http::body(&complete),
            "application/json; charset=utf-8",
        )
        .await?;
        Ok(file)
    }
}

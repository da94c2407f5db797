//! E-mail: text and HTML of the same content, the screenshot inside, in one conversation for each incident.

use std::time::Duration;

use bytes::Bytes;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor,
    address::Envelope,
    message::{Attachment, Mailbox, MultiPart, SinglePart, header::ContentType},
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{Tls, TlsParameters, TlsVersion as LettreVersion},
    },
};

use super::{SendError, limited_tls};
use crate::{
    message::{Kind, Message, REPEATED},
    score::Severity,
};

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (usually port 465).
    Implicit,
    /// Plain first, then TLS, or nothing is sent (usually port 587).
    StartTls,
    /// TLS where the server offers it.
    Opportunistic,
    None,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    V12,
    V13,
}

/// A mail server and whom to write to.
#[derive(Clone)]
pub struct EmailChannel {
    pub server: String,
    pub port: u16,
    pub user: Option<(String, String)>,
    pub sender: String,
    /// Where a rule names nobody.
    pub to: Vec<String>,
    pub encryption: Encryption,
    /// The oldest and the newest version that are spoken.
    pub minimum_version: TlsVersion,
    pub maximum_version: TlsVersion,
    pub accept_invalid_certificates: bool,
    /// Certificates in PEM that are trusted as well.
    pub authorities: Option<Vec<u8>>,
}

impl std::fmt::Debug for EmailChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);

impl EmailChannel {
    pub fn describe(&self) -> String {
        format!("e-mail by {}:{}", self.server, self.port)
    }

    /// Whether it can be used at all: addresses, certificates.
    pub fn check(&self) -> Result<(), String> {
        mailbox(&self.sender)?;
        if (self.minimum_version, self.maximum_version) == (TlsVersion::V13, TlsVersion::V12) {
            return Err("the oldest version of TLS is newer than the newest one".to_owned());
        }
        for address in &self.to {
            mailbox(address)?;
        }
        self.transport().map(drop)
    }

    fn transport(&self) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let tls = || -> Result<TlsParameters, String> {
            let mut builder = TlsParameters::builder(self.server.clone())
                .dangerous_accept_invalid_certs(self.accept_invalid_certificates)
                .set_min_tls_version(match self.minimum_version {
                    TlsVersion::V12 => LettreVersion::Tlsv12,
                    TlsVersion::V13 => LettreVersion::Tlsv13,
                });
            if let Some(pem) = &self.authorities {
                let certificate = lettre::transport::smtp::client::Certificate::from_pem(pem)
                    .map_err(|error| format!("the certificates are not PEM: {error}"))?;
                builder = builder.add_root_certificate(certificate);
            }
            builder.build().map_err(|error| format!("TLS: {error}"))
        };
        let tls = match self.encryption {
            Encryption::Implicit => Tls::Wrapper(tls()?),
            Encryption::StartTls => Tls::Required(tls()?),
            Encryption::Opportunistic => Tls::Opportunistic(tls()?),
            Encryption::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server)
            .port(self.port)
            .timeout(Some(TIMEOUT))
            .tls(tls);
        if let Some((user, password)) = &self.user {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(builder.build())
    }

    /// One mail for each recipient: one that bounces takes no other along.
    pub(super) async fn send(&self, message: &Message) -> Result<(), SendError> {
        let recipients = match message.recipients.is_empty() {
            true => &self.to,
            false => &message.recipients,
        };
        if recipients.is_empty() {
            return Err(SendError::refused("nobody is named as recipient"));
        }
        let transport = self.transport().map_err(SendError::refused)?;
        let (mut sent, mut failed) = (0, None);
        for recipient in recipients {
            match self.send_to(&transport, recipient, message).await {
                Ok(()) => sent += 1,
                Err(error) => {
                    tracing::warn!(%error, "a mail was not taken");
                    failed = Some(error);
                }
            }
        }
        match failed {
            Some(error) if sent == 0 => Err(error),
            _ => Ok(()),
        }
    }

    async fn send_to(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        recipient: &str,
        message: &Message,
    ) -> Result<(), SendError> {
        let mail = self.mail(recipient, message).map_err(SendError::refused)?;
        let handed = self.hand_over(transport, mail).await;
        handed.map_err(|error| error.told(&format!("{recipient}: ")))
    }

    async fn hand_over(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        mail: Mail,
    ) -> Result<(), HandOver> {
        if self.maximum_version == TlsVersion::V13 || self.encryption == Encryption::None {
            let sent = transport.send(mail).await;
            return sent.map(drop).map_err(HandOver::Refused);
        }
        let connecting = tokio::time::timeout(TIMEOUT, limited_tls::connect(self)).await;
        let mut connection = connecting
            .unwrap_or_else(|_| Err("no connection in time".to_owned()))
            .map_err(HandOver::NotConnected)?;
        let sending = async {
            if let Some((user, password)) = &self.user {
                let credentials = Credentials::new(user.clone(), password.clone());
                connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
            }
            connection.send(mail.envelope(), &mail.formatted()).await?;
            // The mail is taken, whatever becomes of the connection.
            connection.quit().await.ok();
            Ok(())
        };
        sending.await.map_err(HandOver::Refused)
    }

    fn mail(&self, recipient: &str, message: &Message) -> Result<Mail, String> {
        let of_incident = format!("<{}@canarytrace>", plain_id(&message.incident));
        let mut builder = Mail::builder()
            .from(mailbox(&self.sender)?)
            .to(mailbox(recipient)?)
            .subject(message.subject())
            .message_id(Some(match message.kind {
                Kind::Opened => of_incident.clone(),
                _ => format!("<{}@canarytrace>", plain_id(&message.id)),
            }));
        if message.kind != Kind::Opened {
            builder = builder
                .in_reply_to(of_incident.clone())
                .references(of_incident);
        }
        let html = SinglePart::builder()
            .header(ContentType::TEXT_HTML)
            .body(html(message));
        let shown = match &message.picture {
            Some(picture) => {
                let kind = ContentType::parse(picture.media_type)
                    .map_err(|error| format!("picture: {error}"))?;
                let inline =
                    Attachment::new_inline(PICTURE.to_owned()).body(picture.content.to_vec(), kind);
                MultiPart::related().singlepart(html).singlepart(inline)
            }
            None => MultiPart::related().singlepart(html),
        };
        let text = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(message.plain());
        builder
            .multipart(MultiPart::alternative().singlepart(text).multipart(shown))
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

/// Why a server did not take a mail.
enum HandOver {
    NotConnected(String),
    Refused(lettre::transport::smtp::Error),
}

impl HandOver {
    fn told(self, about: &str) -> SendError {
        let error = match self {
            Self::NotConnected(reason) => return SendError::temporary(format!("{about}{reason}")),
            Self::Refused(error) => error,
        };
        let reason = format!("{about}{}", chain(&error));
        if error.is_permanent() {
            SendError::Refused { reason }
        } else if error.is_transient()
            || error.is_tls()
            || error.is_client()
            // Before a connection stands nothing can have arrived; the library has no other word for it.
            || chain(&error).contains("onnect")
        {
            SendError::temporary(reason)
        } else {
            SendError::Uncertain { reason }
        }
    }
}

/// A page by mail, to many who do not see each other.
#[derive(Clone, Debug, Default)]
pub struct PageMail {
    /// Blind copies.
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Name, media type and content.
    pub files: Vec<(String, &'static str, Bytes)>,
}

impl EmailChannel {
    /// One mail for all; when somebody is not known there, one for each: who bounces takes no other along.
    pub async fn send_page(&self, page: &PageMail) -> Result<(), SendError> {
        let transport = self.transport().map_err(SendError::refused)?;
        let refused = match self.send_page_to(&transport, page, &page.to).await {
            Err(error @ SendError::Refused { .. }) if page.to.len() > 1 => error,
            other => return other,
        };
        let mut sent = 0;
        for recipient in &page.to {
            let to = std::slice::from_ref(recipient);
            match self.send_page_to(&transport, page, to).await {
                Ok(()) => sent += 1,
                Err(error) => tracing::warn!(%error, recipient, "a mail was not taken"),
            }
        }
        match sent {
            0 => Err(refused),
            _ => Ok(()),
        }
    }

    async fn send_page_to(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        page: &PageMail,
        to: &[String],
    ) -> Result<(), SendError> {
        let mail = self.page_mail(page, to).map_err(SendError::refused)?;
        let handed = self.hand_over(transport, mail).await;
        handed.map_err(|error| error.told(""))
    }

    fn page_mail(&self, page: &PageMail, to: &[String]) -> Result<Mail, String> {
        let sender = mailbox(&self.sender)?;
        let recipients: Result<Vec<Address>, String> = to
            .iter()
            .map(|address| Ok(mailbox(address)?.email))
            .collect();
        let envelope = Envelope::new(Some(sender.email.clone()), recipients?)
            .map_err(|error| format!("nobody is named as recipient: {error}"))?;
        // A mail has to be addressed to somebody, and that is not one of those who get it.
        let builder = Mail::builder()
            .from(sender.clone())
            .to(sender)
            .envelope(envelope)
            .subject(page.subject.clone());
        let body = MultiPart::alternative()
            .singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_PLAIN)
                    .body(page.text.clone()),
            )
            .singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_HTML)
                    .body(page.html.clone()),
            );
        let mut all = MultiPart::mixed().multipart(body);
        for (name, media_type, content) in &page.files {
            let kind =
                ContentType::parse(media_type).map_err(|error| format!("{name}: {error}"))?;
            all = all.singlepart(Attachment::new(name.clone()).body(content.to_vec(), kind));
        }
        builder
            .multipart(all)
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }
}

const PICTURE: &str = "picture@canarytrace";

fn mailbox(address: &str) -> Result<Mailbox, String> {
    address
        .parse()
        .map_err(|error| format!("`{address}` is not an address: {error}"))
}

fn plain_id(id: &str) -> String {
    id.chars()
        .map(
            |character| match character.is_ascii_alphanumeric() || character == '-' {
                true => character,
                false => '.',
            },
        )
        .collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Tables and inline styles: what mail programs understand; both color schemes are declared, so that dark ones are not guessed.
fn html(message: &Message) -> String {
    let color = message.color();
    let mut rows = String::new();
    for (name, text) in &message.facts {
        rows.push_str(&format!(
            "<tr><td class=\"soft\" style=\"padding:4px 16px 4px 0;vertical-align:top;color:#5b6470;white-space:nowrap\">{}</td><td style=\"padding:4px 0;word-break:break-word\">{}</td></tr>",
            escaped(name),
            escaped(text)
        ));
    }
    let lines: String = message
        .lines
        .iter()
        .map(|line| format!("<p style=\"margin:4px 0\">{}</p>", escaped(line)))
        .collect();
    let tags: String = message
        .tags
        .iter()
        .map(|tag| format!("#{} ", escaped(&tag.replace(' ', ""))))
        .collect();
    let links: String = message
        .links
        .iter()
        .map(|(name, url)| {
            format!(
                "<a href=\"{}\" style=\"color:#0b62c4;margin-right:16px\">{}</a> ",
                escaped(url),
                escaped(name)
            )
        })
        .collect();
    let picture = match &message.picture {
        Some(_) => format!(
            "<p style=\"margin:16px 0\"><img src=\"cid:{PICTURE}\" alt=\"The page when it failed\" width=\"560\" style=\"max-width:100%;height:auto;border:1px solid #d5dae1\"></p>"
        ),
        None => String::new(),
    };
    let score = match message.kind {
        Kind::Closed | Kind::Overview => String::new(),
        _ => format!(
            "<p class=\"{}\" style=\"margin:12px 0;color:{color};font-weight:bold\">Score: {}, {}</p>",
            match message.severity() {
                Severity::Poor => "poor",
                Severity::Fair => "fair",
                Severity::Good => "good",
            },
            message.score,
            message.severity().text().trim_end_matches('!').to_owned() + "."
        ),
    };
    let again = match message.uncertain {
        true => format!("<p class=\"soft\" style=\"color:#5b6470\">{REPEATED}</p>"),
        false => String::new(),
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><meta name=\"supported-color-schemes\" content=\"light dark\"><title>{subject}</title><style>:root{{color-scheme:light dark}}@media (prefers-color-scheme:dark){{body,.sheet{{background:#14181d!important;color:#e6e9ed!important}}.soft{{color:#a5aeb9!important}}a{{color:#7db5ff!important}}.poor{{color:#ff8a80!important}}.fair{{color:#ffb74d!important}}.good{{color:#81c784!important}}}}</style></head>\
<body style=\"margin:0;padding:24px 12px;background:#f3f5f8;color:#1c2127;font:15px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif\">\
<table class=\"sheet\" role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"max-width:600px;width:100%;margin:0 auto;background:#ffffff;border-collapse:collapse\"><tr><td style=\"height:6px;background:{color};font-size:0\">&nbsp;</td></tr><tr><td style=\"padding:20px 20px 24px\">\
<p class=\"soft\" style=\"margin:0;color:#5b6470\">canarytrace · {word}</p>\
<h1 style=\"margin:4px 0 12px;font-size:20px;line-height:1.3;word-break:break-word\">{title}</h1>\
<p style=\"margin:0 0 12px\">{text}</p>{lines}<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse;width:100%\">{rows}</table>{score}{picture}<p style=\"margin:16px 0\">{links}</p>\
<p class=\"soft\" style=\"margin:0;color:#5b6470;font-size:13px\">{tags}</p>{again}\
<p class=\"soft\" style=\"margin:16px 0 0;color:#5b6470;font-size:13px\">You get this mail because the rule “{rule}” names your address. To end it, take the address out of the rule.</p>\
</td></tr></table></body></html>",
        subject = escaped(&message.subject()),
        word = message.kind.word(),
        title = escaped(&message.title),
        text = escaped(&message.text),
        rule = escaped(if message.rule.is_empty() {
            &message.title
        } else {
            &message.rule
        }),
    )
}

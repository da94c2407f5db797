//! The channels that notices go through, with their secrets.

use std::{collections::BTreeMap, path::Path};

use canarytrace_listener::reporters::{
    Channel, Channels, CommandChannel, EmailChannel, Encryption, Format, HttpClient, SlackBot,
    SlackWebhook, TlsVersion, Webhook,
};
use canarytrace_model::{
    alerting::{
        AddressConfig, ChannelConfig, EmailConfig, ListenerConfig, MailTls, SlackConfig,
        WebhookConfig,
    },
    stack::EnvValue,
};

use super::Asked;
use crate::{configuration, failure::Failure, variables::Variables};

/// The value, or that of the secret it refers to.
fn value(own: &EnvValue, place: &str, variables: &Variables) -> Result<String, Failure> {
    match own {
        EnvValue::Plain(text) => Ok(text.clone()),
        EnvValue::Secret(source) => configuration::resolve_secret(source, variables)
            .map_err(|reason| Failure::usage(format!("listener: {place}: {reason}"))),
    }
}

fn client(authorities: Option<&Path>) -> Result<HttpClient, Failure> {
    let pem = authorities.map(read_authorities).transpose()?;
    HttpClient::new(pem.as_deref()).map_err(Failure::usage)
}

fn read_authorities(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::usage(format!(
            "authorities {} cannot be read: {error}",
            path.display()
        ))
    })
}

pub(super) fn channels(
    asked: &Asked<'_>,
    config: &ListenerConfig,
    variables: &Variables,
) -> Result<Channels, Failure> {
    let mut channels = Channels::new();
    for (variable, name) in [
        ("SLACK_WEBHOOK_URL", "slack"),
        ("SLACK_WEBHOOK_URL_INTERNAL", "slack-internal"),
    ] {
        if let Some(url) = variables.get(variable) {
            channels.insert(name.to_owned(), slack_webhook(url, variable)?);
        }
    }
    if let Some(email) = established_email(variables)? {
        let emergency = variables.get("EMAIL_EMERGENCY").map(str::to_owned);
        if let Some(address) = emergency {
            let to = EmailChannel {
                to: vec![address],
                ..email.clone()
            };
            channels.insert("email-emergency".to_owned(), Channel::Email(Box::new(to)));
        }
        channels.insert("email".to_owned(), Channel::Email(Box::new(email)));
    }
    for (name, slack) in [
        ("slack", &config.slack),
        ("slack-internal", &config.slack_internal),
    ] {
        if let Some(slack) = slack {
            channels.insert(name.to_owned(), slack_channel(slack, name, variables)?);
        }
    }
    if let Some(email) = &config.email {
        let email = email_channel(email, "email", asked.folder, variables)?;
        channels.insert("email".to_owned(), email);
    }
    for (name, own) in &config.channels {
        let channel = channel(own, name, asked, variables)?;
        channels.insert(name.clone(), channel);
    }
    Ok(channels)
}

fn address(url: &str, place: &str) -> Result<String, Failure> {
    // The address itself may be a secret: it is not part of the message.
    let parsed = url::Url::parse(url)
        .map_err(|error| Failure::usage(format!("{place} is not an address: {error}")))?;
    match parsed.scheme() {
        "http" | "https" => Ok(url.to_owned()),
        other => Err(Failure::usage(format!(
            "{place} begins with {other}, not with https"
        ))),
    }
}

fn slack_webhook(url: &str, place: &str) -> Result<Channel, Failure> {
    Ok(Channel::Slack(SlackWebhook {
        url: address(url, place)?,
        client: client(None)?,
    }))
}

fn slack_channel(
    slack: &SlackConfig,
    name: &str,
    variables: &Variables,
) -> Result<Channel, Failure> {
    match (&slack.webhook, &slack.token, &slack.channel) {
        (Some(webhook), None, _) => {
            let url = value(webhook, &format!("channel `{name}`"), variables)?;
            slack_webhook(&url, &format!("the webhook of `{name}`"))
        }
        (None, Some(token), Some(channel)) => Ok(Channel::SlackBot(SlackBot {
            token: value(token, &format!("channel `{name}`"), variables)?,
            channel: channel.clone(),
            endpoint: slack
                .endpoint
                .clone()
                .unwrap_or_else(|| "https://slack.com/api".to_owned()),
            client: client(None)?,
        })),
        _ => Err(Failure::usage(format!(
            "listener: channel `{name}` needs a `webhook`, or a `token` with a `channel`"
        ))),
    }
}

/// A version by the name that Node gives it; what is older than TLSv1.2 is not spoken any more.
fn tls_version(
    variables: &Variables,
    name: &str,
    default: TlsVersion,
) -> Result<TlsVersion, Failure> {
    match variables.get(name) {
        None => Ok(default),
        Some("TLSv1.2") => Ok(TlsVersion::V12),
        Some("TLSv1.3") => Ok(TlsVersion::V13),
        Some(old @ ("TLSv1" | "TLSv1.1")) => {
            tracing::warn!("{name} is {old}: older than TLSv1.2 is not spoken any more");
            Ok(TlsVersion::V12)
        }
        Some(other) => Err(Failure::usage(format!(
            "{name} is `{other}`, not TLSv1.2 or TLSv1.3"
        ))),
    }
}

/// All four variables of the server are needed, and a sender of one's own.
fn established_email(variables: &Variables) -> Result<Option<EmailChannel>, Failure> {
    let Some(server) = variables.get("EMAIL_SMTP_SERVER") else {
        return Ok(None);
    };
    let port = variables.get("EMAIL_SMTP_PORT").unwrap_or("465");
    let port: u16 = port
        .parse()
        .map_err(|_| Failure::usage(format!("EMAIL_SMTP_PORT is `{port}`, not a port")))?;
    let user = match (
        variables.get("EMAIL_SMTP_USER"),
        variables.get("EMAIL_SMTP_PASS"),
    ) {
        (Some(user), Some(password)) => Some((user.to_owned(), password.to_owned())),
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "EMAIL_SMTP_USER and EMAIL_SMTP_PASS belong together: only one is set",
            ));
        }
    };
    let sender = variables
        .get("EMAIL_SENDER")
        .map(str::to_owned)
        .or_else(|| user.as_ref().map(|(user, _)| user.clone()))
        .filter(|sender| sender.contains('@'))
        .ok_or_else(|| {
            Failure::with_hint(
                "EMAIL_SMTP_SERVER is set, but nobody is named as sender",
                "set EMAIL_SENDER to an address of yours",
            )
        })?;
    let is_true = |name: &str| variables.get(name) == Some("true");
    let email = EmailChannel {
        server: server.to_owned(),
        port,
        user,
        sender,
        to: variables
            .get("EMAIL_EMERGENCY")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        encryption: match is_true("MAILER_SECURE") || port == 465 {
            true => Encryption::Implicit,
            false => Encryption::Opportunistic,
        },
        minimum_version: tls_version(variables, "TLS_MIN_VERSION", TlsVersion::V12)?,
        maximum_version: tls_version(variables, "TLS_MAX_VERSION", TlsVersion::V13)?,
        accept_invalid_certificates: !is_true("TLS_REJECT_UNAUTHORIZED"),
        authorities: None,
    };
    if is_true("PRINT_MAIL_CONFIGURATION") {
        crate::terminal::line(&format!(
            "mail: {server}:{port}, user {}, sender {}, {:?}",
            email.user.as_ref().map_or("-", |(user, _)| user),
            email.sender,
            email.encryption
        ));
    }
    email.check().map_err(Failure::usage)?;
    Ok(Some(email))
}

fn email_channel(
    config: &EmailConfig,
    name: &str,
    folder: &Path,
    variables: &Variables,
) -> Result<Channel, Failure> {
    let place = format!("channel `{name}`");
    let port = config.port.unwrap_or(match config.tls {
        Some(MailTls::None | MailTls::Opportunistic) => 25,
        Some(MailTls::Starttls) => 587,
        Some(MailTls::Implicit) | None => 465,
    });
    let password = config
        .password
        .as_ref()
        .map(|password| value(password, &place, variables))
        .transpose()?;
    let email = EmailChannel {
        server: config.server.clone(),
        port,
        user: match (&config.user, password) {
            (Some(user), Some(password)) => Some((user.clone(), password)),
            (None, None) => None,
            _ => {
                return Err(Failure::usage(format!(
                    "listener: {place}: `user` and `password` belong together"
                )));
            }
        },
        sender: config.sender.clone(),
        to: config.to.clone(),
        encryption: match config.tls {
            Some(MailTls::Implicit) => Encryption::Implicit,
            Some(MailTls::Starttls) => Encryption::StartTls,
            Some(MailTls::Opportunistic) => Encryption::Opportunistic,
            Some(MailTls::None) => Encryption::None,
            None if port == 465 => Encryption::Implicit,
            None => Encryption::StartTls,
        },
        minimum_version: TlsVersion::V12,
        maximum_version: TlsVersion::V13,
        accept_invalid_certificates: false,
        authorities: config
            .authorities
            .as_ref()
            .map(|path| read_authorities(&folder.join(path)))
            .transpose()?,
    };
    email
        .check()
        .map_err(|error| Failure::usage(format!("listener: {place}: {error}")))?;
    Ok(Channel::Email(Box::new(email)))
}

fn headers(
    own: &BTreeMap<String, EnvValue>,
    place: &str,
    variables: &Variables,
) -> Result<Vec<(String, String)>, Failure> {
    own.iter()
        .map(|(name, header)| Ok((name.to_lowercase(), value(header, place, variables)?)))
        .collect()
}

fn channel(
    config: &ChannelConfig,
    name: &str,
    asked: &Asked<'_>,
    variables: &Variables,
) -> Result<Channel, Failure> {
    let place = format!("channel `{name}`");
    let plain = |format: Format, own: &AddressConfig| -> Result<Channel, Failure> {
        Ok(Channel::Webhook(Box::new(Webhook {
            url: address(&value(&own.url, &place, variables)?, &place)?,
            format,
            headers: headers(&own.headers, &place, variables)?,
            secret: None,
            client: client(None)?,
        })))
    };
    match config {
        ChannelConfig::Slack(slack) => slack_channel(slack, name, variables),
        ChannelConfig::Email(email) => email_channel(email, name, asked.folder, variables),
        ChannelConfig::Webhook(webhook) => webhook_channel(webhook, &place, asked, variables),
        ChannelConfig::Pagerduty(own) => {
            let url = own
                .url
                .clone()
                .unwrap_or_else(|| "https://events.pagerduty.com/v2/enqueue".to_owned());
            let routing_key = value(&own.routing_key, &place, variables)?;
            let address = AddressConfig {
                url: EnvValue::Plain(url),
                headers: BTreeMap::new(),
            };
            plain(Format::PagerDuty { routing_key }, &address)
        }
        ChannelConfig::Alertmanager(own) => plain(Format::Alertmanager, own),
        ChannelConfig::Teams(own) => plain(Format::Teams, own),
        ChannelConfig::Command(own) if !asked.allow_commands => Err(Failure::with_hint(
            format!(
                "listener: {place} starts a program ({}), which is not allowed here",
                own.run.join(" ")
            ),
            "set CANARYTRACE_ALLOW_COMMANDS=allow where the server is started",
        )),
        ChannelConfig::Command(own) if own.run.is_empty() => {
            Err(Failure::usage(format!("listener: {place}: `run` is empty")))
        }
        ChannelConfig::Command(own) => Ok(Channel::Command(CommandChannel(own.run.clone()))),
    }
}

fn webhook_channel(
    config: &WebhookConfig,
    place: &str,
    asked: &Asked<'_>,
    variables: &Variables,
) -> Result<Channel, Failure> {
    let authorities = config
        .authorities
        .as_ref()
        .map(|path| asked.folder.join(path));
    let webhook = Webhook {
        url: address(&value(&config.url, place, variables)?, place)?,
        format: match &config.template {
            None => Format::Own,
            Some(text) => Format::Template {
                text: text.clone(),
                media_type: config
                    .content_type
                    .clone()
                    .unwrap_or_else(|| "application/json".to_owned()),
            },
        },
        headers: headers(&config.headers, place, variables)?,
        secret: config
            .secret
            .as_ref()
            .map(|secret| value(secret, place, variables))
            .transpose()?,
        client: client(authorities.as_deref())?,
    };
    webhook
        .check()
        .map_err(|error| Failure::usage(format!("listener: {place}: {error}")))?;
    Ok(Channel::Webhook(Box::new(webhook)))
}

//! What the listener is set up with: the established variables, then canarytrace.yaml over them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use canarytrace_listener::{
    Settings,
    calendar::{Maintenance, Weekly},
    reporters::{
        Channel, Channels, CommandChannel, EmailChannel, Encryption, Format, HttpClient, SlackBot,
        SlackWebhook, TlsVersion, Webhook,
    },
    rules::{RuleSet, Source},
};
use canarytrace_model::{
    RunId,
    alerting::{
        AddressConfig, BuiltIn, ChannelConfig, EmailConfig, ListenerConfig, MailTls, SlackConfig,
        WebhookConfig,
    },
    index::DEFAULT_PREFIX,
    stack::EnvValue,
};

use crate::{configuration, failure::Failure, reporting::Mailing, variables::Variables};

/// Everything that a listener is started with.
pub(crate) struct Alerting {
    pub(crate) settings: Settings,
    pub(crate) rules: RuleSet,
    /// Files that rules came from, to see when they change.
    pub(crate) files: Vec<PathBuf>,
    /// The report that is sent by itself.
    pub(crate) mailing: Option<Arc<Mailing>>,
}

/// Who asks.
pub(crate) struct Asked<'a> {
    pub(crate) config: Option<&'a ListenerConfig>,
    /// Relative paths start here.
    pub(crate) folder: &'a Path,
    /// Exactly these rules, and none that are built in.
    pub(crate) rules: &'a [String],
    /// A server of ours: what its own rules see is not asked of the established checks unless somebody says so.
    pub(crate) is_server: bool,
    /// Where our UI is, unless somebody says so.
    pub(crate) url: Option<String>,
    /// Programs may be started for notices.
    pub(crate) allow_commands: bool,
}

impl Alerting {
    pub(crate) fn read(asked: &Asked<'_>, variables: &Variables) -> Result<Self, Failure> {
        let config = asked.config.cloned().unwrap_or_default();
        let (rules, files) = rules(asked, &config, variables)?;
        let settings = settings(asked, &config, variables)?;
        for missing in missing_channels(&rules, &settings) {
            tracing::warn!("{missing}");
        }
        let mailing = match &config.report {
            Some(report) => {
                let mailing = Mailing::new(report, &settings.channels, variables)?;
                Some(Arc::new(mailing))
            }
            None => None,
        };
        Ok(Self {
            settings,
            rules,
            files,
            mailing,
        })
    }
}

fn prefix(variables: &Variables) -> String {
    variables
        .get("INDEX_PREFIX")
        .unwrap_or(DEFAULT_PREFIX)
        .to_owned()
}

fn rules(
    asked: &Asked<'_>,
    config: &ListenerConfig,
    variables: &Variables,
) -> Result<(RuleSet, Vec<PathBuf>), Failure> {
    let prefix = prefix(variables);
    let mut set = RuleSet::default();
    let mut files = Vec::new();
    if !asked.rules.is_empty() {
        for pattern in asked.rules {
            add_files(&mut set, &mut files, Path::new("."), pattern, &prefix)?;
        }
        return Ok((set, files));
    }
    let wanted = |own: BuiltIn| {
        config
            .builtin
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&own))
    };
    // Whoever comes with the established product's deployment gets its rules, and no others.
    if asked.is_server && wanted(BuiltIn::Monitors) {
        set.add_built_in(Source::Monitors, &prefix);
    }
    let established = [
        (
            "INTERNAL_RULES_PATH",
            Source::Internal,
            BuiltIn::Established,
        ),
        ("CUSTOM_RULES_PATH", Source::Custom, BuiltIn::Established),
        ("RUM_RULES_PATH", Source::Rum, BuiltIn::Rum),
    ];
    for (variable, source, own) in established {
        match variables.get(variable) {
            Some(path) => {
                let path = PathBuf::from(path);
                set.add_file(&path, source, &prefix);
                files.push(path);
            }
            None if wanted(own) && !(asked.is_server && source == Source::Custom) => {
                set.add_built_in(source, &prefix);
            }
            None => {}
        }
    }
    for pattern in config
        .rules
        .iter()
        .flat_map(canarytrace_model::alerting::OneOrMany::list)
    {
        add_files(&mut set, &mut files, asked.folder, &pattern, &prefix)?;
    }
    Ok((set, files))
}

fn add_files(
    set: &mut RuleSet,
    files: &mut Vec<PathBuf>,
    folder: &Path,
    pattern: &str,
    prefix: &str,
) -> Result<(), Failure> {
    let whole = folder.join(pattern);
    let text = whole.to_string_lossy();
    let found: Vec<PathBuf> = glob::glob(&text)
        .map_err(|error| Failure::usage(format!("rules `{pattern}` is no pattern: {error}")))?
        .filter_map(Result::ok)
        .collect();
    if found.is_empty() {
        return Err(Failure::with_hint(
            format!("rules `{pattern}`: there is no such file"),
            format!("looked in {}", folder.display()),
        ));
    }
    for file in found {
        set.add_file(&file, Source::Own, prefix);
        files.push(file);
    }
    Ok(())
}

/// Channels that rules name and nobody set up: said at start, not at the first incident.
fn missing_channels(rules: &RuleSet, settings: &Settings) -> Vec<String> {
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in &rules.rules {
        let escalations = rule.escalate.iter().map(|step| step.channel.as_str());
        let reporters = rule.reporters.iter().map(|own| own.channel.as_str());
        for channel in reporters.chain(escalations) {
            if channel != "events" && !settings.channels.contains_key(settings.route(channel)) {
                *missing.entry(channel).or_default() += 1;
            }
        }
    }
    missing
        .into_iter()
        .map(|(channel, count)| {
            format!("channel `{channel}` is not set up; {count} rules name it: their incidents are seen in the UI and in the events only")
        })
        .collect()
}

/// A number of a variable, in a unit.
fn span(variables: &Variables, name: &str, unit: u64, default: u64) -> Result<Duration, Failure> {
    let count: u64 = match variables.get(name) {
        None => default,
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| Failure::usage(format!("{name} is `{text}`, not a whole number")))?,
    };
    Ok(Duration::from_secs(count.saturating_mul(unit)))
}

fn settings(
    asked: &Asked<'_>,
    config: &ListenerConfig,
    variables: &Variables,
) -> Result<Settings, Failure> {
    let mut settings = Settings {
        prefix: prefix(variables),
        observability: variables.switch("ELASTIC_OBSERVABILITY", false),
        print_rules: variables.switch("PRINT_RULES", false),
        ..Settings::default()
    };
    if let Some(text) = variables.get("QUERY_SIZE") {
        settings.query_size = text
            .parse()
            .ok()
            .filter(|size| (1..=10_000).contains(size))
            .ok_or_else(|| Failure::usage(format!("QUERY_SIZE is `{text}`, not 1 to 10000")))?;
    }
    settings.policy.close_after = match config.close_after {
        Some(span) => span.0,
        None => span(variables, "CLOSE_ERR_MIN", 60, 30)?,
    };
    overviews(&mut settings, config, variables)?;
    checks(&mut settings, asked, variables)?;
    let tags = variables.get("TAGS").unwrap_or_default();
    settings.origin.tags = tags
        .split(';')
        .map(|tag| tag.trim().to_owned())
        .filter(|tag| !tag.is_empty())
        .chain(config.tags.iter().cloned())
        .collect();
    settings.origin.kibana = variables.get("KIBANA_ENDPOINT").map(str::to_owned);
    settings.origin.uuid = RunId::random().to_string();
    settings.origin.url = config
        .url
        .clone()
        .or_else(|| variables.get("CANARYTRACE_URL").map(str::to_owned))
        .or_else(|| asked.url.clone())
        .map(|url| url.trim_end_matches('/').to_owned());
    settings.channels = channels(asked, config, variables)?;
    settings.routes.clone_from(&config.routes);
    let only_one = settings.channels.contains_key("slack")
        && !settings.channels.contains_key("slack-internal");
    if only_one {
        settings
            .routes
            .entry("slack-internal".to_owned())
            .or_insert_with(|| "slack".to_owned());
    }
    for own in &config.maintenance {
        settings
            .maintenance
            .push(Maintenance::parse(own).map_err(Failure::usage)?);
    }
    settings.dependencies = config
        .depends
        .iter()
        .map(|(own, needed)| (own.clone(), needed.clone()))
        .collect();
    for (channel, hours) in &config.hours {
        let weekly = Weekly::parse(&hours.weekly, hours.timezone.as_deref())
            .map_err(|error| Failure::usage(format!("hours of `{channel}`: {error}")))?;
        settings.hours.insert(channel.clone(), weekly);
    }
    Ok(settings)
}

fn overviews(
    settings: &mut Settings,
    config: &ListenerConfig,
    variables: &Variables,
) -> Result<(), Failure> {
    let own = &mut settings.overviews;
    own.emergency_after = span(variables, "EMERGENCY_AFTER_MIN", 60, 60)?;
    own.stage1_after = span(variables, "STAGE1_AFTER_MIN", 60, 180)?;
    let name = ["STAGE1_REPETETION", "STAGE1_REPETITION"]
        .into_iter()
        .find(|name| variables.get(name).is_some());
    if let Some(name) = name {
        own.stage1_repetition = span(variables, name, 1, 20)?.as_secs();
    }
    if let Some(config) = &config.overviews {
        own.emergency_after = config.emergency.map_or(own.emergency_after, |span| span.0);
        own.stage1_after = config.stage1.map_or(own.stage1_after, |span| span.0);
        own.stage1_repetition = config.repetition.unwrap_or(own.stage1_repetition);
    }
    Ok(())
}

fn checks(
    settings: &mut Settings,
    asked: &Asked<'_>,
    variables: &Variables,
) -> Result<(), Failure> {
    let checks = &mut settings.checks;
    // A server knows which monitors are to run, and a new one has no data yet.
    checks.canary = match variables.switch("CANARY_HEALTHCHECK", !asked.is_server) {
        true => Some(span(variables, "CANARY_HEALTHCHECK_MINUTES", 60, 5)?),
        false => None,
    };
    checks.lifecycle = variables.switch("LIFECYCLE_CHECK", true);
    checks.data_manager = match variables.switch("DM_HEALTHCHECK", true) {
        true => Some(span(variables, "DM_LAST_HOURS", 3600, 48)?),
        false => None,
    };
    checks.store = variables.switch("ELASTIC_HEALTHCHECK", true);
    checks.nodes = variables.switch("ELASTIC_NODES_HEALTHCHECK", true);
    Ok(())
}

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

fn channels(
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

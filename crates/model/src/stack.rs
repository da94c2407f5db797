//! `canarytrace.yaml`: the stack as code. Types only; `cli` reads the file and reports where it is wrong.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{alerting::ListenerConfig, branding::Branding, links::RunLink};
use serde::{Deserialize, Deserializer, Serialize, de};

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// Always 1.
    pub version: u32,
    #[serde(default)]
    pub store: Option<StoreConfig>,
    #[serde(default)]
    pub defaults: Defaults,
    #[serde(default)]
    pub monitors: Vec<Monitor>,
    #[serde(default)]
    pub listener: Option<ListenerConfig>,
    #[serde(default)]
    pub branding: Branding,
    /// Shown with each run.
    #[serde(default)]
    pub links: Vec<RunLink>,
}

/// Where documents go; left out: the embedded store.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub retention: Option<Span>,
    /// Of all daily indices together; the oldest days go first.
    #[serde(default)]
    pub max_size: Option<Bytes>,
    /// What some indices are kept by instead; the first pattern that fits counts.
    #[serde(default)]
    pub indices: Vec<IndexRule>,
    /// Of screenshots, archives and page copies; left out: as long as the documents.
    #[serde(default)]
    pub attachment_retention: Option<Span>,
}

/// How long, and up to which size, daily indices of a pattern are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexRule {
    /// Such as `c.request-log-*`.
    pub pattern: String,
    #[serde(default)]
    pub retention: Option<Span>,
    /// Of all indices of the pattern together.
    #[serde(default)]
    pub max_size: Option<Bytes>,
}

/// What monitors inherit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    #[serde(default)]
    pub browser: BrowserConfig,
    #[serde(default)]
    pub timeout: Option<Span>,
    #[serde(default)]
    pub labels: Vec<String>,
    /// Asked when a site cannot be reached, to tell its outage from one of our own network.
    #[serde(default)]
    pub control_url: Option<String>,
}

/// The fixed resources of a browser.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrowserConfig {
    #[serde(default)]
    pub window: Option<Window>,
    #[serde(default)]
    pub cpus: Option<f64>,
    #[serde(default)]
    pub memory: Option<Bytes>,
}

/// One monitor: a list of URLs or a script, on a schedule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    pub id: MonitorId,
    #[serde(default)]
    pub schedule: Option<Schedule>,
    #[serde(default)]
    pub urls: Vec<UrlCheck>,
    #[serde(default)]
    pub script: Option<String>,
    /// A WebdriverIO configuration of the scripts' folder; otherwise `wdio.conf.*` is looked for.
    #[serde(default)]
    pub script_config: Option<String>,
    #[serde(default)]
    pub script_style: ScriptStyle,
    /// Hosts that the script's `fetch` may ask, beside that of the base URL.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// Schemes besides `http` and `https` whose pages the script may open, such as `file`.
    #[serde(default)]
    pub allow_schemes: Vec<String>,
    #[serde(default)]
    pub git: Option<GitSource>,
    #[serde(default)]
    pub base_url: Option<String>,
    #[serde(default)]
    pub control_url: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, EnvValue>,
    #[serde(default)]
    pub labels: Vec<String>,
    #[serde(default)]
    pub timeout: Option<Span>,
    #[serde(default)]
    pub browser: BrowserConfig,
    #[serde(default)]
    pub collect: Collect,
}

/// How a script's commands are meant.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ScriptStyle {
    /// By its own `async` and `await`.
    #[default]
    Detect,
    /// A command answers a promise.
    Async,
    /// A command returns when it is done.
    Sync,
}

/// What a monitor keeps beyond the light collectors.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    #[serde(default)]
    pub har: Option<When>,
    #[serde(default)]
    pub screenshot: Option<When>,
    /// Picture the whole page instead of what the window shows.
    #[serde(default)]
    pub full_page: bool,
    /// A copy of the page's DOM with its styles.
    #[serde(default)]
    pub dom: Option<When>,
    /// Texts of responses in the archive, fetched when the page has loaded.
    #[serde(default)]
    pub bodies: bool,
    /// Small pictures of the page while a step goes on; costs the page time.
    #[serde(default)]
    pub filmstrip: Option<When>,
    #[serde(default)]
    pub coverage: bool,
    #[serde(default)]
    pub audit: Option<AuditConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    OnFailure,
    Always,
    Never,
}

impl When {
    pub fn is_wanted(self, passed: bool) -> bool {
        match self {
            When::Always => true,
            When::OnFailure => !passed,
            When::Never => false,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    pub preset: String,
    #[serde(default)]
    pub every: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitSource {
    pub url: String,
    #[serde(default)]
    pub revision: Option<String>,
    #[serde(default)]
    pub ssh_key: Option<SecretSource>,
}

/// A stable, unique name: `[a-z0-9-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct MonitorId(String);

impl MonitorId {
    pub fn parse(text: &str) -> Result<Self, String> {
        let valid = !text.is_empty()
            && text.len() <= 100
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "monitor id `{text}` must match [a-z0-9-]+ (at most 100)"
            ))
        }
    }

    /// The monitor of a run that names none: its spec or host as a slug.
    pub fn slug(text: &str) -> Self {
        let mut slug = String::new();
        for character in text.to_lowercase().chars().take(100) {
            if character.is_ascii_alphanumeric() {
                slug.push(character);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-').to_owned();
        Self(if slug.is_empty() {
            "monitor".to_owned()
        } else {
            slug
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MonitorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MonitorId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A value of `env`, or a reference to a secret that is masked in everything a run leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    Plain(String),
    Secret(SecretSource),
}

/// Where a secret's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// A variable of the process environment.
    Env(String),
    /// A file; its trailing newline is not part of the secret.
    File(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretReference {
    secret: SecretSource,
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = EnvValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, number or boolean, or `{ secret: { env: NAME } }`")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<EnvValue, E> {
                Ok(EnvValue::Plain(value.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, value: bool) -> Result<EnvValue, E> {
                Ok(EnvValue::Plain(value.to_string()))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<EnvValue, E> {
                Ok(EnvValue::Plain(value.to_string()))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<EnvValue, E> {
                Ok(EnvValue::Plain(value.to_string()))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<EnvValue, E> {
                Ok(EnvValue::Plain(value.to_string()))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<EnvValue, A::Error> {
                let reference =
                    SecretReference::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(EnvValue::Secret(reference.secret))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A URL of a smoke monitor and what its page must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UrlCheck {
    pub url: String,
    pub expect: Expect,
    pub headers: BTreeMap<String, String>,
}

/// A [`UrlCheck`] as it travels to the runner: always a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UrlCheckJob {
    pub url: String,
    pub expect: Expect,
    pub headers: BTreeMap<String, String>,
}

impl From<UrlCheck> for UrlCheckJob {
    fn from(check: UrlCheck) -> Self {
        let UrlCheck {
            url,
            expect,
            headers,
        } = check;
        Self {
            url,
            expect,
            headers,
        }
    }
}

/// What a page must be; an absent key asks for nothing (status: below 400).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    #[serde(default)]
    pub status: Option<u16>,
    /// Contained in the title.
    #[serde(default)]
    pub title: Option<String>,
    /// Contained in the page's visible text.
    #[serde(default)]
    pub text: Option<String>,
    /// Limit of the load event's end.
    #[serde(default)]
    pub load: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlCheckMap {
    url: String,
    #[serde(default)]
    expect: Expect,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for UrlCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = UrlCheck;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or a map with `url`, `expect` and `headers`")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<UrlCheck, E> {
                Ok(UrlCheck {
                    url: value.to_owned(),
                    ..UrlCheck::default()
                })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<UrlCheck, A::Error> {
                let UrlCheckMap {
                    url,
                    expect,
                    headers,
                } = UrlCheckMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(UrlCheck {
                    url,
                    expect,
                    headers,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// When a monitor is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    Every(Span),
    Cron {
        expression: String,
        timezone: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CronMap {
    cron: String,
    #[serde(default)]
    timezone: Option<String>,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Schedule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`every 5m`, or `{ cron: \"*/5 * * * *\", timezone: Europe/Prague }`")
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Schedule, E> {
                let span = value.trim().strip_prefix("every ").ok_or_else(|| {
                    E::custom(format!(
                        "schedule `{value}` must be `every <duration>`, such as `every 5m`"
                    ))
                })?;
                let span = Span::parse(span).map_err(E::custom)?;
                if span.0 < Duration::from_secs(1) {
                    return Err(E::custom(format!(
                        "schedule `{value}` is below the shortest interval of 1s"
                    )));
                }
                Ok(Schedule::Every(span))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Schedule, A::Error> {
                let CronMap { cron, timezone } =
                    CronMap::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Schedule::Cron {
                    expression: cron,
                    timezone: timezone.unwrap_or_else(|| "UTC".to_owned()),
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A duration as users write it: `500ms`, `90s`, `2m`, `1h`, `14d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.len()
            - text
                .trim_start_matches(|character: char| character.is_ascii_digit())
                .len();
        let (number, unit) = text.split_at(digits);
        let wrong = || {
            format!("duration `{text}` must be a whole number and a unit: 500ms, 90s, 2m, 1h, 14d")
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let milliseconds = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        number
            .checked_mul(milliseconds)
            .map(|value| Self(Duration::from_millis(value)))
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        let units = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1000, "s"),
        ];
        match units
            .into_iter()
            .find(|(size, _)| milliseconds >= *size && milliseconds.is_multiple_of(*size))
        {
            Some((size, unit)) => write!(f, "{}{unit}", milliseconds / size),
            None => write!(f, "{milliseconds}ms"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A size as users write it: `512MiB`, `2GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        units
            .into_iter()
            .find_map(|(unit, size)| {
                text.strip_suffix(unit)?
                    .trim()
                    .parse::<u64>()
                    .ok()?
                    .checked_mul(size)
            })
            .map(Bytes)
            .ok_or_else(|| {
                de::Error::custom(format!(
                    "size `{text}` must be a whole number and KiB, MiB or GiB"
                ))
            })
    }
}

/// A window as users write it: `1920x1080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Window {
    pub width: u32,
    pub height: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            width: 1920,
            height: 1080,
        }
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        format!("{}x{}", window.width, window.height)
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.split_once('x')
            .and_then(|(width, height)| {
                Some(Self {
                    width: width.trim().parse().ok()?,
                    height: height.trim().parse().ok()?,
                })
            })
            .filter(|window| {
                (100..=10_000).contains(&window.width) && (100..=10_000).contains(&window.height)
            })
            .ok_or_else(|| {
                format!("window `{text}` must be WIDTHxHEIGHT in pixels, such as 1920x1080")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write_alike() {
        for text in ["500ms", "90s", "2m", "1h", "14d", "36h"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "5", "m", "1.5s", "5 weeks", "99999999999999999999d"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_slug_is_a_monitor_id() {
        for (text, slug) in [
            ("smoke.js", "smoke-js"),
            ("https://shop.example/a?b", "https-shop-example-a-b"),
            ("žluť", "lu"),
        ] {
            assert_eq!(MonitorId::slug(text).as_str(), slug);
            assert!(MonitorId::parse(slug).is_ok());
        }
        assert_eq!(MonitorId::slug("///").as_str(), "monitor");
    }
}

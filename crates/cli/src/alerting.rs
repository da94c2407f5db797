//! What the listener is set up with: the established variables, then canarytrace.yaml over them.

mod channels;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use canarytrace_listener::{
    Settings,
    calendar::{Maintenance, Weekly},
    rules::{RuleSet, Source},
};
use canarytrace_model::{
    RunId,
    alerting::{BuiltIn, ListenerConfig},
    index::DEFAULT_PREFIX,
};

use crate::{failure::Failure, reporting::Mailing, variables::Variables};

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
    settings.channels = channels::channels(asked, config, variables)?;
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

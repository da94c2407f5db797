//! `canarytrace rules`: what rules would have found, and what is wrong with them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use canarytrace_es::{
    IndexTarget, Refresh, SearchService, bulk,
    date::{Round, parse_query_date},
};
use canarytrace_listener::{
    Rehearsal, Settings, rehearse,
    rules::{Fields, RuleSet, Source, lint},
    storage::Storage,
};
use canarytrace_model::{
    index::{DEFAULT_PREFIX, templates},
    stack::Span,
    time::Moment,
};
use canarytrace_store::{Store, StoreConfig};
use jiff::{Timestamp, tz::TimeZone};

use crate::{arguments::RulesCommand, failure::Failure, store, terminal, variables::Variables};

pub(crate) fn run(command: &RulesCommand, variables: &Variables) -> Result<u8, Failure> {
    let runtime = super::serve::runtime()?;
    match command {
        RulesCommand::Lint { rules, store } => {
            let set = read(rules, variables)?;
            runtime.block_on(lint_all(&set, store.as_deref(), variables))
        }
        RulesCommand::Test {
            rules,
            store,
            documents,
            from,
            to,
            step,
            json,
        } => {
            let set = read(rules, variables)?;
            let (from, to) = (moment(from)?, moment(to)?);
            let rehearsal = runtime.block_on(async {
                let folder;
                let service: Arc<dyn SearchService> = match (store, documents) {
                    (Some(url), _) => Arc::new(store::client(url, variables)?),
                    (None, Some(file)) => {
                        folder = temporary_folder()?;
                        Arc::new(load(&folder, file).await?)
                    }
                    (None, None) => return Err(Failure::usage("--store or --documents is needed")),
                };
                rehearse_all(service, &set, from, to, *step, variables).await
            })?;
            print(&set, &rehearsal, *json);
            Ok(u8::from(!rehearsal.incidents.is_empty()))
        }
    }
}

fn prefix(variables: &Variables) -> &str {
    variables.get("INDEX_PREFIX").unwrap_or(DEFAULT_PREFIX)
}

fn read(patterns: &[String], variables: &Variables) -> Result<RuleSet, Failure> {
    let mut set = RuleSet::default();
    for pattern in patterns {
        let files: Vec<PathBuf> = glob::glob(pattern)
            .map_err(|error| Failure::usage(format!("rules `{pattern}` is no pattern: {error}")))?
            .filter_map(Result::ok)
            .collect();
        if files.is_empty() {
            return Err(Failure::usage(format!(
                "rules `{pattern}`: there is no such file"
            )));
        }
        for file in files {
            set.add_file(&file, Source::Own, prefix(variables));
        }
    }
    Ok(set)
}

async fn lint_all(
    set: &RuleSet,
    store: Option<&str>,
    variables: &Variables,
) -> Result<u8, Failure> {
    let mut remarks: Vec<String> = set.problems.iter().map(ToString::to_string).collect();
    let fields = match store {
        Some(url) => {
            let client = store::client(url, variables)?;
            let pattern = format!("{}*", prefix(variables));
            let mappings = client
                .mappings(&IndexTarget::new(&pattern))
                .await
                .map_err(Failure::broken)?;
            Some(Fields::of(&mappings))
        }
        None => None,
    };
    let known = fields.unwrap_or_default();
    for finding in lint(&set.rules, &known) {
        // Without a store nothing is known of fields.
        if store.is_some() || finding.message.contains("one cause") {
            remarks.push(format!("rule `{}`: {}", finding.rule, finding.message));
        }
    }
    for remark in &remarks {
        terminal::line(remark);
    }
    terminal::line(&format!(
        "{} rules, {} remarks",
        set.rules.len(),
        remarks.len()
    ));
    Ok(u8::from(!remarks.is_empty()))
}

fn moment(text: &str) -> Result<Moment, Failure> {
    parse_query_date(text, &TimeZone::UTC, Round::Down, Timestamp::now())
        .map(Moment::from_epoch_ms)
        .map_err(|error| Failure::usage(error.to_string()))
}

/// A folder that is gone when the command ends.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn temporary_folder() -> Result<Temporary, Failure> {
    let name = format!("canarytrace-rules-{}", canarytrace_model::RunId::random());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).map_err(Failure::broken)?;
    Ok(Temporary(folder))
}

/// A store of its own for a file of documents.
async fn load(folder: &Temporary, file: &Path) -> Result<Store, Failure> {
    let store = Store::open(&StoreConfig {
        folder: folder.0.clone(),
    })
    .map_err(Failure::broken)?;
    for template in templates(DEFAULT_PREFIX) {
        store
            .put_template(canarytrace_es::IndexTemplate {
                name: template.name,
                body: template.body,
            })
            .await
            .map_err(Failure::broken)?;
    }
    let body = std::fs::read(file).map_err(|error| {
        Failure::usage(format!(
            "documents {} cannot be read: {error}",
            file.display()
        ))
    })?;
    let items = bulk::parse(&bytes::Bytes::from(body), None)
        .map_err(|error| Failure::usage(format!("documents {}: {error}", file.display())))?;
    for result in store
        .bulk(items, Refresh::Now)
        .await
        .map_err(Failure::broken)?
    {
        result
            .outcome
            .map_err(|error| Failure::usage(format!("documents {}: {error}", file.display())))?;
    }
    Ok(store)
}

async fn rehearse_all(
    service: Arc<dyn SearchService>,
    set: &RuleSet,
    from: Moment,
    to: Moment,
    step: Span,
    variables: &Variables,
) -> Result<Rehearsal, Failure> {
    if to < from {
        return Err(Failure::usage("--to is before --from"));
    }
    let settings = Settings {
        prefix: prefix(variables).to_owned(),
        ..Settings::default()
    };
    let storage = Storage::new(service, &settings.prefix);
    rehearse(&storage, &settings, &set.rules, from, to, step.0)
        .await
        .map_err(Failure::broken)
}

fn print(set: &RuleSet, rehearsal: &Rehearsal, json: bool) {
    if json {
        let text = serde_json::to_string(rehearsal).unwrap_or_default();
        terminal::line(&text);
        return;
    }
    for problem in &set.problems {
        terminal::line(&format!("problem: {problem}"));
    }
    for (rule, error) in &rehearsal.errors {
        terminal::line(&format!("problem: rule `{rule}`: {error}"));
    }
    for incident in &rehearsal.incidents {
        let end = incident.closed.as_deref().unwrap_or("still open");
        terminal::line(&format!(
            "{} – {end}  {} (score {})\n    {}",
            incident.opened, incident.title, incident.score, incident.sentence
        ));
    }
    for rule in &set.rules {
        let is_found = rehearsal
            .incidents
            .iter()
            .any(|incident| incident.rule == rule.title);
        if is_found {
            continue;
        }
        let nearest = match rehearsal.nearest.get(&rule.title) {
            Some((value, limit)) => format!("the nearest was {value:.2} (limit {limit})"),
            None => "no document to judge".to_owned(),
        };
        terminal::line(&format!("never: {}: {nearest}", rule.title));
    }
    terminal::line(&format!(
        "{} rules, {} rounds, {} incidents",
        set.rules.len(),
        rehearsal.rounds,
        rehearsal.incidents.len()
    ));
}

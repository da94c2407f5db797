//! `canarytrace listen`: the listener alone, against any store.

use std::{path::Path, sync::Arc};

use canarytrace_es::SearchService;
use canarytrace_model::alerting::ListenerConfig;

use crate::{
    alerting::{Alerting, Asked},
    arguments::ListenArguments,
    attachments::{self, ServedAttachments},
    away::Away,
    configuration,
    control::stop_on_signals,
    failure::Failure,
    store, terminal,
    variables::Variables,
    watch::{Around, Reader, Watch},
};

pub(crate) fn run(arguments: &ListenArguments, variables: &Variables) -> Result<u8, Failure> {
    if variables.switch("ENV_PRINT", false) {
        for (name, value) in variables.printed().variables {
            terminal::line(&format!("{name}={value}"));
        }
    }
    let reader = reader(arguments, variables);
    let alerting = reader().map_err(Failure::usage)?;
    let runtime = super::serve::runtime()?;
    runtime.block_on(async {
        let client = store::listening_client(&arguments.store, variables)?;
        let service: Arc<dyn SearchService> = Arc::new(client);
        let bucket = attachments::bucket(variables)?;
        let around = Around {
            away: Away::usual_file(&arguments.store),
            service: Arc::clone(&service),
            attachments: bucket.map(|bucket| Arc::new(ServedAttachments(bucket)) as _),
            schedule: None,
        };
        let watch = Arc::new(Watch::new(
            alerting,
            around,
            Arc::new(|line: &str| terminal::line(line)),
            arguments.config.as_deref(),
            Some(reader),
        ));
        terminal::line(&format!("Start: {}", jiff::Timestamp::now()));
        if arguments.once {
            let outcome = watch.once().await.map_err(Failure::broken)?;
            match outcome.standby {
                true => terminal::line("Listener: another one evaluates"),
                false => terminal::line(&format!(
                    "Listener: {} rules, {} findings, {} opened, {} closed, {} sent",
                    outcome.rules, outcome.findings, outcome.opened, outcome.closed, outcome.sent
                )),
            }
        } else {
            let stop = stop_on_signals()?;
            watch.run(None, stop).await;
        }
        terminal::line(&format!("End: {}", jiff::Timestamp::now()));
        Ok(0)
    })
}

/// Reads variables, rules and the configuration; again when files change.
fn reader(arguments: &ListenArguments, variables: &Variables) -> Reader {
    let (rules, config, variables) = (
        arguments.rules.clone(),
        arguments.config.clone(),
        variables.clone(),
    );
    Arc::new(move || {
        let read = || -> Result<Alerting, Failure> {
            let (own, folder) = listener_config(config.as_deref())?;
            Alerting::read(
                &Asked {
                    config: own.as_ref(),
                    folder: &folder,
                    rules: &rules,
                    is_server: false,
                    url: None,
                    allow_commands: variables.switch("CANARYTRACE_ALLOW_COMMANDS", false),
                },
                &variables,
            )
        };
        read().map_err(|failure| failure.in_one_line())
    })
}

/// `listener:` of a file, and the folder its paths start from.
pub(crate) fn listener_config(
    path: Option<&Path>,
) -> Result<(Option<ListenerConfig>, std::path::PathBuf), Failure> {
    match path {
        Some(path) => {
            let read = configuration::read(path)?;
            let folder = read.folder();
            Ok((read.stack.listener, folder))
        }
        None => Ok((None, ".".into())),
    }
}

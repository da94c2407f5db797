//! `canarytrace report`: a day, week or month as a page, a picture, a printed form or a mail.

use std::sync::Arc;

use canarytrace_listener::storage::Storage;
use canarytrace_model::index::DEFAULT_PREFIX;
use canarytrace_server::Picture;

use crate::{
    alerting::{Alerting, Asked},
    arguments::ReportArguments,
    commands::listen::listener_config,
    failure::Failure,
    reporting::{self, Wanted},
    store, terminal,
    variables::Variables,
};

pub(crate) fn run(arguments: &ReportArguments, variables: &Variables) -> Result<u8, Failure> {
    let wanted = Wanted::read(
        arguments.day.as_deref(),
        Some(&arguments.period),
        Some(&arguments.timezone),
    )
    .map_err(Failure::usage)?;
    let extension = arguments.out.extension().and_then(|own| own.to_str());
    let picture = match extension {
        Some("html") => None,
        Some("pdf") => Some(Picture::Pdf),
        Some("png") => Some(Picture::Png),
        _ => {
            return Err(Failure::usage(format!(
                "{} must end in .html, .pdf or .png",
                arguments.out.display()
            )));
        }
    };
    let runtime = super::serve::runtime()?;
    runtime.block_on(async {
        let client = store::listening_client(&arguments.store, variables)?;
        let prefix = variables.get("INDEX_PREFIX").unwrap_or(DEFAULT_PREFIX);
        let storage = Storage::new(Arc::new(client), prefix);
        let made = wanted
            .make(&storage, prefix)
            .await
            .map_err(Failure::broken)?;
        let content = match picture {
            None => made.html.clone().into(),
            Some(picture) => reporting::draw(&made.html, picture, variables).await?,
        };
        std::fs::write(&arguments.out, content).map_err(|error| {
            Failure::usage(format!(
                "{} cannot be written: {error}",
                arguments.out.display()
            ))
        })?;
        terminal::line(&format!("{}: {}", made.title, arguments.out.display()));
        if !arguments.mail.is_empty() {
            let (config, folder) = listener_config(arguments.config.as_deref())?;
            let asked = Asked {
                config: config.as_ref(),
                folder: &folder,
                rules: &[],
                is_server: true,
                url: None,
                allow_commands: false,
            };
            let channels = Alerting::read(&asked, variables)?.settings.channels;
            let server = reporting::mail_server(&channels).ok_or_else(|| {
                Failure::with_hint(
                    "there is no mail server",
                    "set EMAIL_SMTP_SERVER and EMAIL_SENDER, or name a configuration with --config",
                )
            })?;
            reporting::mail(made, &arguments.mail, server, variables)
                .await
                .map_err(Failure::broken)?;
            terminal::line(&format!("sent to {} addresses", arguments.mail.len()));
        }
        Ok(0)
    })
}

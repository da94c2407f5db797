//! `canarytrace notify test`: whether the channels take a message.

use canarytrace_listener::{message, reporters::Channels};
use canarytrace_model::time::Moment;

use crate::{
    alerting::{Alerting, Asked},
    arguments::NotifyCommand,
    commands::listen::listener_config,
    failure::Failure,
    terminal,
    variables::Variables,
};

pub(crate) fn run(command: &NotifyCommand, variables: &Variables) -> Result<u8, Failure> {
    let NotifyCommand::Test { channels, config } = command;
    let (own, folder) = listener_config(config.as_deref())?;
    let alerting = Alerting::read(
        &Asked {
            config: own.as_ref(),
            folder: &folder,
            rules: &[],
            is_server: true,
            url: None,
            allow_commands: variables.switch("CANARYTRACE_ALLOW_COMMANDS", false),
        },
        variables,
    )?;
    let origin = alerting.settings.origin;
    let known: Channels = alerting.settings.channels;
    if known.is_empty() {
        return Err(Failure::with_hint(
            "no channel is set up",
            "set SLACK_WEBHOOK_URL, or write `listener.channels` into canarytrace.yaml",
        ));
    }
    let wanted: Vec<&str> = match channels.is_empty() {
        true => known.keys().map(String::as_str).collect(),
        false => channels.iter().map(String::as_str).collect(),
    };
    let runtime = super::serve::runtime()?;
    let mut failed = 0;
    for name in wanted {
        let Some(channel) = known.get(name) else {
            let all: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(Failure::with_hint(
                format!("there is no channel `{name}`"),
                format!("there are {}", all.join(", ")),
            ));
        };
        match runtime.block_on(channel.send(&message::test(&origin, Moment::now()))) {
            Ok(_) => terminal::line(&format!("✓ {name}: {}", channel.describe())),
            Err(error) => {
                failed += 1;
                terminal::line(&format!("✗ {name}: {}: {error}", channel.describe()));
            }
        }
    }
    Ok(u8::from(failed > 0))
}

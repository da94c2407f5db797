//! Where messages go: one file for each kind of receiver. A payload is a pure function of the message.

mod command;
mod email;
mod http;
mod limited_tls;
mod slack;
mod webhook;

use std::{collections::BTreeMap, time::Duration};

use thiserror::Error;

pub use command::CommandChannel;
pub(crate) use email::escaped;
pub use email::{EmailChannel, Encryption, PageMail, TlsVersion};
pub use http::HttpClient;
pub use slack::{SlackBot, SlackWebhook};
pub use webhook::{Format, Webhook};

use crate::message::Message;

/// A receiver that was set up.
#[derive(Clone, Debug)]
pub enum Channel {
    Slack(SlackWebhook),
    SlackBot(SlackBot),
    Email(Box<EmailChannel>),
    Webhook(Box<Webhook>),
    Command(CommandChannel),
}

/// Why a message did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Nothing was delivered; it may be tried again.
    #[error("{reason}")]
    Temporary {
        reason: String,
        /// The receiver said when.
        after: Option<Duration>,
    },
    /// It may have arrived: the answer was lost.
    #[error("{reason}")]
    Uncertain { reason: String },
    /// It will never be taken.
    #[error("{reason}")]
    Refused { reason: String },
}

impl SendError {
    /// Nothing was delivered, and nobody said when to try again.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self::Temporary {
            reason: reason.into(),
            after: None,
        }
    }

    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
        }
    }
}

/// What a receiver calls a message, for the answers in its thread.
pub type Reference = Option<String>;

impl Channel {
    pub async fn send(&self, message: &Message) -> Result<Reference, SendError> {
        match self {
            Channel::Slack(slack) => slack.send(message).await.map(|()| None),
            Channel::SlackBot(bot) => bot.send(message).await,
            Channel::Email(email) => email.send(message).await.map(|()| None),
            Channel::Webhook(webhook) => webhook.send(message).await.map(|()| None),
            Channel::Command(command) => command.send(message).await.map(|()| None),
        }
    }

    /// As it is shown: never with a secret.
    pub fn describe(&self) -> String {
        match self {
            Channel::Slack(_) => "Slack webhook".to_owned(),
            Channel::SlackBot(bot) => format!("Slack channel {}", bot.channel),
            Channel::Email(email) => email.describe(),
            Channel::Webhook(webhook) => webhook.describe(),
            Channel::Command(command) => format!("command {}", command.program()),
        }
    }
}

/// All receivers by name.
pub type Channels = BTreeMap<String, Channel>;

/// Messages of one channel within [`RATE_WINDOW`]; what is beyond comes as one summary.
pub const RATE: usize = 10;
pub const RATE_WINDOW: Duration = Duration::from_secs(600);

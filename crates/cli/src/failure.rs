//! Errors of commands, with the exit code that each means.

use thiserror::Error;

/// Why a command could not be carried out.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The user has to change something: exit 2.
    #[error("{message}")]
    Usage {
        message: String,
        hint: Option<String>,
    },
    /// We, the browser or the machine broke: exit 3.
    #[error("{0}")]
    Broken(String),
}

impl Failure {
    pub(crate) const USAGE: u8 = 2;

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure::Usage {
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Usage {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    pub(crate) fn broken(error: impl std::fmt::Display) -> Self {
        Failure::Broken(error.to_string())
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage { .. } => Self::USAGE,
            Failure::Broken(_) => 3,
        }
    }

    /// Message and hint, for places that have one line.
    pub(crate) fn in_one_line(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}; {hint}"),
            None => self.to_string(),
        }
    }

    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Failure::Usage { hint, .. } => hint.as_deref(),
            Failure::Broken(_) => None,
        }
    }
}

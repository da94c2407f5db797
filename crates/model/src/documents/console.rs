//! `c.console-*`: one document per DevTools console, log or exception event.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Common;
use crate::ActionId;

/// Which DevTools event a console document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ConsoleEventType {
    #[serde(rename = "Log.entryAdded")]
    LogEntryAdded,
    #[serde(rename = "Console.messageAdded")]
    ConsoleMessageAdded,
    #[serde(rename = "Runtime.consoleAPICalled")]
    ConsoleApiCalled,
    #[serde(rename = "Runtime.exceptionThrown")]
    ExceptionThrown,
}

/// A console event; its own fields stand beside the common ones, as the event has them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Console {
    #[serde(flatten)]
    pub common: Common,
    pub event_type: ConsoleEventType,
    pub uuid_action: ActionId,
    pub context: String,
    pub sequence: u32,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

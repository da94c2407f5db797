//! `c.console-*`: one document per DevTools console, log or exception event.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Common;
use crate::ActionId;

/// Which DevTools event a console document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConsoleDocument)]
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

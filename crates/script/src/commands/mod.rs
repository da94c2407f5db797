//! What the script's commands do to the browser: the protocol's own by name, and what stands beside it.

mod admission;
mod bidi;
mod fetch;
mod files;
mod network;
mod pages;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use canarytrace_driver::{
    Browser,
    devtools::DevToolsError,
    webdriver::{ErrorCode, ProtocolCommand, ProtocolError, WebDriverError},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::CommandRequest;

/// What commands need besides the browser.
#[derive(Clone, Debug)]
pub struct CommandContext {
    /// `BASE_URL` of the journey.
    pub base_url: Option<String>,
    /// The folder of the scripts: what is uploaded comes from here.
    pub root: PathBuf,
    /// Where a script's own files go.
    pub attachments: PathBuf,
    /// Values that no picture may show.
    pub secrets: Arc<[String]>,
    /// Schemes besides `http`, `https`, `about`, `data` and `blob` that a script may open, such as `file`.
    pub schemes: Vec<String>,
    /// Hosts that the script's `fetch` may ask.
    pub fetch_hosts: Vec<String>,
    /// Made when it is first needed: that takes milliseconds.
    pub http: OnceLock<reqwest::Client>,
}

/// Why a command failed, as the script sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CommandFailure {
    kind: &'static str,
    name: String,
    message: String,
}

impl CommandFailure {
    fn new(kind: &'static str, message: String) -> Self {
        Self {
            kind,
            name: "Error".to_owned(),
            message,
        }
    }

    pub(crate) fn script(message: String) -> Self {
        Self::new("script", message)
    }

    pub(crate) fn navigation(message: String) -> Self {
        Self::new("navigation", message)
    }
}

impl From<WebDriverError> for CommandFailure {
    fn from(error: WebDriverError) -> Self {
        let kind = if error.is_gone() || error == WebDriverError::Deadline {
            "browser"
        } else if error.net_error().is_some() {
            "navigation"
        } else {
            match error.code() {
                Some(
                    ErrorCode::InvalidSelector
                    | ErrorCode::InvalidArgument
                    | ErrorCode::UnknownCommand,
                ) => "script",
                _ => "element",
            }
        };
        // WebdriverIO names an error by its code, and its text starts like this; users match on both.
        match error.code() {
            Some(code) => Self {
                kind,
                name: code.name().to_owned(),
                message: format!("WebDriverError: {error}"),
            },
            None => Self::new(kind, error.to_string()),
        }
    }
}

impl From<ProtocolError> for CommandFailure {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::Arguments(message) => Self::script(message),
            ProtocolError::WebDriver(error) => error.into(),
        }
    }
}

impl From<DevToolsError> for CommandFailure {
    fn from(error: DevToolsError) -> Self {
        let kind = match error {
            DevToolsError::Closed => "browser",
            _ => "element",
        };
        Self::new(kind, error.to_string())
    }
}

pub(crate) type Outcome = Result<Value, CommandFailure>;

/// Performs one command and answers it. Never fails: what goes wrong is part of the answer.
pub async fn perform(browser: &Browser, context: &CommandContext, request: CommandRequest) {
    let CommandRequest {
        name,
        arguments,
        reply,
    } = request;
    let answer = match dispatch(browser, context, &name, &arguments).await {
        Ok(value) => json!({"value": value}),
        Err(failure) => {
            json!({"error": {"kind": failure.kind, "name": failure.name, "message": failure.message}})
        }
    };
    if reply.send(answer.to_string()).is_err() {
        tracing::debug!(
            command = name,
            "the script no longer waits for this command"
        );
    }
}

/// Answers a command that was carried out elsewhere; a refusal is the script's fault.
pub fn reply_with(request: CommandRequest, outcome: Result<(), String>) {
    match outcome {
        Ok(()) => reply_value(request, &Value::Null),
        Err(message) => {
            let failure = json!({"kind": "script", "name": "Error", "message": message});
            // A script that is over no longer waits.
            request
                .reply
                .send(json!({"error": failure}).to_string())
                .ok();
        }
    }
}

/// Answers a command that was carried out elsewhere.
pub fn reply_value(request: CommandRequest, value: &Value) {
    request.reply.send(json!({"value": value}).to_string()).ok();
}

/// The name of a command for people: the protocol's own, where it is one.
pub fn command_name(request: &CommandRequest) -> String {
    let own = request.arguments.get("name").and_then(Value::as_str);
    own.unwrap_or(&request.name).to_owned()
}

/// The command as WebdriverIO's log of the driver has it; none for what is no command of a protocol.
pub fn command_line(request: &CommandRequest) -> Option<String> {
    const SHOWN_CHARACTERS: usize = 200;
    let member = |name: &str| request.arguments.get(name);
    let text = match request.name.as_str() {
        "navigate" => format!("COMMAND navigateTo({})", member("url")?),
        "protocol" => {
            let values: Vec<String> = member("args")?
                .as_array()?
                .iter()
                .map(Value::to_string)
                .collect();
            format!(
                "COMMAND {}({})",
                member("name")?.as_str()?,
                values.join(", ")
            )
        }
        "bidi" => {
            let params = member("params").unwrap_or(&Value::Null);
            format!("BIDI COMMAND {} {params}", member("method")?.as_str()?)
        }
        _ => return None,
    };
    if text.chars().count() <= SHOWN_CHARACTERS {
        return Some(text);
    }
    Some(text.chars().take(SHOWN_CHARACTERS).chain(['…']).collect())
}

async fn dispatch(
    browser: &Browser,
    context: &CommandContext,
    name: &str,
    arguments: &Value,
) -> Outcome {
    match name {
        "protocol" => protocol(browser, context, arguments).await,
        "navigate" => pages::navigate(browser, context, arguments).await,
        "resolveUrl" => pages::resolve_url(context, arguments).map(Value::String),
        "navigation" => navigation(browser).await,
        "bidi" => bidi::send(browser, context, arguments).await,
        "fetch" => fetch::fetch(context, arguments).await,
        "dialog" => Ok(json!(browser.devtools.dialog())),
        "waitForLoadEventEnd" => pages::wait_for_load(browser).await,
        "addInitScript" => Ok(json!(
            browser
                .devtools
                .add_init_script(&text(arguments, "source")?)
                .await?
        )),
        "removeInitScript" => {
            let number = arguments.get("id").and_then(Value::as_u64).unwrap_or(0);
            browser.devtools.remove_init_script(number).await;
            Ok(Value::Null)
        }
        "saveFile" => files::save(
            context,
            &text(arguments, "path")?,
            &text(arguments, "data")?,
        ),
        "uploadPath" => files::upload_path(context, &text(arguments, "path")?),
        "screenshot" => files::screenshot(browser, context, arguments).await,
        "cdp" | "emulate" | "throttle" | "extraHeaders" | "injectHeroElements" | "mock"
        | "mockAnswer" | "mockClear" | "mockRestore" => {
            network::perform(browser, context, name, arguments).await
        }
        other => Err(CommandFailure::script(format!(
            "browser.{other} is not available in this version"
        ))),
    }
}

/// A command of the protocol, by its name.
async fn protocol(browser: &Browser, context: &CommandContext, arguments: &Value) -> Outcome {
    let name = text(arguments, "name")?;
    let values: &[Value] = arguments
        .get("args")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let Some(command) = ProtocolCommand::find(&name) else {
        return Err(CommandFailure::script(format!(
            "browser.{name} is not available in this version"
        )));
    };
    if command.is_picture() {
        browser.cover(&context.secrets).await?;
        let picture = browser.webdriver.issue(command, values).await;
        browser.uncover().await?;
        return Ok(picture?);
    }
    if command.name == "elementSendKeys" {
        admission::admit_keys(browser, context, values).await?;
    }
    let answer = issue(browser, command, values).await?;
    Ok(match command.name {
        "getWindowHandles" | "closeWindow" => own_windows(browser, answer),
        _ => answer,
    })
}

/// What the page of the current window asked for so far.
async fn navigation(browser: &Browser) -> Outcome {
    let window = browser.webdriver.window().await?;
    Ok(json!(browser.devtools.navigations().of(&window)))
}

/// Without the pages that belong to a tool of ours.
fn own_windows(browser: &Browser, handles: Value) -> Value {
    let hidden = browser.devtools.hidden_pages();
    match handles {
        Value::Array(mut handles) => {
            handles.retain(|handle| !hidden.iter().any(|one| handle == one));
            Value::Array(handles)
        }
        other => other,
    }
}

async fn issue(browser: &Browser, command: &ProtocolCommand, values: &[Value]) -> Outcome {
    match browser.webdriver.issue(command, values).await {
        // A dialog that an earlier command left open would fail every one that comes after.
        Err(ProtocolError::WebDriver(error))
            if error.code() == Some(&ErrorCode::UnexpectedAlertOpen) =>
        {
            let gone = browser.webdriver.dismiss_alert().await;
            if let Err(error) = gone
                && error.code() != Some(&ErrorCode::NoSuchAlert)
            {
                return Err(error.into());
            }
            Ok(browser.webdriver.issue(command, values).await?)
        }
        // The text of every other one has more lines, at whose end WebdriverIO says this.
        Err(ProtocolError::WebDriver(error))
            if error.code() == Some(&ErrorCode::UnknownCommand) =>
        {
            let mut failure = CommandFailure::from(error);
            failure.message = format!("{} {}", failure.message, command.running(values));
            Err(failure)
        }
        outcome => Ok(outcome?),
    }
}

/// A member of the arguments as text.
pub(crate) fn text(arguments: &Value, name: &str) -> Result<String, CommandFailure> {
    match arguments.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        other => Err(CommandFailure::script(format!(
            "`{name}` needs a text, got {}",
            other.unwrap_or(&Value::Null)
        ))),
    }
}

/// The arguments as a type.
pub(crate) fn typed<T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, CommandFailure> {
    serde_json::from_value(value.clone())
        .map_err(|error| CommandFailure::script(format!("{what}: {error}")))
}

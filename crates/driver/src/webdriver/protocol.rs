//! The commands of the protocol as a table: a script may issue any of them by name.
//! <https://www.w3.org/TR/webdriver2/#endpoints>, and chromedriver's own.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{WebDriver, WebDriverError};

/// One command: where it is sent and what it takes, in the order that arguments are given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolCommand {
    pub name: &'static str,
    /// `GET`, `POST` or `DELETE`.
    method: &'static str,
    /// Below the session, or below the driver when it begins with `/`; `{…}` is filled in by an argument.
    path: &'static str,
    /// Members of the body; one that ends with `?` may be left out.
    parameters: &'static [&'static str],
    /// The command may wait for a page or a script: it has as long as a page has.
    waits: bool,
}

macro_rules! commands {
    ($($name:literal $method:ident $path:literal [$($parameter:literal),*] $($waits:ident)?;)*) => {
        &[$(ProtocolCommand {
            name: $name,
            method: stringify!($method),
            path: $path,
            parameters: &[$($parameter),*],
            waits: commands!(@waits $($waits)?),
        }),*]
    };
    (@waits) => { false };
    (@waits waits) => { true };
}

/// Every command, by the name that WebdriverIO gives it.
pub const PROTOCOL: &[ProtocolCommand] = commands! {
    "status" GET "/status" [];
    "getTimeouts" GET "timeouts" [];
    "setTimeouts" POST "timeouts" ["implicit?", "pageLoad?", "script?"];
    "getUrl" GET "url" [];
    "back" POST "back" [] waits;
    "forward" POST "forward" [] waits;
    "refresh" POST "refresh" [] waits;
    "getTitle" GET "title" [];
    "getWindowHandle" GET "window" [];
    "closeWindow" DELETE "window" [];
    "switchToWindow" POST "window" ["handle"];
    "createWindow" POST "window/new" ["type"];
    "getWindowHandles" GET "window/handles" [];
    "printPage" POST "print" ["orientation?", "scale?", "background?", "page?", "margin?", "shrinkToFit?", "pageRanges?"] waits;
    "switchToFrame" POST "frame" ["id"];
    "switchToParentFrame" POST "frame/parent" [];
    "getWindowRect" GET "window/rect" [];
    "setWindowRect" POST "window/rect" ["x?", "y?", "width?", "height?"];
    "maximizeWindow" POST "window/maximize" [];
    "minimizeWindow" POST "window/minimize" [];
    "fullscreenWindow" POST "window/fullscreen" [];
    "findElement" POST "element" ["using", "value"];
    "findElementFromShadowRoot" POST "shadow/{shadowId}/element" ["using", "value"];
    "findElements" POST "elements" ["using", "value"];
    "findElementsFromShadowRoot" POST "shadow/{shadowId}/elements" ["using", "value"];
    "findElementFromElement" POST "element/{elementId}/element" ["using", "value"];
    "findElementsFromElement" POST "element/{elementId}/elements" ["using", "value"];
    "getElementShadowRoot" GET "element/{elementId}/shadow" [];
    "getActiveElement" GET "element/active" [];
    "isElementSelected" GET "element/{elementId}/selected" [];
    "isElementDisplayed" GET "element/{elementId}/displayed" [];
    "getElementAttribute" GET "element/{elementId}/attribute/{name}" [];
    "getElementProperty" GET "element/{elementId}/property/{name}" [];
    "getElementCSSValue" GET "element/{elementId}/css/{propertyName}" [];
    "getElementText" GET "element/{elementId}/text" [];
    "getElementTagName" GET "element/{elementId}/name" [];
    "getElementRect" GET "element/{elementId}/rect" [];
    "isElementEnabled" GET "element/{elementId}/enabled" [];
    "elementClick" POST "element/{elementId}/click" [] waits;
    "elementClear" POST "element/{elementId}/clear" [];
    "elementSendKeys" POST "element/{elementId}/value" ["text"] waits;
    "getPageSource" GET "source" [];
    "executeScript" POST "execute/sync" ["script", "args"] waits;
    "executeAsyncScript" POST "execute/async" ["script", "args"] waits;
    "getAllCookies" GET "cookie" [];
    "addCookie" POST "cookie" ["cookie"];
    "deleteAllCookies" DELETE "cookie" [];
    "getNamedCookie" GET "cookie/{name}" [];
    "deleteCookie" DELETE "cookie/{name}" [];
    "performActions" POST "actions" ["actions"] waits;
    "releaseActions" DELETE "actions" [];
    "dismissAlert" POST "alert/dismiss" [];
    "acceptAlert" POST "alert/accept" [];
    "getAlertText" GET "alert/text" [];
    "sendAlertText" POST "alert/text" ["text"];
    "takeScreenshot" GET "screenshot" [];
    "takeElementScreenshot" GET "element/{elementId}/screenshot" [];
    "getElementComputedRole" GET "element/{elementId}/computedrole" [];
    "getElementComputedLabel" GET "element/{elementId}/computedlabel" [];
    "setPermissions" POST "permissions" ["descriptor", "state", "oneRealm?"];
    "generateTestReport" POST "reporting/generate_test_report" ["message", "group?"];
    "createMockSensor" POST "sensor" ["type", "connected?", "maxSamplingFrequency?", "minSamplingFrequency?"];
    "getMockSensor" GET "sensor/{type}" [];
    "updateMockSensor" POST "sensor/{type}" ["reading"];
    "deleteMockSensor" DELETE "sensor/{type}" [];
    "addVirtualAuthenticator" POST "webauthn/authenticator" ["protocol", "transport", "hasResidentKey?", "hasUserVerification?", "isUserConsenting?", "isUserVerified?", "extensions?"];
    "removeVirtualAuthenticator" DELETE "webauthn/authenticator/{authenticatorId}" [];
    "addCredential" POST "webauthn/authenticator/{authenticatorId}/credential" ["credentialId", "isResidentCredential", "rpId", "privateKey", "userHandle?", "signCount?", "largeBlob?"];
    "getCredentials" GET "webauthn/authenticator/{authenticatorId}/credentials" [];
    "removeAllCredentials" DELETE "webauthn/authenticator/{authenticatorId}/credentials" [];
    "removeCredential" DELETE "webauthn/authenticator/{authenticatorId}/credentials/{credentialId}" [];
    "setUserVerified" POST "webauthn/authenticator/{authenticatorId}/uv" ["isUserVerified"];
    "isLoading" GET "is_loading" [];
    "takeHeapSnapshot" GET "chromium/heap_snapshot" [] waits;
    "getNetworkConditions" GET "chromium/network_conditions" [];
    "setNetworkConditions" POST "chromium/network_conditions" ["network_conditions", "network_name?"];
    "deleteNetworkConditions" DELETE "chromium/network_conditions" [];
    "freeze" POST "goog/page/freeze" [];
    "resume" POST "goog/page/resume" [];
    "getLogTypes" GET "se/log/types" [];
    "getLogs" POST "se/log" ["type"];
    "getCastSinks" GET "goog/cast/get_sinks" ["vendorId?"];
    "selectCastSink" POST "goog/cast/set_sink_to_use" ["sinkName"];
    "startCastTabMirroring" POST "goog/cast/start_tab_mirroring" ["sinkName"];
    "getCastIssueMessage" GET "goog/cast/get_issue_message" [];
    "stopCasting" POST "goog/cast/stop_casting" ["sinkName"];
    "isAutoReporting" GET "autoreport" [];
    "setAutoReporting" POST "autoreport" ["enabled"];
    "getNetworkConnection" GET "network_connection" [];
    "setNetworkConnection" POST "network_connection" ["parameters"];
    "launchChromeApp" POST "chromium/launch_app" ["id"];
    "touchPinch" POST "touch/pinch" ["x", "y", "scale"];
    "file" POST "file" ["file"];
    "getElementValue" GET "element/{elementId}/property/value" [];
};

impl ProtocolCommand {
    /// The command of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        PROTOCOL.iter().find(|command| command.name == name)
    }

    /// Names of the arguments that are part of the path.
    pub fn variables(&self) -> Vec<&'static str> {
        let parts = self.path.split('{').skip(1);
        parts.filter_map(|part| part.split('}').next()).collect()
    }

    /// Names of the members of the body, and whether one may be left out.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.parameters.iter().map(|name| {
            name.strip_suffix('?')
                .map_or((*name, false), |name| (name, true))
        })
    }

    /// Whether nobody else may see its answer before secrets are covered: it shows the page.
    pub fn is_picture(&self) -> bool {
        matches!(self.name, "takeScreenshot" | "takeElementScreenshot")
    }

    /// The command as an error names it: `when running "<path>" with method "<method>"`; empty when the values do not fit.
    pub fn running(&self, values: &[Value]) -> String {
        let variables = self.variables().len().min(values.len());
        match self.path(&values[..variables]) {
            Ok(path) => {
                let path = path.trim_start_matches('/');
                format!("when running \"{path}\" with method \"{}\"", self.method)
            }
            Err(_) => String::new(),
        }
    }

    fn path(&self, values: &[Value]) -> Result<String, String> {
        let mut path = String::new();
        let mut values = values.iter();
        for (position, part) in self.path.split('{').enumerate() {
            let rest = if position == 0 {
                part
            } else {
                let (name, rest) = part.split_once('}').unwrap_or((part, ""));
                let value = match values.next() {
                    Some(Value::String(text)) if !text.is_empty() => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    other => {
                        return Err(malformed(self.name, name, "string", other));
                    }
                };
                path.push_str(&percent(&value));
                rest
            };
            path.push_str(rest);
        }
        Ok(path)
    }

    fn body(&self, values: &[Value]) -> Result<Value, String> {
        let mut body = Map::new();
        for (position, (name, optional)) in self.parameters().enumerate() {
            match values.get(position) {
                None | Some(Value::Null) if optional => {}
                None => return Err(malformed(self.name, name, "value", None)),
                Some(value) => {
                    body.insert(name.to_owned(), value.clone());
                }
            }
        }
        Ok(Value::Object(body))
    }
}

fn malformed(command: &str, name: &str, kind: &str, value: Option<&Value>) -> String {
    let got = value.map_or_else(|| "undefined".to_owned(), Value::to_string);
    format!(
        "Malformed type for \"{name}\" parameter of command {command}\nExpected: {kind}\nActual: {got}"
    )
}

/// What stands in a path segment as it is.
fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

const SCRIPT_LIMIT: Duration = Duration::from_secs(600);

/// Why a command of a script was not carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum ProtocolError {
    /// The arguments do not fit; nothing was sent.
    Arguments(String),
    WebDriver(WebDriverError),
}

impl WebDriver {
    /// Issues a command of the table: values of the path first, then those of the body.
    pub async fn issue(
        &self,
        command: &ProtocolCommand,
        values: &[Value],
    ) -> Result<Value, ProtocolError> {
        let variables = command.variables().len().min(values.len());
        let (of_path, of_body) = values.split_at(variables);
        let path = command.path(of_path).map_err(ProtocolError::Arguments)?;
        let body = command.body(of_body).map_err(ProtocolError::Arguments)?;
        let method = match command.method {
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        };
        let body = (method == Method::POST).then_some(body);
        // A script may raise its own limits; the step's deadline ends what does not end by itself.
        let limit = if command.waits {
            SCRIPT_LIMIT.max(self.page_timeout)
        } else {
            self.command_timeout
        };
        self.command_within(method, &path, body.as_ref(), limit)
            .await
            .map_err(ProtocolError::WebDriver)
    }
}

/// The table as scripts read it: `[{name, method, path, variables, parameters}]`.
pub fn protocol_names() -> Value {
    let entry = |command: &ProtocolCommand| {
        let parameters: Vec<Value> = command
            .parameters()
            .map(|(name, optional)| json!({"name": name, "optional": optional}))
            .collect();
        json!({"name": command.name, "method": command.method, "path": command.path, "variables": command.variables(), "parameters": parameters})
    };
    PROTOCOL.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fill_path_and_body() {
        let command = ProtocolCommand::find("getElementAttribute").unwrap();
        assert_eq!(command.variables(), ["elementId", "name"]);
        assert_eq!(
            command.path(&[json!("f.1"), json!("data x/y")]).unwrap(),
            "element/f.1/attribute/data%20x%2Fy"
        );
        assert!(command.path(&[json!(null)]).is_err());
        let command = ProtocolCommand::find("setWindowRect").unwrap();
        assert_eq!(
            command
                .body(&[Value::Null, Value::Null, json!(800), json!(600)])
                .unwrap(),
            json!({"width": 800, "height": 600})
        );
        let command = ProtocolCommand::find("switchToFrame").unwrap();
        assert_eq!(command.body(&[Value::Null]).unwrap(), json!({"id": null}));
        assert!(command.body(&[]).is_err());
    }

    #[test]
    fn each_name_is_there_once() {
        let mut names: Vec<&str> = PROTOCOL.iter().map(|command| command.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

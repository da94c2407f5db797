//! Frames of WebDriver BiDi that a script sends itself.

use canarytrace_driver::{BidiError, Browser};
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome, admission, text};

impl From<BidiError> for CommandFailure {
    fn from(error: BidiError) -> Self {
        match error {
            BidiError::Session(error) => error.into(),
            BidiError::DevTools(error) => error.into(),
            BidiError::Closed => Self::new("browser", error.to_string()),
            _ => Self::new("element", error.to_string()),
        }
    }
}

/// Sends `{id, method, params}` and answers the frame that comes back, be it of an error.
pub(super) async fn send(
    browser: &Browser,
    context: &CommandContext,
    arguments: &Value,
) -> Outcome {
    let method = text(arguments, "method")?;
    let id = arguments.get("id").and_then(Value::as_u64).unwrap_or(0);
    let mut params = arguments
        .get("params")
        .cloned()
        .unwrap_or_else(|| json!({}));
    admission::admit(context, &method, &mut params)?;
    let sending = browser.bidi.send(&browser.devtools, id, &method, &params);
    if method != "browsingContext.captureScreenshot" {
        return Ok(sending.await?);
    }
    browser.cover(&context.secrets).await?;
    let picture = sending.await;
    browser.uncover().await?;
    Ok(picture?)
}

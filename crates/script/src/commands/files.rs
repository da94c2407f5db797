//! Pictures and files of a script's own.

use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use canarytrace_driver::Browser;
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, Outcome};

/// A script's file name is kept, its folders are not: nothing is written outside of the run directory.
pub(super) fn save(context: &CommandContext, path: &str, data: &str) -> Outcome {
    let name = Path::new(path).file_name().map_or_else(
        || "screenshot.png".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    let bytes = BASE64_STANDARD
        .decode(data)
        .map_err(|error| CommandFailure::script(format!("file `{name}` is no base64: {error}")))?;
    std::fs::write(context.attachments.join(&name), bytes).map_err(|error| {
        CommandFailure::script(format!("file `{name}` cannot be written: {error}"))
    })?;
    Ok(Value::Null)
}

pub(super) fn missing(path: &str) -> CommandFailure {
    CommandFailure::script(format!(
        "file `{path}` to upload does not exist in the scripts' folder"
    ))
}

/// The real path of a file of the clone, or of one that the run itself has made; none for any other.
pub(super) fn inside(context: &CommandContext, path: &Path) -> Option<PathBuf> {
    let file = path.canonicalize().ok()?;
    let mut folders = [&context.root, &context.attachments].into_iter();
    let is_own = folders.any(|folder| {
        folder
            .canonicalize()
            .is_ok_and(|folder| file.starts_with(folder))
    });
    is_own.then_some(file)
}

/// Where the browser finds a file of the clone, which is named from its root or as a whole.
pub(super) fn upload_path(context: &CommandContext, path: &str) -> Outcome {
    let within = context.root.join(path.trim_start_matches('/'));
    let candidates = [within.as_path(), Path::new(path)];
    let mut absolute = candidates.into_iter().filter(|path| path.is_absolute());
    let real = absolute.find_map(|path| inside(context, path));
    let real = real.ok_or_else(|| missing(path))?;
    Ok(json!(real.display().to_string()))
}

/// What the protocol's own screenshot cannot do: whole pages, JPEG, a part of the page.
pub(super) async fn screenshot(
    browser: &Browser,
    context: &CommandContext,
    arguments: &Value,
) -> Outcome {
    let format = arguments
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or("png");
    let full = arguments
        .get("fullPage")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let mut params = json!({"format": format, "captureBeyondViewport": full});
    if let Some(quality) = arguments
        .get("quality")
        .filter(|quality| quality.is_number())
    {
        params["quality"] = quality.clone();
    }
    let window = browser.webdriver.window().await?;
    let limit = std::time::Duration::from_secs(30);
    if let Some(clip) = arguments.get("clip").filter(|clip| clip.is_object()) {
        params["clip"] = clip.clone();
        params["clip"]["scale"] = json!(1);
    } else if full {
        let metrics = browser
            .devtools
            .call_page(Some(&window), "Page.getLayoutMetrics", json!({}), limit)
            .await?;
        let size = |name: &str| {
            metrics
                .pointer(&format!("/cssContentSize/{name}"))
                .cloned()
                .unwrap_or(json!(0))
        };
        params["clip"] =
            json!({"x": 0, "y": 0, "width": size("width"), "height": size("height"), "scale": 1});
    }
    browser.cover(&context.secrets).await?;
    let picture = browser
        .devtools
        .call_page(Some(&window), "Page.captureScreenshot", params, limit)
        .await;
    browser.uncover().await?;
    Ok(picture?.get("data").cloned().unwrap_or_default())
}

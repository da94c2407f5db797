//! What a raw command of a protocol may reach: no page of other schemes, no file outside of the repository. DevTools and
//! BiDi could do both, past the commands that look.

use std::path::Path;

use canarytrace_driver::{Browser, webdriver::ProtocolCommand};
use serde_json::{Value, json};

use super::{CommandContext, CommandFailure, files, pages};

/// What a member of a command's parameters names.
#[derive(Clone, Copy, Debug)]
enum Names {
    Page,
    /// A file, or a list of them, that the browser reads.
    File,
    /// A folder that the browser writes to.
    Folder,
}

const RULES: [(&str, &str, Names); 11] = [
    ("Page.navigate", "/url", Names::Page),
    ("Target.createTarget", "/url", Names::Page),
    ("DOM.setFileInputFiles", "/files", Names::File),
    ("Extensions.loadUnpacked", "/path", Names::File),
    (
        "Browser.setDownloadBehavior",
        "/downloadPath",
        Names::Folder,
    ),
    ("Page.setDownloadBehavior", "/downloadPath", Names::Folder),
    ("browsingContext.navigate", "/url", Names::Page),
    ("input.setFiles", "/files", Names::File),
    ("webExtension.install", "/extensionData/path", Names::File),
    (
        "browser.setDownloadBehavior",
        "/downloadBehavior/destinationFolder",
        Names::Folder,
    ),
    ("Page.handleFileChooser", "/files", Names::File),
];

/// Commands that carry other commands, unseen.
const CARRIERS: [&str; 2] = [
    "Target.sendMessageToTarget",
    "Target.exposeDevToolsProtocol",
];

/// Refuses what a script may not reach; files of the repository and the folder of attachments are named as the browser
/// finds them.
pub(super) fn admit(
    context: &CommandContext,
    method: &str,
    params: &mut Value,
) -> Result<(), CommandFailure> {
    if CARRIERS.contains(&method) {
        return Err(CommandFailure::script(format!(
            "{method} is refused: it would carry commands past what a monitor may do"
        )));
    }
    for (_, member, names) in RULES.iter().filter(|(name, ..)| *name == method) {
        let Some(value) = params.pointer_mut(member) else {
            continue;
        };
        match names {
            Names::Page => {
                if let Some(url) = value.as_str() {
                    pages::admit(context, url)?;
                }
            }
            Names::Folder => *value = json!(context.attachments.display().to_string()),
            Names::File => match value {
                Value::String(path) => *value = files::upload_path(context, path)?,
                Value::Array(paths) => {
                    for path in paths {
                        *path = files::upload_path(context, path.as_str().unwrap_or_default())?;
                    }
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Refuses keys for an input of files that name one outside of the repository: the driver takes such keys for a path.
pub(super) async fn admit_keys(
    browser: &Browser,
    context: &CommandContext,
    values: &[Value],
) -> Result<(), CommandFailure> {
    let [element, Value::String(keys), ..] = values else {
        return Ok(());
    };
    let mut foreign = keys.lines().filter(|line| {
        let path = Path::new(line);
        path.is_absolute() && path.exists() && files::inside(context, path).is_none()
    });
    let (Some(path), Some(command)) = (foreign.next(), ProtocolCommand::find("getElementProperty"))
    else {
        return Ok(());
    };
    let asked = [element.clone(), json!("type")];
    let kind = browser.webdriver.issue(command, &asked).await?;
    if kind == "file" {
        return Err(files::missing(path));
    }
    Ok(())
}

//! What can be told about a script before it runs: commands that do not exist.

use std::path::Path;

use serde::Deserialize;

use crate::{ScriptError, files::ScriptFiles};

/// A call of a command that there is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCommand {
    pub name: String,
    /// `file:line`.
    pub place: String,
    /// The known command that it is most like.
    pub meant: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    group: String,
    name: String,
}

/// What `browser` has beside the commands of the table.
const OTHERS: [&str; 22] = [
    "addListener",
    "removeListener",
    "listenerCount",
    "setLocalStorageItem",
    "getLocalStorage",
    "clearLocalStorage",
    "getSessionStorage",
    "deleteSessionStorageItem",
    "getSessionStorageSize",
    "isAlertOpen",
    "reload",
    "waitForLoadEventEnd",
    "coverageStart",
    "takeCoverage",
    "saveToElastic",
    "injectHeroElements",
    "evaluatePerformanceAudit",
    "getInstance",
    "toString",
    "nextElement",
    "shadow$",
    "getActiveElement",
];

fn known() -> Vec<String> {
    let entries: Vec<Entry> = serde_json::from_str(include_str!("../api.json")).unwrap_or_default();
    let of_browser = |entry: &Entry| {
        entry.group.starts_with("browser") || matches!(&*entry.group, "product" | "protocol")
    };
    let names = entries
        .into_iter()
        .filter(of_browser)
        .map(|entry| entry.name);
    names.chain(OTHERS.map(str::to_owned)).collect()
}

/// The calls on `browser` in a script, and in all that it imports of the repository, that no command answers.
pub fn unknown_commands(root: &Path, spec: &str) -> Result<Vec<UnknownCommand>, ScriptError> {
    let files = ScriptFiles::new(root, None);
    let mut known = known();
    let mut calls = Vec::new();
    files.walk(spec, &mut |path, syntax| {
        known.extend(syntax.added.iter().cloned());
        calls.extend(
            syntax
                .calls
                .iter()
                .map(|(name, line)| (name.clone(), format!("{path}:{line}"))),
        );
        true
    })?;
    let unknown = calls.into_iter().filter(|(name, _)| !known.contains(name));
    Ok(unknown
        .map(|(name, place)| UnknownCommand {
            meant: meant(&name, &known),
            name,
            place,
        })
        .collect())
}

fn meant(name: &str, known: &[String]) -> Option<String> {
    // Two letters off, of longer names a third.
    let allowed = 2.max(name.len() / 3);
    let distance = |other: &String| strsim::damerau_levenshtein(name, other);
    let best = known.iter().min_by_key(|other| distance(other))?;
    (distance(best) <= allowed).then(|| best.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_do_not_exist_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "spec.js",
            "const page = require('./page');\nbrowser.addCommand('login', () => {});\nit('x', async () => {\n  await browser.login();\n  await browser.ulr('/');\n  await browser.execute(() => browser.nothing());\n});",
        );
        write(
            "page.js",
            "module.exports = { open: () => browser.setWindowSise(1, 2), on: () => browser.on('x', f) };",
        );
        let unknown = unknown_commands(folder.path(), "spec.js").unwrap();
        let shown: Vec<(&str, &str, Option<&str>)> = unknown
            .iter()
            .map(|one| (one.name.as_str(), one.place.as_str(), one.meant.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("ulr", "spec.js:5", Some("url")),
                ("setWindowSise", "page.js:1", Some("setWindowSize")),
            ]
        );
    }
}

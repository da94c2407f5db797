//! What a script may call: `docs/script-api.md` and the types for editors, both made of `crates/script/api.json`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const TABLE: &str = "crates/script/api.json";
const DOCUMENT: &str = "docs/script-api.md";
const TYPES: &str = "crates/script/types/index.d.ts";
/// What stands in the types beside the commands.
const PREAMBLE: &str = "crates/script/types/preamble.d.ts";

/// Writes both.
pub(crate) fn write(root: &Path) -> Result<()> {
    for (path, text) in made(root)? {
        fs::write(root.join(path), text)?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Refuses when either is not what the table makes.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (path, text) in made(root)? {
        if fs::read_to_string(root.join(path)).unwrap_or_default() != text {
            bail!("{path} is not what {TABLE} makes: run `cargo xtask script-api`");
        }
    }
    Ok(())
}

fn made(root: &Path) -> Result<[(&'static str, String); 2]> {
    let table = fs::read_to_string(root.join(TABLE)).with_context(|| TABLE)?;
    let entries: Vec<Value> = serde_json::from_str(&table).with_context(|| TABLE)?;
    let preamble = fs::read_to_string(root.join(PREAMBLE)).with_context(|| PREAMBLE)?;
    Ok([
        (DOCUMENT, document(&entries)),
        (TYPES, types(&entries, &preamble)),
    ])
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}

fn groups(entries: &[Value]) -> Vec<&str> {
    let mut groups = Vec::new();
    for entry in entries {
        let group = text(entry, "group");
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn document(entries: &[Value]) -> String {
    let ours = |entry: &&Value| text(entry, "group") == "product";
    let theirs: Vec<&Value> = entries.iter().filter(|entry| !ours(entry)).collect();
    let same = theirs
        .iter()
        .filter(|entry| text(entry, "state") == "yes")
        .count();
    let mut page = format!(
        "# What a script may call\n\nMade by `cargo xtask script-api` of `{TABLE}`; do not edit. WebdriverIO 9.32, and what version 7 had and 9 dropped.\n\
         {same} of its {} are *yes*, as WebdriverIO has them ({:.1} %); *differs* says how, *no* says why. Tests call every *yes* in a real\n\
         browser, most of them side by side with WebdriverIO ([scripts.md](scripts.md)).\n\n\
         Not listed: Appium, Selenium Grid and Firefox: mobile devices and other browsers.\n",
        theirs.len(),
        same as f64 * 100.0 / theirs.len() as f64,
    );
    for group in groups(entries) {
        page.push_str(&format!(
            "\n## {}\n\n| name | | |\n|---|---|---|\n",
            heading(group)
        ));
        for entry in entries.iter().filter(|entry| text(entry, "group") == group) {
            let note = text(entry, "note").replace('|', "\\|");
            page.push_str(&format!(
                "| `{}` | {} | {note} |\n",
                text(entry, "name"),
                text(entry, "state")
            ));
        }
    }
    page
}

fn heading(group: &str) -> String {
    match group {
        "browser" => "`browser`".to_owned(),
        "element" => "An element".to_owned(),
        "product" => "Commands of the product".to_owned(),
        "protocol" => "Commands of the protocol, raw".to_owned(),
        "bidi" => "WebDriver BiDi, raw".to_owned(),
        "selector" => "Selectors".to_owned(),
        "matcher" => "Matchers of `expect`".to_owned(),
        other => {
            let mut letters = other.chars();
            let first: String = letters
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .collect();
            format!("{first}{}", letters.as_str())
        }
    }
}

fn types(entries: &[Value], preamble: &str) -> String {
    let mut page = format!(
        "// Made by `cargo xtask script-api` of `{TABLE}` and `{PREAMBLE}`; do not edit.\n{preamble}\n"
    );
    let works = |entry: &&Value| text(entry, "state") != "no";
    let members = |wanted: &[&str]| {
        let mut lines = String::new();
        for entry in entries
            .iter()
            .filter(works)
            .filter(|entry| wanted.contains(&text(entry, "group")))
        {
            let kind = match text(entry, "type") {
                "" => "(...args: any[]): Promise<any>",
                kind => kind,
            };
            if !text(entry, "note").is_empty() {
                lines.push_str(&format!("  /** {} */\n", text(entry, "note")));
            }
            lines.push_str(&format!("  {}{kind};\n", text(entry, "name")));
        }
        lines
    };
    page.push_str(&format!(
        "interface BrowserCommands {{\n{}}}\n\ninterface ElementCommands {{\n{}}}\n\n",
        members(&[
            "browser",
            "browser of version 7",
            "product",
            "protocol",
            "bidi"
        ]),
        members(&["element", "element of version 7"]),
    ));
    let mut matchers = String::new();
    let is_matcher = |entry: &&Value| text(entry, "group").starts_with("matcher");
    for entry in entries.iter().filter(works).filter(is_matcher) {
        let answer = if text(entry, "group") == "matcher of Jest" {
            "void"
        } else {
            "Promise<void>"
        };
        matchers.push_str(&format!(
            "  {}(...args: any[]): {answer};\n",
            text(entry, "name")
        ));
    }
    page.push_str(&format!("interface Matchers {{\n  not: Matchers;\n  resolves: Matchers;\n  rejects: Matchers;\n  /** chai's words */\n  to: any;\n{matchers}}}\n"));
    page
}

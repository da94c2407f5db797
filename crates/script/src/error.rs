//! What went wrong in a script, and where.

use rquickjs::CaughtError;
use thiserror::Error;

/// Whose fault an error is, as far as the engine can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptErrorKind {
    /// An expectation did not hold, or the script threw an `Error` of its own.
    Assertion,
    /// Something awaited did not happen, or an element is missing.
    Element,
    /// The page could not be opened.
    Navigation,
    /// The hook or test did not end in time.
    Deadline,
    /// Browser or driver are gone.
    Browser,
    /// The spec is not there.
    Missing,
    /// The script itself is wrong.
    Script,
    /// `this.skip()`.
    Skipped,
}

/// An error of a script with its place.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("{name}: {message}")]
pub struct ScriptError {
    pub kind: ScriptErrorKind,
    pub name: String,
    pub message: String,
    /// `file:line:column` of the script.
    pub place: Option<String>,
    pub stack: String,
}

pub(crate) fn internal(message: &str) -> ScriptError {
    ScriptError {
        kind: ScriptErrorKind::Script,
        name: "InternalError".to_owned(),
        message: message.to_owned(),
        place: None,
        stack: String::new(),
    }
}

pub(crate) fn script_error(error: &CaughtError<'_>) -> ScriptError {
    let exception = match error {
        CaughtError::Exception(exception) => exception,
        CaughtError::Value(value) => {
            let text = value
                .as_string()
                .and_then(|text| text.to_string().ok())
                .unwrap_or_else(|| format!("{value:?}"));
            return ScriptError {
                kind: ScriptErrorKind::Assertion,
                name: "Error".to_owned(),
                message: text,
                place: None,
                stack: String::new(),
            };
        }
        CaughtError::Error(error) => return internal(&error.to_string()),
    };
    let object = exception.as_object();
    // A throwing getter of the script's own error has nothing to say.
    let text = |name: &str| {
        object
            .get::<_, Option<String>>(name)
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let (name, message, stack) = (text("name"), text("message"), text("stack"));
    let name = if name.is_empty() {
        "Error".to_owned()
    } else {
        name
    };
    ScriptError {
        kind: classify(&text("kind"), &name),
        place: place(&stack),
        message: familiar(&name, plain(&message)),
        name,
        stack: user_stack(&stack),
    }
}

/// Without the colours that assertion libraries put in.
fn plain(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        let end = after.find(|character: char| character.is_ascii_alphabetic());
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The engine's own errors in the words that Node uses, which users know and search for.
fn familiar(name: &str, message: String) -> String {
    if !matches!(name, "TypeError" | "SyntaxError" | "RangeError") {
        return message;
    }
    let translated = |verb: &str, doing: &str| {
        let rest = message.strip_prefix(&format!("cannot {verb} property '"))?;
        let (property, what) = rest.rsplit_once("' of ")?;
        Some(format!(
            "Cannot {verb} properties of {what} ({doing} '{property}')"
        ))
    };
    translated("read", "reading")
        .or_else(|| translated("set", "setting"))
        .unwrap_or(message)
}

/// An error in the script is one of JavaScript's own; a plain `Error` is what scripts throw when a page is wrong.
fn classify(kind: &str, name: &str) -> ScriptErrorKind {
    match (kind, name) {
        ("element" | "timeout", _) => ScriptErrorKind::Element,
        ("navigation", _) => ScriptErrorKind::Navigation,
        ("browser", _) => ScriptErrorKind::Browser,
        ("script", _)
        | (
            "",
            "TypeError" | "ReferenceError" | "SyntaxError" | "RangeError" | "InternalError"
            | "EvalError" | "URIError",
        ) => ScriptErrorKind::Script,
        (_, "Pending") => ScriptErrorKind::Skipped,
        _ => ScriptErrorKind::Assertion,
    }
}

fn user_stack(stack: &str) -> String {
    stack
        .lines()
        .filter(|line| !line.contains("canarytrace:") && !line.contains("(native)"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `file:line:column` of the first frame of the script.
fn place(stack: &str) -> Option<String> {
    let stack = user_stack(stack);
    let mut frames = stack
        .lines()
        .map(|line| line.trim().trim_start_matches("at "))
        .filter(|line| line.contains(':'));
    let of_package = |line: &&str| !line.contains("node_modules/");
    let line = frames.clone().find(of_package).or_else(|| frames.next())?;
    let inner = line
        .rsplit_once('(')
        .map_or(line, |(_, inner)| inner.trim_end_matches(')'));
    Some(inner.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out() {
        assert_eq!(plain("\u{1b}[2mexpect(\u{1b}[22mx\u{1b}[31m)"), "expect(x)");
    }

    #[test]
    fn errors_are_in_familiar_words() {
        let check = |text: &str, expected: &str| {
            assert_eq!(familiar("TypeError", text.to_owned()), expected);
        };
        check(
            "cannot read property 'member' of undefined",
            "Cannot read properties of undefined (reading 'member')",
        );
        check(
            "cannot set property 'a' of null",
            "Cannot set properties of null (setting 'a')",
        );
        check("not a function", "not a function");
    }

    #[test]
    fn a_place_is_the_scripts_own() {
        let stack = "    at f (canarytrace:queue.js:1:2)\n    at g (node_modules/x/i.js:3:4)\n    at <anonymous> (pages/home.js:5:6)\n";
        assert_eq!(place(stack).as_deref(), Some("pages/home.js:5:6"));
    }
}

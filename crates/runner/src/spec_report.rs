//! The block that WebdriverIO's spec reporter prints at the end: users look for its lines in logs.

use std::time::Duration;

/// A step as the block shows it.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) suite: String,
    pub(crate) title: String,
    pub(crate) passed: bool,
}

/// What the block is about.
#[derive(Clone, Debug)]
pub(crate) struct Block<'a> {
    pub(crate) spec: &'a str,
    pub(crate) browser: &'a str,
    pub(crate) session: &'a str,
    pub(crate) steps: &'a [Played],
    pub(crate) took: Duration,
}

const RULE: &str = "------------------------------------------------------------------";

/// Its lines.
pub(crate) fn lines(block: &Block<'_>) -> Vec<String> {
    let name = format!("[chrome {} linux #0-0]", block.browser);
    let line = |text: String| format!("{name} {text}").trim_end().to_owned();
    let mut lines = vec![
        " \"spec\" Reporter:".to_owned(),
        RULE.to_owned(),
        line(format!("Running: chrome (v{}) on linux", block.browser)),
        line(format!("Session ID: {}", block.session)),
        line(String::new()),
        line(format!("» {}", block.spec)),
    ];
    let mut suite = None;
    for step in block.steps {
        if suite != Some(&step.suite) {
            lines.push(line(step.suite.clone()));
            suite = Some(&step.suite);
        }
        let mark = if step.passed { '✓' } else { '✖' };
        lines.push(line(format!("   {mark} {}", step.title)));
    }
    let passing = block.steps.iter().filter(|step| step.passed).count();
    let failing = block.steps.len() - passing;
    let seconds = block.took.as_secs_f64();
    lines.push(line(String::new()));
    lines.push(line(format!("{passing} passing ({seconds:.1}s)")));
    if failing > 0 {
        lines.push(line(format!("{failing} failing")));
    }
    let (passed, failed) = if failing == 0 { (1, 0) } else { (0, 1) };
    let counts = match failed {
        0 => format!("{passed} passed, 1 total"),
        _ => format!("{passed} passed, {failed} failed, 1 total"),
    };
    let whole = block.took.as_secs();
    lines.push(format!(
        "Spec Files:  {counts} (100% completed) in {:02}:{:02}:{:02}",
        whole / 3600,
        whole / 60 % 60,
        whole % 60
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_is_webdriverios() {
        let played = |title: &str, passed: bool| Played {
            suite: "Shop".to_owned(),
            title: title.to_owned(),
            passed,
        };
        let steps = [played("opens", true), played("pays", false)];
        let block = Block {
            spec: "tests/shop.js",
            browser: "156.0",
            session: "abc",
            steps: &steps,
            took: Duration::from_millis(15_700),
        };
        let expected = r#" "spec" Reporter:
------------------------------------------------------------------
[chrome 156.0 linux #0-0] Running: chrome (v156.0) on linux
[chrome 156.0 linux #0-0] Session ID: abc
[chrome 156.0 linux #0-0]
[chrome 156.0 linux #0-0] » tests/shop.js
[chrome 156.0 linux #0-0] Shop
[chrome 156.0 linux #0-0]    ✓ opens
[chrome 156.0 linux #0-0]    ✖ pays
[chrome 156.0 linux #0-0]
[chrome 156.0 linux #0-0] 1 passing (15.7s)
[chrome 156.0 linux #0-0] 1 failing
Spec Files:  0 passed, 1 failed, 1 total (100% completed) in 00:00:15"#;
        assert_eq!(lines(&block).join("\n"), expected);
    }
}

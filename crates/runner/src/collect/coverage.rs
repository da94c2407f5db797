//! How much of the scripts and style sheets of a page is used. Watching costs: it is on only when asked for.

use std::{collections::BTreeMap, time::Duration};

use canarytrace_driver::devtools::{Caller, DevToolsError, StyleSheet};
use serde::Deserialize;
use serde_json::{Value, json};

const CALL_LIMIT: Duration = Duration::from_secs(10);

/// One script or style sheet, in characters of its source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Covered {
    pub(crate) url: String,
    pub(crate) kind: &'static str,
    pub(crate) total: u64,
    pub(crate) used: u64,
}

/// Starts watching; functions, not blocks: blocks cost a tenth of the load time.
pub(crate) async fn start(caller: &Caller) -> Result<(), DevToolsError> {
    let calls = [
        ("Profiler.enable", json!({})),
        (
            "Profiler.startPreciseCoverage",
            json!({"callCount": false, "detailed": false}),
        ),
        ("DOM.enable", json!({})),
        ("CSS.enable", json!({})),
        ("CSS.startRuleUsageTracking", json!({})),
    ];
    for (method, params) in calls {
        caller.call_page(None, method, params, CALL_LIMIT).await?;
    }
    Ok(())
}

/// What was used since the start, or since the last take.
pub(crate) async fn take(
    caller: &Caller,
    sheets: &[StyleSheet],
) -> Result<Vec<Covered>, DevToolsError> {
    let scripts = caller
        .call_page(None, "Profiler.takePreciseCoverage", json!({}), CALL_LIMIT)
        .await?;
    let rules = caller
        .call_page(None, "CSS.takeCoverageDelta", json!({}), CALL_LIMIT)
        .await?;
    let mut covered = scripts_covered(&scripts);
    covered.extend(sheets_covered(&rules, sheets));
    Ok(covered)
}

#[derive(Deserialize)]
struct Scripts {
    #[serde(default)]
    result: Vec<Script>,
}

#[derive(Deserialize)]
struct Script {
    url: String,
    #[serde(default)]
    functions: Vec<FunctionCoverage>,
}

#[derive(Deserialize)]
struct FunctionCoverage {
    #[serde(default)]
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    start_offset: u64,
    end_offset: u64,
    count: u64,
}

fn scripts_covered(answer: &Value) -> Vec<Covered> {
    let scripts: Scripts =
        serde_json::from_value(answer.clone()).unwrap_or(Scripts { result: Vec::new() });
    let mut by_url: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    // Scripts that we or the driver evaluate have no address.
    for script in scripts
        .result
        .into_iter()
        .filter(|script| script.url.starts_with("http"))
    {
        let ranges: Vec<Range> = script
            .functions
            .into_iter()
            .flat_map(|function| function.ranges)
            .collect();
        let sums = by_url.entry(script.url).or_default();
        sums.0 += ranges
            .iter()
            .map(|range| range.end_offset)
            .max()
            .unwrap_or(0);
        sums.1 += used(ranges);
    }
    by_url
        .into_iter()
        .map(|(url, (total, used))| Covered {
            url,
            kind: "script",
            total,
            used,
        })
        .collect()
}

/// Characters whose innermost range was run: a function that was not called is a hole in the one around it.
fn used(mut ranges: Vec<Range>) -> u64 {
    ranges.sort_by_key(|range| (range.start_offset, std::cmp::Reverse(range.end_offset)));
    let (mut sum, mut at) = (0, 0);
    let mut open: Vec<Range> = Vec::new();
    let mut advance = |open: &[Range], to: u64| {
        if open.last().is_some_and(|range| range.count > 0) {
            sum += to.saturating_sub(at);
        }
        at = at.max(to);
    };
    for range in ranges {
        while let Some(inner) = open
            .last()
            .copied()
            .filter(|inner| inner.end_offset <= range.start_offset)
        {
            advance(&open, inner.end_offset);
            open.pop();
        }
        advance(&open, range.start_offset);
        open.push(range);
    }
    while let Some(inner) = open.last().copied() {
        advance(&open, inner.end_offset);
        open.pop();
    }
    sum
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rules {
    #[serde(default)]
    coverage: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    style_sheet_id: String,
    start_offset: f64,
    end_offset: f64,
    used: bool,
}

fn sheets_covered(answer: &Value, sheets: &[StyleSheet]) -> Vec<Covered> {
    let rules: Rules = serde_json::from_value(answer.clone()).unwrap_or(Rules {
        coverage: Vec::new(),
    });
    let mut by_url: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for sheet in sheets.iter().filter(|sheet| sheet.url.starts_with("http")) {
        let ranges = rules
            .coverage
            .iter()
            .filter(|rule| rule.used && rule.style_sheet_id == sheet.id);
        let sums = by_url.entry(&sheet.url).or_default();
        sums.0 += sheet.length;
        sums.1 += union(ranges.map(|rule| (rule.start_offset as u64, rule.end_offset as u64)));
    }
    by_url
        .into_iter()
        .map(|(url, (total, used))| Covered {
            url: url.to_owned(),
            kind: "stylesheet",
            total,
            used: used.min(total),
        })
        .collect()
}

/// The length of all ranges together; what overlaps counts once.
fn union(ranges: impl Iterator<Item = (u64, u64)>) -> u64 {
    let mut ranges: Vec<(u64, u64)> = ranges.collect();
    ranges.sort_unstable();
    let (mut sum, mut at) = (0, 0);
    for (start, end) in ranges {
        sum += end.saturating_sub(start.max(at));
        at = at.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uncalled_function_is_a_hole() {
        let range = |start_offset, end_offset, count| Range {
            start_offset,
            end_offset,
            count,
        };
        // A script of 100, in it an uncalled function of 30 with a called one of 10 inside that cannot be.
        assert_eq!(used(vec![range(0, 100, 1), range(20, 50, 0)]), 70);
        assert_eq!(
            used(vec![range(20, 50, 0), range(0, 100, 1), range(60, 70, 1)]),
            70
        );
        assert_eq!(used(vec![range(0, 100, 0), range(10, 20, 1)]), 10);
        assert_eq!(
            used(vec![range(0, 100, 1), range(10, 40, 0), range(40, 60, 0)]),
            50
        );
        assert_eq!(used(Vec::new()), 0);
        assert_eq!(union([(5, 10), (0, 6), (20, 30)].into_iter()), 20);
    }

    #[test]
    fn inline_scripts_of_a_page_are_one_resource() {
        let answer = json!({"result": [
            {"url": "http://h/", "functions": [{"ranges": [{"startOffset": 0, "endOffset": 10, "count": 1}]}]},
            {"url": "http://h/", "functions": [{"ranges": [{"startOffset": 0, "endOffset": 30, "count": 0}]}]},
            {"url": "", "functions": [{"ranges": [{"startOffset": 0, "endOffset": 99, "count": 1}]}]},
        ]});
        assert_eq!(
            scripts_covered(&answer),
            [Covered {
                url: "http://h/".to_owned(),
                kind: "script",
                total: 40,
                used: 10
            }]
        );
    }
}

//! `c.performance-entries-*`: the browser's own performance timeline, one document per entry.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Common, OverheadField};
use crate::ActionId;

/// One `navigation`, `resource` or hero `mark` entry; times are ms since navigation start, sizes are bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PerformanceEntry {
    /// The entry as the page's `toJSON()` gave it (`name`, `entryType`, `startTime`, `duration`, …), cleaned.
    #[serde(flatten)]
    pub entry: Map<String, Value>,
    /// `responseEnd - requestStart`. With `requestStart` 0 (cache, no Timing-Allow-Origin) this is `responseEnd`:
    /// kept as established, see [`PerformanceEntry::compute`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_time: Option<f64>,
    /// `responseStart - requestStart`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttfb: Option<f64>,
    /// 1-based order within the step's collection.
    pub sequence: u32,
    pub uuid_action: ActionId,
    pub full_title: String,
    #[serde(flatten)]
    pub common: Common,
    pub overhead: OverheadField,
}

/// The prefix of a hero element's mark.
const HERO_PREFIX: &str = "HE-";

impl PerformanceEntry {
    /// Whether an entry of the timeline is stored at all: navigation, resources, and marks of hero elements.
    pub fn is_kept(entry: &Map<String, Value>, hero_elements: bool) -> bool {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("entryType") {
            "navigation" | "resource" => true,
            "mark" => hero_elements && text("name").starts_with(HERO_PREFIX),
            _ => false,
        }
    }

    /// The computed fields `(responseTime, ttfb)`; none for marks.
    pub fn compute(entry: &Map<String, Value>) -> (Option<f64>, Option<f64>) {
        let number = |name: &str| entry.get(name).and_then(Value::as_f64);
        let Some(request_start) = number("requestStart") else {
            return (None, None);
        };
        let response_time = number("responseEnd").map(|end| end - request_start);
        let ttfb = number("responseStart").map(|start| {
            if request_start == 0.0 {
                0.0
            } else {
                start - request_start
            }
        });
        (response_time, ttfb)
    }

    /// Keeps the timeline's own fields and drops newer browser additions that hold free-form trees.
    pub fn clean(mut entry: Map<String, Value>) -> Map<String, Value> {
        for name in ["serverTiming", "workerTiming"] {
            entry.entry(name).or_insert_with(|| json!([]));
        }
        for name in ["notRestoredReasons", "detail", "confidence", "scriptURL"] {
            entry.remove(name);
        }
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn computed_times_keep_the_established_formulas() {
        let normal =
            entry(json!({"requestStart": 10.0, "responseStart": 30.5, "responseEnd": 42.0}));
        assert_eq!(PerformanceEntry::compute(&normal), (Some(32.0), Some(20.5)));
        let cached = entry(json!({"requestStart": 0.0, "responseStart": 0.0, "responseEnd": 42.0}));
        assert_eq!(PerformanceEntry::compute(&cached), (Some(42.0), Some(0.0)));
        assert_eq!(
            PerformanceEntry::compute(&entry(json!({"startTime": 1}))),
            (None, None)
        );
    }

    #[test]
    fn only_hero_marks_are_kept_and_only_when_asked() {
        let hero = entry(json!({"entryType": "mark", "name": "HE-start-head"}));
        let other = entry(json!({"entryType": "mark", "name": "mark"}));
        assert!(PerformanceEntry::is_kept(&hero, true));
        assert!(!PerformanceEntry::is_kept(&hero, false));
        assert!(!PerformanceEntry::is_kept(&other, true));
        assert!(PerformanceEntry::is_kept(
            &entry(json!({"entryType": "resource"})),
            false
        ));
    }
}

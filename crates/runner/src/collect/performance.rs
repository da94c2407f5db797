//! The page's performance timeline and the vitals of the visit.

use std::{collections::HashSet, time::Duration};

use canarytrace_driver::Browser;
use canarytrace_model::documents::{Heap, PerformanceEntry, Vitals, VitalsDetail};
use serde::Deserialize;
use serde_json::{Map, Value};

const COLLECT: &str = include_str!("../js/collect.js");
/// Runs in every page before its own scripts.
pub(crate) const EARLY: &str = include_str!("../js/early.js");
const PATH: &str = include_str!("../js/path.js");
/// A page counts as painted when nothing moved for so long after its load.
const QUIET: Duration = Duration::from_millis(500);
/// A page that never rests is read after this.
const QUIET_LIMIT: Duration = Duration::from_secs(5);
/// Entries of one step that are stored.
const MAX_ENTRIES: usize = 5_000;

/// What the page said.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Timeline {
    #[serde(default)]
    origin: f64,
    #[serde(default)]
    pub(crate) entries: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(crate) vitals: Vitals,
    #[serde(default)]
    pub(crate) detail: VitalsDetail,
    /// Of the page when it was read.
    #[serde(default)]
    pub(crate) heap: Option<Heap>,
    /// The longest since the page was read before.
    #[serde(default)]
    interaction: Option<Interaction>,
}

/// The longest interaction of a step.
#[derive(Debug, Deserialize)]
struct Interaction {
    /// From input to the next paint, ms.
    duration: f64,
    element: Option<String>,
}

/// Reads timelines and leaves out what an earlier step has stored.
#[derive(Debug, Default)]
pub(crate) struct PerformanceCollector {
    stored: HashSet<String>,
    /// An answer did not arrive: the page takes for read what was not.
    lost: bool,
}

impl PerformanceCollector {
    /// None when the page cannot be asked (it is gone, or an error page).
    pub(crate) async fn read(
        &mut self,
        browser: &Browser,
        after_navigation: bool,
        hero_elements: bool,
    ) -> Option<Timeline> {
        let quiet = if after_navigation {
            QUIET.as_millis()
        } else {
            0
        };
        let (limit, all) = (QUIET_LIMIT.as_millis(), self.lost);
        let expression = format!("{COLLECT}({quiet}, {limit}, {PATH}, {all})");
        let window = browser.webdriver.window().await.ok();
        let limit = QUIET_LIMIT + Duration::from_secs(5);
        let answer = browser
            .devtools
            .evaluate_apart(window.as_deref(), &expression, limit)
            .await;
        self.lost = answer.is_err();
        let answer = answer
            .inspect_err(|error| tracing::debug!(%error, "the page's timeline cannot be read"))
            .ok()?;
        let mut timeline: Timeline = serde_json::from_str(answer.as_str()?).ok()?;
        if let Some(interaction) = timeline.interaction.take() {
            timeline.vitals.inp = Some(interaction.duration);
            timeline.detail.inp_element = interaction.element;
        }
        let origin = timeline.origin;
        timeline.entries.retain(|entry| {
            PerformanceEntry::is_kept(entry, hero_elements)
                && self.stored.insert(identity(origin, entry))
        });
        timeline.entries.truncate(MAX_ENTRIES);
        timeline.entries = timeline
            .entries
            .into_iter()
            .map(PerformanceEntry::clean)
            .collect();
        Some(timeline)
    }
}

fn identity(origin: f64, entry: &Map<String, Value>) -> String {
    let part = |name: &str| entry.get(name).map(Value::to_string).unwrap_or_default();
    format!(
        "{origin}|{}|{}|{}",
        part("entryType"),
        part("name"),
        part("startTime")
    )
}

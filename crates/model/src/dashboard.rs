//! Dashboards as data: panels with a query and a chart. The built-in ones, those that users make, and what is imported are all
//! read with these types, so that a wrong one is refused with the place that is wrong.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Panels on a grid of 48 columns, with the time and the filters that all of them share.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dashboard {
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    pub range: TimeRange,
    /// Seconds between two loads; 0: only when asked.
    #[serde(default)]
    pub refresh_seconds: u32,
    /// KQL that all panels obey.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<Filter>,
    pub panels: Vec<Panel>,
}

/// Date math or RFC 3339, as Elasticsearch reads it: `now-24h/h`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    pub from: String,
    pub to: String,
}

/// A condition that can be switched off.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DashboardFilter)]
pub struct Filter {
    pub query: String,
    #[serde(default, skip_serializing_if = "Language::is_kql")]
    pub language: Language,
    #[serde(default, skip_serializing_if = "is_false")]
    pub negate: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// Goes along to other pages.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Panel {
    /// Unique in its dashboard.
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub hide_title: bool,
    pub grid: Grid,
    pub chart: Chart,
}

/// Units of a 48-column grid; a row is 20 px.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    pub x: u32,
    pub y: u32,
    pub w: u32,
    pub h: u32,
}

/// How a filter is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    Kql,
    /// As `query_string` of Elasticsearch takes it.
    Lucene,
}

impl Language {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks with a reference"
    )]
    fn is_kql(&self) -> bool {
        *self == Self::Kql
    }
}

/// What is asked and how it is drawn. `index` is a pattern such as `c.report-*`, `query` is of `language`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Chart {
    Markdown {
        text: String,
    },
    /// Values to choose from; what is chosen is a filter of the whole dashboard.
    Control {
        index: String,
        controls: Vec<Control>,
    },
    /// Large numbers.
    Metric {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        metrics: Vec<Metric>,
    },
    Gauge {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        metric: Metric,
        max: f64,
        /// Ascending; a value has the color of the last band that it reaches.
        bands: Vec<Band>,
    },
    /// Metrics over time.
    Time {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        /// At least so long: `10m`; left out: what fits the width.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval: Option<String>,
        series: Vec<Series>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        annotations: Vec<Annotation>,
    },
    /// Metrics by value, side by side.
    Bar {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        split: Split,
        metrics: Vec<Metric>,
    },
    Table {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        rows: Vec<Split>,
        metrics: Vec<Metric>,
        /// A column to begin with, counted from 0 over rows and metrics.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sort: Option<TableSort>,
    },
    Donut {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        slices: Slices,
        metric: Metric,
        #[serde(default, skip_serializing_if = "is_false")]
        #[schema(rename = "hideLegend")]
        hide_legend: bool,
    },
    /// A metric over time, by value when split.
    Heatmap {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        split: Option<Split>,
        metric: Metric,
        /// A high value is good.
        #[serde(default, skip_serializing_if = "is_false")]
        #[schema(rename = "highIsGood")]
        high_is_good: bool,
    },
    /// How often values occur.
    Histogram {
        index: String,
        #[serde(default)]
        query: String,
        #[serde(default, skip_serializing_if = "Language::is_kql")]
        language: Language,
        field: String,
        interval: f64,
        #[serde(default)]
        unit: Unit,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Control {
    pub field: String,
    pub label: String,
    #[serde(default = "default_size")]
    pub size: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub multiple: bool,
    /// What is chosen goes along to other pages.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pinned: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    pub aggregation: Aggregation,
    /// Needed by all but `count`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// Of `percentile`: 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// KQL: only of these documents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    #[serde(default)]
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Aggregation {
    Count,
    Max,
    Min,
    Avg,
    Sum,
    Percentile,
    Cardinality,
}

/// What a number is, for its text.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    #[default]
    Number,
    Milliseconds,
    Bytes,
    Percent,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Style {
    #[default]
    Line,
    Step,
    Area,
    StepArea,
    Bar,
}

/// One line of a chart over time, or one for each value when split.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Series {
    pub metric: Metric,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    #[serde(default)]
    pub style: Style,
    #[serde(default, skip_serializing_if = "is_false")]
    pub stacked: bool,
    /// An axis of its own, on the right.
    #[serde(default, skip_serializing_if = "is_false")]
    pub right_axis: bool,
    /// A band between two percentiles of the field, around the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<(f64, f64)>,
}

/// Documents by the values of a field.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Split {
    pub field: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    #[serde(default = "default_size")]
    pub size: u32,
    #[serde(default)]
    pub order: Order,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Order {
    /// Most documents first.
    #[default]
    Count,
    /// Highest first metric first.
    Metric,
    /// By value, last first.
    Key,
}

/// The parts of a whole: by value, or by condition.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Slices {
    Values(Vec<Split>),
    Conditions(Vec<Slice>),
}

#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Slice {
    pub label: String,
    /// KQL.
    pub query: String,
    pub role: Role,
}

/// A color by its meaning.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutcomeRole)]
pub enum Role {
    Passed,
    Slow,
    Failed,
    Broken,
    Neutral,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Band {
    pub from: f64,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableSort {
    pub column: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub ascending: bool,
}

/// Documents that are marks on a chart over time.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AnnotationSource)]
pub struct Annotation {
    pub index: String,
    pub query: String,
    /// Fields whose values are its text, in order.
    pub fields: Vec<String>,
    pub role: Role,
}

/// Columns of the grid.
const COLUMNS: u32 = 48;
/// More would be no dashboard any more.
pub const MAX_PANELS: usize = 200;

impl Dashboard {
    /// What serde cannot see: ids, places and numbers. Answers what is wrong, and where.
    pub fn problem(&self) -> Option<String> {
        if self.title.trim().is_empty() {
            return Some("a dashboard needs a title".to_owned());
        }
        if self.panels.len() > MAX_PANELS {
            return Some(format!("a dashboard has at most {MAX_PANELS} panels"));
        }
        let mut ids = std::collections::BTreeSet::new();
        self.panels.iter().find_map(|panel| {
            let Grid { x, w, h, .. } = panel.grid;
            let wrong = if !ids.insert(&panel.id) {
                "has the id of another panel"
            } else if w == 0 || h == 0 || x.saturating_add(w) > COLUMNS {
                "does not fit into 48 columns"
            } else {
                panel.chart.problem()?
            };
            Some(format!("panel `{}` ({}) {wrong}", panel.id, panel.title))
        })
    }
}

impl Chart {
    fn metrics(&self) -> Vec<&Metric> {
        match self {
            Chart::Markdown { .. } | Chart::Control { .. } | Chart::Histogram { .. } => Vec::new(),
            Chart::Metric { metrics, .. }
            | Chart::Bar { metrics, .. }
            | Chart::Table { metrics, .. } => metrics.iter().collect(),
            Chart::Gauge { metric, .. }
            | Chart::Donut { metric, .. }
            | Chart::Heatmap { metric, .. } => vec![metric],
            Chart::Time { series, .. } => series.iter().map(|series| &series.metric).collect(),
        }
    }

    fn problem(&self) -> Option<&'static str> {
        if let Chart::Histogram { interval, .. } = self
            && interval.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater)
        {
            return Some("needs an interval above 0");
        }
        self.metrics().into_iter().find_map(|metric| {
            if metric.aggregation != Aggregation::Count && metric.field.is_empty() {
                return Some("has a metric without a field");
            }
            let is_percentile = metric.aggregation == Aggregation::Percentile;
            let percent = metric.percent.unwrap_or(-1.0);
            (is_percentile && !(0.0..=100.0).contains(&percent))
                .then_some("has a percentile without `percent` between 0 and 100")
        })
    }
}

fn default_size() -> u32 {
    50
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn dashboard(panel: Value) -> Result<Dashboard, serde_json::Error> {
        serde_json::from_value(json!({
            "title": "Own", "range": {"from": "now-1h", "to": "now"}, "panels": [panel, {
                "id": "b", "title": "Text", "grid": {"x": 0, "y": 9, "w": 48, "h": 2}, "chart": {"kind": "markdown", "text": ""},
            }],
        }))
    }

    fn panel(id: &str, width: u32, metric: &Value) -> Value {
        json!({
            "id": id, "title": "Load", "grid": {"x": 0, "y": 0, "w": width, "h": 9},
            "chart": {"kind": "time", "index": "c.report-*", "series": [{"metric": metric}]},
        })
    }

    #[test]
    fn what_is_wrong_is_told_with_its_panel() {
        let count = json!({"aggregation": "count"});
        let problem = |panel| dashboard(panel).unwrap().problem();
        assert_eq!(problem(panel("a", 48, &count)), None);
        for (panel, part) in [
            (panel("b", 48, &count), "has the id of another panel"),
            (panel("a", 49, &count), "48 columns"),
            (
                panel("a", 8, &json!({"aggregation": "max"})),
                "without a field",
            ),
            (
                panel(
                    "a",
                    8,
                    &json!({"aggregation": "percentile", "field": "x", "percent": 101}),
                ),
                "percent",
            ),
        ] {
            let told = problem(panel).unwrap();
            assert!(told.contains(part), "{told}");
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = dashboard(panel("a", 8, &json!({"aggregation": "count", "colour": 1})))
            .unwrap_err()
            .to_string();
        assert!(error.contains("colour"), "{error}");
    }
}

//! `when`: what must be true of the documents of a rule.

use canarytrace_model::stack::Span;
use serde::{Deserialize, Serialize};

/// One condition; durations as `10m`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// At least so many documents in the window.
    Count(Count),
    /// More documents per time than this, on average over the window.
    Rate(Rate),
    /// A share of the documents, percent.
    Ratio(Ratio),
    /// A statistic of a field over the window.
    Statistic(Statistic),
    /// So many of a monitor's last runs failed.
    Runs(Runs),
    /// So many of a monitor's last runs failed, one after another.
    Consecutive(u32),
    /// Every run of a monitor failed for at least this long.
    Lasting(Span),
    /// A monitor, step or other value of `by` that was there before is not any more.
    Absence(Absence),
    /// A text or host that was not seen before.
    New(New),
    /// A field differs from what it was, by a rank test and by so much.
    Change(Change),
    /// The last run failed at so many places.
    Quorum(Quorum),
    /// Failed runs use up an objective's budget too fast, over a long and a short time.
    BurnRate(BurnRate),
    /// Responses that lack a header, or have another value.
    Header(Header),
    /// A certificate that ends soon.
    Certificate(Certificate),
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub at_least: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub above: f64,
    pub per: Span,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// KQL: the part of the rule's documents that is counted.
    pub of: String,
    #[serde(default)]
    pub above_percent: Option<f64>,
    #[serde(default)]
    pub below_percent: Option<f64>,
    /// Documents without which nothing is said.
    #[serde(default = "ten")]
    pub minimum: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Statistic {
    pub field: String,
    /// `average`, `minimum`, `maximum`, `sum`, or a percentile such as `p75`.
    pub of: String,
    #[serde(default)]
    pub above: Option<f64>,
    #[serde(default)]
    pub below: Option<f64>,
    #[serde(default = "ten")]
    pub minimum: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    pub failed: u32,
    pub of: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    #[serde(default, rename = "for")]
    pub span: Option<Span>,
    /// So many of its usual intervals.
    #[serde(default)]
    pub missed: Option<u32>,
    /// What was not seen for so long is not expected any more.
    #[serde(default = "a_day")]
    pub forget: Span,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    pub field: String,
    /// Not seen for so long before.
    pub within: Span,
    #[serde(default)]
    pub fold: Fold,
}

/// What makes two texts the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fold {
    /// Digits, ids and hashes are left out.
    #[default]
    Text,
    /// The host of an address.
    Host,
    /// To the letter.
    None,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub field: String,
    pub against: Baseline,
    #[serde(default)]
    pub above_percent: Option<f64>,
    #[serde(default)]
    pub below_percent: Option<f64>,
    /// Values on either side without which nothing is said.
    #[serde(default = "ten")]
    pub minimum: u64,
}

/// What a value is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Baseline {
    /// The window before.
    Previous,
    /// The same time yesterday.
    Yesterday,
    /// The same time a week ago.
    LastWeek,
    /// Good runs of the revision before the one that runs now.
    PreviousRevision,
    /// The moment within the window at which the values changed most.
    ChangePoint,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// What a label begins with before its value, such as `location=`.
    pub label: String,
    pub at_least: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BurnRate {
    /// Percent of good runs, such as 99.5.
    pub objective: f64,
    /// So many times as fast as the objective allows.
    pub above: f64,
    pub long: Span,
    pub short: Span,
    #[serde(default = "ten")]
    pub minimum: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub name: String,
    /// It is not there.
    #[serde(default)]
    pub missing: bool,
    /// It is there and contains none of these.
    #[serde(default)]
    pub is_not: Vec<String>,
    /// It contains one of these.
    #[serde(default)]
    pub is: Vec<String>,
    #[serde(default = "one")]
    pub at_least: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    pub within: Span,
}

fn one() -> u64 {
    1
}

fn ten() -> u64 {
    10
}

fn a_day() -> Span {
    Span(std::time::Duration::from_secs(86_400))
}

impl Condition {
    /// What cannot be: a sentence for the person who wrote it.
    pub fn problem(&self) -> Option<String> {
        let wrong = |text: &str| Some(text.to_owned());
        match self {
            Condition::Count(count) if count.at_least == 0 => {
                wrong("`count.at_least: 0` is always true; write 1 or more")
            }
            Condition::Rate(rate) if rate.above < 0.0 => {
                wrong("`rate.above` is below 0, which is always true")
            }
            Condition::Ratio(ratio) => either("ratio", ratio.above_percent, ratio.below_percent)
                .or_else(|| percent("ratio.above_percent", ratio.above_percent))
                .or_else(|| percent("ratio.below_percent", ratio.below_percent))
                .or_else(|| kql(&ratio.of)),
            Condition::Statistic(statistic) => {
                either("statistic", statistic.above, statistic.below)
                    .or_else(|| statistic.kind().err())
            }
            Condition::Runs(runs) => runs.problem(),
            Condition::Consecutive(count) => Runs {
                failed: *count,
                of: *count,
            }
            .problem(),
            Condition::Lasting(span) if span.0.is_zero() => wrong("`lasting` must be above 0"),
            Condition::Absence(absence) => match (absence.span, absence.missed) {
                (None, None) | (Some(_), Some(_)) => {
                    wrong("`absence` needs either `for`, such as 30m, or `missed`, such as 3")
                }
                (Some(span), _) if span > absence.forget => {
                    wrong("`absence.for` is longer than `absence.forget`, so it can never be true")
                }
                (_, Some(0)) => wrong("`absence.missed` must be 1 or more"),
                _ => None,
            },
            Condition::Change(change) => {
                either("change", change.above_percent, change.below_percent)
            }
            Condition::Quorum(quorum) if quorum.at_least == 0 => {
                wrong("`quorum.at_least: 0` is always true; write 1 or more")
            }
            Condition::BurnRate(burn) => burn.problem(),
            Condition::Header(header) => {
                let said = usize::from(header.missing)
                    + usize::from(!header.is.is_empty())
                    + usize::from(!header.is_not.is_empty());
                (said != 1)
                    .then(|| "`header` needs one of `missing: true`, `is`, `is_not`".to_owned())
            }
            _ => None,
        }
    }
}

fn either(name: &str, above: Option<f64>, below: Option<f64>) -> Option<String> {
    (above.is_some() == below.is_some())
        .then(|| format!("`{name}` needs a limit: one of above and below"))
}

fn percent(name: &str, value: Option<f64>) -> Option<String> {
    let value = value?;
    (!(0.0..=100.0).contains(&value)).then(|| format!("`{name}` is {value}, not 0 to 100"))
}

pub(super) fn kql(text: &str) -> Option<String> {
    let error = canarytrace_es::kql::to_query(text, None).err()?;
    Some(format!("query `{text}`: {error}"))
}

/// What is reckoned from a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StatisticKind {
    Average,
    Minimum,
    Maximum,
    Sum,
    Percentile(f64),
}

impl Statistic {
    pub fn kind(&self) -> Result<StatisticKind, String> {
        match self.of.as_str() {
            "average" => Ok(StatisticKind::Average),
            "minimum" => Ok(StatisticKind::Minimum),
            "maximum" => Ok(StatisticKind::Maximum),
            "sum" => Ok(StatisticKind::Sum),
            "median" => Ok(StatisticKind::Percentile(50.0)),
            other => other
                .strip_prefix('p')
                .and_then(|number| number.parse().ok())
                .filter(|percent| (0.0..=100.0).contains(percent))
                .map(StatisticKind::Percentile)
                .ok_or_else(|| {
                    format!(
                        "`statistic.of` is `{other}`: write average, minimum, maximum, sum, median or a percentile such as p75"
                    )
                }),
        }
    }
}

/// As many as `top_hits` answers.
pub const MOST_RUNS: u32 = 100;

impl Runs {
    fn problem(self) -> Option<String> {
        if self.failed == 0 {
            Some("0 failed runs are always there; write 1 or more".to_owned())
        } else if self.failed > self.of {
            Some(format!(
                "{} of {} runs can never fail",
                self.failed, self.of
            ))
        } else if self.of > MOST_RUNS {
            Some(format!("at most the last {MOST_RUNS} runs are looked at"))
        } else {
            None
        }
    }
}

impl BurnRate {
    fn problem(&self) -> Option<String> {
        if !(0.0..100.0).contains(&self.objective) {
            return Some(format!(
                "`burn_rate.objective` is {}: write percent below 100, such as 99.5",
                self.objective
            ));
        }
        let most = 100.0 / (100.0 - self.objective);
        if self.above >= most {
            return Some(format!(
                "`burn_rate.above: {}` is never reached: when every run fails it is {most:.1}",
                self.above
            ));
        }
        (self.short >= self.long)
            .then(|| "`burn_rate.short` must be shorter than `long`".to_owned())
    }
}

//! Rule files: what is wrong is told with its place and disables that rule alone.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_saphyr::Spanned;

use super::{Place, Rule, filter, raw::RawRule};
use crate::yaml::YamlProblem;

/// Where rules come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Synthetic checks, by the established product's name.
    Internal,
    Custom,
    Rum,
    /// Ours, judged by runs.
    Monitors,
    /// Files named with `--rules` or in canarytrace.yaml.
    Own,
    /// Written in the UI.
    Store,
}

impl Source {
    /// As the established product says it.
    pub fn word(self) -> &'static str {
        match self {
            Source::Internal => "internal",
            Source::Custom => "custom",
            Source::Rum => "RUM",
            Source::Monitors => "monitor",
            Source::Own => "own",
            Source::Store => "stored",
        }
    }

    /// The rules that are there without a file.
    fn built_in(self) -> &'static str {
        match self {
            Source::Internal => include_str!("internal.yaml"),
            Source::Custom => include_str!("custom.yaml"),
            Source::Rum => include_str!("rum.yaml"),
            Source::Monitors => include_str!("monitors.yaml"),
            Source::Own | Source::Store => "rules: []",
        }
    }
}

/// Why a rule, or a whole file, is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `FILE:LINE:COLUMN`, as much as is known.
    pub place: String,
    /// Title of the rule, when that could be read.
    pub rule: Option<String>,
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "{}: rule `{rule}`: {}", self.place, self.message),
            None => write!(f, "{}: {}", self.place, self.message),
        }
    }
}

/// All rules of a listener, and what is wrong with the others.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    pub rules: Vec<Arc<Rule>>,
    pub problems: Vec<Problem>,
    /// `(how many, source, file)`, to say what was loaded.
    pub loaded: Vec<(usize, Source, String)>,
}

/// More are refused: a mistake, not a configuration.
const MOST_RULES: usize = 10_000;

impl RuleSet {
    /// The rules that are there without any file.
    pub fn add_built_in(&mut self, source: Source, prefix: &str) {
        let name = format!("built-in {} rules", source.word());
        self.add_text(source.built_in(), source, None, &name, prefix);
    }

    /// A file; one that cannot be read is a problem.
    pub fn add_file(&mut self, path: &Path, source: Source, prefix: &str) {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => self.add_text(&text, source, Some(path.to_owned()), &name, prefix),
            Err(error) => self.problems.push(Problem {
                place: name,
                rule: None,
                message: format!("cannot be read: {error}"),
            }),
        }
    }

    pub fn add_text(
        &mut self,
        text: &str,
        source: Source,
        file: Option<PathBuf>,
        name: &str,
        prefix: &str,
    ) {
        let (rules, problems) = read_text(text, source, file, name, prefix);
        self.loaded.push((rules.len(), source, name.to_owned()));
        self.problems.extend(problems);
        for rule in rules {
            self.add(rule);
        }
    }

    /// The last rule of a title counts: a user's replaces a built-in one.
    fn add(&mut self, rule: Rule) {
        if let Some(known) = self.rules.iter_mut().find(|known| known.is(&rule.title)) {
            if known.place.source == rule.place.source && known.place.file == rule.place.file {
                self.problems.push(Problem {
                    place: place(
                        &rule.place.file.as_ref().map_or_else(
                            || rule.place.source.word().to_owned(),
                            |file| file.display().to_string(),
                        ),
                        Some((rule.place.line, 1)),
                    ),
                    rule: Some(rule.title),
                    message: format!(
                        "the title is used in line {} already, and titles are the identity of incidents",
                        known.place.line
                    ),
                });
                return;
            }
            *known = Arc::new(rule);
        } else if self.rules.len() < MOST_RULES {
            self.rules.push(Arc::new(rule));
        } else if self.rules.len() == MOST_RULES {
            self.problems.push(Problem {
                place: rule.place.source.word().to_owned(),
                rule: Some(rule.title),
                message: format!("more than {MOST_RULES} rules"),
            });
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    rules: Option<Vec<Spanned<IgnoredAny>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
struct OnlyTitle {
    title: Option<String>,
}

#[derive(Deserialize)]
struct Titles {
    rules: Vec<OnlyTitle>,
}

/// The rules of a text that can be used, and what is wrong with the rest.
pub fn read_text(
    text: &str,
    source: Source,
    file: Option<PathBuf>,
    name: &str,
    prefix: &str,
) -> (Vec<Rule>, Vec<Problem>) {
    if text.trim().is_empty() {
        return (Vec::new(), Vec::new());
    }
    let outline: Outline = match serde_saphyr::from_str(text) {
        Ok(outline) => outline,
        Err(error) => return (Vec::new(), vec![problem(name, None, &error)]),
    };
    let items = outline.rules.unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<u64> = items.iter().map(|item| item.referenced.line()).collect();
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    // A file without mistakes is read at once, in whatever way it is written.
    let whole = serde_saphyr::from_str::<Strict>(text).ok();
    for (number, start) in starts.iter().enumerate() {
        let raw = match &whole {
            Some(whole) => whole.rules.get(number).cloned().ok_or(None),
            None => {
                let end = starts.get(number + 1).copied();
                let alone = alone(&lines, *start, end);
                match serde_saphyr::from_str::<Strict>(&alone) {
                    Ok(strict) => strict.rules.into_iter().next().ok_or(None),
                    Err(error) => Err(Some(problem(name, title(&alone), &error))),
                }
            }
        };
        let raw = match raw {
            Ok(raw) => raw,
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        if !raw.enabled {
            continue;
        }
        let title = raw.title.clone();
        let place_of = Place {
            file: file.clone(),
            source,
            line: *start,
        };
        match filter::resolve(raw, place_of, prefix) {
            Ok(rule) => rules.push(rule),
            Err(message) => problems.push(Problem {
                place: place(name, Some((*start, 1))),
                rule: Some(title),
                message,
            }),
        }
    }
    (rules, problems)
}

/// One rule of a file by itself, in the lines it has there.
fn alone(lines: &[&str], start: u64, end: Option<u64>) -> String {
    let at = |line: u64| usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let dash = |line: u64| {
        let mut index = at(line);
        while index > 0
            && !lines
                .get(index)
                .is_some_and(|line| line.trim_start().starts_with('-'))
        {
            index -= 1;
        }
        index
    };
    let from = dash(start);
    let until = end.map_or(lines.len(), dash);
    let mut text = "rules:".to_owned();
    for (index, line) in lines.iter().enumerate() {
        // The first line is the key itself.
        if index > 0 {
            text.push('\n');
            if (from..until).contains(&index) {
                text.push_str(line);
            }
        }
    }
    text.push('\n');
    text
}

fn title(alone: &str) -> Option<String> {
    let titles: Titles = serde_saphyr::from_str(alone).ok()?;
    titles.rules.into_iter().next()?.title
}

fn problem(name: &str, rule: Option<String>, error: &serde_saphyr::Error) -> Problem {
    let found = YamlProblem::of(error);
    let message = match found.nearest {
        // The whole list of keys helps only where nothing is like what was written.
        Some(nearest) => format!(
            "{}; did you mean `{nearest}`?",
            found.reason.split(", expected").next().unwrap_or_default()
        ),
        None => found.reason,
    };
    Problem {
        place: place(name, found.place),
        rule,
        message,
    }
}

fn place(name: &str, at: Option<(u64, u64)>) -> String {
    match at {
        Some((line, column)) => format!("{name}:{line}:{column}"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Condition, Group, Notify};

    fn read(text: &str) -> (Vec<Rule>, Vec<String>) {
        let (rules, problems) = read_text(text, Source::Own, None, "rules.yaml", "c.");
        let problems = problems.iter().map(ToString::to_string).collect();
        (rules, problems)
    }

    #[test]
    fn built_in_rules_are_as_many_as_documented() {
        for (source, count) in [
            (Source::Internal, 20),
            (Source::Custom, 1),
            (Source::Rum, 10),
            (Source::Monitors, 4),
        ] {
            let mut set = RuleSet::default();
            set.add_built_in(source, "c.");
            assert_eq!(set.problems, [], "{source:?}");
            assert_eq!(set.rules.len(), count, "{source:?}");
        }
    }

    #[test]
    fn both_generations_load() {
        let (rules, problems) = read(
            r#"
rules:
- type: range
  title: Higher response time.
  index: c.performance-entries
  timeRange: now-1h
  field: responseTime
  operator: gte
  value: 3000
  min: 10
  reportLabels: [name, responseTime]
  reporters:
    - { type: slack, message: "Slow", score: 40 }
    - { type: email, message: "Slow", score: 20, recipients: ["a@shop.example"] }
- type: contains
  title: Old
  index: c.response
  field: headers.content-type
  value: javascript
  expression: { c: headers.content-encoding, operator: must_not, values: [gzip, br] }
  score: 40
  reporters: [{ type: internal-slack }]
"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        let first = &rules[0];
        assert_eq!((first.score, first.notify), (20, Notify::Immediately));
        assert_eq!(first.window.as_secs(), 3600);
        assert_eq!(first.words, "(responseTime gte 3000)");
        let second = &rules[1];
        assert_eq!(second.index, "c.request-log");
        assert_eq!(
            second.words,
            "(response.headers.content-type contains javascript),(response.headers.content-encoding must_not gzip,br)"
        );
        assert_eq!(
            (second.notify, second.group),
            (Notify::Overview, Group::Rule)
        );
        assert_eq!(second.reporters[0].channel, "slack-internal");
    }

    #[test]
    fn a_broken_rule_disables_only_itself_and_is_told_with_its_place() {
        let (rules, problems) = read(
            r#"rules:
- title: Good
  type: match
  index: c.report
  field: passed
  operator: must
  expected: false
  score: 10
  reporters: [{ type: slack }]
- title: Typo
  type: match
  index: c.report
  feild: passed
  score: 10
  reporters: [{ type: slack }]
-
  title: Never
  type: range
  index: c.audit
  filter:
    - { field: a, operator: gte, value: 5 }
    - { field: a, operator: lt, value: 3 }
  score: 10
  reporters: [{ type: slack }]
- title: Ours
  index: c.run
  when: { runs: { failed: 4, of: 3 } }
  score: 10
  reporters: [{ type: slack }]
- title: Also good
  index: c.run
  when: { consecutive: 2 }
  cause: [sites]
  score: 10
  reporters: [{ type: slack }]
"#,
        );
        assert_eq!(rules.len(), 1);
        assert_eq!(
            problems[0],
            "rules.yaml:13:3: rule `Typo`: unknown field `feild`; did you mean `field`?"
        );
        assert!(
            problems[1].contains("rule `Never`: nothing is above 5 and below 3"),
            "{}",
            problems[1]
        );
        assert!(
            problems[2].contains("4 of 3 runs can never fail"),
            "{}",
            problems[2]
        );
        assert!(
            problems[3].contains("did you mean `site`"),
            "{}",
            problems[3]
        );
    }

    #[test]
    fn conditions_of_ours_are_read() {
        let (rules, problems) = read(
            r#"rules:
- title: Slow
  index: c.vitals
  window: 1h
  when: { statistic: { field: lcp, of: p75, above: 2500, minimum: 20 } }
  by: monitor
  score: 40
  reporters: [{ type: slack }]
"#,
        );
        assert_eq!(problems, Vec::<String>::new());
        assert!(matches!(&rules[0].condition, Condition::Statistic(own) if own.minimum == 20));
        assert_eq!(rules[0].group, Group::Key);
    }

    #[test]
    fn a_users_rule_replaces_the_built_in_one_of_its_title() {
        let mut set = RuleSet::default();
        set.add_built_in(Source::Internal, "c.");
        let own = "rules: [{title: 'response CODE 500', type: range, index: c.request-log, field: response.status, operator: gte, value: '500', score: 5, reporters: [{type: slack}]}]";
        set.add_text(own, Source::Own, None, "own", "c.");
        assert_eq!(set.rules.len(), 20);
        assert!(set.rules.iter().any(|rule| rule.score == 5));
    }

    proptest::proptest! {
        /// Whatever a person does to one line, nothing panics, what is wrong has a place, and rules before it stay.
        #[test]
        fn a_spoilt_line_costs_its_rule(line in 0usize..200, with in "[ -~]{0,40}", is_added: bool) {
            let text = include_str!("internal.yaml");
            let mut lines: Vec<&str> = text.lines().collect();
            let line = line % lines.len();
            match is_added {
                true => lines.insert(line, &with),
                false => lines[line] = &with,
            }
            let spoilt = lines.join("\n");
            let (rules, problems) = read(&spoilt);
            proptest::prop_assert!(rules.len() <= 21);
            for problem in &problems {
                proptest::prop_assert!(problem.starts_with("rules.yaml"), "{}", problem);
            }
            let is_one_file = serde_saphyr::from_str::<Outline>(&spoilt).is_ok();
            if is_one_file {
                // At most two rules are of one line: the one it was in, and one that it made.
                proptest::prop_assert!(rules.len() + 2 >= 20, "{} rules, {:?}", rules.len(), problems);
            }
        }
    }

    #[test]
    fn no_text_brings_it_down() {
        for text in [
            "",
            "rules:",
            "rules: 5",
            "- a",
            "rules: [a]",
            "rules: [{}]",
            "\u{0}",
            "rules: [[[[",
            "a: &a [*a]",
        ] {
            let (rules, _) = read(text);
            assert!(rules.is_empty(), "{text}");
        }
    }
}

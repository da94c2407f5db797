//! One round: ask for all rules at once, judge, and let incidents live.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use canarytrace_es::{EsError, SearchRequest};
use canarytrace_model::time::Moment;
use serde_json::{Map, Value, json};

use crate::{
    incident::group_key,
    measure::{self, Evidence, Finding, Judged, Memory, Question},
    rules::{Condition, Rule},
    storage::{Storage, lenient},
};

/// Rules of one search: an answer stays small enough for a cluster's limit of buckets.
const RULES_OF_A_SEARCH: usize = 50;
/// Searches of one request.
const SEARCHES_AT_ONCE: usize = 20;
/// A window of more days is asked by a pattern, not day by day.
const MOST_DAYS: i64 = 10;
const DAY_MS: i64 = 86_400_000;

/// What a rule's search answered; rules that ask the same share it.
pub(crate) type Answer = Result<Arc<Value>, EsError>;

/// The indices that hold the documents of a time.
pub(crate) fn target(index: &str, from: i64, at: Moment) -> String {
    let (first, last) = (from.div_euclid(DAY_MS), at.epoch_ms().div_euclid(DAY_MS));
    if last - first > MOST_DAYS {
        return format!("{index}-*,{index}");
    }
    let days = (first..=last).map(|day| {
        let date = Moment::from_epoch_ms(day * DAY_MS).index_date();
        format!("{index}-{date}")
    });
    days.chain([index.to_owned()])
        .collect::<Vec<String>>()
        .join(",")
}

/// How closely is looked.
#[derive(Clone, Copy)]
pub(crate) enum Look<'a> {
    /// Only at keys that rules may find; and at these, because others depend on them.
    Quick(&'a BTreeSet<String>),
    /// At all, for who wants to see how near they are.
    Close,
}

/// Asks for all `rules` at a moment: one search for each index and window.
pub(crate) async fn ask(
    storage: &Storage,
    rules: &[&Rule],
    memories: &BTreeMap<String, Memory>,
    at: Moment,
    look: Look<'_>,
    observe: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Answer>, EsError> {
    let none = Memory::default();
    let mut questions: Vec<Question> = rules
        .iter()
        .map(|rule| {
            let memory = memories.get(&rule.title.to_lowercase()).unwrap_or(&none);
            measure::question(rule, memory, at)
        })
        .collect();
    let mut looked_at: Vec<Option<Answer>> = vec![None; rules.len()];
    // Where nothing failed or moved there is nothing to look at closely, and that is nearly everywhere.
    if let Look::Quick(needed) = look {
        let first: Vec<Question> = rules
            .iter()
            .zip(&questions)
            .map(|(rule, question)| Question {
                aggregations: measure::suspects_question(rule, at).unwrap_or(Value::Null),
                ..question.clone()
            })
            .collect();
        looked_at = ask_all(storage, rules, &first, at, observe).await?;
        let mut suspects: Vec<Option<BTreeSet<String>>> = Vec::new();
        for (rule, answer) in rules.iter().zip(&looked_at) {
            suspects.push(answer.as_ref().and_then(|answer| {
                let memory = memories.get(&rule.title.to_lowercase()).unwrap_or(&none);
                let answer = answer.as_ref().ok()?;
                let own = measure::suspects(rule, memory, needed, answer);
                Some(own.into_iter().collect())
            }));
        }
        look_together(rules, &mut questions, suspects);
    }
    let answers = ask_all(storage, rules, &questions, at, observe).await?;
    let nothing = || Ok(Arc::new(json!({"doc_count": 0})));
    Ok(answers
        .into_iter()
        .zip(looked_at)
        .zip(rules)
        .map(|((answer, first), rule)| {
            let answer = answer.unwrap_or_else(nothing)?;
            let whole = match first {
                Some(Ok(first)) => measure::with_calm(rule, &answer, &first).map(Arc::new),
                _ => None,
            };
            Ok(whole.unwrap_or(answer))
        })
        .collect())
}

/// Rules that ask the same look at what any of them suspects: one answer is for all.
fn look_together(
    rules: &[&Rule],
    questions: &mut [Question],
    suspects: Vec<Option<BTreeSet<String>>>,
) {
    let all: Vec<usize> = (0..rules.len()).collect();
    let mut together: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut places = Vec::new();
    for (number, own) in suspects.into_iter().enumerate() {
        let place = own.map(|own| {
            let first = first_alike(rules, questions, &all, number);
            together.entry(first).or_default().extend(own);
            first
        });
        places.push(place);
    }
    for (question, place) in questions.iter_mut().zip(places) {
        let found = place.and_then(|first| together.get(&first));
        question.only = found.map(|own| own.iter().cloned().collect());
    }
}

/// Asks every question that asks for something.
async fn ask_all(
    storage: &Storage,
    rules: &[&Rule],
    questions: &[Question],
    at: Moment,
    observe: &(dyn Fn(&str) + Sync),
) -> Result<Vec<Option<Answer>>, EsError> {
    let mut groups: BTreeMap<(&str, i64), Vec<usize>> = BTreeMap::new();
    for (number, (rule, question)) in rules.iter().zip(questions).enumerate() {
        let is_empty =
            question.aggregations.is_null() || question.only.as_ref().is_some_and(Vec::is_empty);
        if !is_empty {
            groups
                .entry((&rule.index, question.from))
                .or_default()
                .push(number);
        }
    }
    let parts: Vec<(String, i64, Vec<usize>)> = groups
        .into_iter()
        .flat_map(|((index, from), numbers)| {
            let target = target(index, from, at);
            numbers
                .chunks(RULES_OF_A_SEARCH)
                .map(|chunk| (target.clone(), from, chunk.to_vec()))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut answers: Vec<Option<Answer>> = vec![None; rules.len()];
    for some in parts.chunks(SEARCHES_AT_ONCE) {
        let mut searches = Vec::new();
        for (target, from, numbers) in some {
            let body = body(rules, questions, numbers, *from, at);
            observe(&format!("{target} {body}"));
            searches.push((lenient(target), SearchRequest::parse(body)?));
        }
        let found = storage.service().multi_search(searches).await?;
        for ((target, from, numbers), answer) in some.iter().zip(found) {
            match answer {
                Ok(answer) => fill(
                    &mut answers,
                    rules,
                    questions,
                    numbers,
                    answer.aggregations.unwrap_or_default(),
                ),
                // A store that is away is away for all.
                Err(error) if error.status >= 500 && error.status != 501 => return Err(error),
                Err(_) => {
                    alone(
                        storage,
                        rules,
                        questions,
                        numbers,
                        target,
                        *from,
                        at,
                        &mut answers,
                    )
                    .await?;
                }
            }
        }
    }
    Ok(answers)
}

fn body(
    rules: &[&Rule],
    questions: &[Question],
    numbers: &[usize],
    from: i64,
    at: Moment,
) -> Value {
    let mut aggregations = Map::new();
    for number in numbers {
        // Rules that ask the same, and only judge it differently, are asked once.
        if let Some((rule, question)) = asked(rules, questions, *number)
            && first_alike(rules, questions, numbers, *number) == *number
        {
            aggregations.insert(
                format!("r{number}"),
                json!({"filter": filter(rule, question), "aggs": question.aggregations}),
            );
        }
    }
    json!({
        "size": 0, "track_total_hits": false,
        "query": {"bool": {"filter": [{"range": {"timestamp": {"gte": measure::date(from), "lte": at.to_string()}}}]}},
        "aggs": aggregations,
    })
}

fn filter(rule: &Rule, question: &Question) -> Value {
    let mut filters = rule.filters.clone();
    if let (Some(only), Some(field)) = (&question.only, &rule.by) {
        filters.push(json!({"terms": {field.as_str(): only}}));
    }
    json!({"bool": {"filter": filters}})
}

fn asked<'a>(
    rules: &[&'a Rule],
    questions: &'a [Question],
    number: usize,
) -> Option<(&'a Rule, &'a Question)> {
    Some((*rules.get(number)?, questions.get(number)?))
}

/// The first of `numbers` with the same question as one of them.
fn first_alike(rules: &[&Rule], questions: &[Question], numbers: &[usize], number: usize) -> usize {
    let Some((rule, question)) = asked(rules, questions, number) else {
        return number;
    };
    let alike = numbers.iter().copied().find(|other| {
        asked(rules, questions, *other).is_some_and(|(other, asks)| {
            other.filters == rule.filters
                && other.index == rule.index
                && asks.from == question.from
                && other.by == rule.by
                && asks.only == question.only
                && asks.aggregations == question.aggregations
        })
    });
    alike.unwrap_or(number)
}

fn fill(
    answers: &mut [Option<Answer>],
    rules: &[&Rule],
    questions: &[Question],
    numbers: &[usize],
    mut aggregations: Map<String, Value>,
) {
    let mut shared: BTreeMap<usize, Arc<Value>> = BTreeMap::new();
    for number in numbers {
        let first = first_alike(rules, questions, numbers, *number);
        let found = shared.entry(first).or_insert_with(|| {
            // No index, no answer: nothing was found.
            let found = aggregations.remove(&format!("r{first}"));
            Arc::new(found.unwrap_or_else(|| json!({"doc_count": 0})))
        });
        if let Some(answer) = answers.get_mut(*number) {
            *answer = Some(Ok(Arc::clone(found)));
        }
    }
}

/// One rule's mistake is not the others': each is asked by itself.
#[expect(clippy::too_many_arguments, reason = "the parts of one question")]
async fn alone(
    storage: &Storage,
    rules: &[&Rule],
    questions: &[Question],
    numbers: &[usize],
    target: &str,
    from: i64,
    at: Moment,
    answers: &mut [Option<Answer>],
) -> Result<(), EsError> {
    for number in numbers {
        let body = body(rules, questions, &[*number], from, at);
        let request = SearchRequest::parse(body);
        let found = match request {
            Ok(request) => storage.service().search(&lenient(target), request).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => fill(
                answers,
                rules,
                questions,
                &[*number],
                found.aggregations.unwrap_or_default(),
            ),
            Err(error) => {
                if let Some(answer) = answers.get_mut(*number) {
                    *answer = Some(Err(error));
                }
            }
        }
    }
    Ok(())
}

/// The newest documents of a finding that has none yet.
pub(crate) async fn documents(
    storage: &Storage,
    rule: &Rule,
    finding: &Finding,
    size: usize,
    at: Moment,
) -> Result<Vec<Evidence>, EsError> {
    let from = at.epoch_ms() - i64::try_from(rule.window.as_millis()).unwrap_or(0);
    let mut filters = rule.filters.clone();
    filters
        .push(json!({"range": {"timestamp": {"gt": measure::date(from), "lte": at.to_string()}}}));
    if let (Some(field), Some(key)) = (&rule.by, &finding.key) {
        filters.push(json!({"term": {field.as_str(): {"value": key}}}));
    }
    if let Condition::Ratio(ratio) = &rule.condition {
        filters.push(crate::rules::kql_query(&ratio.of));
    }
    let body = json!({
        "size": size, "query": {"bool": {"filter": filters}}, "_source": measure::evidence_fields(rule),
        "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
    });
    let answer = storage.search(&target(&rule.index, from, at), body).await?;
    let hits = answer.into_json();
    let hits = hits.pointer("/hits/hits").and_then(Value::as_array);
    Ok(hits
        .into_iter()
        .flatten()
        .map(|hit| measure::evidence(rule, hit))
        .collect())
}

/// Findings by what incidents are told apart by.
pub(crate) fn grouped<'a>(rule: &Rule, judged: &'a Judged) -> BTreeMap<String, Vec<&'a Finding>> {
    let mut groups: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &judged.findings {
        groups
            .entry(group_key(rule, finding))
            .or_default()
            .push(finding);
    }
    groups
}

/// How many documents each ten minutes of a day hold, to see what comes late.
pub(crate) async fn arrivals(
    storage: &Storage,
    indices: &BTreeSet<String>,
    now: Moment,
) -> Result<BTreeMap<String, BTreeMap<i64, u64>>, EsError> {
    let from = (now.epoch_ms() - DAY_MS).div_euclid(LATE_MS) * LATE_MS;
    let mut searches = Vec::new();
    for index in indices {
        let body = json!({
            "size": 0, "track_total_hits": false,
            "query": {"range": {"timestamp": {"gte": measure::date(from), "lte": now.to_string()}}},
            "aggs": {"times": {"date_histogram": {"field": "timestamp", "fixed_interval": "10m", "min_doc_count": 1}}},
        });
        searches.push((
            lenient(&target(index, from, now)),
            SearchRequest::parse(body)?,
        ));
    }
    let answers = storage.service().multi_search(searches).await?;
    let mut all = BTreeMap::new();
    for (index, answer) in indices.iter().zip(answers) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.status < 500 => continue,
            Err(error) => return Err(error),
        };
        let buckets = answer
            .aggregations
            .as_ref()
            .and_then(|all| all.get("times")?.get("buckets")?.as_array());
        let counts = buckets
            .into_iter()
            .flatten()
            .filter_map(|bucket| {
                Some((
                    bucket.get("key")?.as_i64()?,
                    bucket.get("doc_count")?.as_u64()?,
                ))
            })
            .collect();
        all.insert(index.clone(), counts);
    }
    Ok(all)
}

/// The steps in which late documents are looked for.
pub(crate) const LATE_MS: i64 = 600_000;
/// Documents may take so long without being late.
const USUAL_DELAY_MS: i64 = 60_000;

/// The moments at which rules of an index have to be judged again: ends of steps that have more documents than before.
pub(crate) fn late_moments(
    before: &BTreeMap<i64, u64>,
    after: &BTreeMap<i64, u64>,
    now: Moment,
) -> Vec<Moment> {
    after
        .iter()
        .filter(|(start, count)| {
            let is_over = **start + LATE_MS <= now.epoch_ms() - USUAL_DELAY_MS;
            is_over && **count > before.get(start).copied().unwrap_or(0)
        })
        .map(|(start, _)| Moment::from_epoch_ms(start + LATE_MS))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RuleSet, Source};

    #[test]
    fn rules_that_ask_the_same_look_at_the_same_keys() {
        let rule = |title: &str, field: &str, percent: u32| {
            format!(
                "- {{title: {title}, index: c.run, by: monitor, when: {{change: {{field: {field}, against: previous, above_percent: {percent}}}}}, score: 1, reporters: [{{type: slack}}]}}\n"
            )
        };
        let text = format!(
            "rules:\n{}{}{}",
            rule("strict", "load", 5),
            rule("lenient", "load", 50),
            rule("other", "lcp", 5)
        );
        let mut set = RuleSet::default();
        set.add_text(&text, Source::Own, None, "t", "c.");
        assert_eq!(set.problems, []);
        let rules: Vec<&Rule> = set.rules.iter().map(Arc::as_ref).collect();
        let at = Moment::from_epoch_ms(1_800_000_000_000);
        let memory = Memory::default();
        let mut questions: Vec<Question> = rules
            .iter()
            .map(|rule| measure::question(rule, &memory, at))
            .collect();
        let keys = |keys: &[&str]| Some(keys.iter().map(|key| (*key).to_owned()).collect());
        look_together(
            &rules,
            &mut questions,
            vec![keys(&["a", "b"]), keys(&["b"]), None],
        );
        let only: Vec<Option<Vec<String>>> = questions.into_iter().map(|own| own.only).collect();
        let shared = Some(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(only, [shared.clone(), shared, None]);
    }
}

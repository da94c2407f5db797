//! Where the words of a query stand in the texts of a hit: fragments around them, as the unified highlighter makes them.

use canarytrace_es::{
    Highlight, HighlightOptions,
    query::{FuzzyQuery, Query, wildcard_matches},
};
use serde_json::{Map, Value, json};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    fetch::at,
    lower::{is_near, pattern, plain},
};
use crate::{
    analysis::Analyzer,
    mapping::{FieldType, Mapping},
};

/// What a word must be to be marked.
enum Wanted {
    Word(String),
    Prefix(String),
    Wildcard(String),
    Pattern(regex::Regex),
    Near(FuzzyQuery),
}

impl Wanted {
    fn fits(&self, word: &str) -> bool {
        match self {
            Wanted::Word(own) => own == word,
            Wanted::Prefix(prefix) => word.starts_with(prefix.as_str()),
            Wanted::Wildcard(pattern) => wildcard_matches(pattern, word),
            Wanted::Pattern(pattern) => pattern.is_match(word),
            Wanted::Near(query) => is_near(query, word),
        }
    }
}

/// The fragments of each field that has a match.
pub(super) fn fragments(
    mapping: &Mapping,
    query: &Query,
    source: &Value,
    highlight: &Highlight,
) -> Map<String, Value> {
    let mut found = Map::new();
    for (pattern, options) in &highlight.fields {
        let paths: Vec<(String, Analyzer)> = mapping
            .searchable()
            .filter(|(path, _)| wildcard_matches(pattern, path))
            .filter_map(|(path, kind)| Some((path, analyzer(kind)?)))
            .collect();
        for (path, analyzer) in paths {
            let mut wanted = Vec::new();
            let asked = options
                .require_field_match
                .then(|| mapping.field_name(&path));
            collect(query, asked, analyzer, &mut wanted);
            let values = at(source, mapping.source_path(&path));
            let texts: Vec<String> = values.into_iter().map(plain).collect();
            let fragments = of_texts(&texts, analyzer, &wanted, options);
            if !fragments.is_empty() {
                found.insert(path, json!(fragments));
            }
        }
    }
    found
}

fn analyzer(kind: &FieldType) -> Option<Analyzer> {
    match kind {
        FieldType::Text { indexed, analyzer } => indexed.then_some(*analyzer),
        FieldType::Keyword { .. } => Some(Analyzer::Keyword),
        _ => None,
    }
}

/// The words that a query asks of a field.
fn collect(query: &Query, field: Option<&str>, analyzer: Analyzer, into: &mut Vec<Wanted>) {
    let is_own = |name: &str| field.is_none_or(|field| wildcard_matches(name, field));
    let mut words = |value: &Value| {
        let words = analyzer.words(&plain(value));
        into.extend(words.into_iter().map(Wanted::Word));
    };
    match query {
        Query::Match(query) if is_own(&query.field) => words(&query.value),
        Query::MatchPhrase(query) if is_own(&query.field) => {
            words(&query.value);
            if query.prefix
                && let Some(Wanted::Word(last)) = into.pop()
            {
                into.push(Wanted::Prefix(last));
            }
        }
        Query::Term(query) if is_own(&query.field) => {
            into.push(Wanted::Word(plain(&query.value)));
        }
        Query::Terms(query) if is_own(&query.field) => {
            into.extend(query.values.iter().map(|value| Wanted::Word(plain(value))));
        }
        Query::Prefix(query) if is_own(&query.field) => {
            into.push(Wanted::Prefix(query.value.clone()));
        }
        Query::Wildcard(query) if is_own(&query.field) => {
            into.push(Wanted::Wildcard(query.pattern.clone()));
        }
        Query::Regexp(query) if is_own(&query.field) => {
            into.extend(pattern(query).ok().map(Wanted::Pattern));
        }
        Query::Fuzzy(query) if is_own(&query.field) => into.push(Wanted::Near(query.clone())),
        Query::CrossFields(query) if query.fields.iter().any(|(name, _)| is_own(name)) => {
            words(&query.text.as_str().into());
        }
        Query::Bool(query) => {
            for clause in query.must.iter().chain(&query.filter).chain(&query.should) {
                collect(clause, field, analyzer, into);
            }
        }
        Query::ConstantScore(query) => collect(query, field, analyzer, into),
        Query::Boost(query, _) => collect(query, field, analyzer, into),
        Query::DisMax(query) => query
            .queries
            .iter()
            .for_each(|query| collect(query, field, analyzer, into)),
        _ => {}
    }
}

/// A part of a text, and the marked words in it, bytes.
struct Passage<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    marks: Vec<(usize, usize)>,
    /// Of all passages of the field.
    position: usize,
}

fn of_texts(
    texts: &[String],
    analyzer: Analyzer,
    wanted: &[Wanted],
    options: &HighlightOptions,
) -> Vec<String> {
    let mut passages: Vec<Passage<'_>> = Vec::new();
    for text in texts {
        let marks: Vec<(usize, usize)> = analyzer
            .places(text)
            .into_iter()
            .filter(|(_, _, word)| wanted.iter().any(|wanted| wanted.fits(word)))
            .map(|(start, end, _)| (start, end))
            .collect();
        cut(text, &marks, options, &mut passages);
    }
    if options.number_of_fragments == 0 {
        // The whole of the field, when there is a match anywhere.
        let whole = passages.iter().map(|passage| passage.marked(options));
        return whole.collect();
    }
    if passages.is_empty() {
        let first = texts.first().filter(|_| options.no_match_size > 0);
        return first
            .map(|text| beginning(text, options.no_match_size))
            .into_iter()
            .collect();
    }
    for (position, passage) in passages.iter_mut().enumerate() {
        passage.position = position;
    }
    passages.sort_by_key(|passage| (std::cmp::Reverse(passage.marks.len()), passage.position));
    passages.truncate(options.number_of_fragments);
    if !options.by_score {
        passages.sort_by_key(|passage| passage.position);
    }
    passages
        .iter()
        .map(|passage| passage.marked(options))
        .collect()
}

/// Whole words, so many characters at least.
fn beginning(text: &str, size: usize) -> String {
    let enough = text.char_indices().nth(size.saturating_sub(1));
    let words = bounds(text.split_word_bound_indices(), text.len());
    let end = enough.map_or(text.len(), |(at, _)| after(&words, at));
    text.get(..end).unwrap_or(text).to_owned()
}

/// Sentences together up to the size of a fragment; a longer sentence is cut between words.
fn cut<'a>(
    text: &'a str,
    marks: &[(usize, usize)],
    options: &HighlightOptions,
    passages: &mut Vec<Passage<'a>>,
) {
    if options.number_of_fragments == 0 {
        if !marks.is_empty() {
            passages.push(Passage {
                text,
                start: 0,
                end: text.len(),
                marks: marks.to_vec(),
                position: 0,
            });
        }
        return;
    }
    let sentences = bounds(text.split_sentence_bound_indices(), text.len());
    let words = bounds(text.split_word_bound_indices(), text.len());
    let size = options.fragment_size;
    for (start, end) in marks {
        if let Some(last) = passages.last_mut()
            && std::ptr::eq(last.text, text)
            && *start < last.end
        {
            last.marks.push((*start, *end));
            continue;
        }
        let after_last = passages
            .last()
            .filter(|last| std::ptr::eq(last.text, text))
            .map_or(0, |last| last.end);
        let from = before(&sentences, *start).max(after_last);
        let mut to = after(&sentences, *start);
        while let next = after(&sentences, to)
            && next > to
            && next - from <= size
        {
            to = next;
        }
        let (mut first, mut last) = (from, to);
        if to - from > size {
            if *start > from + size {
                first = from.max(before(&words, start - size));
            }
            let remaining = size.saturating_sub(start - first);
            if start + remaining < to {
                last = to.min(after(&words, start + remaining));
            }
        }
        passages.push(Passage {
            text,
            start: first,
            end: last.max(*end),
            marks: vec![(*start, *end)],
            position: 0,
        });
    }
}

fn bounds<'a>(parts: impl Iterator<Item = (usize, &'a str)>, end: usize) -> Vec<usize> {
    parts.map(|(at, _)| at).chain([end]).collect()
}

/// The last boundary at or before a place.
fn before(bounds: &[usize], at: usize) -> usize {
    let behind = bounds.partition_point(|bound| *bound <= at);
    bounds.get(behind.saturating_sub(1)).copied().unwrap_or(0)
}

/// The first boundary behind a place, or the last one.
fn after(bounds: &[usize], at: usize) -> usize {
    let behind = bounds.partition_point(|bound| *bound <= at);
    bounds.get(behind).or(bounds.last()).copied().unwrap_or(at)
}

impl Passage<'_> {
    fn marked(&self, options: &HighlightOptions) -> String {
        let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
        let mut marked = String::new();
        let mut at = self.start;
        for (start, end) in &self.marks {
            marked.push_str(part(at, *start));
            marked.push_str(&options.pre_tag);
            marked.push_str(part(*start, *end));
            marked.push_str(&options.post_tag);
            at = *end;
        }
        marked.push_str(part(at, self.end));
        if options.number_of_fragments == 0 {
            marked
        } else {
            marked.trim().to_owned()
        }
    }
}

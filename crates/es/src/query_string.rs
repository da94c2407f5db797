//! The Lucene query syntax of `query_string`, lowered to [`Query`]. Boolean operators combine as in Lucene's classic
//! parser: `AND` makes both neighbours required, there is no precedence.

use serde_json::{Value, json};

use crate::{
    EsError,
    query::{
        BoolQuery, DisMaxQuery, ExistsQuery, Fuzziness, FuzzyQuery, MatchPhraseQuery, MatchQuery,
        MinimumShouldMatch, Operator, Query, RangeQuery, RegexpQuery, WildcardQuery, Words,
        edit_distance,
    },
};

/// What a query string is read with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fields of clauses that name none, each with what it counts for if it has one (`title^3`); empty: all fields.
    pub default_fields: Vec<String>,
    pub default_operator: Operator,
    pub time_zone: Option<String>,
    /// Other analyzers than those of the fields, for words and for phrases.
    pub analyzer: Option<String>,
    pub quote_analyzer: Option<String>,
    /// Of the clauses on top.
    pub minimum_should_match: Option<MinimumShouldMatch>,
    /// What `~` means without a number, and how far words may differ where.
    pub fuzziness: Fuzziness,
    /// Of phrases that do not say it.
    pub phrase_slop: u32,
    /// What the other fields add to the score of the best one.
    pub tie_breaker: f64,
    pub forbids_leading_wildcard: bool,
    /// Nothing in the text is syntax.
    pub is_escaped: bool,
}

const MAX_LENGTH: usize = 64 * 1024;
const MAX_NESTING: usize = 40;

/// Parses `text`; an empty one matches everything.
pub fn parse(text: &str, options: &Options) -> Result<Query, EsError> {
    if text.len() > MAX_LENGTH {
        return Err(EsError::illegal_argument(format!(
            "query string is longer than {MAX_LENGTH} bytes"
        )));
    }
    let mut parser = Parser {
        characters: match options.is_escaped {
            true => escaped(text).chars().collect(),
            false => text.chars().collect(),
        },
        position: 0,
        options,
    };
    let query = parser.clauses(None, 0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(at_least(query, options.minimum_should_match)),
        Some(character) => Err(parser.wrong(&format!("unexpected [{character}]"))),
    }
}

/// So many of the clauses must match, or of the words where those are all there is.
pub(crate) fn at_least(query: Query, required: Option<MinimumShouldMatch>) -> Query {
    match query {
        Query::Bool(mut query) => {
            query.minimum_should_match = required;
            Query::Bool(query)
        }
        Query::Match(mut query) => {
            query.minimum_should_match = required;
            Query::Match(query)
        }
        other => other,
    }
}

/// Text in which nothing is syntax, as Lucene escapes it.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if r#"\+-!():^[]"{}~*?|&/"#.contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

struct Parser<'a> {
    characters: Vec<char>,
    position: usize,
    options: &'a Options,
}

#[derive(Clone, Copy, PartialEq)]
enum Conjunction {
    None,
    And,
    Or,
}

#[derive(Clone, Copy, PartialEq)]
enum Modifier {
    None,
    Required,
    Prohibited,
}

#[derive(Clone, Copy, PartialEq)]
enum Occur {
    Must,
    Should,
    MustNot,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek();
        self.position += 1;
        character
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn wrong(&self, what: &str) -> EsError {
        EsError::query_shard(format!(
            "failed to parse query string at character {}: {what}",
            self.position + 1
        ))
    }

    /// Consumes `word` if it stands here as a word of its own.
    fn keyword(&mut self, word: &str) -> bool {
        let length = word.chars().count();
        let here = self.characters.iter().skip(self.position);
        let matches = here.clone().take(length).copied().eq(word.chars());
        let ends = here
            .clone()
            .nth(length)
            .is_none_or(|next| next.is_whitespace() || *next == '(');
        if matches && ends {
            self.position += length;
        }
        matches && ends
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let length = symbol.chars().count();
        let matches = self
            .characters
            .iter()
            .skip(self.position)
            .take(length)
            .copied()
            .eq(symbol.chars());
        if matches {
            self.position += length;
        }
        matches
    }

    fn clauses(&mut self, field: Option<&str>, depth: usize) -> Result<Query, EsError> {
        if depth > MAX_NESTING {
            return Err(self.wrong("parentheses nest too deeply"));
        }
        let mut clauses: Vec<(Occur, Query)> = Vec::new();
        loop {
            self.skip_space();
            if matches!(self.peek(), None | Some(')')) {
                break;
            }
            if let Some(query) = self.words_in_a_row(field) {
                self.add(&mut clauses, Conjunction::None, Modifier::None, query);
                continue;
            }
            let conjunction = self.conjunction();
            let modifier = self.modifier();
            let query = self.clause(field, depth)?;
            self.add(&mut clauses, conjunction, modifier, query);
        }
        Ok(combine(clauses))
    }

    /// Two or more words without anything between them are one text: each field is asked for all of it.
    fn words_in_a_row(&mut self, field: Option<&str>) -> Option<Query> {
        let (mut words, mut end) = (Vec::new(), self.position);
        let start = self.position;
        while let Some(word) = self.plain_word() {
            words.push(word);
            end = self.position;
            self.skip_space();
        }
        self.position = if words.len() < 2 { start } else { end };
        (words.len() > 1).then(|| self.text(field, &words.join(" ")))
    }

    /// A word that no syntax belongs to: no field, no wildcard, no conjunction before or behind it.
    fn plain_word(&mut self) -> Option<String> {
        let start = self.position;
        let is_word = self.conjunction() == Conjunction::None
            && self.modifier() == Modifier::None
            && self.field_name().is_none()
            && !self.peek().is_some_and(|first| "([{<>/".contains(first));
        let word = match is_word {
            true => self.word(&ends_term),
            false => String::new(),
        };
        let raw: String = self
            .characters
            .get(start..self.position)
            .into_iter()
            .flatten()
            .collect();
        let is_followed = self.peek().is_some_and(|next| "^~".contains(next)) || {
            let end = self.position;
            self.skip_space();
            let follows = self.conjunction() != Conjunction::None;
            self.position = end;
            follows
        };
        if word.is_empty() || has_wildcard(&raw) || is_followed {
            self.position = start;
            return None;
        }
        Some(word)
    }

    fn text(&self, field: Option<&str>, text: &str) -> Query {
        self.any_field(field, |name| {
            Query::Match(MatchQuery {
                field: name.to_owned(),
                value: json!(text),
                operator: self.options.default_operator,
                minimum_should_match: None,
                words: self.options.words(),
                lenient: field.is_none(),
            })
        })
    }

    fn any_field(&self, field: Option<&str>, make: impl Fn(&str) -> Query) -> Query {
        self.options.any_field(field, make)
    }

    fn conjunction(&mut self) -> Conjunction {
        let conjunction = if self.keyword("AND") || self.symbol("&&") {
            Conjunction::And
        } else if self.keyword("OR") || self.symbol("||") {
            Conjunction::Or
        } else {
            Conjunction::None
        };
        self.skip_space();
        conjunction
    }

    fn modifier(&mut self) -> Modifier {
        let modifier = if self.keyword("NOT") || self.symbol("-") || self.symbol("!") {
            Modifier::Prohibited
        } else if self.symbol("+") {
            Modifier::Required
        } else {
            Modifier::None
        };
        self.skip_space();
        modifier
    }

    /// The rule of Lucene's classic parser.
    fn add(
        &self,
        clauses: &mut Vec<(Occur, Query)>,
        conjunction: Conjunction,
        modifier: Modifier,
        query: Query,
    ) {
        let and_default = self.options.default_operator == Operator::And;
        if let Some((previous, _)) = clauses
            .last_mut()
            .filter(|(previous, _)| *previous != Occur::MustNot)
        {
            match conjunction {
                Conjunction::And => *previous = Occur::Must,
                Conjunction::Or if and_default => *previous = Occur::Should,
                _ => {}
            }
        }
        let required = match modifier {
            Modifier::Required => true,
            _ if and_default => conjunction != Conjunction::Or,
            _ => conjunction == Conjunction::And,
        };
        let occur = match (modifier, required) {
            (Modifier::Prohibited, _) => Occur::MustNot,
            (_, true) => Occur::Must,
            (_, false) => Occur::Should,
        };
        clauses.push((occur, query));
    }

    fn clause(&mut self, field: Option<&str>, depth: usize) -> Result<Query, EsError> {
        let own_field = self.field_name();
        let field = own_field.as_deref().or(field);
        self.skip_space();
        let query = match self.peek() {
            None => return Err(self.wrong("a value is missing at the end")),
            Some('(') => {
                self.position += 1;
                let query = self.clauses(field, depth + 1)?;
                self.skip_space();
                if self.next() != Some(')') {
                    return Err(self.wrong("`)` is missing"));
                }
                query
            }
            Some('"') => self.phrase(field)?,
            Some('[' | '{') => self.range(field)?,
            Some('>' | '<') => self.comparison(field)?,
            Some('/') if field.is_none_or(|name| name != "_exists_") => self.regexp(field)?,
            Some(_) => self.term(field)?,
        };
        self.boosted(query)
    }

    /// `name:` if one stands here.
    fn field_name(&mut self) -> Option<String> {
        let start = self.position;
        let mut name = String::new();
        while let Some(character) = self.next() {
            match character {
                ':' if !name.is_empty() => return Some(name),
                '\\' => name.extend(self.next()),
                character if character.is_alphanumeric() || "_.-@*#$%/".contains(character) => {
                    name.push(character)
                }
                _ => break,
            }
        }
        self.position = start;
        None
    }

    fn phrase(&mut self, field: Option<&str>) -> Result<Query, EsError> {
        let text = self.quoted()?;
        let slop = if self.symbol("~") {
            self.digits().parse().unwrap_or(0)
        } else {
            self.options.phrase_slop
        };
        let quote_analyzer = self.options.quote_analyzer.as_ref();
        Ok(self.any_field(field, |name| {
            Query::MatchPhrase(MatchPhraseQuery {
                field: name.to_owned(),
                value: json!(text),
                slop,
                prefix: false,
                lenient: field.is_none(),
                analyzer: quote_analyzer.or(self.options.analyzer.as_ref()).cloned(),
            })
        }))
    }

    fn quoted(&mut self) -> Result<String, EsError> {
        self.position += 1;
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.wrong("closing `\"` is missing")),
                Some('"') => return Ok(text),
                Some('\\') => text.extend(self.next()),
                Some(character) => text.push(character),
            }
        }
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(character) = self
            .peek()
            .filter(|character| character.is_ascii_digit() || *character == '.')
        {
            digits.push(character);
            self.position += 1;
        }
        digits
    }

    /// What stands before `^`, counting for more or less.
    fn boosted(&mut self, query: Query) -> Result<Query, EsError> {
        if !self.symbol("^") {
            return Ok(query);
        }
        let boost = self.digits().parse();
        let boost = boost.map_err(|_| self.wrong("a number is missing behind `^`"))?;
        Ok(Query::Boost(Box::new(query), boost))
    }

    /// `/…/`, over the whole of a term.
    fn regexp(&mut self, field: Option<&str>) -> Result<Query, EsError> {
        self.position += 1;
        let mut pattern = String::new();
        loop {
            match self.next() {
                None => return Err(self.wrong("closing `/` is missing")),
                Some('/') => break,
                Some('\\') if self.peek() == Some('/') => pattern.extend(self.next()),
                Some(character) => pattern.push(character),
            }
        }
        RegexpQuery::check_length(&pattern)?;
        let own = |name: &str| RegexpQuery {
            field: name.to_owned(),
            pattern: pattern.clone(),
            case_insensitive: false,
        };
        own("").usual_pattern().map_err(|error| EsError {
            kind: EsError::query_shard("").kind,
            ..error
        })?;
        Ok(self.any_field(field, |name| Query::Regexp(own(name))))
    }

    /// The edits that `~` or `~1` allows for a term; none where it does not stand.
    fn edits(&mut self, term: &str) -> Result<Option<usize>, EsError> {
        if !self.symbol("~") {
            return Ok(None);
        }
        let digits = self.digits();
        let usual = self.options.fuzziness.text.as_str();
        let fuzziness = if digits.is_empty() { usual } else { &digits };
        edit_distance(fuzziness, term.chars().count()).map(Some)
    }

    fn range(&mut self, field: Option<&str>) -> Result<Query, EsError> {
        let Some(field) = field else {
            return Err(self.wrong("a range needs a field: `field:[1 TO 5]`"));
        };
        let inclusive_from = self.next() == Some('[');
        let from = self.bound()?;
        self.skip_space();
        if !self.keyword("TO") {
            return Err(self.wrong("`TO` is missing in a range"));
        }
        let to = self.bound()?;
        self.skip_space();
        let inclusive_to = match self.next() {
            Some(']') => true,
            Some('}') => false,
            _ => return Err(self.wrong("`]` or `}` is missing at the end of a range")),
        };
        let mut range = RangeQuery {
            field: field.to_owned(),
            time_zone: self.options.time_zone.clone(),
            ..RangeQuery::default()
        };
        *(if inclusive_from {
            &mut range.gte
        } else {
            &mut range.gt
        }) = from;
        *(if inclusive_to {
            &mut range.lte
        } else {
            &mut range.lt
        }) = to;
        Ok(Query::Range(range))
    }

    fn bound(&mut self) -> Result<Option<Value>, EsError> {
        self.skip_space();
        let text = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.word(&|c| c.is_whitespace() || c == ']' || c == '}')
        };
        match text.as_str() {
            "" => Err(self.wrong("a bound of the range is missing")),
            "*" => Ok(None),
            _ => Ok(Some(json!(text))),
        }
    }

    fn comparison(&mut self, field: Option<&str>) -> Result<Query, EsError> {
        let Some(field) = field else {
            return Err(self.wrong("a comparison needs a field: `field:>=5`"));
        };
        let greater = self.next() == Some('>');
        let inclusive = self.symbol("=");
        let value = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.word(&ends_term)
        };
        if value.is_empty() {
            return Err(self.wrong("a comparison needs a value"));
        }
        let mut range = RangeQuery {
            field: field.to_owned(),
            time_zone: self.options.time_zone.clone(),
            ..RangeQuery::default()
        };
        let bound = match (greater, inclusive) {
            (true, true) => &mut range.gte,
            (true, false) => &mut range.gt,
            (false, true) => &mut range.lte,
            (false, false) => &mut range.lt,
        };
        *bound = Some(json!(value));
        Ok(Query::Range(range))
    }

    fn word(&mut self, ends: &dyn Fn(char) -> bool) -> String {
        let mut word = String::new();
        while let Some(character) = self.peek().filter(|character| !ends(*character)) {
            self.position += 1;
            match character {
                '\\' => word.extend(self.next()),
                other => word.push(other),
            }
        }
        word
    }

    fn term(&mut self, field: Option<&str>) -> Result<Query, EsError> {
        let start = self.position;
        let text = self.word(&ends_term);
        if text.is_empty() {
            return Err(self.wrong("a term is missing"));
        }
        let raw: String = self
            .characters
            .iter()
            .skip(start)
            .take(self.position - start)
            .collect();
        match field {
            Some("_exists_") => return Ok(Query::Exists(ExistsQuery { field: text })),
            Some("*") | None if raw == "*" => return Ok(Query::MatchAll),
            Some(name) if raw == "*" => {
                return Ok(Query::Exists(ExistsQuery {
                    field: name.to_owned(),
                }));
            }
            _ => {}
        }
        if let Some(distance) = self.edits(&text)? {
            let fuzziness = &self.options.fuzziness;
            return Ok(self.any_field(field, |name| {
                Query::Fuzzy(FuzzyQuery {
                    field: name.to_owned(),
                    value: text.to_lowercase(),
                    distance,
                    prefix_length: fuzziness.prefix_length,
                    transpositions: fuzziness.transpositions,
                })
            }));
        }
        if !has_wildcard(&raw) {
            return Ok(self.text(field, &text));
        }
        if self.options.forbids_leading_wildcard && raw.starts_with(['*', '?']) {
            return Err(self.wrong("'*' or '?' not allowed as first character in WildcardQuery"));
        }
        Ok(self.any_field(field, |name| {
            Query::Wildcard(WildcardQuery {
                field: name.to_owned(),
                pattern: raw.clone(),
                case_insensitive: false,
            })
        }))
    }
}

fn ends_term(character: char) -> bool {
    character.is_whitespace() || "()\"^~".contains(character)
}

fn has_wildcard(raw: &str) -> bool {
    let mut escaped = false;
    for character in raw.chars() {
        if !escaped && (character == '*' || character == '?') {
            return true;
        }
        escaped = !escaped && character == '\\';
    }
    false
}

impl Default for Options {
    fn default() -> Self {
        Self {
            default_fields: Vec::new(),
            default_operator: Operator::Or,
            time_zone: None,
            analyzer: None,
            quote_analyzer: None,
            minimum_should_match: None,
            fuzziness: Fuzziness {
                text: "AUTO".to_owned(),
                prefix_length: 0,
                transpositions: true,
            },
            phrase_slop: 0,
            tie_breaker: 0.0,
            forbids_leading_wildcard: false,
            is_escaped: false,
        }
    }
}

impl Options {
    pub(crate) fn words(&self) -> Words {
        Words {
            analyzer: self.analyzer.clone(),
            ..Words::default()
        }
    }

    /// `make` over the field named, or over each default field; the field `*` stands for all.
    pub(crate) fn any_field(&self, field: Option<&str>, make: impl Fn(&str) -> Query) -> Query {
        let counted = |field: &String| match field.split_once('^') {
            None => make(field),
            Some((name, boost)) => match boost.parse() {
                Ok(boost) => Query::Boost(Box::new(make(name)), boost),
                Err(_) => make(name),
            },
        };
        match (field, self.default_fields.as_slice()) {
            (Some(field), _) => make(field),
            (None, []) => make("*"),
            (None, [field]) => counted(field),
            (None, fields) => Query::DisMax(DisMaxQuery {
                queries: fields.iter().map(counted).collect(),
                tie_breaker: self.tie_breaker,
            }),
        }
    }
}

fn combine(mut clauses: Vec<(Occur, Query)>) -> Query {
    match clauses.as_slice() {
        [] => return Query::MatchAll,
        [(Occur::Must | Occur::Should, _)] => return clauses.remove(0).1,
        _ => {}
    }
    let mut query = BoolQuery::default();
    for (occur, clause) in clauses {
        match occur {
            Occur::Must => query.must.push(clause),
            Occur::Should => query.should.push(clause),
            Occur::MustNot => query.must_not.push(clause),
        }
    }
    Query::Bool(Box::new(query))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, dsl: Value) {
        let parsed = parse(text, &Options::default()).unwrap();
        assert_eq!(parsed, Query::parse(&dsl).unwrap(), "{text}");
    }

    #[test]
    fn fields_phrases_and_ranges() {
        check("passed:false", json!({"match": {"passed": "false"}}));
        check(
            "labels:\"run id\"",
            json!({"match_phrase": {"labels": "run id"}}),
        );
        check(
            "d:[1 TO 5}",
            json!({"range": {"d": {"gte": "1", "lt": "5"}}}),
        );
        check("d:>=5000", json!({"range": {"d": {"gte": "5000"}}}));
        check(
            "_exists_:errMessage",
            json!({"exists": {"field": "errMessage"}}),
        );
        check("name:*css", json!({"wildcard": {"name": "*css"}}));
        check("*", json!({"match_all": {}}));
        check(
            "response.headers.content-type:javascript",
            json!({"match": {"response.headers.content-type": "javascript"}}),
        );
    }

    #[test]
    fn operators_combine_as_in_lucene() {
        let m = |field: &str, value: &str| json!({"match": {field: value}});
        check(
            "a:1 AND b:2",
            json!({"bool": {"must": [m("a", "1"), m("b", "2")]}}),
        );
        check(
            "a:1 b:2",
            json!({"bool": {"should": [m("a", "1"), m("b", "2")]}}),
        );
        check(
            "a:1 AND b:2 OR c:3",
            json!({"bool": {"must": [m("a", "1"), m("b", "2")], "should": [m("c", "3")]}}),
        );
        check(
            "event:testEnd AND NOT passed:true",
            json!({"bool": {"must": [m("event", "testEnd")], "must_not": [m("passed", "true")]}}),
        );
        check(
            "a:(1 OR 2)",
            json!({"bool": {"should": [m("a", "1"), m("a", "2")]}}),
        );
        check("NOT a:1", json!({"bool": {"must_not": [m("a", "1")]}}));
    }

    #[test]
    fn wrong_syntax_names_the_place() {
        let options = Options::default();
        for text in [
            "a:(1", "a:[1 TO", "\"x", "[1 TO 2]", "a^", "/a", "/[a/", ")",
        ] {
            assert!(parse(text, &options).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,60}") {
            let options = Options { default_operator: Operator::And, ..Options::default() };
            drop(parse(&text, &options));
        }
    }
}

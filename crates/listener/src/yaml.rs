//! What is wrong with a YAML file: the place, the reason without the parser's ornaments, and the known key that was meant.

use serde_saphyr::Error;

/// A mistake of a person in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlProblem {
    /// Line and column, from 1.
    pub place: Option<(u64, u64)>,
    pub reason: String,
    /// The known key that an unknown one is most like.
    pub nearest: Option<String>,
}

impl YamlProblem {
    pub fn of(error: &Error) -> Self {
        let place = error
            .location()
            .map(|location| (location.line(), location.column()));
        let text = error.without_snippet().to_string();
        let reason = text.lines().next().unwrap_or_default();
        let reason = reason
            .split(" at line ")
            .next()
            .unwrap_or(reason)
            .trim_start_matches("error: ")
            .to_owned();
        let nearest = nearest_key(&reason);
        Self {
            place,
            reason,
            nearest,
        }
    }
}

fn nearest_key(reason: &str) -> Option<String> {
    let (head, expected) = reason.split_once("expected")?;
    let is_unknown = head.contains("unknown field") || head.contains("unknown variant");
    let unknown = is_unknown.then(|| head.split('`').nth(1)).flatten()?;
    let known = expected
        .split([',', ' ', '`'])
        .filter(|word| !word.is_empty() && !["one", "of", "or"].contains(word));
    nearest(unknown, known).map(str::to_owned)
}

/// The known word that is most like another, if any is like it at all.
pub fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(unknown, word);
    let nearest = known.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(nearest) > 0.6).then_some(nearest)
}

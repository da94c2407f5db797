//! How texts become words.

use canarytrace_es::{EsError, Token};
use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer};
use unicode_segmentation::UnicodeSegmentation;

/// Elasticsearch's analyzers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Analyzer {
    /// Words by Unicode's rules, in lower case.
    #[default]
    Standard,
    /// Runs of letters, in lower case.
    Simple,
    /// What spaces part.
    Whitespace,
    /// The text as it is.
    Keyword,
}

/// A longer word is cut into pieces.
const MAX_WORD: usize = 255;
/// Words are handed to the index in one text, parted by this; no word has it.
const SEPARATOR: char = '\u{1}';

impl Analyzer {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "standard" | "default" => Analyzer::Standard,
            "simple" => Analyzer::Simple,
            "whitespace" => Analyzer::Whitespace,
            "keyword" => Analyzer::Keyword,
            _ => return None,
        })
    }

    /// Calls with each word as it stands in the text, and the byte it begins at.
    fn each<'a>(self, text: &'a str, mut call: impl FnMut(usize, &'a str)) {
        match self {
            Analyzer::Standard => text.unicode_word_indices().for_each(|(at, word)| {
                pieces(word, |offset, piece| call(at + offset, piece));
            }),
            Analyzer::Simple => split(text, |letter| !letter.is_alphabetic(), call),
            Analyzer::Whitespace => split(text, char::is_whitespace, call),
            Analyzer::Keyword if text.is_empty() => {}
            Analyzer::Keyword => call(0, text),
        }
    }

    fn lowers(self) -> bool {
        matches!(self, Analyzer::Standard | Analyzer::Simple)
    }

    fn normal(self, word: &str) -> String {
        if self.lowers() {
            word.to_lowercase()
        } else {
            word.replace(SEPARATOR, " ")
        }
    }

    /// The words with the bytes between which they stand.
    pub(crate) fn places(self, text: &str) -> Vec<(usize, usize, String)> {
        let mut places = Vec::new();
        self.each(text, |at, word| {
            places.push((at, at + word.len(), self.normal(word)));
        });
        places
    }

    pub(crate) fn words(self, text: &str) -> Vec<String> {
        let mut words = Vec::new();
        self.each(text, |_, word| words.push(self.normal(word)));
        words
    }

    /// Adds the words in one text as the index takes them, and answers how many there are.
    pub(crate) fn prepare(self, text: &str, prepared: &mut String) -> i64 {
        let mut count = 0;
        self.each(text, |_, word| {
            if count > 0 {
                prepared.push(SEPARATOR);
            }
            if self.lowers() && word.is_ascii() {
                let from = prepared.len();
                prepared.push_str(word);
                if let Some(added) = prepared.get_mut(from..) {
                    added.make_ascii_lowercase();
                }
            } else {
                prepared.push_str(&self.normal(word));
            }
            count += 1;
        });
        count
    }
}

fn split<'a>(text: &'a str, is_between: fn(char) -> bool, mut call: impl FnMut(usize, &'a str)) {
    let mut at = 0;
    for word in text.split(is_between) {
        if !word.is_empty() {
            pieces(word, |offset, piece| call(at + offset, piece));
        }
        let end = at + word.len();
        let between = text.get(end..).and_then(|rest| rest.chars().next());
        at = end + between.map_or(0, char::len_utf8);
    }
}

fn pieces<'a>(word: &'a str, mut call: impl FnMut(usize, &'a str)) {
    let (mut at, mut rest) = (0, word);
    if word.len() <= MAX_WORD {
        return call(at, word);
    }
    while let Some((end, _)) = rest.char_indices().nth(MAX_WORD) {
        let (piece, others) = rest.split_at(end);
        call(at, piece);
        (at, rest) = (at + end, others);
    }
    call(at, rest);
}

/// The words of a text as `_analyze` tells them.
pub(crate) fn analyze(name: &str, text: &str) -> Result<Vec<Token>, EsError> {
    let analyzer = Analyzer::named(name).ok_or_else(|| {
        EsError::illegal_argument(format!("failed to find global analyzer [{name}]"))
    })?;
    let characters = |bytes: usize| text.get(..bytes).unwrap_or(text).chars().count();
    let mut tokens = Vec::new();
    analyzer.each(text, |at, word| {
        tokens.push(Token {
            text: analyzer.normal(word),
            start: characters(at),
            end: characters(at + word.len()),
            position: tokens.len(),
        });
    });
    Ok(tokens)
}

/// Takes apart what [`Analyzer::prepare`] has put together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prepared {
    token: TantivyToken,
}

pub(crate) struct PreparedWords<'a> {
    words: std::str::Split<'a, char>,
    /// Of one text after the other: it keeps its memory.
    token: &'a mut TantivyToken,
}

impl Tokenizer for Prepared {
    type TokenStream<'a> = PreparedWords<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> PreparedWords<'a> {
        self.token.reset();
        PreparedWords {
            words: text.split(SEPARATOR),
            token: &mut self.token,
        }
    }
}

impl TokenStream for PreparedWords<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next().filter(|word| !word.is_empty()) else {
            return false;
        };
        self.token.text.clear();
        self.token.text.push_str(word);
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &TantivyToken {
        self.token
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_elasticsearch() {
        let text = "It's 3.14 at shop.example/my_cart, Straße-7";
        assert_eq!(
            Analyzer::Standard.words(text),
            [
                "it's",
                "3.14",
                "at",
                "shop.example",
                "my_cart",
                "straße",
                "7"
            ]
        );
        assert_eq!(Analyzer::Simple.words("It's 3x"), ["it", "s", "x"]);
        assert_eq!(Analyzer::Whitespace.words(" It's  3x "), ["It's", "3x"]);
        assert_eq!(Analyzer::Keyword.words("It's 3x"), ["It's 3x"]);
        assert_eq!(Analyzer::Standard.words(&"a".repeat(300)).len(), 2);
    }

    #[test]
    fn prepared_words_come_apart_again() {
        let mut prepared = String::new();
        let count = Analyzer::Standard.prepare("The quick ŽLUŤ fox", &mut prepared);
        let mut tokenizer = Prepared::default();
        let mut stream = tokenizer.token_stream(&prepared);
        let mut words = Vec::new();
        while stream.advance() {
            words.push((stream.token().position, stream.token().text.clone()));
        }
        let expected = ["the", "quick", "žluť", "fox"].map(str::to_owned);
        assert_eq!(words, (0..).zip(expected).collect::<Vec<_>>());
        assert_eq!(count, 4);
    }
}

//! Analyzers as `_analyze` shows them.

use canarytrace_es::{EsError, Token};
use tantivy::tokenizer::{
    LowerCaser, RawTokenizer, SimpleTokenizer, TextAnalyzer, WhitespaceTokenizer,
};

/// The words of a text.
pub(crate) fn analyze(analyzer: &str, text: &str) -> Result<Vec<Token>, EsError> {
    let mut analyzer = match analyzer {
        "standard" | "default" => TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(LowerCaser)
            .build(),
        "whitespace" => TextAnalyzer::builder(WhitespaceTokenizer::default()).build(),
        "keyword" => TextAnalyzer::builder(RawTokenizer::default()).build(),
        other => {
            return Err(EsError::illegal_argument(format!(
                "failed to find global analyzer [{other}]"
            )));
        }
    };
    let characters = |bytes: usize| text.get(..bytes).unwrap_or(text).chars().count();
    let mut tokens = Vec::new();
    let mut stream = analyzer.token_stream(text);
    while let Some(token) = stream.next() {
        tokens.push(Token {
            text: token.text.clone(),
            start: characters(token.offset_from),
            end: characters(token.offset_to),
            position: token.position,
        });
    }
    Ok(tokens)
}

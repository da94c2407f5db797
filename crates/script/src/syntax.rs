//! What can be told about a source without parsing it: its imports, its kind, its style.

/// A look at the words of a source; comments, texts and patterns are no words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// It has an `import` or `export` statement.
    pub(crate) module: bool,
    /// It calls `require` or sets `exports`.
    pub(crate) common: bool,
    /// It uses `await` or `async`, other than in what is given to the page.
    pub(crate) asynchronous: bool,
    /// Commands that it calls on `browser` or `driver`, with their line.
    pub(crate) calls: Vec<(String, usize)>,
    /// Commands that it adds by a literal name.
    pub(crate) added: Vec<String>,
    /// What it imports or requires by a literal name, with its line.
    pub(crate) imports: Vec<(String, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    Mark(char),
    /// A template or a pattern: something with a value.
    Value,
}

struct Scanner<'a> {
    source: &'a str,
    position: usize,
    line: usize,
    previous: Option<Token<'a>>,
    /// Open braces of templates: how many plain ones are open inside each.
    templates: Vec<usize>,
}

/// After these a slash begins a pattern, after other words it divides.
const BEFORE_PATTERN: [&str; 11] = [
    "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "await",
];

impl<'a> Scanner<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            position: 0,
            line: 1,
            previous: None,
            templates: Vec::new(),
        }
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.position..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let end = (self.position + bytes).min(self.source.len());
        let text = self.source.get(self.position..end).unwrap_or_default();
        self.line += text.bytes().filter(|byte| *byte == b'\n').count();
        self.position = end;
        text
    }

    /// Length of what follows up to and with an unescaped `end`; a line's end ends it unless `multiline`.
    fn until(&self, end: char, multiline: bool) -> usize {
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '\n' if !multiline => return at,
                character if character == end => return at + character.len_utf8(),
                _ => {}
            }
        }
        self.rest().len()
    }

    fn pattern_length(&self) -> usize {
        let mut characters = self.rest().char_indices().skip(1);
        let mut class = false;
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '[' => class = true,
                ']' => class = false,
                '\n' => return 1,
                '/' if !class => return at + 1,
                _ => {}
            }
        }
        1
    }

    fn begins_pattern(&self) -> bool {
        match &self.previous {
            None => true,
            Some(Token::Word(word)) => BEFORE_PATTERN.contains(word),
            Some(Token::Text(_) | Token::Value) => false,
            Some(Token::Mark(mark)) => !matches!(mark, ')' | ']' | '}'),
        }
    }

    /// The part of a template up to its end or its next `${`.
    fn template(&mut self) {
        let mut length = self.rest().len();
        let mut opens = false;
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '`' => {
                    length = at + 1;
                    break;
                }
                '$' if characters.peek().is_some_and(|(_, next)| *next == '{') => {
                    length = at + 2;
                    opens = true;
                    break;
                }
                _ => {}
            }
        }
        self.advance(length);
        if opens {
            self.templates.push(0);
        }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.read()?;
        self.previous = Some(token.clone());
        Some(token)
    }

    fn read(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            if first.is_whitespace() || first == '\u{feff}' {
                self.advance(first.len_utf8());
            } else if rest.starts_with("//") || (self.position == 0 && rest.starts_with("#!")) {
                let length = rest.find('\n').unwrap_or(rest.len());
                self.advance(length);
            } else if rest.starts_with("/*") {
                let length = rest.find("*/").map_or(rest.len(), |at| at + 2);
                self.advance(length);
            } else {
                break;
            }
        }
        let first = self.rest().chars().next()?;
        Some(match first {
            '"' | '\'' => {
                let text = self.advance(self.until(first, false));
                let inner = text.strip_prefix(first).unwrap_or(text);
                Token::Text(inner.strip_suffix(first).unwrap_or(inner))
            }
            '`' => {
                self.template();
                Token::Value
            }
            '}' if self.templates.last() == Some(&0) => {
                self.templates.pop();
                self.template();
                Token::Value
            }
            '{' | '}' => {
                if let Some(open) = self.templates.last_mut() {
                    *open = if first == '{' {
                        *open + 1
                    } else {
                        open.saturating_sub(1)
                    };
                }
                self.advance(1);
                Token::Mark(first)
            }
            '/' if self.begins_pattern() => {
                self.advance(self.pattern_length());
                Token::Value
            }
            first if first.is_alphanumeric() || "_$#".contains(first) => {
                let word =
                    |character: char| character.is_alphanumeric() || "_$#".contains(character);
                let length = self.rest().find(|character| !word(character));
                Token::Word(self.advance(length.unwrap_or(self.rest().len())))
            }
            _ => {
                self.advance(first.len_utf8());
                Token::Mark(first)
            }
        })
    }
}

/// What stands before the dot of a member.
fn before_member<'t, 'a>(tokens: &'t [Token<'a>], at: usize) -> Option<&'t Token<'a>> {
    at.checked_sub(2).and_then(|at| tokens.get(at))
}

/// Looks at a source.
pub(crate) fn look_at(source: &str) -> Syntax {
    let mut scanner = Scanner::new(source);
    let mut syntax = Syntax::default();
    let mut tokens = Vec::new();
    let mut lines = Vec::new();
    while let Some(token) = scanner.next() {
        tokens.push(token);
        lines.push(scanner.line);
    }
    // What is given to `execute` runs in the page, whose style is its own.
    let mut page_depth: Option<usize> = None;
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let after = tokens.get(at + 1);
        let member = before == Some(&Token::Mark('.'));
        match token {
            Token::Mark('(') => {
                let executes = matches!(before, Some(Token::Word("execute" | "executeAsync")));
                if executes && page_depth.is_none() {
                    page_depth = Some(depth);
                }
                depth += 1;
            }
            Token::Mark(')') => {
                depth = depth.saturating_sub(1);
                if page_depth == Some(depth) {
                    page_depth = None;
                }
            }
            Token::Word("await") if !member && page_depth.is_none() => syntax.asynchronous = true,
            Token::Word("async") if !member && page_depth.is_none() => {
                syntax.asynchronous |= matches!(after, Some(Token::Word(_) | Token::Mark('(')));
            }
            Token::Word(name)
                if member
                    && page_depth.is_none()
                    && after == Some(&Token::Mark('('))
                    && matches!(
                        before_member(&tokens, at),
                        Some(Token::Word("browser" | "driver"))
                    )
                    && at.checked_sub(3).and_then(|at| tokens.get(at))
                        != Some(&Token::Mark('.')) =>
            {
                let line = lines.get(at).copied().unwrap_or_default();
                syntax.calls.push(((*name).to_owned(), line));
            }
            Token::Word("require") if !member => {
                syntax.common |= after == Some(&Token::Mark('('));
            }
            Token::Word("exports") => {
                syntax.common |=
                    !member || before_member(&tokens, at) == Some(&Token::Word("module"));
            }
            Token::Word("import") if !member => {
                syntax.module |= !matches!(after, Some(Token::Mark('(' | '.' | ':')));
            }
            Token::Word("export") if !member => {
                syntax.module |= matches!(after, Some(Token::Word(_) | Token::Mark('{' | '*')));
            }
            Token::Text(name) => {
                if matches!(before_member(&tokens, at), Some(Token::Word("addCommand"))) {
                    syntax.added.push((*name).to_owned());
                }
                let imported = matches!(before, Some(Token::Word("from" | "import")));
                let called = before == Some(&Token::Mark('('))
                    && at
                        .checked_sub(2)
                        .and_then(|at| tokens.get(at))
                        .is_some_and(|word| matches!(word, Token::Word("require" | "import")));
                if imported || called {
                    let line = lines.get(at).copied().unwrap_or_default();
                    syntax.imports.push(((*name).to_owned(), line));
                }
            }
            _ => {}
        }
    }
    syntax
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_recognised() {
        assert!(look_at("import { x } from './b'\n").module);
        assert!(look_at("const a = 1;\nexport default a").module);
        assert!(look_at("import'./b'").module);
        assert!(!look_at("const important = 1; // import x from 'y'\n").module);
        assert!(!look_at("const t = `import x from 'y'`; import('./z'); module.export = 1").module);
    }

    #[test]
    fn a_style_is_what_the_script_itself_uses() {
        assert!(look_at("it('x', async () => {})").asynchronous);
        assert!(look_at("const f = async x => x").asynchronous);
        assert!(!look_at("it('await', () => { /* async */ $('a').click() })").asynchronous);
        assert!(!look_at("browser.execute(async () => { await fetch('/') })").asynchronous);
        assert!(look_at("browser.execute(() => 1); await x").asynchronous);
        assert!(!look_at("const r = /await/.test(s); a.async = 1").asynchronous);
    }

    #[test]
    fn imports_are_named_with_their_lines() {
        let syntax = look_at(
            "import a from './a'\nconst b = require(\"../b\");\nimport('c');\nfoo('./d')\nexport * from './e'\n",
        );
        let names: Vec<(&str, usize)> = syntax
            .imports
            .iter()
            .map(|(name, line)| (name.as_str(), *line))
            .collect();
        assert_eq!(names, [("./a", 1), ("../b", 2), ("c", 3), ("./e", 5)]);
    }

    #[test]
    fn templates_and_patterns_are_passed_over() {
        let source = "const a = `${f(`}`)} async ${ {a: 1}.a }`; const q = x / 2 / async; const s = /[/'\"]/g; require('./z')";
        let syntax = look_at(source);
        assert_eq!(syntax.imports.len(), 1);
        assert!(!syntax.asynchronous);
    }
}

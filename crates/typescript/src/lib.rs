//! TypeScript to JavaScript: types go, enums, namespaces, parameter properties and decorators become what they mean.
//!
//! [`transpile`] is a pure function; it checks no types. Imports that are used as types only are dropped, as TypeScript
//! does. [`SourcePositions`] leads a place of the result back to the user's own line.

use std::path::Path;

use oxc::{
    allocator::Allocator,
    codegen::{Codegen, CodegenOptions},
    diagnostics::OxcDiagnostic,
    parser::Parser,
    semantic::SemanticBuilder,
    span::SourceType,
    transformer::{TransformOptions, Transformer},
};

/// JavaScript made of TypeScript.
#[derive(Clone, Debug)]
pub struct JavaScript {
    pub source: String,
    pub positions: SourcePositions,
}

/// Where each part of the result was in the source.
#[derive(Clone, Debug, Default)]
pub struct SourcePositions {
    /// Line and column of the result, line and column of the source; counted from 0, ordered by the result.
    tokens: Vec<(u32, u32, u32, u32)>,
}

impl SourcePositions {
    /// Line and column in the source, of those in the result; counted from 1.
    pub fn original(&self, line: u32, column: u32) -> Option<(u32, u32)> {
        let (line, column) = (line.checked_sub(1)?, column.saturating_sub(1));
        let after = self
            .tokens
            .partition_point(|token| (token.0, token.1) <= (line, column));
        let token = self.tokens.get(after.checked_sub(1)?)?;
        (token.0 == line).then_some((token.2 + 1, token.3 + 1))
    }
}

/// Makes JavaScript of a TypeScript source; an error names the place and what is wrong there.
pub fn transpile(path: &str, source: &str) -> Result<JavaScript, String> {
    let allocator = Allocator::default();
    let kind = SourceType::from_path(path)
        .map_err(|_| format!("`{path}` has no ending that TypeScript knows"))?;
    let parsed = Parser::new(&allocator, source, kind).parse();
    if let Some(error) = parsed.diagnostics.first() {
        return Err(in_words(path, source, error));
    }
    let mut program = parsed.program;
    let scoping = SemanticBuilder::new()
        .with_enum_eval(true)
        .with_excess_capacity(2.0)
        .build(&program)
        .semantic
        .into_scoping();
    let options = TransformOptions::default();
    let transformed = Transformer::new(&allocator, Path::new(path), &options)
        .build_with_scoping(scoping, &mut program);
    if let Some(error) = transformed.diagnostics.first() {
        return Err(in_words(path, source, error));
    }
    let options = CodegenOptions {
        source_map_path: Some(path.into()),
        ..CodegenOptions::default()
    };
    let made = Codegen::new().with_options(options).build(&program);
    let tokens = made.map.as_ref().map(|map| {
        let mut tokens: Vec<_> = map
            .get_tokens()
            .map(|token| {
                (
                    token.get_dst_line(),
                    token.get_dst_col(),
                    token.get_src_line(),
                    token.get_src_col(),
                )
            })
            .collect();
        tokens.sort_unstable();
        tokens
    });
    Ok(JavaScript {
        source: made.code,
        positions: SourcePositions {
            tokens: tokens.unwrap_or_default(),
        },
    })
}

fn in_words(path: &str, source: &str, error: &OxcDiagnostic) -> String {
    let offset = error
        .labels
        .first()
        .map_or(0, |label| label.offset() as usize);
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("{} at {path}:{line}:{column}", error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let made = transpile("spec.ts", source).unwrap().source;
        assert_eq!(made.trim(), expected.trim());
    }

    #[test]
    fn types_go() {
        check("const a: number = 1 as number;", "const a = 1;");
        check(
            "interface A { b: string }\nexport type C = A;\nconst f = <T,>(x: T): T => x!;\nexport { f };",
            "const f = (x) => x;\nexport { f };",
        );
        check(
            "import type { A } from './a';\nimport { B, c } from './b';\nlet x: B = c;",
            "import { c } from \"./b\";\nlet x = c;",
        );
    }

    #[test]
    fn what_is_more_than_types_stays() {
        let made = transpile(
            "spec.ts",
            "enum Color { Red, Green = 'g' }\nclass P { constructor(private readonly name: string) {} }\nnamespace N { export const x = 1; }",
        )
        .unwrap()
        .source;
        for part in ["Color[\"Green\"]", "this.name = name", "N"] {
            assert!(made.contains(part), "{part}: {made}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let error = transpile("pages/a.ts", "const a = 1;\nconst b = ;").unwrap_err();
        assert!(error.ends_with("at pages/a.ts:2:11"), "{error}");
    }

    #[test]
    fn places_lead_back() {
        let source = "interface A {\n  b: string;\n}\n\nexport function f(): void {\n  throw new Error('x');\n}\n";
        let made = transpile("a.ts", source).unwrap();
        let line = made
            .source
            .lines()
            .position(|line| line.contains("throw"))
            .unwrap();
        let column = made.source.lines().nth(line).unwrap().find("new").unwrap();
        let found = made
            .positions
            .original(line as u32 + 1, column as u32 + 1)
            .unwrap();
        assert_eq!(found, (6, 9));
    }
}

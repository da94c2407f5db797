//! TypeScript for scripts, when this build reads it.

use canarytrace_script::Transpiler;

/// What makes JavaScript of TypeScript; none in a build without the feature `typescript`.
pub fn transpiler() -> Option<Transpiler> {
    #[cfg(feature = "typescript")]
    {
        Some(with::transpile)
    }
    #[cfg(not(feature = "typescript"))]
    {
        None
    }
}

#[cfg(feature = "typescript")]
mod with {
    use std::sync::Arc;

    use canarytrace_script::{Positions, Transpiled};
    use canarytrace_typescript::SourcePositions;

    #[derive(Debug)]
    struct Known(SourcePositions);

    impl Positions for Known {
        fn original(&self, line: u32, column: u32) -> Option<(u32, u32)> {
            self.0.original(line, column)
        }
    }

    pub(super) fn transpile(path: &str, source: &str) -> Result<Transpiled, String> {
        let made = canarytrace_typescript::transpile(path, source)?;
        Ok(Transpiled {
            source: made.source,
            positions: Some(Arc::new(Known(made.positions))),
        })
    }
}

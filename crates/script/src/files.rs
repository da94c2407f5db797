//! The files of a clone: what an import means, what a script may read. Nothing outside of the root.

use std::{
    collections::{HashMap, HashSet},
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    ScriptError,
    error::internal,
    resolution::{Resolution, Unresolved},
    syntax::{Syntax, look_at},
};

const MAX_SOURCE_BYTES: u64 = 16 << 20;
/// Files of the repository that one script may import.
const MAX_FILES: usize = 2000;

/// Turns TypeScript into JavaScript: path and source to source and where its lines came from.
pub type Transpiler = fn(&str, &str) -> Result<Transpiled, String>;

/// What a [`Transpiler`] made.
#[derive(Clone, Debug)]
pub struct Transpiled {
    pub source: String,
    pub positions: Option<Arc<dyn Positions>>,
}

/// Where a place of a transpiled source was in the user's own; lines and columns start at 1.
pub trait Positions: std::fmt::Debug + Send + Sync {
    fn original(&self, line: u32, column: u32) -> Option<(u32, u32)>;
}

/// Reads files below one folder.
#[derive(Clone)]
pub(crate) struct ScriptFiles {
    root: PathBuf,
    resolution: Resolution,
    transpiler: Option<Transpiler>,
    /// Of sources that were transpiled.
    positions: Arc<Mutex<HashMap<String, Arc<dyn Positions>>>>,
}

impl std::fmt::Debug for ScriptFiles {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ScriptFiles")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// What an import means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A module of the engine's own, by its name.
    Builtin(String),
    /// A file, relative to the root.
    File(String),
}

/// Modules that the engine stands for, whatever the clone has: they are bound to the running browser.
const OURS: [&str; 5] = [
    "@wdio/globals",
    "webdriverio",
    "expect-webdriverio",
    "mocha",
    "@wdio/logger",
];
/// Modules that the engine has, unless the clone has its own.
const FALLBACKS: [&str; 2] = ["chai", "graceful-fs"];
/// Modules of Node that the engine has.
const NODE: [&str; 22] = [
    "assert",
    "assert/strict",
    "buffer",
    "console",
    "constants",
    "crypto",
    "events",
    "fs",
    "fs/promises",
    "module",
    "os",
    "path",
    "path/posix",
    "perf_hooks",
    "process",
    "querystring",
    "string_decoder",
    "timers",
    "timers/promises",
    "url",
    "util",
    "util/types",
];
/// Modules of Node that a monitor does without, and why.
const REFUSED: [(&str, &str); 22] = [
    ("child_process", "a monitor script starts no process"),
    ("cluster", "a monitor script starts no process"),
    ("worker_threads", "a monitor script has one thread"),
    ("vm", "a monitor script runs in one context"),
    ("v8", "the script engine is not V8"),
    ("inspector", "the script engine is not V8"),
    (
        "net",
        "a monitor script opens no socket; use the page, or fetch",
    ),
    (
        "tls",
        "a monitor script opens no socket; use the page, or fetch",
    ),
    ("dgram", "a monitor script opens no socket"),
    ("dns", "a monitor script opens no socket"),
    ("dns/promises", "a monitor script opens no socket"),
    (
        "http",
        "a monitor script opens no socket; use the page, or fetch",
    ),
    (
        "https",
        "a monitor script opens no socket; use the page, or fetch",
    ),
    (
        "http2",
        "a monitor script opens no socket; use the page, or fetch",
    ),
    ("stream", "streams of Node are not available"),
    ("stream/promises", "streams of Node are not available"),
    ("zlib", "compression is not available"),
    ("readline", "a monitor script has no terminal"),
    ("repl", "a monitor script has no terminal"),
    ("tty", "a monitor script has no terminal"),
    (
        "async_hooks",
        "hooks into Node's event loop are not available",
    ),
    ("sqlite", "a monitor script writes no file"),
];

impl ScriptFiles {
    pub(crate) fn new(root: &Path, transpiler: Option<Transpiler>) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        Self {
            resolution: Resolution::new(root.clone()),
            root,
            transpiler,
            positions: Arc::default(),
        }
    }

    /// What `name` means when imported (or required) from `base`.
    pub(crate) fn resolve(
        &self,
        base: &str,
        name: &str,
        requires: bool,
    ) -> Result<Resolved, String> {
        let plain = name.strip_prefix("node:").unwrap_or(name);
        if let Some((module, why)) = REFUSED.iter().find(|(module, _)| *module == plain) {
            return Err(format!(
                "module `{module}` cannot be used: {why} (imported from `{base}`)"
            ));
        }
        if NODE.contains(&plain) || OURS.contains(&plain) {
            return Ok(Resolved::Builtin(plain.to_owned()));
        }
        let condition = if requires { "require" } else { "import" };
        let from = self.root.join(base);
        let wanted = name.strip_prefix("file://").unwrap_or(name);
        // An absolute path is one of the script's own world, whose root is the clone's.
        let wanted = match wanted.strip_prefix('/') {
            Some(rest) => self.root.join(rest).display().to_string(),
            None => wanted.to_owned(),
        };
        match self.resolution.resolve(&from, &wanted, condition) {
            Ok(found) => self.inside(base, name, &found).map(Resolved::File),
            Err(Unresolved::NotFound) if FALLBACKS.contains(&plain) => {
                Ok(Resolved::Builtin(plain.to_owned()))
            }
            Err(error) => Err(unresolved(base, name, &error)),
        }
    }

    fn inside(&self, base: &str, name: &str, path: &Path) -> Result<String, String> {
        let outside =
            || format!("`{name}` imported from `{base}` lies outside of the scripts' folder");
        let real = path.canonicalize().map_err(|_| outside())?;
        let relative = real.strip_prefix(&self.root).map_err(|_| outside())?;
        if real
            .extension()
            .is_some_and(|extension| extension == "node")
        {
            return Err(format!(
                "`{name}` imported from `{base}` is a native add-on: only JavaScript and TypeScript run"
            ));
        }
        Ok(relative.to_string_lossy().into_owned())
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        let file = self
            .real_path(path)
            .ok_or_else(|| format!("script `{path}` does not exist in the scripts' folder"))?;
        let size = std::fs::metadata(&file)
            .map_err(|error| format!("script `{path}` cannot be read: {error}"))?
            .len();
        if size > MAX_SOURCE_BYTES {
            return Err(format!(
                "script `{path}` has {size} bytes, at most {MAX_SOURCE_BYTES} are read"
            ));
        }
        std::fs::read_to_string(&file)
            .map_err(|error| format!("script `{path}` cannot be read: {error}"))
    }

    /// A source as the engine runs it.
    pub(crate) fn script(&self, path: &str) -> Result<String, String> {
        let source = self.read(path)?;
        if ![".ts", ".mts", ".cts", ".tsx"]
            .iter()
            .any(|suffix| path.ends_with(suffix))
        {
            return Ok(source);
        }
        let transpile = self.transpiler.ok_or_else(|| {
            format!("`{path}` is TypeScript, which this build does not read: build with the feature `typescript`")
        })?;
        let transpiled = transpile(path, &source)?;
        if let Some(positions) = transpiled.positions {
            let mut known = self
                .positions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            known.insert(path.to_owned(), positions);
        }
        Ok(transpiled.source)
    }

    /// Whether a source is to be read as an ES module.
    pub(crate) fn is_module(&self, path: &str, source: &str) -> bool {
        let extension = Path::new(path).extension();
        match extension.and_then(|extension| extension.to_str()) {
            Some("mjs" | "mts") => true,
            Some("cjs" | "cts") => false,
            _ => {
                let syntax = look_at(source);
                // A package of modules may still hold a script that requires: it is meant as it is written.
                syntax.module
                    || (!syntax.common && self.resolution.is_module_package(&self.root.join(path)))
            }
        }
    }

    /// A place `file:line:column` of what ran, in the user's own source.
    pub(crate) fn original(&self, place: &str) -> Option<String> {
        let mut parts = place.rsplitn(3, ':');
        let column: u32 = parts.next()?.parse().ok()?;
        let line: u32 = parts.next()?.parse().ok()?;
        let file = parts.next()?;
        let known = self
            .positions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (line, column) = known.get(file)?.original(line, column)?;
        Some(format!("{file}:{line}:{column}"))
    }

    /// The file of a path as a script writes it; symbolic links may not lead out either.
    pub(crate) fn real_path(&self, path: &str) -> Option<PathBuf> {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let mut normal = PathBuf::new();
        for component in Path::new(path.trim_start_matches('/')).components() {
            match component {
                Component::Normal(part) => normal.push(part),
                Component::CurDir => {}
                Component::ParentDir => {
                    if !normal.pop() {
                        return None;
                    }
                }
                Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        let real = self.root.join(normal).canonicalize().ok()?;
        real.starts_with(&self.root).then_some(real)
    }

    /// Calls `look` for a script and for each file of the repository itself that it imports, until it answers false.
    pub(crate) fn walk(
        &self,
        spec: &str,
        look: &mut dyn FnMut(&str, &Syntax) -> bool,
    ) -> Result<(), ScriptError> {
        let mut waiting = vec![spec.to_owned()];
        let mut seen = HashSet::new();
        while let Some(path) = waiting.pop() {
            if !seen.insert(path.clone()) || path.ends_with(".json") {
                continue;
            }
            if seen.len() > MAX_FILES {
                return Err(internal(&format!(
                    "`{spec}` imports more than {MAX_FILES} files"
                )));
            }
            let Ok(source) = self.read(&path) else {
                continue;
            };
            let syntax = look_at(&source);
            if !look(&path, &syntax) {
                return Ok(());
            }
            for (name, _) in syntax.imports {
                if let Ok(Resolved::File(file)) = self.resolve(&path, &name, false)
                    && !file.contains("node_modules/")
                {
                    waiting.push(file);
                }
            }
        }
        Ok(())
    }

    /// Whether a script, with all that it imports of the repository itself, awaits its commands.
    pub(crate) fn is_asynchronous(&self, spec: &str) -> Result<bool, ScriptError> {
        let mut asynchronous = false;
        self.walk(spec, &mut |_, syntax| {
            asynchronous |= syntax.asynchronous;
            !asynchronous
        })?;
        Ok(asynchronous)
    }
}

fn unresolved(base: &str, name: &str, error: &Unresolved) -> String {
    match error {
        Unresolved::NotFound if name.starts_with(['.', '/']) => {
            format!("Cannot find module '{name}' imported from '{base}'")
        }
        Unresolved::NotFound => format!(
            "Cannot find package '{name}' imported from '{base}': it is in no node_modules of the repository; hint: commit it, or have it installed with the clone"
        ),
        Unresolved::NotExported(reason) | Unresolved::Invalid(reason) => {
            format!("'{name}' imported from '{base}' cannot be resolved: {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> (tempfile::TempDir, ScriptFiles) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        let write = |path: &str, text: &str| {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(folder.path().join("secret.js"), "1").unwrap();
        write("test.js", "import './pages/login'");
        write("pages/login.js", "import './base.js'; it('x', () => {})");
        write("pages/base.ts", "export const f = async () => {}");
        write("pages/index.js", "1");
        write(
            "node_modules/lib/package.json",
            r#"{"exports": {".": {"require": "./c.cjs", "import": "./m.mjs"}, "./part": "./part.js"}}"#,
        );
        for file in ["c.cjs", "m.mjs", "part.js"] {
            write(&format!("node_modules/lib/{file}"), "await 1");
        }
        write("node_modules/native/package.json", r#"{"main": "a.node"}"#);
        write("node_modules/native/a.node", "");
        std::os::unix::fs::symlink(folder.path().join("secret.js"), root.join("link.js")).unwrap();
        let files = ScriptFiles::new(&root, None);
        (folder, files)
    }

    #[test]
    fn imports_are_resolved_as_node_does() {
        let (_folder, files) = repository();
        let file =
            |base: &str, name: &str, requires: bool| match files.resolve(base, name, requires) {
                Ok(Resolved::File(path)) => path,
                other => panic!("{name}: {other:?}"),
            };
        assert_eq!(file("test.js", "./pages/login", false), "pages/login.js");
        assert_eq!(file("test.js", "./pages", true), "pages/index.js");
        assert_eq!(file("pages/login.js", "./base.js", false), "pages/base.ts");
        assert_eq!(
            file("pages/login.js", "lib", true),
            "node_modules/lib/c.cjs"
        );
        assert_eq!(
            file("pages/login.js", "lib", false),
            "node_modules/lib/m.mjs"
        );
        assert_eq!(
            file("test.js", "lib/part", false),
            "node_modules/lib/part.js"
        );
        assert_eq!(file("test.js", "/pages/login.js", false), "pages/login.js");
        assert_eq!(
            files.resolve("test.js", "node:fs", true),
            Ok(Resolved::Builtin("fs".to_owned()))
        );
        assert_eq!(
            files.resolve("test.js", "chai", true),
            Ok(Resolved::Builtin("chai".to_owned()))
        );
    }

    #[test]
    fn modules_are_recognised() {
        let (folder, files) = repository();
        assert!(files.is_module("a.js", "import { x } from './b'\n"));
        assert!(!files.is_module("a.js", "const important = 1; // import\n"));
        assert!(files.is_module("a.mjs", ""));
        assert!(!files.is_module("a.cjs", "export default 1"));
        std::fs::write(
            folder.path().join("repository/package.json"),
            r#"{"type": "module"}"#,
        )
        .unwrap();
        let files = ScriptFiles::new(&folder.path().join("repository"), None);
        assert!(files.is_module("a.js", "await 1"));
        assert!(!files.is_module("a.js", "module.exports = require('./b')"));
    }

    #[test]
    fn nothing_outside_of_the_root_is_found() {
        let (_folder, files) = repository();
        for name in [
            "../secret.js",
            "./../../etc/passwd",
            "/etc/passwd",
            "./link.js",
            "child_process",
            "nothing",
            "native",
        ] {
            assert!(files.resolve("test.js", name, false).is_err(), "{name}");
        }
        assert!(files.real_path("/../secret.js").is_none());
        assert!(files.real_path("link.js").is_none());
        assert!(files.real_path("/test.js").is_some());
    }

    #[test]
    fn the_style_is_that_of_all_own_files() {
        let (_folder, files) = repository();
        assert!(files.is_asynchronous("test.js").unwrap());
        assert!(!files.is_asynchronous("pages/index.js").unwrap());
    }
}

//! Modules and `require` of files below the root; nothing outside it.

use std::path::{Component, Path, PathBuf};

use rquickjs::{
    Ctx, Exception, Function, Object, Value,
    context::EvalOptions,
    loader::{ImportAttributes, Loader, Resolver},
    module::{Declared, Module},
};

/// Packages that scripts import and that are globals here.
const GLOBALS: [&str; 4] = ["@wdio/globals", "webdriverio", "expect-webdriverio", "chai"];
const GLOBALS_SOURCE: &str =
    "export const { browser, driver, $, $$, expect } = globalThis; export default globalThis;";
const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// Reads files below one folder.
#[derive(Clone, Debug)]
pub(crate) struct ScriptFiles {
    pub(crate) root: PathBuf,
}

impl ScriptFiles {
    /// The path (relative to the root) that `name` means when imported from `base`.
    pub(crate) fn resolve(&self, base: &str, name: &str) -> Result<String, String> {
        if GLOBALS.contains(&name) {
            return Ok(name.to_owned());
        }
        if !name.starts_with('.') && !name.starts_with('/') {
            return Err(format!(
                "package `{name}` cannot be imported: only files of the repository and {GLOBALS:?}"
            ));
        }
        let folder = Path::new(base).parent().unwrap_or_else(|| Path::new(""));
        let wanted = normalise(&folder.join(name))
            .ok_or_else(|| format!("`{name}` lies outside of the scripts' folder"))?;
        let candidates = ["", ".js", ".mjs", ".cjs", ".json", "/index.js"];
        candidates
            .iter()
            .map(|suffix| format!("{}{suffix}", wanted.display()))
            .find(|candidate| self.inside(candidate).is_some_and(|path| path.is_file()))
            .ok_or_else(|| format!("cannot find module `{name}` imported from `{base}`"))
    }

    pub(crate) fn read(&self, path: &str) -> Result<String, String> {
        let file = self
            .inside(path)
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

    /// Symbolic links may not lead out either.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let file = self
            .root
            .join(normalise(Path::new(path))?)
            .canonicalize()
            .ok()?;
        file.starts_with(self.root.canonicalize().ok()?)
            .then_some(file)
    }
}

fn normalise(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
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
    Some(normal)
}

/// Whether a source must be read as an ES module.
pub(crate) fn is_module(path: &str, source: &str) -> bool {
    if path.ends_with(".mjs") {
        return true;
    }
    let starts = |line: &str, word: &str| {
        line.strip_prefix(word)
            .is_some_and(|rest| rest.starts_with([' ', '{', '\'', '"', '*']))
    };
    !path.ends_with(".cjs")
        && source
            .lines()
            .map(str::trim_start)
            .any(|line| starts(line, "import") || starts(line, "export"))
}

impl Resolver for ScriptFiles {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        ScriptFiles::resolve(self, base, name)
            .map_err(|message| Exception::throw_message(ctx, &message))
    }
}

impl Loader for ScriptFiles {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        if GLOBALS.contains(&name) {
            return Module::declare(ctx.clone(), name, GLOBALS_SOURCE);
        }
        let source = self
            .read(name)
            .map_err(|message| Exception::throw_message(ctx, &message))?;
        if name.ends_with(".json") {
            return Module::declare(ctx.clone(), name, format!("export default {source}"));
        }
        if !is_module(name, &source) {
            let bridge = format!(
                "export default globalThis.__require({:?}, './{}');",
                "", name
            );
            return Module::declare(ctx.clone(), name, bridge);
        }
        Module::declare(ctx.clone(), name, source)
    }
}

/// `require(base, name)`: CommonJS with a cache; the wrapper stands on line 1, so that lines stay.
pub(crate) fn require<'js>(
    ctx: &Ctx<'js>,
    files: &ScriptFiles,
    base: &str,
    name: &str,
) -> rquickjs::Result<Value<'js>> {
    let path = files
        .resolve(base, name)
        .map_err(|message| Exception::throw_message(ctx, &message))?;
    if GLOBALS.contains(&path.as_str()) {
        return ctx.eval("({ ...globalThis, expect: globalThis.expect, browser, $, $$ })");
    }
    let cache: Object<'js> = ctx.globals().get("__modules")?;
    if let Ok(Some(module)) = cache.get::<_, Option<Object<'js>>>(path.as_str()) {
        return module.get("exports");
    }
    let source = files
        .read(&path)
        .map_err(|message| Exception::throw_message(ctx, &message))?;
    if path.ends_with(".json") {
        return ctx.json_parse(source);
    }
    evaluate_commonjs(ctx, &path, &source)
}

/// Runs a CommonJS source and answers its `module.exports`.
pub(crate) fn evaluate_commonjs<'js>(
    ctx: &Ctx<'js>,
    path: &str,
    source: &str,
) -> rquickjs::Result<Value<'js>> {
    let module = Object::new(ctx.clone())?;
    module.set("exports", Object::new(ctx.clone())?)?;
    let cache: Object<'js> = ctx.globals().get("__modules")?;
    cache.set(path, module.clone())?;
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(path.to_owned());
    let wrapper: Function<'js> = ctx.eval_with_options(
        format!("(function (exports, require, module, __filename, __dirname) {{{source}\n}})"),
        options,
    )?;
    let bind: Function<'js> = ctx.eval("(base) => (name) => globalThis.__require(base, name)")?;
    let require: Function<'js> = bind.call((path,))?;
    let exports: Value<'js> = module.get("exports")?;
    let folder = Path::new(path)
        .parent()
        .map(|folder| folder.display().to_string())
        .unwrap_or_default();
    wrapper.call::<_, Value<'js>>((exports, require, module.clone(), path, folder))?;
    module.get("exports")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_of_the_root_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("repository");
        std::fs::create_dir_all(root.join("pages")).unwrap();
        std::fs::write(folder.path().join("secret.js"), "1").unwrap();
        std::fs::write(root.join("pages/login.js"), "1").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.js"), root.join("link.js")).unwrap();
        let files = ScriptFiles { root };
        assert_eq!(
            files.resolve("test.js", "./pages/login").unwrap(),
            "pages/login.js"
        );
        assert_eq!(
            files
                .resolve("pages/login.js", "../pages/login.js")
                .unwrap(),
            "pages/login.js"
        );
        for name in [
            "../secret.js",
            "./../../etc/passwd",
            "/etc/passwd",
            "./link.js",
            "fs",
        ] {
            assert!(files.resolve("test.js", name).is_err(), "{name}");
        }
    }

    #[test]
    fn modules_are_recognised() {
        assert!(is_module("a.js", "import { x } from './b'\n"));
        assert!(!is_module("a.js", "const important = 1; // import\n"));
        assert!(is_module("a.mjs", ""));
        assert!(!is_module("a.cjs", "export default 1"));
    }
}

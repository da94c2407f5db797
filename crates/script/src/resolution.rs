//! What an import means: Node's rules for files, folders and packages, and TypeScript's `paths`. No file above the root
//! is ever looked at.
//!
//! Follows <https://nodejs.org/api/esm.html#resolution-algorithm-specification> and
//! <https://nodejs.org/api/modules.html#all-together>; ES imports may leave out extensions as `require` may, because
//! scripts come from bundlers and from TypeScript.

use std::{
    collections::HashMap,
    fmt,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

const EXTENSIONS: [&str; 8] = ["js", "ts", "mjs", "cjs", "mts", "cts", "json", "node"];
/// A TypeScript source names the file it will become.
const BECOMES: [(&str, &str); 4] = [("js", "ts"), ("mjs", "mts"), ("cjs", "cts"), ("jsx", "tsx")];
/// How deep conditions of `exports`, or `extends` of tsconfig files, may go.
const MAX_DEPTH: usize = 16;

/// `exports` and `imports` of a package: conditions count in the order they are written in.
#[derive(Clone, Debug, Default, PartialEq)]
enum Targets {
    #[default]
    Nothing,
    Path(String),
    OneOf(Vec<Targets>),
    Named(Vec<(String, Targets)>),
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Targets;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path, a list or conditions")
            }

            fn visit_unit<E>(self) -> Result<Targets, E> {
                Ok(Targets::Nothing)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Targets, E> {
                Ok(Targets::Nothing)
            }

            fn visit_str<E>(self, path: &str) -> Result<Targets, E> {
                Ok(Targets::Path(path.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Targets, A::Error> {
                let mut targets = Vec::new();
                while let Some(target) = items.next_element()? {
                    targets.push(target);
                }
                Ok(Targets::OneOf(targets))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Targets, A::Error> {
                let mut targets = Vec::new();
                while let Some(entry) = items.next_entry()? {
                    targets.push(entry);
                }
                Ok(Targets::Named(targets))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// The part of a package.json that resolution asks for.
#[derive(Debug, Default, Deserialize)]
struct Package {
    #[serde(default, deserialize_with = "text_or_none")]
    name: Option<String>,
    #[serde(default, deserialize_with = "text_or_none")]
    main: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "text_or_none")]
    kind: Option<String>,
    exports: Option<Targets>,
    imports: Option<Targets>,
}

/// Published packages hold anything under these names.
fn text_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer).map_err(D::Error::custom)?;
    Ok(value.as_str().map(str::to_owned))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TypeScriptConfiguration {
    extends: Targets,
    compiler_options: CompilerOptions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CompilerOptions {
    base_url: Option<String>,
    paths: Option<HashMap<String, Vec<String>>>,
}

/// `paths` of a tsconfig.json, with the folder they are relative to.
#[derive(Clone, Debug, Default)]
struct Aliases {
    base: Option<PathBuf>,
    paths: Vec<(String, Vec<PathBuf>)>,
}

/// Why an import leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    NotFound,
    /// The package does not export it.
    NotExported(String),
    /// A package.json or tsconfig.json that cannot be read.
    Invalid(String),
}

type Known<T> = Arc<Mutex<HashMap<PathBuf, Option<Arc<T>>>>>;

/// Resolves imports below one root; remembers the packages it has read.
#[derive(Clone, Debug)]
pub(crate) struct Resolution {
    root: PathBuf,
    packages: Known<Package>,
    aliases: Known<Aliases>,
}

impl Resolution {
    /// `root` is canonical.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            packages: Arc::default(),
            aliases: Arc::default(),
        }
    }

    /// The file that `name` means in the file `from`; `condition` is `import` or `require`.
    pub(crate) fn resolve(
        &self,
        from: &Path,
        name: &str,
        condition: &str,
    ) -> Result<PathBuf, Unresolved> {
        let folder = from.parent().unwrap_or(&self.root);
        let found =
            if name.starts_with("./") || name.starts_with("../") || name == "." || name == ".." {
                self.file_or_folder(&normal(&folder.join(name)))?
            } else if Path::new(name).is_absolute() {
                self.file_or_folder(&normal(Path::new(name)))?
            } else if name.starts_with('#') {
                self.own_import(folder, name, condition)?
            } else {
                match self.aliased(folder, name)? {
                    Some(found) => Some(found),
                    None => self.package(folder, name, condition)?,
                }
            };
        found.ok_or(Unresolved::NotFound)
    }

    /// `type` of the package that a file belongs to is `module`.
    pub(crate) fn is_module_package(&self, file: &Path) -> bool {
        self.upwards(file.parent().unwrap_or(&self.root))
            .find_map(|folder| self.read_package(folder).ok().flatten())
            .is_some_and(|package| package.kind.as_deref() == Some("module"))
    }

    /// A folder and those around it, up to the root.
    fn upwards<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a Path> {
        folder
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.root))
    }

    fn file_or_folder(&self, path: &Path) -> Result<Option<PathBuf>, Unresolved> {
        if let Some(file) = file(path) {
            return Ok(Some(file));
        }
        if !path.is_dir() {
            return Ok(None);
        }
        let main = self
            .read_package(path)?
            .and_then(|package| package.main.clone());
        let main = main.and_then(|main| {
            let main = normal(&path.join(main));
            file(&main).or_else(|| file(&main.join("index")))
        });
        Ok(main.or_else(|| file(&path.join("index"))))
    }

    fn package(
        &self,
        folder: &Path,
        name: &str,
        condition: &str,
    ) -> Result<Option<PathBuf>, Unresolved> {
        let (package_name, rest) = split_name(name);
        let part = format!(".{rest}");
        // A package may name itself.
        for around in self.upwards(folder) {
            let Some(package) = self.read_package(around)? else {
                continue;
            };
            if package.name.as_deref() == Some(package_name)
                && let Some(exports) = &package.exports
            {
                return exported(around, exports, &part, condition, package_name).map(Some);
            }
            break;
        }
        for around in self.upwards(folder) {
            let place = around.join("node_modules").join(package_name);
            if !place.is_dir() {
                continue;
            }
            let package = self.read_package(&place)?;
            if let Some(exports) = package
                .as_ref()
                .and_then(|package| package.exports.as_ref())
            {
                return exported(&place, exports, &part, condition, package_name).map(Some);
            }
            let inside = normal(&place.join(rest.trim_start_matches('/')));
            if let Some(found) = self.file_or_folder(&inside)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// `#name`, which the package itself gives a meaning.
    fn own_import(
        &self,
        folder: &Path,
        name: &str,
        condition: &str,
    ) -> Result<Option<PathBuf>, Unresolved> {
        for around in self.upwards(folder) {
            let Some(package) = self.read_package(around)? else {
                continue;
            };
            let Some(imports) = &package.imports else {
                return Ok(None);
            };
            return match target(imports, name, condition) {
                Some(path) if path.starts_with("./") => Ok(file(&normal(&around.join(path)))),
                Some(other) => self.package(around, &other, condition),
                None => Ok(None),
            };
        }
        Ok(None)
    }

    fn read_package(&self, folder: &Path) -> Result<Option<Arc<Package>>, Unresolved> {
        self.remembered(&self.packages, &folder.join("package.json"), |text| {
            serde_json::from_str(text).map_err(|error| error.to_string())
        })
    }

    fn remembered<T>(
        &self,
        known: &Known<T>,
        path: &Path,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<Arc<T>>, Unresolved> {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(path) {
            return Ok(found.clone());
        }
        let found = match std::fs::read_to_string(path) {
            Ok(text) => Some(Arc::new(read(&text).map_err(|error| {
                let shown = path.strip_prefix(&self.root).unwrap_or(path);
                Unresolved::Invalid(format!("`{}` cannot be read: {error}", shown.display()))
            })?)),
            Err(_) => None,
        };
        known.insert(path.to_owned(), found.clone());
        Ok(found)
    }

    /// By `paths` or `baseUrl` of the nearest tsconfig.json.
    fn aliased(&self, folder: &Path, name: &str) -> Result<Option<PathBuf>, Unresolved> {
        for around in self.upwards(folder) {
            let path = around.join("tsconfig.json");
            let aliases =
                self.remembered(&self.aliases, &path, |text| self.aliases(&path, text, 0))?;
            let Some(aliases) = aliases else { continue };
            for (pattern, places) in &aliases.paths {
                let Some(matched) = matched(pattern, name) else {
                    continue;
                };
                for place in places {
                    let place = place.to_string_lossy().replacen('*', matched, 1);
                    if let Some(found) = self.file_or_folder(&normal(Path::new(&place)))? {
                        return Ok(Some(found));
                    }
                }
            }
            return match &aliases.base {
                Some(base) => self.file_or_folder(&normal(&base.join(name))),
                None => Ok(None),
            };
        }
        Ok(None)
    }

    fn aliases(&self, path: &Path, text: &str, depth: usize) -> Result<Aliases, String> {
        let mut plain = text.to_owned();
        json_strip_comments::strip(&mut plain).map_err(|error| error.to_string())?;
        let read: TypeScriptConfiguration =
            serde_json::from_str(&plain).map_err(|error| error.to_string())?;
        let folder = path.parent().unwrap_or(&self.root);
        let parents = match &read.extends {
            Targets::Path(parent) => vec![parent.clone()],
            Targets::OneOf(parents) => parents
                .iter()
                .filter_map(|parent| match parent {
                    Targets::Path(parent) => Some(parent.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        let mut aliases = Aliases::default();
        for parent in parents {
            // What a package's tsconfig says of paths would be relative to the package.
            let place = normal(&folder.join(&parent));
            let place = if place.is_file() {
                place
            } else {
                folder.join(format!("{parent}.json"))
            };
            if depth < MAX_DEPTH
                && place.starts_with(&self.root)
                && let Ok(text) = std::fs::read_to_string(&place)
            {
                aliases = self.aliases(&place, &text, depth + 1)?;
            }
        }
        let options = read.compiler_options;
        if let Some(base) = options.base_url {
            aliases.base = Some(normal(&folder.join(base)));
        }
        if let Some(paths) = options.paths {
            let base = aliases.base.clone().unwrap_or_else(|| folder.to_owned());
            let mut paths: Vec<_> = paths
                .into_iter()
                .map(|(pattern, places)| {
                    let places = places.iter().map(|place| base.join(place)).collect();
                    (pattern, places)
                })
                .collect();
            // The longest pattern is the most exact one.
            paths.sort_by_key(|(pattern, _): &(String, Vec<PathBuf>)| {
                std::cmp::Reverse(pattern.len())
            });
            aliases.paths = paths;
        }
        Ok(aliases)
    }
}

/// `@scope/name/rest` or `name/rest`: the package and what follows it.
fn split_name(name: &str) -> (&str, &str) {
    let slash = match name.strip_prefix('@') {
        Some(scoped) => scoped
            .find('/')
            .and_then(|first| Some(scoped.get(first + 1..)?.find('/')? + first + 2)),
        None => name.find('/'),
    };
    name.split_at(slash.unwrap_or(name.len()))
}

/// The file itself, the TypeScript source of it, or it with an extension.
fn file(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return Some(path.to_owned());
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let source = BECOMES
        .iter()
        .find(|(built, _)| Some(*built) == extension)
        .map(|(_, source)| path.with_extension(source))
        .filter(|path| path.is_file());
    source.or_else(|| {
        EXTENSIONS.iter().find_map(|extension| {
            let mut with = path.as_os_str().to_owned();
            with.push(".");
            with.push(extension);
            Some(PathBuf::from(with)).filter(|path| path.is_file())
        })
    })
}

/// Without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// What stands for `*` in a pattern that matches; the whole of a pattern without one must be equal.
fn matched<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        None => (pattern == name).then_some(""),
        Some((before, after)) => name
            .strip_prefix(before)?
            .strip_suffix(after)
            .filter(|_| name.len() >= before.len() + after.len()),
    }
}

fn exported(
    place: &Path,
    exports: &Targets,
    part: &str,
    condition: &str,
    name: &str,
) -> Result<PathBuf, Unresolved> {
    let by_part = matches!(exports, Targets::Named(entries) if entries.iter().any(|(key, _)| key.starts_with('.')));
    let path = match (by_part, part) {
        (true, _) => target(exports, part, condition),
        (false, ".") => chosen(exports, condition, 0),
        (false, _) => None,
    };
    path.and_then(|path| file(&normal(&place.join(path))))
        .ok_or_else(|| {
            let missing = part.strip_prefix('.').unwrap_or(part);
            Unresolved::NotExported(format!(
                "package `{name}` does not export `{name}{missing}`"
            ))
        })
}

/// The path of an entry by its key or its pattern.
fn target(entries: &Targets, key: &str, condition: &str) -> Option<String> {
    let Targets::Named(entries) = entries else {
        return None;
    };
    if let Some((_, exact)) = entries
        .iter()
        .find(|(name, _)| name == key && !name.contains('*'))
    {
        return chosen(exact, condition, 0);
    }
    let (pattern, targets) = entries
        .iter()
        .filter(|(name, _)| name.contains('*') && matched(name, key).is_some())
        .max_by_key(|(name, _)| name.find('*'))?;
    let part = matched(pattern, key)?;
    chosen(targets, condition, 0).map(|path| path.replace('*', part))
}

fn chosen(targets: &Targets, condition: &str, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match targets {
        Targets::Nothing => None,
        Targets::Path(path) => Some(path.clone()),
        Targets::OneOf(list) => list
            .iter()
            .find_map(|target| chosen(target, condition, depth + 1)),
        Targets::Named(conditions) => conditions
            .iter()
            .filter(|(name, _)| name == condition || name == "node" || name == "default")
            .find_map(|(_, target)| chosen(target, condition, depth + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], from: &str, name: &str, condition: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (path, text) in files {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        match Resolution::new(root.clone()).resolve(&root.join(from), name, condition) {
            Ok(path) => path.strip_prefix(&root).unwrap().display().to_string(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn files_and_folders() {
        let files = [
            ("a.js", ""),
            ("b.ts", ""),
            ("page/index.js", ""),
            ("lib/package.json", r#"{"main": "./dist"}"#),
            ("lib/dist/index.cjs", ""),
        ];
        let is = |name: &str, expected: &str| {
            assert_eq!(check(&files, "spec.js", name, "import"), expected, "{name}");
        };
        is("./a", "a.js");
        is("./a.js", "a.js");
        is("./b.js", "b.ts");
        is("./page", "page/index.js");
        is("./lib", "lib/dist/index.cjs");
        is("./missing", "NotFound");
    }

    #[test]
    fn packages_by_their_conditions_in_the_order_written() {
        let exports = r#"{"exports": {".": {"browser": "./no.js", "node": {"import": "./m.mjs", "require": "./c.cjs"}, "default": "./d.js"}, "./part/*": "./parts/*.js", "./part/secret": null, "./data.json": ["./data.json"]}}"#;
        let files = [
            ("node_modules/p/package.json", exports),
            ("node_modules/p/m.mjs", ""),
            ("node_modules/p/c.cjs", ""),
            ("node_modules/p/d.js", ""),
            ("node_modules/p/parts/x.js", ""),
            ("node_modules/p/parts/secret.js", ""),
            ("node_modules/p/data.json", "{}"),
            (
                "node_modules/@s/q/package.json",
                r#"{"main": "q.js", "exports": "./q.js"}"#,
            ),
            ("node_modules/@s/q/q.js", ""),
            ("tests/node_modules/near/index.js", ""),
        ];
        let is = |name: &str, condition: &str, expected: &str| {
            assert_eq!(
                check(&files, "tests/spec.js", name, condition),
                expected,
                "{name}"
            );
        };
        is("p", "import", "node_modules/p/m.mjs");
        is("p", "require", "node_modules/p/c.cjs");
        is("p/part/x", "import", "node_modules/p/parts/x.js");
        is("p/data.json", "import", "node_modules/p/data.json");
        is("@s/q", "import", "node_modules/@s/q/q.js");
        is("near", "import", "tests/node_modules/near/index.js");
        is(
            "p/d.js",
            "import",
            "NotExported(\"package `p` does not export `p/d.js`\")",
        );
        is(
            "p/part/secret",
            "import",
            "NotExported(\"package `p` does not export `p/part/secret`\")",
        );
    }

    #[test]
    fn names_of_the_package_itself() {
        let files = [
            (
                "package.json",
                r##"{"name": "own", "exports": {"./x": "./src/x.js"}, "imports": {"#pages/*": "./pages/*.js"}}"##,
            ),
            ("src/x.js", ""),
            ("pages/login.js", ""),
        ];
        assert_eq!(check(&files, "tests/a.js", "own/x", "import"), "src/x.js");
        assert_eq!(
            check(&files, "tests/a.js", "#pages/login", "import"),
            "pages/login.js"
        );
    }

    #[test]
    fn paths_of_typescript() {
        let files = [
            (
                "tsconfig.base.json",
                r#"{"compilerOptions": {"baseUrl": "."}}"#,
            ),
            (
                "tsconfig.json",
                "{ // where pages are\n \"extends\": \"./tsconfig.base\", \"compilerOptions\": { \"paths\": { \"@pages/*\": [\"src/pages/*\"], \"@config\": [\"config\"], }, }, }",
            ),
            ("src/pages/login.ts", ""),
            ("config.ts", ""),
            ("helpers/h.ts", ""),
        ];
        assert_eq!(
            check(&files, "tests/a.ts", "@pages/login", "import"),
            "src/pages/login.ts"
        );
        assert_eq!(
            check(&files, "tests/a.ts", "@config", "import"),
            "config.ts"
        );
        assert_eq!(
            check(&files, "tests/a.ts", "helpers/h", "import"),
            "helpers/h.ts"
        );
    }
}

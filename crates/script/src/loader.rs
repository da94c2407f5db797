//! Modules and `require` of files below the root.

use std::path::Path;

use rquickjs::{
    Ctx, Exception, Function, Object, Value,
    context::EvalOptions,
    loader::{ImportAttributes, Loader, Resolver},
    module::{Declared, Module},
};

use crate::files::{Resolved, ScriptFiles};

/// The mark of a module that is the engine's own.
const BUILTIN: &str = "builtin:";

fn throw(ctx: &Ctx<'_>, message: &str) -> rquickjs::Error {
    Exception::throw_message(ctx, message)
}

impl Resolver for ScriptFiles {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        if name.starts_with(BUILTIN) {
            return Ok(name.to_owned());
        }
        match ScriptFiles::resolve(self, base, name, false) {
            Ok(Resolved::Builtin(name)) => Ok(format!("{BUILTIN}{name}")),
            Ok(Resolved::File(path)) => Ok(path),
            Err(message) => Err(throw(ctx, &message)),
        }
    }
}

impl Loader for ScriptFiles {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        if let Some(builtin) = name.strip_prefix(BUILTIN) {
            let value: Value<'js> = ctx
                .globals()
                .get::<_, Function<'js>>("__builtin")?
                .call((builtin,))?;
            let get = format!("globalThis.__builtin({builtin:?})");
            return Module::declare(ctx.clone(), name, bridge(ctx, &value, &get)?);
        }
        let source = self.script(name).map_err(|message| throw(ctx, &message))?;
        if name.ends_with(".json") {
            return Module::declare(ctx.clone(), name, format!("export default {source}"));
        }
        if self.is_module(name, &source) {
            let module = Module::declare(ctx.clone(), name, source)?;
            let meta = module.meta()?;
            meta.set("url", format!("file:///{name}"))?;
            meta.set("filename", format!("/{name}"))?;
            meta.set("dirname", format!("/{}", folder(name)))?;
            return Ok(module);
        }
        // What CommonJS exports is known once it has run.
        let value = require(ctx, self, "", &format!("/{name}"))?;
        let get = format!("globalThis.__require('', {:?})", format!("/{name}"));
        Module::declare(ctx.clone(), name, bridge(ctx, &value, &get)?)
    }
}

/// A module that exports what a value has; `get` is the expression that answers the value.
fn bridge<'js>(ctx: &Ctx<'js>, value: &Value<'js>, get: &str) -> rquickjs::Result<String> {
    let names: Vec<String> = match value.as_object() {
        Some(_) => {
            let names: String = ctx
                .globals()
                .get::<_, Function<'js>>("__exportNames")?
                .call((value.clone(),))?;
            serde_json::from_str(&names).unwrap_or_default()
        }
        None => Vec::new(),
    };
    let mut source = format!(
        "const all = {get};\nexport default (all && all.__esModule && 'default' in all) ? all.default : all;\n"
    );
    for (number, name) in names.iter().enumerate() {
        // A name may be a word of the language: only the exported one is the user's.
        source.push_str(&format!(
            "const value{number} = all[{name:?}]; export {{ value{number} as {name} }};\n"
        ));
    }
    Ok(source)
}

fn folder(path: &str) -> String {
    Path::new(path)
        .parent()
        .map(|folder| folder.display().to_string())
        .unwrap_or_default()
}

/// `require(base, name)`: CommonJS with a cache; the wrapper stands on line 1, so that lines stay.
pub(crate) fn require<'js>(
    ctx: &Ctx<'js>,
    files: &ScriptFiles,
    base: &str,
    name: &str,
) -> rquickjs::Result<Value<'js>> {
    let path = match files.resolve(base, name, true) {
        Ok(Resolved::Builtin(name)) => {
            return ctx
                .globals()
                .get::<_, Function<'js>>("__builtin")?
                .call((name,));
        }
        Ok(Resolved::File(path)) => path,
        Err(message) => return Err(not_found(ctx, &message)),
    };
    let cache: Object<'js> = ctx.globals().get("__modules")?;
    if let Ok(Some(module)) = cache.get::<_, Option<Object<'js>>>(path.as_str()) {
        return module.get("exports");
    }
    let source = files
        .script(&path)
        .map_err(|message| throw(ctx, &message))?;
    if path.ends_with(".json") {
        return ctx.json_parse(source);
    }
    if files.is_module(&path, &source) {
        return require_module(ctx, &cache, &path);
    }
    evaluate_commonjs(ctx, &path, &source)
}

fn not_found<'js>(ctx: &Ctx<'js>, message: &str) -> rquickjs::Error {
    let make = "(message) => Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' })";
    match ctx
        .eval::<Function<'js>, _>(make)
        .and_then(|make| make.call::<_, Value<'js>>((message,)))
    {
        Ok(error) => ctx.throw(error),
        Err(error) => error,
    }
}

/// `require` of an ES module that awaits nothing while it loads.
fn require_module<'js>(
    ctx: &Ctx<'js>,
    cache: &Object<'js>,
    path: &str,
) -> rquickjs::Result<Value<'js>> {
    let namespace: Object<'js> = Module::import(ctx, format!("/{path}"))?.finish()?;
    let module = Object::new(ctx.clone())?;
    module.set("exports", namespace.clone())?;
    cache.set(path, module)?;
    Ok(namespace.into_value())
}

/// Runs a CommonJS source and answers its `module.exports`.
pub(crate) fn evaluate_commonjs<'js>(
    ctx: &Ctx<'js>,
    path: &str,
    source: &str,
) -> rquickjs::Result<Value<'js>> {
    let module = Object::new(ctx.clone())?;
    module.set("exports", Object::new(ctx.clone())?)?;
    module.set("id", format!("/{path}"))?;
    module.set("filename", format!("/{path}"))?;
    let cache: Object<'js> = ctx.globals().get("__modules")?;
    cache.set(path, module.clone())?;
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(path.to_owned());
    // A `#!` line is no JavaScript behind the wrapper.
    let source = if source.starts_with("#!") {
        format!("//{source}")
    } else {
        source.to_owned()
    };
    let wrapped =
        format!("(function (exports, require, module, __filename, __dirname) {{{source}\n}})");
    let wrapper: Function<'js> = ctx.eval_with_options(wrapped, options)?;
    let bind: Function<'js> = ctx.eval(
        "(base) => Object.assign((name) => globalThis.__require(base, name), { cache: {}, main: undefined, resolve: (name) => name })",
    )?;
    let require: Function<'js> = bind.call((path,))?;
    let exports: Value<'js> = module.get("exports")?;
    let (file, folder) = (format!("/{path}"), format!("/{}", folder(path)));
    let this = exports.clone();
    let outcome = wrapper.call::<_, Value<'js>>((
        rquickjs::prelude::This(this),
        exports,
        require,
        module.clone(),
        file,
        folder,
    ));
    if let Err(error) = outcome {
        // What failed while it loaded is loaded anew when it is asked for again.
        cache.remove(path)?;
        return Err(error);
    }
    module.get("exports")
}

//! Puts the built web UI, or a page that says how to build it, where the embedding finds it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const MISSING: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>canarytrace</title><body style='font-family:sans-serif;margin:3rem'>\
<h1>The web UI is not built</h1><p>Run <code>cargo xtask ui</code> and build again.</p><p>The API works: <a href='/_cat/indices?v'>/_cat/indices</a></p></body></html>";

fn main() {
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("ui");
    let source = Path::new("../../ui/dist");
    println!("cargo:rerun-if-changed=../../ui/dist");
    println!("cargo:rerun-if-changed=build.rs");
    if target.exists() {
        fs::remove_dir_all(&target).expect("the old copy can be removed");
    }
    fs::create_dir_all(&target).expect("OUT_DIR is writable");
    if source.join("index.html").exists() {
        copy(source, &target);
    } else {
        fs::write(target.join("index.html"), MISSING).expect("OUT_DIR is writable");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("OUT_DIR is writable");
    for entry in fs::read_dir(from).expect("ui/dist is readable").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("ui/dist is readable");
        }
    }
}

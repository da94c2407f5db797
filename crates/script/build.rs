//! Puts the bundled packages, or a line that says how to bundle them, where the embedding finds them.

use std::{env, fs, path::PathBuf};

const NAMES: [&str; 6] = ["node", "expect", "chai", "roles", "html", "intl"];

fn main() {
    println!("cargo:rerun-if-changed=library/dist");
    println!("cargo:rerun-if-changed=build.rs");
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("library");
    fs::create_dir_all(&target).expect("OUT_DIR is writable");
    for name in NAMES {
        let source = PathBuf::from("library/dist").join(format!("{name}.js"));
        let text = fs::read_to_string(source).unwrap_or_else(|_| {
            format!("(() => {{ throw new Error('this build lacks the packages that scripts use ({name}): run `cargo xtask library` and build again'); }})()")
        });
        fs::write(target.join(format!("{name}.js")), text).expect("OUT_DIR is writable");
    }
}

//! `canarytrace init`: a repository of monitors to start from.

use std::{fs, path::Path};

use crate::{arguments::InitArguments, failure::Failure, terminal};

/// Paths below the folder and what they hold.
const FILES: [(&str, &str); 7] = [
    ("canarytrace.yaml", include_str!("../init/canarytrace.yaml")),
    ("tests/journey.js", include_str!("../init/journey.js")),
    ("tests/pages/home.js", include_str!("../init/home.js")),
    ("types/canarytrace.d.ts", canarytrace_script::TYPES),
    ("jsconfig.json", include_str!("../init/jsconfig.json")),
    (
        ".github/workflows/monitors.yml",
        include_str!("../init/checks.yml"),
    ),
    (
        ".gitignore",
        "/canarytrace-runs/\n/canarytrace-data/\nnode_modules/\n",
    ),
];

pub(crate) fn run(arguments: &InitArguments) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    let there: Vec<&str> = FILES
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| folder.join(path).exists() && *path != ".gitignore")
        .collect();
    if !there.is_empty() {
        return Err(Failure::with_hint(
            format!(
                "{} is there already: {}",
                folder.display(),
                there.join(", ")
            ),
            "nothing was written; name an empty folder",
        ));
    }
    for (path, text) in FILES {
        let file = folder.join(path);
        if !file.exists() {
            write(&file, text)?;
        }
        terminal::line(&format!("  {path}"));
    }
    terminal::line(
        "next: canarytrace check && canarytrace serve --config canarytrace.yaml --data ./canarytrace-data",
    );
    Ok(0)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("{} cannot be written: {error}", file.display()))
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(file, text).map_err(failed)
}

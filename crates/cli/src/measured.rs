//! The vitals of finished runs, read from their run directories.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::Value;

use crate::failure::Failure;

/// What is compared, with its unit.
pub(crate) const METRICS: [(&str, &str); 5] = [
    ("load", "ms"),
    ("lcp", "ms"),
    ("fcp", "ms"),
    ("ttfb", "ms"),
    ("cls", ""),
];

/// Values by metric: of each run its first page.
pub(crate) type Measured = BTreeMap<&'static str, Vec<f64>>;

/// Reads every run below `folder`, or the one that `folder` is.
pub(crate) fn read(folder: &Path) -> Result<Measured, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::with_hint(
            format!("{} cannot be read: {error}", folder.display()),
            "name the folder that was given to `canarytrace run --out`",
        )
    };
    let mut runs = vec![folder.to_owned()];
    if !folder.join("run.json").exists() {
        runs = std::fs::read_dir(folder)
            .map_err(unreadable)?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("run.json").exists())
            .collect();
        runs.sort();
    }
    let mut measured = Measured::new();
    for run in &runs {
        add(&mut measured, run);
    }
    if measured.is_empty() {
        return Err(Failure::with_hint(
            format!("{} holds no run that timed a page", folder.display()),
            "canarytrace run URL --repeat 10 --out FOLDER",
        ));
    }
    Ok(measured)
}

pub(crate) fn add(measured: &mut Measured, run: &Path) {
    let Ok(file) = std::fs::File::open(run.join("documents.ndjson")) else {
        return;
    };
    let mut lines = BufReader::new(file).lines().map_while(Result::ok);
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        if !action.contains("-vitals-") {
            continue;
        }
        let vitals: Value = serde_json::from_str(&source).unwrap_or_default();
        for (name, _) in METRICS {
            if let Some(value) = vitals.get(name).and_then(Value::as_f64) {
                measured.entry(name).or_default().push(value);
            }
        }
        return;
    }
}

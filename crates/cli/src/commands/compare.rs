//! `canarytrace compare`: whether two sets of runs differ, or only wobble.

use canarytrace_model::statistics::Comparison;

use crate::{
    arguments::CompareArguments,
    failure::Failure,
    measured::{METRICS, read},
    terminal,
};

/// Exit 1 when something got slower.
pub(crate) fn run(arguments: &CompareArguments) -> Result<u8, Failure> {
    let (before, after) = (read(&arguments.before)?, read(&arguments.after)?);
    let mut slower = false;
    for (name, unit) in METRICS {
        let (Some(before), Some(after)) = (before.get(name), after.get(name)) else {
            continue;
        };
        let Some(comparison) = Comparison::of(before, after) else {
            continue;
        };
        let word = match (comparison.is_change(), comparison.shift > 0.0) {
            (false, _) => "no change",
            (true, true) => "SLOWER",
            (true, false) => "faster",
        };
        slower |= comparison.is_change() && comparison.shift > 0.0;
        terminal::line(&format!(
            "{name:5} {:>10.1} -> {:>10.1} {unit:2} {:>+7.1} %  p {:.4}  {word} ({} and {} runs)",
            comparison.before.median,
            comparison.after.median,
            comparison.shift_percent,
            comparison.p,
            comparison.before.count,
            comparison.after.count,
        ));
    }
    Ok(u8::from(slower))
}

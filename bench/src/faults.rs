//! Every fault of the suite several times; the table is kept in `docs/faults.md`.

use anyhow::{Result, bail};
use canarytrace_e2e::faults::{Judged, World, all, judge, table};

pub(crate) fn faults(times: u64) -> Result<()> {
    let world = World::default();
    let mut judged: Vec<Judged> = Vec::new();
    for fault in all() {
        for _ in 0..times {
            let one = judge(&world, &fault);
            println!(
                "{} {}: {} ({:.1} s)",
                if one.is_right() { "right" } else { "WRONG" },
                one.name,
                one.got,
                one.seconds
            );
            if !one.is_right() {
                println!("      {}\n      {}", one.detail, one.facts);
            }
            judged.push(one);
        }
    }
    let right = judged.iter().filter(|one| one.is_right()).count();
    let share = right as f64 * 100.0 / judged.len() as f64;
    let summary = format!(
        "{right} of {} judged right ({share:.1} %, goal at least 95 %)",
        judged.len()
    );
    let text = format!(
        "# Faults and whom a run blames\n\nWritten by `cargo xtask bench faults {times}`: each fault was caused {times} times, for real. {summary}.\n\n{}",
        table(&judged)
    );
    std::fs::write("docs/faults.md", text)?;
    println!("{summary}; docs/faults.md");
    if judged.iter().any(Judged::is_slander) {
        bail!("the site was blamed for a fault of ours");
    }
    Ok(())
}

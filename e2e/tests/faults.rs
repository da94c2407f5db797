//! Faults caused for real: the right party is blamed, and the site never for a fault of ours.
#![expect(
    clippy::disallowed_methods,
    reason = "FAULT=part of a name tries only those"
)]

use canarytrace_e2e::{
    faults::{World, all, judge, table},
    leftovers,
};

/// The short form of `cargo xtask bench faults`, which causes each fault five times.
#[test]
fn the_right_party_is_blamed() {
    let world = World::default();
    let only = std::env::var("FAULT").unwrap_or_default();
    let faults: Vec<_> = all()
        .into_iter()
        .filter(|fault| fault.name.contains(&only))
        .collect();
    let judged: Vec<_> = faults.iter().map(|fault| judge(&world, fault)).collect();
    let wrong: Vec<_> = judged.iter().filter(|one| !one.is_right()).collect();
    let right = judged.len() - wrong.len();
    println!("{}", table(&judged));
    let mut slowest: Vec<_> = judged.iter().collect();
    slowest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for one in slowest.iter().take(10) {
        println!("{:.1} s: {}", one.seconds, one.name);
    }
    assert!(!judged.iter().any(|one| one.is_slander()), "{wrong:#?}");
    assert!(right * 100 >= judged.len() * 95, "{wrong:#?}");
    assert_eq!(leftovers(), Vec::<String>::new());
}

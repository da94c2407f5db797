//! Scripts: the same specs played by WebdriverIO itself and by us.

use std::collections::BTreeMap;

use canarytrace_e2e::judge::{
    Difference, Kind, Outcomes, differences, folder, judged, ours, pages, specs,
};

/// Fewer would mean that specs were lost.
const FEWEST_TESTS: usize = 150;

#[test]
fn webdriverio_and_we_agree() {
    let web = pages();
    let only = option_of_tests();
    let specs: Vec<String> = specs(Kind::Judged)
        .into_iter()
        .filter(|spec| spec.contains(only.as_str()))
        .collect();
    let (theirs, ours) = std::thread::scope(|scope| {
        let judge = scope.spawn(|| judged(&specs, &web.url));
        let mut played = Outcomes::new();
        for spec in &specs {
            played.extend(ours(spec, &web.url).0);
        }
        (judge.join().unwrap(), played)
    });
    let listed = std::fs::read_to_string(folder().join("differences.json")).unwrap();
    let listed: Vec<Difference> = serde_json::from_str(&listed).unwrap();
    let mut explained: BTreeMap<&str, &str> = listed
        .iter()
        .map(|difference| (difference.test.as_str(), difference.why.as_str()))
        .collect();
    let mut found = Vec::new();
    for (test, outcome) in &theirs {
        let differing = match ours.get(test) {
            None => vec!["not played by us".to_owned()],
            Some(own) => differences(outcome, own),
        };
        match (differing.is_empty(), explained.remove(test.as_str())) {
            (false, None) => found.push(format!("{test}:\n  {}", differing.join("\n  "))),
            (true, Some(why)) => found.push(format!("{test}: agrees now, though listed: {why}")),
            _ => {}
        }
    }
    let unknown = ours.keys().filter(|test| !theirs.contains_key(*test));
    found.extend(unknown.map(|test| format!("{test}: not played by the judge")));
    if only.is_empty() {
        found.extend(
            explained
                .keys()
                .map(|test| format!("{test}: listed, but no such test")),
        );
    }
    if only.is_empty() && theirs.len() < FEWEST_TESTS {
        found.push(format!("only {} tests", theirs.len()));
    }
    assert!(
        found.is_empty(),
        "{} of {} differ\n{}",
        found.len(),
        theirs.len(),
        found.join("\n")
    );
}

/// `SPEC=part of a name` plays only those.
fn option_of_tests() -> String {
    std::env::vars()
        .find(|(name, _)| name == "SPEC")
        .map(|(_, value)| value)
        .unwrap_or_default()
}

#[test]
fn what_webdriverio_9_lacks_works() {
    let web = pages();
    let only = option_of_tests();
    let mut failed = Vec::new();
    for spec in specs(Kind::Own)
        .iter()
        .filter(|spec| spec.contains(only.as_str()))
    {
        let (outcomes, lines) = ours(spec, &web.url);
        assert!(!outcomes.is_empty(), "{spec}\n{lines}");
        let wrong = outcomes.iter().filter(|(_, outcome)| !outcome.passed);
        failed.extend(wrong.map(|(test, outcome)| format!("{spec}: {test}: {}", outcome.error)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Every command that works is called in a spec, which is played by one of the tests above.
#[test]
fn the_list_of_commands_is_true() {
    let table = std::fs::read_to_string(folder().join("../../crates/script/api.json")).unwrap();
    let entries: Vec<serde_json::Value> = serde_json::from_str(&table).unwrap();
    let all = [specs(Kind::Judged), specs(Kind::Own)].concat();
    let text: String = all
        .iter()
        .map(|spec| std::fs::read_to_string(folder().join(spec)).unwrap())
        .collect();
    let called = |entry: &serde_json::Value| {
        let name = entry["name"].as_str().unwrap();
        match entry["test"].as_str() {
            Some(test) => text.contains(test),
            None => text.contains(&format!(".{name}(")) || text.contains(&format!(" {name}(")),
        }
    };
    let missing: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["state"] == "yes" && !called(entry))
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert!(missing.is_empty(), "no spec calls {}", missing.join(", "));
}

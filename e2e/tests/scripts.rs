//! Scripts: the same specs played by WebdriverIO itself and by us.

use canarytrace_e2e::judge::{
    Difference, Kind, Outcomes, differences, folder, judged, ours, ours_with, pages, specs,
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
    let listed = std::fs::read_to_string(folder().join("differences.json")).unwrap();
    let listed: Vec<Difference> = serde_json::from_str(&listed).unwrap();
    let played = play(&specs, &web.url);
    let tests: Vec<&String> = played.iter().flat_map(|spec| spec.theirs.keys()).collect();
    if only.is_empty() {
        assert!(tests.len() >= FEWEST_TESTS, "only {} tests", tests.len());
        for one in &listed {
            assert!(
                tests.contains(&&one.test),
                "{}: listed, but no such test",
                one.test
            );
        }
    }
    let differing: Vec<&Played> = played
        .iter()
        .filter(|spec| !spec.problems(&listed).is_empty())
        .collect();
    if differing.is_empty() {
        return;
    }
    // Waits race on a busy machine, WebdriverIO's own as well: what really differs does so again.
    let again: Vec<String> = differing.iter().map(|spec| spec.name.clone()).collect();
    let first: Vec<String> = differing
        .iter()
        .flat_map(|spec| spec.problems(&listed))
        .collect();
    println!("played again, because of\n{}", first.join("\n"));
    let second = play(&again, &web.url);
    let found: Vec<String> = second
        .iter()
        .flat_map(|spec| spec.problems(&listed))
        .collect();
    assert!(
        found.is_empty(),
        "{} of {} tests differ\n{}",
        found.len(),
        tests.len(),
        found.join("\n")
    );
}

/// One spec with both outcomes of its tests.
struct Played {
    name: String,
    theirs: Outcomes,
    ours: Outcomes,
}

/// Plays specs with WebdriverIO and with us at the same time.
fn play(specs: &[String], url: &str) -> Vec<Played> {
    std::thread::scope(|scope| {
        let judge = scope.spawn(|| judged(specs, url));
        let own: Vec<Outcomes> = specs.iter().map(|spec| ours(spec, url).0).collect();
        let mut theirs = judge.join().expect("its own panic has said why");
        let mut played: Vec<Played> = specs
            .iter()
            .zip(own)
            .map(|(name, ours)| Played {
                name: name.clone(),
                theirs: ours
                    .keys()
                    .filter_map(|test| theirs.remove_entry(test))
                    .collect(),
                ours,
            })
            .collect();
        // What only WebdriverIO played belongs to no spec of ours: it is told with the first one.
        if let Some(first) = played.first_mut() {
            first.theirs.extend(theirs);
        }
        played
    })
}

impl Played {
    /// What differs without being listed, and what is listed and agrees.
    fn problems(&self, listed: &[Difference]) -> Vec<String> {
        let why = |test: &str| listed.iter().find(|one| one.test == test);
        let mut found = Vec::new();
        for (test, outcome) in &self.theirs {
            let differing = match self.ours.get(test) {
                None => vec!["not played by us".to_owned()],
                Some(own) => differences(outcome, own),
            };
            match (differing.is_empty(), why(test)) {
                (false, None) => found.push(format!("{test}:\n  {}", differing.join("\n  "))),
                (true, Some(one)) => {
                    found.push(format!("{test}: agrees now, though listed: {}", one.why));
                }
                _ => {}
            }
        }
        let unknown = self
            .ours
            .keys()
            .filter(|test| !self.theirs.contains_key(*test));
        found.extend(unknown.map(|test| format!("{test}: not played by the judge")));
        found
    }
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

/// Each kind of script that the established product is shown with, in the style it was written in, as somebody would run it
/// who has never heard of us.
#[test]
fn samples_of_the_established_product_run() {
    let web = pages();
    let only = option_of_tests();
    let configuration = folder().join("samples/configuration.json");
    let variables = [
        ("USER", "tomsmith"),
        ("PASS", "SuperSecretPassword!"),
        ("CONFIG", configuration.to_str().unwrap()),
        ("PT_AUDIT", "deny"),
        ("HERO_ELEMENTS", "allow"),
        ("COVERAGE_AUDIT", "allow"),
    ];
    let samples = [
        ("title", 1),
        ("login", 3),
        ("tour", 4),
        // Two of them have the same title.
        ("audits", 2),
        ("journey", 3),
        ("shop_sync", 4),
        ("betting_sync", 2),
        ("wizard", 1),
    ];
    let mut wrong = Vec::new();
    for (name, steps) in samples
        .iter()
        .filter(|(name, _)| name.contains(only.as_str()))
    {
        let (outcomes, lines) = ours_with(&format!("samples/{name}.js"), &web.url, &variables);
        let failed = outcomes.iter().filter(|(_, outcome)| !outcome.passed);
        wrong.extend(failed.map(|(test, outcome)| format!("{name}: {test}: {}", outcome.error)));
        if outcomes.len() != *steps {
            wrong.push(format!(
                "{name}: {} steps, not {steps}\n{lines}",
                outcomes.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

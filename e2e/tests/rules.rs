//! Rules: which documents each finds, how they are replaced, tried and looked through.

use std::collections::BTreeSet;

use canarytrace_e2e::{
    Said, Server,
    alerts::{QUIET, failed_run, files, listen, minutes_ago, search, send},
    canarytrace, judged,
};
use serde_json::json;

#[test]
fn every_established_rule_finds_what_it_is_meant_to_find() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    judged::established_rules_find(&server.url);
}

#[test]
fn every_condition_finds_what_it_is_meant_to_find() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    judged::conditions_are_judged_alike(&[&server.url]);
}

#[test]
fn a_users_file_replaces_a_built_in_one_and_mistakes_are_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    let rules = files(&[(
        "rules.yaml",
        "rules:\n- title: Mine\n  type: match\n  index: c.report\n  field: passed\n  operator: must\n  expected: \"false\"\n  score: 10\n  reporters: [{type: slack, message: Oh}]\n- title: Broken\n  type: mach\n  index: c.report\n  score: 1\n  reporters: [{type: slack}]\n",
    )]);
    let path = rules.path().join("rules.yaml");
    let path = path.to_str().unwrap();
    send(
        &server.url,
        &[(
            "report",
            json!({"passed": false, "timestamp": minutes_ago(1)}),
        )],
    );
    let mut variables = QUIET.to_vec();
    variables.push(("INTERNAL_RULES_PATH", path));
    let said = listen(&server.url, &[], &variables);
    assert!(
        said.stdout
            .contains(&format!("loaded 1x internal rules from {path}")),
        "{said:?}"
    );
    assert!(
        said.stderr.contains(&format!(
            "{path}:11:9: rule `Broken`: unknown variant `mach`; did you mean `match`?"
        )),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("channel `slack` is not set up"),
        "{said:?}"
    );
    let titles: BTreeSet<String> = search(&server.url, "c.listener.queue", &json!({}))
        .iter()
        .map(|own| own["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(titles, BTreeSet::from(["Mine".to_owned()]));
}

#[test]
fn rules_are_tried_and_looked_through() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--only", "store"]);
    send(
        &server.url,
        &[failed_run("shop", 40), failed_run("shop", 30)],
    );
    let rules = files(&[(
        "rules.yaml",
        "rules:\n- title: Down\n  index: c.run\n  when: { consecutive: 2 }\n  score: 10\n  reporters: [{type: slack}]\n- title: Slow\n  index: c.run\n  when: { statistic: { field: durationMs, of: p95, above: 99999, minimum: 1 } }\n  score: 40\n  reporters: [{type: slack}]\n- title: Misspelt\n  type: range\n  index: c.run\n  field: vitals.lod\n  operator: gt\n  value: 3\n  score: 40\n  reporters: [{type: slack}]\n",
    )]);
    let path = rules.path().join("rules.yaml");
    let path = path.to_str().unwrap();
    let say = |arguments: &[&str]| -> Said { canarytrace(arguments).output().unwrap().into() };
    let tried = say(&[
        "rules",
        "test",
        "--rules",
        path,
        "--store",
        &server.url,
        "--from",
        "now-2h",
    ]);
    assert_eq!(tried.code, Some(1), "{tried:?}");
    assert!(tried.stdout.contains("Down · shop (score 10)"), "{tried:?}");
    assert!(
        tried.stdout.contains("the last 2 runs failed (limit 2)"),
        "{tried:?}"
    );
    assert!(tried.stdout.contains("never: Slow: "), "{tried:?}");
    let linted = say(&["rules", "lint", "--rules", path, "--store", &server.url]);
    assert_eq!(linted.code, Some(1), "{linted:?}");
    assert!(linted.stdout.contains("rule `Misspelt`: field `vitals.lod` is in no c.run-* index; the nearest one is `vitals.load`"), "{linted:?}");
    let nothing = say(&["rules", "lint", "--rules", "/nowhere/*.yaml"]);
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
}

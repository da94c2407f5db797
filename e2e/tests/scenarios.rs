//! The store answers as a real search engine does: each scenario is played against ours and compared with what the judge
//! answered. `cargo xtask record` asks the judge again.
#![expect(
    clippy::disallowed_methods,
    reason = "JUDGE=opensearch or a URL records; SCENARIO=part of a name plays only those"
)]

use canarytrace_e2e::{
    Server,
    opensearch::OpenSearch,
    request,
    scenarios::{Differences, all, difference},
};

#[test]
fn answers_are_those_of_the_judge() {
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let scenarios = all()
        .into_iter()
        .filter(|scenario| scenario.name.contains(&only));
    if let Ok(judge) = std::env::var("JUDGE") {
        let own = (judge == "opensearch").then(OpenSearch::start);
        let judge = own.as_ref().map_or(judge, |own| own.url.clone());
        let (_, banner) = request("GET", &judge, &[], "");
        let version = &banner["version"];
        let name = version["distribution"].as_str().unwrap_or("elasticsearch");
        let name = format!("{name} {}", version["number"].as_str().unwrap());
        // What OpenSearch lacks has Elasticsearch as its judge.
        let is_its = |name: &str| name.starts_with("elasticsearch");
        for scenario in scenarios.filter(|scenario| is_its(&scenario.name) == is_its(&name)) {
            scenario.record(&name, &scenario.play(&judge));
            println!("recorded {}", scenario.name);
        }
        return;
    }
    let data = tempfile::tempdir().expect("a folder");
    let server = Server::start(data.path(), &["--only", "store"]);
    let differences = Differences::read();
    let (mut steps, mut wrong) = (0, Vec::new());
    for scenario in scenarios {
        let (_, judged) = scenario.judged();
        assert_eq!(
            judged.len(),
            scenario.steps.len(),
            "{}: cargo xtask record",
            scenario.name
        );
        let ours = scenario.play(&server.url);
        for ((step, judged), ours) in scenario.steps.iter().zip(&judged).zip(&ours) {
            steps += 1;
            if let Some(difference) =
                difference(judged, ours, "", &differences.ignored(&scenario, step))
            {
                wrong.push(format!(
                    "{}: {} {} {}\n    {difference}",
                    scenario.name, step.method, step.path, step.body
                ));
            }
        }
    }
    println!("{steps} steps");
    assert!(
        wrong.is_empty(),
        "{} of {steps} steps differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

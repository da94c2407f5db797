//! Requests with the answers that another search engine gave: a scenario is a YAML file of steps, beside it lies what the
//! judge answered.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// One request.
#[derive(Debug)]
pub struct Step {
    pub method: String,
    /// With its query.
    pub path: String,
    pub body: String,
}

/// A file of steps.
#[derive(Debug)]
pub struct Scenario {
    pub name: String,
    pub steps: Vec<Step>,
    /// Where the answers of the judge are.
    pub recorded: PathBuf,
}

/// What differs from run to run.
const VOLATILE: [&str; 10] = [
    "took",
    "_shards",
    "timed_out",
    "terminated_early",
    "_scroll_id",
    "pit_id",
    "creation_time",
    "creation_date",
    "uuid",
    "index_uuid",
];
/// Ids of contexts: `{{_scroll_id}}` in a later step stands for the last one that was answered.
const REMEMBERED: [&str; 2] = ["_scroll_id", "pit_id"];
/// Scores are single precision, and sums are added in another order.
const TOLERANCE: f64 = 1e-5;

/// All scenarios, by name.
pub fn all() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut scenarios: Vec<Scenario> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| read(&path))
        .collect();
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios
}

fn read(path: &Path) -> Scenario {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let steps: Vec<Value> =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let steps = steps.into_iter().map(|step| {
        let map = step.as_object().filter(|map| map.len() == 1);
        let (request, body) = map
            .and_then(|map| map.iter().next())
            .unwrap_or_else(|| panic!("{name}: a step is `METHOD /path: body`, not {step}"));
        let (method, path) = request.split_once(' ').unwrap();
        Step {
            method: method.to_owned(),
            path: path.to_owned(),
            body: match body {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        }
    });
    Scenario {
        steps: steps.collect(),
        recorded: path.with_extension("recorded.json"),
        name,
    }
}

impl Scenario {
    /// Plays all steps at a server and answers `{status, body}` of each, without what differs from run to run.
    pub fn play(&self, url: &str) -> Vec<Value> {
        let headers = |step: &Step| {
            let is_bulk = step.path.contains("_bulk") || step.path.contains("_msearch");
            let kind = if is_bulk {
                "application/x-ndjson"
            } else {
                "application/json"
            };
            [("content-type", kind)]
        };
        remove_indices(url);
        let mut remembered: Vec<(String, String)> = Vec::new();
        let mut answers = Vec::new();
        for step in &self.steps {
            let filled = |text: &str| {
                remembered
                    .iter()
                    .fold(text.to_owned(), |text, (name, value)| {
                        text.replace(&format!("{{{{{name}}}}}"), value)
                    })
            };
            let to = format!("{url}{}", filled(&step.path));
            let (status, body) =
                crate::request(&step.method, &to, &headers(step), &filled(&step.body));
            for name in REMEMBERED {
                if let Some(id) = body[name].as_str() {
                    remembered.retain(|(own, _)| own != name);
                    remembered.push((name.to_owned(), id.to_owned()));
                }
            }
            answers.push(json!({"status": status, "body": stable(body)}));
        }
        answers
    }

    /// The judge and its answers.
    pub fn judged(&self) -> (String, Vec<Value>) {
        let text = std::fs::read_to_string(&self.recorded).unwrap_or_else(|error| {
            panic!("{}: {error}: cargo xtask record", self.recorded.display())
        });
        let recorded: Value = serde_json::from_str(&text).unwrap();
        let judge = recorded["judge"].as_str().unwrap().to_owned();
        (judge, recorded["answers"].as_array().unwrap().clone())
    }

    pub fn record(&self, judge: &str, answers: &[Value]) {
        // A line for each answer: a change is seen.
        let lines: Vec<String> = answers.iter().map(Value::to_string).collect();
        let text = format!(
            "{{\"judge\":\"{judge}\",\"answers\":[\n{}\n]}}\n",
            lines.join(",\n")
        );
        std::fs::write(&self.recorded, text).unwrap();
    }
}

/// What another scenario has left is not seen.
fn remove_indices(url: &str) {
    let (_, list) = crate::request(
        "GET",
        &format!("{url}/_cat/indices?format=json&h=index"),
        &[],
        "",
    );
    for index in list.as_array().into_iter().flatten() {
        let name = index["index"].as_str().unwrap();
        if !name.starts_with('.') {
            let (status, said) = crate::request("DELETE", &format!("{url}/{name}"), &[], "");
            assert_eq!(status, 200, "{name}: {said}");
        }
    }
}

/// Without volatile members; of an error only its type counts, words may differ.
pub fn stable(value: Value) -> Value {
    match value {
        Value::Object(mut map) => {
            if let Some(error) = map.get("error") {
                // What a shard says stands below what the whole search says.
                let kind = error
                    .pointer("/root_cause/0/type")
                    .or_else(|| error.get("type"));
                return json!({"error": kind});
            }
            for name in VOLATILE {
                map.remove(name);
            }
            let stable = map.into_iter().map(|(name, value)| (name, stable(value)));
            Value::Object(stable.collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(stable).collect()),
        other => other,
    }
}

/// What may differ from the judge, and why.
pub struct Differences(Vec<Value>);

impl Differences {
    pub fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/differences.json");
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// Members of the answer to a step that may differ.
    pub fn ignored(&self, scenario: &Scenario, step: &Step) -> Vec<String> {
        let request = format!("{} {} {}", step.method, step.path, step.body);
        let entries = self.0.iter().filter(|entry| {
            entry["scenario"] == scenario.name.as_str()
                && entry["request"]
                    .as_str()
                    .is_none_or(|part| request.contains(part))
        });
        entries
            .flat_map(|entry| entry["ignored"].as_array().unwrap())
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }
}

/// Where two answers differ first, in words.
pub fn difference(judged: &Value, ours: &Value, place: &str, ignored: &[String]) -> Option<String> {
    match (judged, ours) {
        (Value::Object(judged), Value::Object(ours)) => {
            let names: std::collections::BTreeSet<&String> =
                judged.keys().chain(ours.keys()).collect();
            let mut names = names.into_iter().filter(|name| !ignored.contains(name));
            names.find_map(|name| {
                let place = format!("{place}/{name}");
                match (judged.get(name), ours.get(name)) {
                    (Some(judged), Some(ours)) => difference(judged, ours, &place, ignored),
                    (judged, ours) => {
                        Some(format!("{place}: {judged:?} is judged, {ours:?} is ours"))
                    }
                }
            })
        }
        (Value::Array(judged), Value::Array(ours)) if judged.len() == ours.len() => judged
            .iter()
            .zip(ours)
            .enumerate()
            .find_map(|(index, (judged, ours))| {
                difference(judged, ours, &format!("{place}/{index}"), ignored)
            }),
        (Value::Number(judged), Value::Number(ours)) => {
            let (judged, ours) = (judged.as_f64().unwrap(), ours.as_f64().unwrap());
            let near = (judged - ours).abs() <= TOLERANCE * judged.abs().max(ours.abs());
            (!near).then(|| format!("{place}: {judged} is judged, {ours} is ours"))
        }
        (judged, ours) => {
            (judged != ours).then(|| format!("{place}: {judged} is judged, {ours} is ours"))
        }
    }
}

//! Commands of the product that a script calls and that need the run itself: coverage, and documents of the script's own.

use canarytrace_script::{CommandRequest, commands::reply_with};
use serde_json::{Map, Value};

use crate::step::Stage;

/// Documents of the script's own in one run.
const MAX_SAVED: u64 = 10_000;

/// Whether a command is carried out here.
pub(crate) fn is_ours(name: &str) -> bool {
    matches!(name, "coverageStart" | "takeCoverage" | "saveDocument")
}

/// Carries out one command and answers it.
pub(crate) async fn perform(stage: &mut Stage, request: CommandRequest) {
    let arguments = &request.arguments;
    let outcome = match request.name.as_str() {
        "coverageStart" => {
            stage.forget_coverage().await;
            Ok(())
        }
        "takeCoverage" => stage
            .store_coverage(arguments.get("filter").and_then(Value::as_str))
            .await
            .map_err(|error| error.to_string()),
        _ => save(stage, arguments),
    };
    reply_with(request, outcome);
}

fn save(stage: &mut Stage, arguments: &Value) -> Result<(), String> {
    let Some(index) = arguments.get("index").and_then(Value::as_str) else {
        return Err("SaveToElastic: `indexName` needs a text".to_owned());
    };
    let refused = |character: char| {
        character.is_uppercase() || " \"*\\<|,>/?#:".contains(character) || character.is_control()
    };
    if index.is_empty() || index.starts_with(['-', '_', '+', '.']) || index.contains(refused) {
        return Err(format!(
            "SaveToElastic: `{index}` cannot be the name of an index: lower case, no spaces and none of \\ / * ? \" < > | , # :"
        ));
    }
    let payload = match arguments.get("payload") {
        Some(Value::Object(payload)) => payload.clone(),
        Some(Value::Null) | None => return Err("SaveToElastic: `payload` is missing".to_owned()),
        Some(value) => Map::from_iter([("value".to_owned(), value.clone())]),
    };
    if stage.reporter.totals.saved >= MAX_SAVED {
        return Err(format!(
            "SaveToElastic: a run saves {MAX_SAVED} documents at most"
        ));
    }
    stage
        .reporter
        .saved(index, payload)
        .map_err(|error| error.to_string())
}

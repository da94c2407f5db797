//! Scripts that nobody would write: whatever they do, each call ends in time and the engine goes on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use canarytrace_script::{
    Call, CommandRequest, EngineConfig, EngineOutput, MochaOptions, ScriptEngine, ScriptStyle,
};
use proptest::prelude::*;
use serde_json::json;
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_millis(150);
/// Beyond the limit: a slow machine, and the engine's way out.
const SLACK: Duration = Duration::from_secs(5);

/// Statements that are put together, one a line; `@` stands for one more of them.
const STATEMENTS: &str = include_str!("statements.txt");

fn statement(depth: u32) -> BoxedStrategy<String> {
    let leaf = proptest::sample::select(STATEMENTS.lines().collect::<Vec<_>>());
    if depth == 0 {
        return leaf.prop_map(|text| text.replace('@', "")).boxed();
    }
    (leaf, proptest::collection::vec(statement(depth - 1), 3))
        .prop_map(|(text, inner)| {
            let mut inner = inner.into_iter();
            text.split('@')
                .map(str::to_owned)
                .reduce(|all, part| all + &inner.next().unwrap_or_default() + &part)
                .unwrap_or_default()
        })
        .boxed()
}

/// Answers commands as a browser might.
async fn serve(
    mut commands: mpsc::Receiver<CommandRequest>,
    mut output: mpsc::Receiver<EngineOutput>,
) {
    let mut number = 0_usize;
    loop {
        tokio::select! {
            request = commands.recv() => {
                let Some(request) = request else { return };
                number += 1;
                let answer = match number % 4 {
                    0 => json!({"error": {"kind": "element", "name": "no such element", "message": "none"}}),
                    1 => json!({"value": {"element-6066-11e4-a52e-4f735466cecf": "f.1"}}),
                    2 => json!({"value": null}),
                    _ => json!({"value": "text"}),
                };
                request.reply.send(answer.to_string()).ok();
            }
            Some(_) = output.recv() => {}
        }
    }
}

async fn play(body: &str, style: ScriptStyle) {
    let folder = tempfile::tempdir().unwrap();
    let sync = if style == ScriptStyle::Blocking {
        ""
    } else {
        "async "
    };
    let body = if style == ScriptStyle::Blocking {
        body.replace("await ", "")
    } else {
        body.to_owned()
    };
    let spec = format!(
        "describe('d', () => {{ it('wild', {sync}function () {{ {body} }}); it('goes on', () => {{}}); }});"
    );
    std::fs::write(folder.path().join("spec.js"), spec).unwrap();
    let config = EngineConfig {
        root: folder.path().to_owned(),
        spec: "spec.js".to_owned(),
        style,
        configuration_file: None,
        mocha: MochaOptions::default(),
        environment: BTreeMap::new(),
        configuration: json!({"waitforTimeout": 30, "waitforInterval": 5, "stepTimeout": 150}),
        memory_limit_bytes: 32 << 20,
        load_limit: Duration::from_secs(2),
        transpiler: None,
        interceptions: Default::default(),
        bidi_events: Default::default(),
    };
    // Some of what is put together is no JavaScript.
    let Ok((engine, commands, output)) = ScriptEngine::start(config).await else {
        return;
    };
    let ids: Vec<u32> = engine.tree().suites[0]
        .tests
        .iter()
        .map(|test| test.id)
        .collect();
    let playing = async {
        for id in ids {
            let began = Instant::now();
            let call = Call {
                id,
                test: None,
                attempt: 0,
                limit: LIMIT,
                at_most: LIMIT,
            };
            let ended = tokio::time::timeout(SLACK, engine.call(call)).await;
            assert!(ended.is_ok(), "{body}\nwent on for {:?}", began.elapsed());
        }
    };
    tokio::select! {
        () = playing => {}
        () = serve(commands, output) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_call_of_a_wild_script_ends_in_time(bodies in proptest::collection::vec(statement(2), 1..4), blocking in any::<bool>()) {
        let style = if blocking { ScriptStyle::Blocking } else { ScriptStyle::Asynchronous };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&bodies.join("\n"), style));
    }
}

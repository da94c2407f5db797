//! Scripts put together from statements that nobody would write, and what stands in no list between them: whatever they do,
//! no crash of ours, and no call goes on much longer than it may.
#![no_main]

use std::{collections::BTreeMap, time::Duration};

use canarytrace_script::{
    Call, CommandRequest, EngineConfig, EngineOutput, MochaOptions, ScriptEngine, ScriptStyle,
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tokio::sync::mpsc;

const STATEMENTS: &str = include_str!("../../crates/script/tests/statements.txt");
const LIMIT: Duration = Duration::from_millis(60);
/// A slow machine, instrumentation, and the engine's own way out of what cannot be interrupted.
const SLACK: Duration = Duration::from_secs(8);
const MOST_STATEMENTS: usize = 12;

/// Each byte is a statement, or from 128 on a character of its own.
fn script(bytes: &[u8]) -> String {
    let statements: Vec<&str> = STATEMENTS.lines().collect();
    let mut body = "@".to_owned();
    for byte in bytes.iter().take(MOST_STATEMENTS) {
        let part = match *byte {
            own @ 128.. => char::from(own - 128).to_string(),
            number => format!("{}@", statements[usize::from(number) % statements.len()]),
        };
        body = body.replacen('@', &part, 1);
        if !body.contains('@') {
            body.push('@');
        }
    }
    body.replace('@', "")
}

/// Answers commands as a browser might.
async fn serve(
    mut commands: mpsc::Receiver<CommandRequest>,
    mut output: mpsc::Receiver<EngineOutput>,
) {
    loop {
        tokio::select! {
            request = commands.recv() => {
                let Some(request) = request else { return };
                request.reply.send(json!({"value": null}).to_string()).ok();
            }
            Some(_) = output.recv() => {}
        }
    }
}

async fn play(body: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = format!("it('wild', async function () {{ {body} }});");
    std::fs::write(folder.path().join("spec.js"), spec).expect("a file");
    let config = EngineConfig {
        root: folder.path().to_owned(),
        spec: "spec.js".to_owned(),
        style: ScriptStyle::Asynchronous,
        configuration_file: None,
        mocha: MochaOptions::default(),
        environment: BTreeMap::new(),
        configuration: json!({"waitforTimeout": 20, "waitforInterval": 5, "stepTimeout": 60}),
        memory_limit_bytes: 32 << 20,
        load_limit: Duration::from_secs(1),
        transpiler: None,
        interceptions: Default::default(),
        bidi_events: Default::default(),
    };
    let Ok((engine, commands, output)) = ScriptEngine::start(config).await else {
        return;
    };
    let Some(id) = engine.tree().tests.first().map(|test| test.id) else {
        return;
    };
    let call = Call {
        id,
        test: None,
        attempt: 0,
        limit: LIMIT,
        at_most: LIMIT,
    };
    tokio::select! {
        ended = tokio::time::timeout(SLACK, engine.call(call)) => assert!(ended.is_ok(), "it goes on:\n{body}"),
        () = serve(commands, output) => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(play(&script(bytes)));
});

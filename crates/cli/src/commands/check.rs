//! `canarytrace check`: everything that can be known without a browser.

use std::time::Duration;

use canarytrace_driver::devtools::Interceptions;
use canarytrace_script::{EngineConfig, MochaOptions, ScriptEngine, ScriptStyle, unknown_commands};
use serde_json::json;

use crate::{arguments::CheckArguments, configuration, failure::Failure, terminal};

pub(crate) fn run(arguments: &CheckArguments) -> Result<u8, Failure> {
    let configuration = configuration::read(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::broken)?;
    let mut problems = Vec::new();
    for monitor in &configuration.stack.monitors {
        let (Some(script), None) = (&monitor.script, &monitor.git) else {
            continue;
        };
        let engine = EngineConfig {
            root: configuration.folder(),
            spec: script.clone(),
            style: ScriptStyle::Detect,
            configuration_file: None,
            mocha: MochaOptions::default(),
            transpiler: canarytrace_runner::transpiler(),
            interceptions: Interceptions::default(),
            bidi_events: Default::default(),
            environment: monitor
                .env
                .keys()
                .map(|name| (name.clone(), String::new()))
                .collect(),
            configuration: json!({"waitforTimeout": 0, "waitforInterval": 100, "expectTimeout": 0, "expectInterval": 100}),
            memory_limit_bytes: 128 << 20,
            load_limit: Duration::from_secs(10),
        };
        match runtime.block_on(ScriptEngine::start(engine)) {
            Ok((engine, ..)) if engine.tree().test_count() == 0 => problems.push(format!(
                "monitor `{}`: script {script} declares no test",
                monitor.id
            )),
            Ok(_) => {
                let unknown = unknown_commands(&configuration.folder(), script)
                    .map_err(|error| Failure::usage(error.to_string()))?;
                problems.extend(unknown.into_iter().map(|command| {
                    let meant = command
                        .meant
                        .map(|name| format!("; did you mean {name}?"))
                        .unwrap_or_default();
                    format!(
                        "monitor `{}`: {}: browser.{} is not a command{meant}",
                        monitor.id, command.place, command.name
                    )
                }));
            }
            Err(error) => {
                let place = error
                    .place
                    .as_ref()
                    .map(|place| format!(" at {place}"))
                    .unwrap_or_default();
                problems.push(format!(
                    "monitor `{}`: script {script}{place}: {error}",
                    monitor.id
                ));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Failure::usage(problems.join("\n       ")));
    }
    for note in configuration.without_effect() {
        terminal::line(&format!("note: {note}"));
    }
    terminal::line(&format!(
        "{} is valid: {} monitors",
        arguments.config.display(),
        configuration.stack.monitors.len()
    ));
    Ok(0)
}

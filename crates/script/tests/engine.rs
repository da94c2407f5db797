//! The engine without a browser: loading, deadlines, places of errors, order of commands.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, path::Path, time::Duration};

use canarytrace_script::{
    Call, CommandRequest, EngineConfig, EngineOutput, MochaOptions, ScriptEngine, ScriptError,
    ScriptErrorKind, ScriptStyle,
};
use serde_json::json;
use tokio::sync::mpsc;

struct Loaded {
    engine: ScriptEngine,
    commands: mpsc::Receiver<CommandRequest>,
    output: mpsc::Receiver<EngineOutput>,
    _folder: tempfile::TempDir,
}

async fn load(files: &[(&str, &str)]) -> Result<Loaded, ScriptError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, source).unwrap();
    }
    let config = EngineConfig {
        root: folder.path().to_owned(),
        spec: files[0].0.to_owned(),
        style: ScriptStyle::Detect,
        configuration_file: None,
        mocha: MochaOptions::default(),
        transpiler: None,
        interceptions: Default::default(),
        bidi_events: Default::default(),
        environment: BTreeMap::from([("NAME".to_owned(), "value".to_owned())]),
        configuration: json!({"waitforTimeout": 200, "waitforInterval": 10, "expectTimeout": 50, "expectInterval": 10, "username": "robot"}),
        memory_limit_bytes: 64 << 20,
        load_limit: Duration::from_secs(2),
    };
    let (engine, commands, output) = ScriptEngine::start(config).await?;
    Ok(Loaded {
        engine,
        commands,
        output,
        _folder: folder,
    })
}

const LIMIT: Duration = Duration::from_millis(500);

fn call(id: u32) -> Call {
    Call {
        id,
        test: None,
        attempt: 0,
        limit: LIMIT,
        at_most: LIMIT * 10,
    }
}

async fn run(source: &str) -> Result<(), ScriptError> {
    let loaded = load(&[("spec.js", source)]).await?;
    let id = loaded.engine.tree().suites[0].tests[0].id;
    loaded.engine.call(call(id)).await.result
}

fn test(body: &str) -> String {
    format!("describe('suite', () => {{\n  it('test', async () => {{\n{body}\n  }});\n}});")
}

#[tokio::test]
async fn a_tree_is_declared_with_hooks_and_timeouts() {
    let source = "
        before(() => {});
        describe('outer', function () {
          this.timeout(1234);
          beforeEach(() => {});
          it('one', () => {});
          it('pending');
          describe('inner', () => { it('two', function () { }); it.skip('three', () => {}); });
        });";
    let loaded = load(&[("spec.js", source)]).await.unwrap();
    let root = loaded.engine.tree();
    assert_eq!((root.before.len(), root.test_count()), (1, 4));
    let outer = &root.suites[0];
    assert_eq!(
        (
            outer.title.as_str(),
            outer.tests[0].timeout,
            outer.tests[1].pending
        ),
        ("outer", Some(1234), true)
    );
    assert_eq!(
        (
            outer.suites[0].title.as_str(),
            outer.suites[0].tests[1].pending
        ),
        ("inner", true)
    );
}

#[tokio::test]
async fn errors_name_the_place_in_the_script() {
    let error = run(&test("    const x = undefined;\n    x.missing();"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.name.as_str()),
        (ScriptErrorKind::Script, "TypeError")
    );
    assert!(
        error.place.as_deref().unwrap().starts_with("spec.js:4:"),
        "{error:?}"
    );
    let error = run(&test(
        "    await Promise.resolve();\n    expect(1).toBe(2);",
    ))
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, error.name.as_str()),
        (ScriptErrorKind::Assertion, "Error")
    );
    assert!(
        error.place.as_deref().unwrap().starts_with("spec.js:4:"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_syntax_error_is_reported_when_loading() {
    let error = load(&[("spec.js", "describe('x', () => {\n  it('y' => 1);\n});")])
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        (error.kind, error.name.as_str()),
        (ScriptErrorKind::Script, "SyntaxError")
    );
    assert!(
        error.place.as_deref().unwrap().starts_with("spec.js:2"),
        "{error:?}"
    );
}

#[tokio::test]
async fn endless_loops_and_promises_end_at_the_deadline() {
    for body in [
        "while (true) {}",
        "await new Promise(() => {})",
        "for (;;) await new Promise((resolve) => setTimeout(resolve, 1))",
    ] {
        let error = run(&test(body)).await.unwrap_err();
        assert_eq!(error.kind, ScriptErrorKind::Deadline, "{body}: {error:?}");
    }
}

#[tokio::test]
async fn the_engine_goes_on_after_an_interrupt() {
    let loaded = load(&[("spec.js", "it('hangs', () => { while (true) {} }); it('works', () => { expect(process.env.NAME).to.equal('value'); });")]).await.unwrap();
    let tests = &loaded.engine.tree().tests;
    assert!(loaded.engine.call(call(tests[0].id)).await.result.is_err());
    loaded.engine.call(call(tests[1].id)).await.result.unwrap();
}

/// Each call of the engine's own `Promise.all` swallows the interrupt and calls twice again.
const NOT_INTERRUPTED: &str =
    "Promise.prototype.then = () => { Promise.all([1, 2]); }; Promise.all([1, 2]);";

#[tokio::test]
async fn what_nothing_interrupts_is_left_behind() {
    let loaded = load(&[("spec.js", &test(NOT_INTERRUPTED))]).await.unwrap();
    let id = loaded.engine.tree().suites[0].tests[0].id;
    for _ in 0..2 {
        let error = loaded.engine.call(call(id)).await.result.unwrap_err();
        assert!(
            error.message.contains("could not be interrupted"),
            "{error:?}"
        );
    }
    let error = load(&[("spec.js", NOT_INTERRUPTED)]).await.err().unwrap();
    assert!(
        error.message.contains("could not be interrupted"),
        "{error:?}"
    );
}

#[tokio::test]
async fn files_are_imported_both_ways() {
    let spec = "import { title } from './pages/home.js';\nimport data from './data.json' with { type: 'json' };\nimport helper from './helper.cjs';\nit('x', () => { expect(title + data.n + helper.twice(2)).toBe('home14'); });";
    let files = [
        ("spec.js", spec),
        ("pages/home.js", "export const title = 'home';"),
        ("data.json", "{\"n\": 1}"),
        (
            "helper.cjs",
            "const { two } = require('./two'); module.exports = { twice: (n) => n * two };",
        ),
        ("two.js", "exports.two = 2;"),
    ];
    let loaded = load(&files).await.unwrap();
    loaded
        .engine
        .call(call(loaded.engine.tree().tests[0].id))
        .await
        .result
        .unwrap();
}

#[tokio::test]
async fn commands_run_in_issue_order_and_are_settled() {
    let mut loaded = load(&[(
        "spec.js",
        &test("    $('#a').click();\n    await $('#b').click();\n    $('#c').click();"),
    )])
    .await
    .unwrap();
    let id = loaded.engine.tree().suites[0].tests[0].id;
    let running = loaded.engine.call(call(id));
    let serve = async {
        let mut order = Vec::new();
        while order.len() < 3 {
            let request = loaded.commands.recv().await.unwrap();
            let name = request.arguments["name"].as_str().unwrap().to_owned();
            let value = request.arguments["args"][1].as_str().map(str::to_owned);
            let answer = match (name.as_str(), order.len()) {
                ("findElement", _) => {
                    json!({"value": {"element-6066-11e4-a52e-4f735466cecf": value}})
                }
                (_, 2) => {
                    json!({"error": {"kind": "element", "name": "Error", "message": "gone"}})
                }
                _ => json!({"value": null}),
            };
            if name == "elementClick" {
                order.push(request.arguments["args"][0].as_str().unwrap().to_owned());
            }
            request.reply.send(answer.to_string()).unwrap();
        }
        order
    };
    let (outcome, order) = tokio::join!(running, serve);
    assert_eq!(order, ["#a", "#b", "#c"]);
    let error = outcome.result.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ScriptErrorKind::Element, "gone")
    );
    assert!(
        error.place.as_deref().unwrap().starts_with("spec.js:5:"),
        "{error:?}"
    );
}

#[tokio::test]
async fn value_matchers_of_both_dialects() {
    let body = "
        expect({ a: [1, { b: 2 }] }).toEqual({ a: [1, { b: 2 }] });
        expect({ a: 1 }).not.toEqual({ a: 2 });
        expect([1, 2]).toContain(2);
        expect('hello').toMatch(/ell/);
        expect({ a: 1, b: 2 }).toMatchObject({ a: 1 });
        expect({ a: 'xyz' }).toEqual({ a: expect.stringContaining('y') });
        expect(() => { throw new Error('no way'); }).toThrow('no way');
        await expect(Promise.resolve(1)).resolves.toBe(1);
        expect(true).to.be.true;
        expect([1]).to.have.lengthOf(1);
        expect(3).to.be.above(2);
        expect('abc').to.not.include('d');
        expect(browser.config.username).to.equal('robot');";
    run(&test(body)).await.unwrap();
    for body in [
        "expect(true).to.be.false;",
        "expect(1).not.toBe(1);",
        "expect([]).to.not.be.empty;",
        "throw new Error('mine');",
    ] {
        assert_eq!(
            run(&test(body)).await.unwrap_err().kind,
            ScriptErrorKind::Assertion,
            "{body}"
        );
    }
}

#[tokio::test]
async fn console_reaches_the_log() {
    let mut loaded = load(&[("spec.js", "console.log('hi', { a: 1 });")])
        .await
        .unwrap();
    assert_eq!(
        loaded.output.recv().await.unwrap(),
        EngineOutput::Console {
            level: "info".to_owned(),
            text: "hi { a: 1 }".to_owned()
        }
    );
}

#[tokio::test]
async fn a_test_may_give_itself_more_time_while_it_runs() {
    let source = "it('takes its time', async function () {
        this.timeout(50);
        await new Promise((done) => setTimeout(done, 10));
        this.timeout(5000);
        await new Promise((done) => setTimeout(done, 100));
      });
      it('takes less', async function () {
        await new Promise((done) => setTimeout(done, 10));
        this.timeout(50);
        await new Promise((done) => setTimeout(done, 5000));
      });";
    let loaded = load(&[("spec.js", source)]).await.unwrap();
    let tests = &loaded.engine.tree().tests;
    let (first, second) = (tests[0].id, tests[1].id);
    loaded.engine.call(call(first)).await.result.unwrap();
    let error = loaded.engine.call(call(second)).await.result.unwrap_err();
    assert_eq!(error.kind, ScriptErrorKind::Deadline);
    assert!(
        error.message.starts_with("Timeout of 50ms exceeded"),
        "{error:?}"
    );
}

//! Scripts end to end: configuration files, TypeScript, packages, several specs, and scripts that mean no good.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "npm is no child of a run")]

use std::{path::Path, process::Command};

use canarytrace_e2e::{Said, canarytrace, documents, judge::pages, leftovers, only_run, say};
use serde_json::Value;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// Plays `spec` of a folder with these files; answers what was said, and where.
fn play(
    files: &[(&str, &str)],
    spec: &str,
    variables: &[(&str, &str)],
) -> (Said, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    (play_in(folder.path(), spec, variables), folder)
}

fn play_in(folder: &Path, spec: &str, variables: &[(&str, &str)]) -> Said {
    let out = folder.join("out");
    canarytrace(&[
        "run",
        "--json",
        "--script",
        spec,
        "--out",
        out.to_str().unwrap(),
    ])
    .current_dir(folder)
    .env("CANARYTRACE_SETTLE", "0")
    .envs(variables.iter().copied())
    .output()
    .unwrap()
    .into()
}

fn steps(record: &Value) -> Vec<(String, String)> {
    let steps = record["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| {
            let outcome = step["verdict"]["outcome"].as_str().unwrap().to_owned();
            (step["fullTitle"].as_str().unwrap().to_owned(), outcome)
        })
        .collect()
}

#[test]
fn a_configuration_of_webdriverio_is_read() {
    let web = pages();
    let configuration = format!(
        "import {{ word }} from './lib/words.ts';
exports = undefined;
export const config: any = {{ baseUrl: '{}', waitforTimeout: 700, secretKey: word, mochaOpts: {{ retries: 1, timeout: 9000 }}, services: ['chromedriver'],
  before: () => {{ console.log('before the run'); }}, beforeTest: (test) => {{ console.log('before', test.title); }}, afterTest: (test, context, {{ passed }}) => {{ console.log('after', test.title, passed); }}, onPrepare: () => {{ throw new Error('never'); }} }};",
        web.url
    )
    .replace("exports = undefined;\n", "");
    let spec = "let tries = 0;
describe('Configured', () => {
  it('opens', async () => { await browser.url('/form.html'); await expect(browser).toHaveTitle('Form'); expect(browser.config.secretKey).toBe('hidden'); expect(browser.options.waitforTimeout).toBe(700); });
  it('is tried again', () => { tries += 1; if (tries === 1) throw new Error('first'); });
});";
    let files = [
        ("wdio.conf.ts", configuration.as_str()),
        ("lib/words.ts", "export const word: string = 'hidden';"),
        ("tests/a.js", spec),
    ];
    let (said, _folder) = play(&files, "tests/a.js", &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for line in [
        "[0-0] before the run",
        "[0-0] before opens",
        "[0-0] after opens true",
    ] {
        assert!(said.stderr.contains(line), "{line}\n{}", said.stderr);
    }
    let with_variable = [("WAIT_FOR_TIMEOUT", "300")];
    let (said, _folder) = play(&files, "tests/a.js", &with_variable);
    assert!(said.stdout.contains("Expected: 700"), "{}", said.stdout);
}

#[test]
fn typescript_runs_with_places_of_its_own() {
    let web = pages();
    let files = [
        (
            "tsconfig.json",
            r#"{"compilerOptions": {"baseUrl": ".", "paths": {"@pages/*": ["src/pages/*"]}}}"#,
        ),
        (
            "src/pages/form.ts",
            "import type { Browser } from '@wdio/globals';\nenum Field { User = '#user' }\nexport class FormPage {\n  constructor(private readonly path: string) {}\n  async open(): Promise<void> {\n    await browser.url(this.path);\n  }\n  get user() {\n    return $(Field.User);\n  }\n}\n",
        ),
        (
            "tests/form.ts",
            "import { FormPage } from '@pages/form';\n\ninterface Wanted {\n  value: string;\n}\n\ndescribe('Typed', () => {\n  it('works', async () => {\n    const page = new FormPage('/form.html');\n    await page.open();\n    const wanted: Wanted = { value: 'preset' };\n    await expect(page.user).toHaveValue(wanted.value);\n  });\n  it('fails where it is', async () => {\n    const none: any = undefined;\n    none.member;\n  });\n});\n",
        ),
    ];
    let (said, _folder) = play(&files, "tests/form.ts", &[("BASE_URL", &web.url)]);
    let record = said.record();
    assert_eq!(
        steps(&record),
        [
            ("Typed works".to_owned(), "passed".to_owned()),
            ("Typed fails where it is".to_owned(), "broken".to_owned())
        ],
        "{said:?}"
    );
    let facts = &record["steps"][1]["verdict"]["facts"];
    assert!(
        facts["place"]
            .as_str()
            .unwrap()
            .starts_with("tests/form.ts:16:"),
        "{facts}"
    );
    assert!(
        facts["excerpt"]
            .as_str()
            .unwrap()
            .contains(">   16 |     none.member;"),
        "{facts}"
    );
}

#[test]
fn packages_of_the_repository_work() {
    let folder = tempfile::tempdir().unwrap();
    let package = r#"{"private": true, "dependencies": {"lodash": "4.17.21", "dayjs": "1.11.13", "uuid": "11.1.0", "chance": "1.1.12", "@faker-js/faker": "9.9.0"}}"#;
    let spec = "const _ = require('lodash');
const dayjs = require('dayjs');
const Chance = require('chance');
describe('Packages', () => {
  it('lodash', () => { expect(_.chunk([1, 2, 3], 2)).toEqual([[1, 2], [3]]); expect(_.get({ a: [{ b: 1 }] }, 'a[0].b')).toBe(1); });
  it('dayjs', () => { expect(dayjs('2024-02-28').add(2, 'day').format('YYYY-MM-DD')).toBe('2024-03-01'); });
  it('uuid', async () => { const { v4, validate } = await import('uuid'); expect(validate(v4())).toBe(true); });
  it('chance', () => { const chance = new Chance(7); expect(chance.integer({ min: 1, max: 6 })).toBeLessThan(7); expect(chance.name()).toContain(' '); });
  it('faker', async () => { const { faker } = await import('@faker-js/faker'); faker.seed(1); expect(faker.internet.email()).toContain('@'); });
  it('refuses what cannot be', () => { for (const [name, why] of [['child_process', 'starts no process'], ['net', 'opens no socket'], ['nothing-of-this-name', 'is in no node_modules']]) expect(() => require(name)).toThrow(why); });
});";
    write(
        folder.path(),
        &[("package.json", package), ("tests/p.js", spec)],
    );
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--silent"])
        .current_dir(folder.path())
        .status()
        .unwrap();
    assert!(installed.success(), "npm could not install the packages");
    let said = play_in(folder.path(), "tests/p.js", &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn several_scripts_are_runs_of_their_own() {
    let state = "describe('Alone', () => { it('has no state of others', () => { expect(globalThis.seen).toBe(undefined); globalThis.seen = true; Array.prototype.first = 1; }); });";
    let files = [
        ("tests/a.js", state),
        ("tests/b.js", state),
        (
            "tests/deep/c.js",
            "it('fails', () => { throw new Error('c'); });",
        ),
        ("other/d.js", "throw new Error('not asked for');"),
    ];
    let (said, folder) = play(&files, "tests/**/*.js", &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let runs: Vec<_> = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .collect();
    assert_eq!(runs.len(), 3);
    assert_eq!(
        said.stderr.matches("PASSED in chrome - tests/").count(),
        2,
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("1 failing"), "{}", said.stderr);
    let (said, _folder) = play(&files, "nowhere/*.js", &[]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr.contains("no script matches `nowhere/*.js`"),
        "{}",
        said.stderr
    );
}

#[test]
fn product_commands_leave_documents() {
    let web = pages();
    let spec = "describe('Product', () => {
  it('marks', async () => { await browser.InjectHeroElements({ patterns: [{ urlPattern: '*form.html', resourceType: 'Document', requestStage: 'Response' }] }, [['<h1', \"<script>performance.mark('HE-start-head')</script><h1\"]]); });
  it('opens', async () => { await browser.CoverageStart(); await browser.url('/form.html'); await browser.waitForloadEventEnd(); await browser.TakeCoverage('form'); await browser.SaveToElastic({ payload: { answer: 42, spec: 'own' }, indexName: 'business-2026.01.01' }); });
  it('refuses a wrong name', async () => { await browser.SaveToElastic({ payload: {}, indexName: 'Wrong Name' }); });
  it('refuses audits', async () => { await browser.performAudit('/x'); });
});";
    let variables = [
        ("BASE_URL", web.url.as_str()),
        ("COVERAGE_AUDIT", "allow"),
        ("PT_AUDIT", "allow"),
    ];
    let (said, folder) = play(&[("p.js", spec)], "p.js", &variables);
    let record = said.record();
    let outcomes: Vec<String> = steps(&record)
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    assert_eq!(
        outcomes,
        ["passed", "passed", "broken", "broken"],
        "{said:?}"
    );
    let run = only_run(&folder.path().join("out"));
    let saved = documents(&run, "business");
    assert_eq!(saved.len(), 1);
    assert_eq!(
        (&saved[0]["answer"], &saved[0]["spec"], &saved[0]["uuid"]),
        (&42.into(), &"own".into(), &record["uuid"])
    );
    let entries = documents(&run, "performance-entries");
    assert!(
        entries.iter().any(|entry| entry["name"] == "HE-start-head"),
        "{entries:?}"
    );
    let coverage = documents(&run, "coverage-audit");
    assert!(
        coverage
            .iter()
            .all(|one| one["url"].as_str().unwrap().contains("form")),
        "{coverage:?}"
    );
    assert!(!coverage.is_empty());
}

/// Name, what the test does, and what its error or outcome says.
const BAD: &[(&str, &str, &str)] = &[
    ("loops", "while (true) {}", "Timeout of 700ms exceeded"),
    (
        "awaits nothing",
        "await new Promise(() => {});",
        "Timeout of 700ms exceeded",
    ),
    (
        "recurses",
        "const f = () => f() + 1; f();",
        "Maximum call stack size exceeded",
    ),
    (
        "poisons promises",
        "Object.prototype.then = function () { throw new Error('poison'); }; await browser.getUrl();",
        "",
    ),
    (
        "replaces JSON",
        "JSON.stringify = () => { throw new Error('no JSON'); }; JSON.parse = JSON.stringify; expect(await browser.getTitle()).toBe('Form');",
        "passed",
    ),
    (
        "makes a huge text",
        "const text = 'x'.repeat(100e6); expect(text.length).toBe(100e6);",
        "",
    ),
    (
        "takes all memory",
        "const kept = []; for (;;) kept.push(new Uint8Array(5e7));",
        "out of memory",
    ),
    (
        "throws a getter",
        "throw { get message() { throw new Error('inner'); } };",
        "",
    ),
    (
        "throws a proxy",
        "throw new Proxy({}, { get() { throw new Error('trap'); } });",
        "",
    ),
    (
        "closes the window",
        "await browser.closeWindow(); await browser.getTitle();",
        "",
    ),
    (
        "opens a file",
        "await browser.url('file:///etc/passwd');",
        "is refused: a monitor opens no `file:` page",
    ),
    (
        "opens settings",
        "await browser.url('chrome://settings');",
        "is refused: a monitor opens no `chrome:` page",
    ),
    (
        "asks another host",
        "await fetch('http://192.0.2.1/');",
        "is refused: a script asks the host of its base URL only",
    ),
    (
        "asks its own host",
        "const answer = await fetch(process.env.BASE_URL + '/api/items'); expect(answer.status).toBe(200); expect((await answer.json())[0].name).toBe('one');",
        "passed",
    ),
    (
        "reads outside",
        "require('fs').readFileSync('/etc/passwd');",
        "ENOENT",
    ),
    (
        "writes a file",
        "require('fs').writeFileSync('/x', 'y');",
        "a monitor script writes no file",
    ),
    (
        "leaves a dialog",
        "await browser.execute(() => setTimeout(() => alert('left'), 0)); await browser.pause(200);",
        "",
    ),
    (
        "talks too much",
        "for (let i = 0; i < 5000; i += 1) console.log('line', i);",
        "passed",
    ),
    ("exits", "process.exit(1);", "process.exit is not available"),
    (
        "opens fifty tabs",
        "this.timeout(60000); for (let tab = 0; tab < 50; tab += 1) await browser.createWindow('tab'); expect((await browser.getWindowHandles()).length).toBe(51);",
        "passed",
    ),
    (
        "registers a service worker",
        "this.timeout(20000); await browser.executeAsync((done) => { navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => done()); }); await browser.refresh(); await browser.waitUntil(() => browser.execute(() => navigator.serviceWorker.controller !== null), { timeout: 10000 }); expect(await browser.executeAsync((done) => { fetch('/answered-by-worker').then((answer) => answer.text()).then(done); })).toBe('of the worker');",
        "passed",
    ),
];

/// Scripts that mean no good, or know no better: each ends with a verdict of its own, and the run with a record.
#[test]
fn nothing_that_a_script_does_breaks_a_run() {
    let web = pages();
    for (name, body, expected) in BAD {
        let spec = format!(
            "describe('Bad', () => {{ it('{name}', async function () {{ this.timeout(700); await browser.url('/form.html'); {body} }}); it('goes on', () => {{}}); }});"
        );
        let variables = [
            ("BASE_URL", web.url.as_str()),
            ("ATTACHMENTS", "no"),
            ("WAIT_FOR_TIMEOUT", "300"),
        ];
        let (said, _folder) = play(&[("bad.js", &spec)], "bad.js", &variables);
        let record = said.record();
        let step = &record["steps"][0]["verdict"];
        let text = format!(
            "{} {}",
            step["outcome"].as_str().unwrap_or_default(),
            step["facts"]["errorMessage"].as_str().unwrap_or_default()
        );
        assert!(text.contains(expected), "{name}: {text}\n{}", said.stderr);
        assert_eq!(record["state"], "ended", "{name}");
        assert!(
            record["steps"].as_array().unwrap().len() == 2,
            "{name}: {record}"
        );
    }
    assert_eq!(leftovers(), Vec::<String>::new());
}

#[test]
fn a_repository_is_made_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let said = say(&["init", folder.path().to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let check = |folder: &Path| -> Said {
        canarytrace(&["check"])
            .current_dir(folder)
            .output()
            .unwrap()
            .into()
    };
    let said = check(folder.path());
    assert_eq!(said.code, Some(0), "{said:?}");
    let again = say(&["init", folder.path().to_str().unwrap()]);
    assert_eq!(again.code, Some(2), "{again:?}");
    let journey = folder.path().join("tests/journey.js");
    let wrong = std::fs::read_to_string(&journey)
        .unwrap()
        .replace("await home.open()", "await browser.ulr('/')");
    std::fs::write(&journey, wrong).unwrap();
    let said = check(folder.path());
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr
            .contains("tests/journey.js:7: browser.ulr is not a command; did you mean url?"),
        "{}",
        said.stderr
    );
}

/// At a terminal of `script`, which gives the command one.
#[test]
fn a_person_is_asked_and_goes_on() {
    use std::io::Write;

    let folder = tempfile::tempdir().unwrap();
    let spec = "describe('Seen', () => { it('asks', async () => { await browser.url('data:text/html,<h1>Hello you</h1>'); await browser.debug(); }); it('fails', () => { throw new Error('stop here'); }); });";
    write(folder.path(), &[("a.js", spec)]);
    let binary = canarytrace_e2e::binary();
    let command = format!("{} run --script a.js --pause-on-failure", binary.display());
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(folder.path())
        .env("CANARYTRACE_SETTLE", "0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("script: {error}; Debian has it in bsdutils"));
    let typed = b"await $('h1').getText()\nnothing.here\n.exit\n\n";
    child.stdin.as_mut().unwrap().write_all(typed).unwrap();
    let said: Said = child.wait_with_output().unwrap().into();
    for text in [
        "'Hello you'",
        "ReferenceError: nothing is not defined",
        "paused: Seen fails failed: stop here",
        "✗ Seen fails",
        ">    1 | describe(",
    ] {
        assert!(said.stdout.contains(text), "{text}\n{}", said.stdout);
    }
    assert_eq!(said.code, Some(1), "{}", said.stdout);
}

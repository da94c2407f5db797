//! A secret is planted wherever one can leak from a run; nothing that a run leaves holds it. A harmless marker, planted in
//! the same places, shows that each place is looked at.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD};
use canarytrace_e2e::{
    Said, Server, canarytrace, leftovers, only_run, request,
    web::{Asked, Reply, Web},
};

const SECRET: &str = "s3cr/et+pä ss";
const MARKER: &str = "m4rk/er+pä ss";

fn site() -> Web {
    Web::start(|asked: &Asked| {
        let said = String::from_utf8_lossy(&asked.body).into_owned();
        match asked.path.as_str() {
            "/" => Reply::page(
                "<!doctype html><title>Leaks</title><form id=form method=post action=/echo><input name=q id=q><input type=password id=p><textarea id=t name=t></textarea></form><div id=out></div>",
            ),
            // The server tells it back in HTML, JSON, a header and a cookie.
            "/echo" => Reply::page(&format!(
                "<!doctype html><title>Echo {said}</title><p>{said}</p><a href='/?{said}'>x</a>"
            ))
            .with("x-echo", &said)
            .with("set-cookie", &format!("echo={said}")),
            "/json" => Reply::typed("application/json", &format!("{{\"echo\":\"{said}\"}}")),
            "/redirect" => Reply::redirect(&format!("/landed?{}", asked.query)),
            _ => Reply::page("<!doctype html><title>Landed</title>"),
        }
    })
}

/// Every kind of leak; `value` is the secret or the marker, from `process.env`.
const SCRIPT: &str = "
const value = process.env.VALUE;
const twist = (v) => encodeURIComponent(v);
describe('leaks', () => {
  it('types it', async () => {
    await browser.url('/');
    await $('#q').setValue(value);
    await $('#t').setValue(value);
    await $('#p').setValue(value);
    expect(await $('#q').getValue()).toBe('something else');
  });
  it('opens it', async () => { await browser.url('/landed?token=' + twist(value) + '#' + value); throw new Error('opened ' + value); });
  it('is redirected with it', async () => { await browser.url('/redirect?token=' + twist(value)); throw new Error('redirected'); });
  it('posts it', async () => {
    await browser.url('/');
    await browser.executeAsync((v, done) => fetch('/json', { method: 'POST', body: JSON.stringify({ password: v, deep: JSON.stringify({ v }) }), headers: { 'x-token': encodeURIComponent(v), authorization: 'Basic ' + btoa(unescape(encodeURIComponent('robot:' + v))) } }).then(() => done()), value);
    throw new Error('posted');
  });
  it('sends a form with it', async () => { await browser.url('/'); await $('#q').setValue(value); await browser.execute(() => document.getElementById('form').submit()); await browser.pause(300); throw new Error('sent'); });
  it('says it', async () => {
    await browser.url('/');
    console.log('the script says', value);
    await browser.execute((v) => {
      console.log('page ' + v, { nested: { v } }, [v]);
      console.error(v);
      document.title = 'title ' + v;
      localStorage.setItem('kept', v);
      document.cookie = 'kept=' + encodeURIComponent(v);
      document.getElementById('out').innerHTML = '<b>' + v.slice(0, 4) + '</b>' + v.slice(4) + '<i title=\"' + v + '\">' + v + '</i><input value=\"' + v + '\">';
      performance.mark('HE-' + v);
      setTimeout(() => { throw new Error('thrown ' + v); });
      try { new WebSocket('ws://' + location.host + '/socket?' + encodeURIComponent(v)); } catch (e) {}
      new Image().src = '/picture?' + btoa(unescape(encodeURIComponent('ab' + v)));
    }, value);
    await browser.pause(300);
    await browser.saveScreenshot('./own.png');
    throw new Error('said ' + value);
  });
  it(value + ' is its title', async () => { throw new TypeError('type ' + value); });
  it('shows an alert', async () => { await browser.url('/'); await browser.execute((v) => { setTimeout(() => alert(v)); }, value); await browser.pause(300); await browser.getTitle(); });
});";

fn play(site: &Web, out: &Path, store: &str, value: &str, secret: bool) -> Said {
    let scripts = tempfile::tempdir().unwrap();
    std::fs::write(scripts.path().join("leaks.js"), SCRIPT).unwrap();
    let config = scripts.path().join("canarytrace.yaml");
    let declared = if secret {
        "{ secret: { env: PLANTED } }".to_owned()
    } else {
        format!("\"{value}\"")
    };
    let text = format!(
        "version: 1\nmonitors:\n  - id: leaks\n    script: leaks.js\n    base_url: {}\n    env: {{ VALUE: {declared} }}\n    collect: {{ screenshot: always, dom: always, har: always, bodies: true, filmstrip: always }}\n",
        site.page("/")
    );
    std::fs::write(&config, text).unwrap();
    let output = canarytrace(&[
        "run",
        "--json",
        "--out",
        out.to_str().unwrap(),
        "--monitor",
        "leaks",
    ])
    .args(["--config", config.to_str().unwrap(), "--store", store])
    .env("PLANTED", value)
    .env("CANARYTRACE_LOG", "debug")
    .output();
    output.unwrap().into()
}

/// The shapes in which a value is looked for.
fn shapes(value: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mut all = vec![
        value.to_owned(),
        percent.replace('+', "%20"),
        percent,
        value.replace(' ', "%20"),
        // The page divides it after four letters.
        value.chars().skip(4).collect(),
        value.replace('ä', "%C3%A4").replace(' ', "%20"),
    ];
    for before in ["", "a", "ab"] {
        let encoded = BASE64_STANDARD.encode(format!("{before}{value}"));
        // Without the characters that what stands around it has a share in.
        let inner = encoded.get(4..encoded.len() - 4).unwrap();
        all.push(inner.to_owned());
    }
    all
}

/// Names of the files below a folder that hold a value in any shape.
fn holding(folder: &Path, shapes: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let shape = shapes.iter().find(|shape| content.contains(shape.as_str()));
            found.extend(shape.map(|shape| format!("{}: {shape}", path.display())));
        }
    }
    found
}

#[test]
fn a_declared_secret_is_nowhere() {
    let (site, data) = (site(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path(), &[]);
    let run = |value: &str, secret: bool| {
        let out = tempfile::tempdir().unwrap();
        let said = play(&site, out.path(), &server.url, value, secret);
        assert_eq!(said.code, Some(1), "{said:?}");
        (out, format!("{said:?}"))
    };
    let (out, said) = run(MARKER, false);
    let folder = only_run(out.path());
    let places = holding(&folder, &shapes(MARKER));
    for file in [
        "documents.ndjson",
        "log.ndjson",
        "run.json",
        ".har",
        ".log.ndjson",
        ".dom.html",
    ] {
        assert!(
            places.iter().any(|place| place.contains(file)),
            "{file}: {places:?}"
        );
    }
    assert!(
        shapes(MARKER)
            .iter()
            .any(|shape| said.contains(shape.as_str())),
        "{said}"
    );
    let har = places
        .iter()
        .find_map(|place| place.split(": ").find(|path| path.ends_with(".har")));
    let har = std::fs::read_to_string(har.unwrap()).unwrap();
    assert!(har.contains(r#"{\"echo\":"#), "no body of a response");
    // Each kind of leak is in the documents, when it is no secret.
    let documents = std::fs::read_to_string(folder.join("documents.ndjson")).unwrap();
    for part in [
        "opened ",
        "redirected",
        "\\\"password\\\":",
        "\"x-token\":\"",
        "q=",
        "title ",
        "thrown ",
        "page ",
        "HE-",
        "/socket?",
        "/picture?",
        "Basic ",
        "x-echo",
        "is its title",
        "the script is wrong",
        "landed?token",
    ] {
        assert!(documents.contains(part), "{part}");
    }

    let (out, said) = run(SECRET, true);
    let folder = only_run(out.path());
    assert_eq!(holding(&folder, &shapes(SECRET)), Vec::<String>::new());
    for shape in shapes(SECRET) {
        assert!(!said.contains(&shape), "{shape}: {said}");
    }
    // Everything is there all the same: masked, not left out.
    let masked = std::fs::read_to_string(folder.join("documents.ndjson")).unwrap();
    assert!(
        masked.matches("********").count() > 30,
        "{}",
        masked.matches("********").count()
    );
    for line in masked.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let (status, answer) = request(
        "GET",
        &format!("{}/c.*/_search?size=1000", server.url),
        &[],
        "",
    );
    assert_eq!(status, 200);
    let stored = answer.to_string();
    assert!(
        shapes(SECRET)
            .iter()
            .all(|shape| !stored.contains(shape.as_str()))
    );
    assert!(
        shapes(MARKER)
            .iter()
            .any(|shape| stored.contains(shape.as_str()))
    );
    drop(server);
    assert_eq!(holding(data.path(), &shapes(SECRET)), Vec::<String>::new());
    assert_eq!(leftovers(), Vec::<String>::new());
}

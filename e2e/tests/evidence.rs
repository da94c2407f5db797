//! Filmstrips and response bodies: what is kept when a run asks for them, and what never is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, time::Duration};

use canarytrace_e2e::{
    check, only_run,
    web::{Reply, Web},
};
use serde_json::Value;
use zune_jpeg::{JpegDecoder, zune_core::bytestream::ZCursor};

const SECRET: &str = "planted-secret-of-the-film";
const SLOW: Duration = Duration::from_millis(1500);

/// A page whose load takes a while, in which it changes.
fn changing(script: &'static str) -> Web {
    Web::start(move |asked| match asked.path.as_str() {
        "/" => Reply::page(&format!(
            "<!doctype html><title>Film</title><link rel=stylesheet href=/site.css><h1>Film</h1><p id=place></p><img src=/slow.svg><script>{script}</script>"
        )),
        "/site.css" => Reply::typed("text/css", "h1 { color: black }"),
        "/slow.svg" => Reply::After(
            SLOW,
            Box::new(Reply::typed(
                "image/svg+xml",
                "<svg xmlns='http://www.w3.org/2000/svg'/>",
            )),
        ),
        _ => Reply::status(404, ""),
    })
}

/// Decoded pictures of the filmstrip, as pixels of three bytes.
fn film(folder: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = std::fs::read_dir(folder.join("attachments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().contains("-film-"))
        .collect();
    names.sort();
    names
        .iter()
        .map(|path| {
            let content = std::fs::read(path).unwrap();
            JpegDecoder::new(ZCursor::new(content)).decode().unwrap()
        })
        .collect()
}

/// Part of the pixels that are clearly red.
fn redness(pixels: &[u8]) -> f64 {
    let red = pixels
        .chunks_exact(3)
        .filter(|pixel| pixel[0] > 200 && pixel[1] < 80 && pixel[2] < 80);
    red.count() as f64 * 3.0 / pixels.len() as f64
}

#[test]
fn a_filmstrip_shows_how_the_page_changed_and_the_archive_has_its_texts() {
    let web = changing(
        "setTimeout(() => { document.body.style.background = 'red'; }, 500); setTimeout(() => { document.body.style.background = 'white'; }, 1000);",
    );
    let out = tempfile::tempdir().unwrap();
    let variables = [
        ("CANARYTRACE_FILMSTRIP", "always"),
        ("CANARYTRACE_BODIES", "allow"),
        ("CANARYTRACE_HAR", "always"),
    ];
    let said = check(out.path(), &web.page("/"), &variables);
    assert_eq!(said.code, Some(0), "{said:?}");
    let record = said.record();
    assert_eq!(record["overhead"]["class"], "filmstrip");
    let folder = only_run(out.path());
    let film = film(&folder);
    assert!(
        film.iter().any(|picture| redness(picture) > 0.5),
        "{}",
        film.len()
    );
    assert!(
        film.iter().any(|picture| redness(picture) < 0.1),
        "{}",
        film.len()
    );

    let name = format!("attachments/{}.har", record["uuid"].as_str().unwrap());
    let har: Value = serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let content = |path: &str| {
        let entries = har["log"]["entries"].as_array().unwrap();
        let found = entries
            .iter()
            .find(|entry| entry["request"]["url"] == web.page(path));
        found.unwrap()["response"]["content"].clone()
    };
    assert_eq!(content("/site.css")["text"], "h1 { color: black }");
    assert_eq!(content("/site.css")["size"], 19);
    assert!(
        content("/")["text"]
            .as_str()
            .unwrap()
            .contains("<title>Film")
    );
    assert!(!folder.join("bodies.ndjson").exists());
}

#[test]
fn no_picture_of_a_filmstrip_shows_a_secret() {
    // Red for as long as the secret can be seen.
    let web = changing(
        "const place = document.getElementById('place');\
         setTimeout(() => { place.textContent = 'planted-secret-' + 'of-the-film'; document.body.style.background = 'red'; }, 400);\
         setTimeout(() => { place.textContent = ''; document.body.style.background = 'white'; }, 700);\
         setTimeout(() => { document.body.style.background = 'lime'; }, 1100);",
    );
    let out = tempfile::tempdir().unwrap();
    let variables = [("CANARYTRACE_FILMSTRIP", "always"), ("SHOP_PASS", SECRET)];
    let said = check(out.path(), &web.page("/"), &variables);
    assert_eq!(said.code, Some(0), "{said:?}");
    let film = film(&only_run(out.path()));
    assert!(!film.is_empty());
    assert!(film.iter().all(|picture| redness(picture) < 0.01));
    let dropped = said.record()["overhead"]["droppedFrames"].as_u64();
    assert!(dropped.unwrap() > 0, "{said:?}");
}

//! `serve` with a certificate: who trusts it gets in, runs find their way, and files may change.

use std::time::Duration;

use canarytrace_e2e::{
    Server, Site, eventually, say,
    tls::{Authority, request_trusting},
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn certificates_change_and_the_old_one_stays_while_they_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (Authority::trusted(), Authority::trusted());
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (name("cert.pem"), name("key.pem"));
    let install = |(chain, private): (String, String)| {
        std::fs::write(&key, private).unwrap();
        std::fs::write(&certificate, chain).unwrap();
    };
    install(first.issue("127.0.0.1"));
    let data = tempfile::tempdir().unwrap();

    let wrong = say(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--data",
        data.path().to_str().unwrap(),
        "--tls-certificate",
        &certificate,
        "--tls-key",
        &certificate,
    ]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("cert.pem"), "{wrong:?}");

    let server = Server::start(
        data.path(),
        &["--tls-certificate", &certificate, "--tls-key", &key],
    );
    assert!(server.url.starts_with("https://127.0.0.1:"));
    let ask = |authority: &Authority, method: &str, path: &str, body: &Value| {
        let url = format!("{}{path}", server.url);
        request_trusting(&authority.pem(), method, &url, &body.to_string())
    };
    let get = |authority: &Authority, path: &str| ask(authority, "GET", path, &Value::Null);
    let (status, health) = get(&first, "/_cluster/health").unwrap();
    assert_eq!((status, &health["status"]), (200, &json!("green")));
    assert_eq!(
        get(&second, "/healthz"),
        None,
        "who does not trust it stays out"
    );

    // Runs reach the store by a way of their own.
    let site = Site::start();
    let (_, added) = ask(
        &first,
        "POST",
        "/api/v1/monitors",
        &json!({"url": site.url}),
    )
    .unwrap();
    let run = format!("/api/v1/monitors/{}/run", added["id"].as_str().unwrap());
    ask(&first, "POST", &run, &json!({})).unwrap();
    eventually("the run is in the store", PATIENCE, || {
        let (_, found) = get(&first, "/c.run-*/_count?q=passed:true")?;
        (found["count"].as_u64()? > 0).then_some(())
    });

    std::fs::write(&certificate, "half of a certif").unwrap();
    eventually("the wrong file is told", PATIENCE, || {
        assert!(get(&first, "/healthz").is_some());
        server.log().contains("the old one stays").then_some(())
    });
    install(second.issue("127.0.0.1"));
    eventually("the new certificate is served", PATIENCE, || {
        get(&second, "/healthz")
    });
    assert_eq!(get(&first, "/healthz"), None);
}

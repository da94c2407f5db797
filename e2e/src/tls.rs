//! Servers behind TLS: with a certificate of their own, or one of an authority that a browser trusts.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::Value;

/// A page behind TLS; `name` is whom the certificate names, `until` the year it ends in.
pub fn serve_tls(name: &str, until: i32) -> String {
    serve_tls_page(name, until, "<title>Safe</title>")
}

/// With this page.
pub fn serve_tls_page(name: &str, until: i32, html: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, (2020, until)).self_signed(&key).unwrap();
    serve(certificate.der().to_vec(), &key, answer(html, None))
}

/// Who vouches for servers.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    home: tempfile::TempDir,
}

impl Authority {
    /// Known to browsers of whoever has [`Authority::home`] as home.
    pub fn trusted() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        params.not_before = date_time_ymd(2015, 1, 1);
        params.not_after = date_time_ymd(2045, 1, 1);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join(".pki/nssdb");
        std::fs::create_dir_all(&database).unwrap();
        let file = home.path().join("authority.pem");
        std::fs::write(&file, issuer.pem()).unwrap();
        certutil(&database, &["-N", "--empty-password"]);
        let file = file.to_str().unwrap();
        certutil(&database, &["-A", "-t", "C,,", "-n", "test", "-i", file]);
        Self { issuer, home }
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a name and its key, in PEM.
    pub fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, (2020, 2040)).signed_by(&key, &self.issuer);
        (certificate.unwrap().pem(), key.serialize_pem())
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A server it vouches for, under that name and from one year to another; `date` is what its clock says.
    pub fn serve(&self, name: &str, years: (i32, i32), date: Option<&str>) -> String {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, years).signed_by(&key, &self.issuer).unwrap();
        let page = answer("<title>Safe</title>", date);
        serve(certificate.der().to_vec(), &key, page)
    }
}

/// A request of somebody who trusts this authority (PEM) only, with JSON; none: no connection.
pub fn request_trusting(
    authority: &str,
    method: &str,
    url: &str,
    body: &str,
) -> Option<(u16, Value)> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([certificate])
            .build()
            .unwrap();
        let response = client
            .request(method.parse().unwrap(), url)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    })
}

fn certutil(database: &Path, arguments: &[&str]) {
    let database = format!("sql:{}", database.display());
    let said = Command::new("certutil")
        .args(["-d", &database])
        .args(arguments)
        .output()
        .expect("certutil is of the Debian package libnss3-tools");
    assert!(said.status.success(), "{said:?}");
}

fn params(name: &str, (from, until): (i32, i32)) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

fn answer(html: &str, date: Option<&str>) -> String {
    let date = date.map_or(String::new(), |date| format!("date: {date}\r\n"));
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html\r\n{date}\r\n{html}")
}

fn serve(certificate: Vec<u8>, key: &KeyPair, answer: String) -> String {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let answer = answer.clone();
            std::thread::spawn(move || {
                // The request's first bytes: its end is of no interest.
                stream.read_exact(&mut [0; 1]).ok()?;
                stream.write_all(answer.as_bytes()).ok()?;
                stream.conn.send_close_notify();
                stream.flush().ok()
            });
        }
    });
    url
}

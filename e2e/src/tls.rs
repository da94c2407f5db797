//! Servers behind TLS whose certificates are wrong in one way.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A page behind TLS; `name` is whom the certificate names, `until` the year it ends in.
pub fn serve_tls(name: &str, until: i32) -> String {
    serve_tls_page(name, until, "<title>Safe</title>")
}

/// With this page.
pub fn serve_tls_page(name: &str, until: i32, html: &str) -> String {
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/html\r\n\r\n{html}");
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
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
                // The request's first byte: its end is of no interest.
                stream.read_exact(&mut [0; 1]).ok()?;
                stream.write_all(answer.as_bytes()).ok()
            });
        }
    });
    url
}

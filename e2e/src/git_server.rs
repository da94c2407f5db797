//! A git server over https: `git http-backend` behind TLS and Basic authentication.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Serves every repository below a folder to `robot` with a password.
pub struct GitServer {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The authority to trust, PEM.
    pub certificate: PathBuf,
}

impl GitServer {
    /// The serving thread ends with the test process. The certificate is written into `folder`.
    pub fn start(folder: &Path, password: &str) -> Self {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let certificate = folder.join("authority.pem");
        std::fs::write(&certificate, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(
            certified.signing_key.serialize_der(),
        ));
        let chain = vec![CertificateDer::from(certified.cert.der().to_vec())];
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (root, expected) = (folder.to_owned(), basic(password));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let (root, expected) = (root.clone(), expected.clone());
                std::thread::spawn(move || {
                    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
                    answer(&mut stream, &root, &expected);
                    // git treats a connection without close_notify as cut.
                    let inner = stream.get_mut();
                    inner.conn.send_close_notify();
                    inner.flush().ok();
                });
            }
        });
        Self {
            address,
            certificate,
        }
    }
}

fn basic(password: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("robot:{password}"))
    )
}

fn answer(stream: &mut (impl BufRead + AsWriter), root: &Path, expected: &str) -> Option<()> {
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let header = |name: &str| {
        let found = headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if header("authorization") != expected {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"git\"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        return stream.writer().write_all(refusal.as_bytes()).ok();
    }
    let mut body = Vec::new();
    if header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        body = vec![0; header("content-length").parse().unwrap_or(0)];
        stream.read_exact(&mut body).ok()?;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("HTTP_GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", "robot")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = backend.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || stdin.write_all(&body).ok());
    let output = backend.wait_with_output().unwrap().stdout;
    feeding.join().ok();
    let split = output.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&output[..split]).into_owned();
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let content = &output[split + 4..];
    let head = format!(
        "HTTP/1.1 {status}\r\n{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    stream.writer().write_all(head.as_bytes()).ok()?;
    stream.writer().write_all(content).ok()
}

/// The writing half of a buffered stream.
trait AsWriter {
    fn writer(&mut self) -> &mut dyn Write;
}

impl<S: Read + Write> AsWriter for BufReader<S> {
    fn writer(&mut self) -> &mut dyn Write {
        self.get_mut()
    }
}

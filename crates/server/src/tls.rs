//! HTTPS: our port with a certificate that is read again when its files change.
//!
//! A handshake that takes its time holds nobody else up: each is waited for by itself, for [`PATIENCE`] at most.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::{Duration, Instant, SystemTime},
};

use axum::{
    Router,
    extract::Request,
    http::HeaderValue,
    middleware::{self, Next},
    serve::{Listener, ListenerExt},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::guard::FORWARDED_PROTO;

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("{}: {reason}", file.display())]
    File { file: PathBuf, reason: String },
    #[error("certificate and key do not belong together: {0}")]
    Pair(rustls::Error),
}

/// A handshake takes so long at most.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handshakes at the same time; who comes then waits.
const MOST_HANDSHAKES: usize = 256;
/// The files are looked at this often, when somebody connects.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A certificate chain and its key in PEM, as they are in their files now.
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    pair: Arc<CertifiedKey>,
    stamps: Stamps,
    looked_at: Instant,
}

type Stamps = [Option<SystemTime>; 2];

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.certificate.display())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let wrong = |file: &Path, reason: String| TlsError::File {
        file: file.to_owned(),
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "holds no certificate".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain, private, &provider)
        .map(Arc::new)
        .map_err(TlsError::Pair)
}

fn stamps(certificate: &Path, key: &Path) -> Stamps {
    [certificate, key].map(|file| std::fs::metadata(file).ok()?.modified().ok())
}

impl Certificates {
    /// Reads both files; a pair that does not work is told at once, not to the first visitor.
    pub fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = Current {
            stamps: stamps(certificate, key),
            pair: read(certificate, key)?,
            looked_at: Instant::now(),
        };
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: RwLock::new(current),
        }))
    }

    /// What is in the files; while they do not work, what was there before.
    fn now(&self) -> Option<Arc<CertifiedKey>> {
        {
            let current = self.current.read().ok()?;
            if current.looked_at.elapsed() < LOOK_EVERY {
                return Some(Arc::clone(&current.pair));
            }
        }
        let mut current = self.current.write().ok()?;
        current.looked_at = Instant::now();
        let stamps = stamps(&self.certificate, &self.key);
        if stamps != current.stamps {
            current.stamps = stamps;
            match read(&self.certificate, &self.key) {
                Ok(pair) => {
                    current.pair = pair;
                    info!("the certificate was read again");
                }
                Err(error) => {
                    warn!(%error, "the new certificate cannot be used; the old one stays");
                }
            }
        }
        Some(Arc::clone(&current.pair))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.now()
    }
}

struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    shaking: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    fn shake(&mut self, stream: TcpStream, address: SocketAddr) {
        let handshake = self.acceptor.accept(stream);
        self.shaking.spawn(async move {
            let stream = tokio::time::timeout(PATIENCE, handshake).await.ok()?.ok()?;
            Some((stream, address))
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let has_room = self.shaking.len() < MOST_HANDSHAKES;
            tokio::select! {
                Some(done) = self.shaking.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                (stream, address) = Listener::accept(&mut self.tcp), if has_room => self.shake(stream, address),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// Handlers see the same as behind a proxy that speaks TLS.
async fn mark(mut request: Request, next: Next) -> axum::response::Response {
    request
        .headers_mut()
        .insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    next.run(request).await
}

/// As [`crate::serve`], over TLS 1.2 and 1.3.
pub async fn serve_tls(
    listener: TcpListener,
    certificates: Arc<Certificates>,
    app: Router,
    until: CancellationToken,
) -> std::io::Result<()> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let listener = TlsListener {
        tcp: listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
        shaking: JoinSet::new(),
    };
    let app = app
        .layer(middleware::from_fn(mark))
        .into_make_service_with_connect_info::<SocketAddr>();
    // Addresses of visitors are known for tapped listeners of any kind.
    axum::serve(listener.tap_io(|_| ()), app)
        .with_graceful_shutdown(until.cancelled_owned())
        .await
}

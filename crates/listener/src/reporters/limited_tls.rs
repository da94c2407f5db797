//! Connections to mail servers with which nothing newer than TLS 1.2 may be spoken: the mail library only limits the oldest
//! version. The stream is protected here, and everything said over it is the library's.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lettre::transport::smtp::{
    client::{AsyncSmtpConnection, AsyncTokioStream},
    extension::ClientId,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    version::TLS12,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::email::{EmailChannel, Encryption};

/// A connection that has greeted, over TLS 1.2 where TLS is wanted.
pub(super) async fn connect(channel: &EmailChannel) -> Result<AsyncSmtpConnection, String> {
    let text = |error: io::Error| error.to_string();
    let mut tcp = TcpStream::connect((channel.server.as_str(), channel.port))
        .await
        .map_err(text)?;
    let peer = tcp.peer_addr().map_err(text)?;
    let hello = ClientId::default();
    let (protected, prefix) = match channel.encryption {
        Encryption::Implicit => (true, ""),
        Encryption::None => (false, ""),
        Encryption::StartTls | Encryption::Opportunistic => {
            match ask_for_tls(&mut tcp, &hello).await.map_err(text)? {
                true => (true, GREETING),
                false if channel.encryption == Encryption::StartTls => {
                    return Err("the server does not offer STARTTLS".to_owned());
                }
                // It has greeted already.
                false => (false, GREETING),
            }
        }
    };
    let inner: Box<dyn Wire> = match protected {
        true => {
            let name =
                ServerName::try_from(channel.server.clone()).map_err(|error| error.to_string())?;
            let connector = TlsConnector::from(Arc::new(config(channel)?));
            Box::new(connector.connect(name, tcp).await.map_err(text)?)
        }
        false => Box::new(tcp),
    };
    let stream = Stream {
        prefix: prefix.as_bytes(),
        inner,
        peer,
    };
    AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello)
        .await
        .map_err(|error| error.to_string())
}

/// A server greets once, before TLS; the library waits for it afterwards.
const GREETING: &str = "220 greeted\r\n";
/// A reply has so many lines at most.
const MOST_LINES: usize = 100;

/// Greeting, `EHLO` and `STARTTLS`; false where the server does not offer it.
async fn ask_for_tls(tcp: &mut TcpStream, hello: &ClientId) -> io::Result<bool> {
    let mut wire = BufReader::new(tcp);
    reply(&mut wire).await?;
    wire.get_mut()
        .write_all(format!("EHLO {hello}\r\n").as_bytes())
        .await?;
    let offers = reply(&mut wire).await?;
    let is_offered = offers.iter().any(|line| {
        line.get(4..)
            .is_some_and(|own| own.trim().eq_ignore_ascii_case("STARTTLS"))
    });
    if !is_offered {
        return Ok(false);
    }
    wire.get_mut().write_all(b"STARTTLS\r\n").await?;
    reply(&mut wire).await?;
    // Whoever stands between could have put words before the handshake.
    match wire.buffer().is_empty() {
        true => Ok(true),
        false => Err(io::Error::other("the server spoke before TLS began")),
    }
}

/// The lines of a reply that is no refusal.
async fn reply(wire: &mut BufReader<&mut TcpStream>) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    while lines.len() < MOST_LINES {
        let mut line = String::new();
        if wire.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        let is_good = line.starts_with('2');
        lines.push(line);
        match (is_last, is_good) {
            (_, false) => {
                let said = lines.last().map_or("", |line| line.trim());
                return Err(io::Error::other(format!("the server said {said}")));
            }
            (true, true) => return Ok(lines),
            (false, true) => {}
        }
    }
    Err(io::Error::other("a reply without an end"))
}

fn config(channel: &EmailChannel) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS12])
        .map_err(|error| error.to_string())?;
    if channel.accept_invalid_certificates {
        let anybody = Arc::new(Anybody(provider));
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(anybody)
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &channel.authorities {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Takes every certificate, as whoever set it up wants it.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// Bytes that were read before, then what comes.
struct Stream {
    prefix: &'static [u8],
    inner: Box<dyn Wire>,
    peer: SocketAddr,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", self.peer)
    }
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.inner).poll_read(context, buffer);
        }
        let count = self.prefix.len().min(buffer.remaining());
        let (now, later) = self.prefix.split_at(count);
        buffer.put_slice(now);
        self.prefix = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

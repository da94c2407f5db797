//! Requests passed on to a cluster byte for byte.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName},
};

use crate::{ClientConfig, ClientError, address::Address, client::transport};

/// A cluster whose answers are handed on unread.
#[derive(Clone, Debug)]
pub struct Forwarder {
    http: reqwest::Client,
    address: Address,
}

/// What the cluster answered; the body arrives while it is read.
pub struct Forwarded {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Box<dyn Stream<Item = std::io::Result<Bytes>> + Send + Unpin>,
}

impl std::fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarded")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A slow search is the client's business; silence for so long is not.
const SILENCE_LIMIT: std::time::Duration = std::time::Duration::from_secs(120);

/// Of one connection, not of the request (RFC 9110, 7.6.1), and what the next connection sets itself.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::HOST,
    header::CONTENT_LENGTH,
];

impl Forwarder {
    pub fn new(config: &ClientConfig) -> Result<Self, ClientError> {
        let address = Address::new(config)?;
        let http = reqwest::Client::builder()
            .connect_timeout(config.timeout)
            .read_timeout(SILENCE_LIMIT)
            .danger_accept_invalid_certs(config.accept_invalid_certificates)
            .redirect(reqwest::redirect::Policy::none())
            .no_gzip()
            .no_proxy()
            .build()
            .map_err(|error| address.unusable(&error.to_string()))?;
        Ok(Self { http, address })
    }

    /// `path` is as it came, with its query and without a leading slash.
    pub async fn forward(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Forwarded, ClientError> {
        HOP_BY_HOP
            .iter()
            .for_each(|name| drop(headers.remove(name)));
        // A browser's page is checked by us; the cluster would refuse an origin it does not know.
        headers.remove(header::ORIGIN);
        let mut request = self.http.request(method, self.address.join(path)?);
        if !headers.contains_key(header::AUTHORIZATION) {
            request = self.address.authorize(request);
        }
        let response = request.headers(headers).body(body).send().await;
        let response = response.map_err(|error| transport(&self.address, error))?;
        let mut headers = response.headers().clone();
        HOP_BY_HOP
            .iter()
            .for_each(|name| drop(headers.remove(name)));
        Ok(Forwarded {
            status: response.status().as_u16(),
            headers,
            body: Box::new(
                response
                    .bytes_stream()
                    .map(|chunk| chunk.map_err(std::io::Error::other)),
            ),
        })
    }
}

//! Sockets to a browser.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::protocol::WebSocketConfig,
};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const LIMIT: Duration = Duration::from_secs(10);
/// A full-page screenshot of a long page is tens of megabytes.
const MESSAGE_LIMIT: usize = 256 << 20;

/// Connects; what goes wrong is said in words.
pub(crate) async fn connect(url: &str) -> Result<Socket, String> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let connecting = connect_async_with_config(url, Some(config), true);
    match tokio::time::timeout(LIMIT, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("time is up".to_owned()),
    }
}

//! The page that is measured: a few resources, some work, a large picture of text.

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

const PAGE: &str = "<!doctype html><title>Bench</title><link rel=stylesheet href=/style.css><h1 style='font-size:6rem'>A large paint</h1><div id=list></div>\
<script src=/script.js></script><img src=/a.svg width=400 height=300><img src=/b.svg width=400 height=300>";
const SCRIPT: &str = "for (let i = 0; i < 2000; i++) { performance.mark('m' + i); document.getElementById('list').append(document.createElement('i')); } fetch('/data.json');";
const PICTURE: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 3'><rect width='4' height='3' fill='teal'/></svg>";

/// Serves the page as long as the tasks live; answers its address.
pub(crate) async fn serve(tasks: &mut JoinSet<()>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let request = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default())
                        .into_owned();
                    let path = request.split_whitespace().nth(1).unwrap_or("/");
                    let (kind, body) = match path {
                        "/" => ("text/html", PAGE),
                        "/script.js" => ("text/javascript", SCRIPT),
                        "/style.css" => ("text/css", "body{margin:2rem}"),
                        "/data.json" => ("application/json", "{}"),
                        _ => ("image/svg+xml", PICTURE),
                    };
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream
                        .write_all(&[head.as_bytes(), body.as_bytes()].concat())
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    Ok(url)
}

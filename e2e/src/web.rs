//! Small web servers that answer as told, faults included.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Answers after a while.
    After(Duration, Box<Reply>),
    /// A text body in two parts, and how long the second waits.
    Halves(Duration, &'static str, &'static str),
    /// Answers nothing until the client goes away.
    Hang,
    /// Closes without an answer.
    Close,
    /// Closes with a TCP reset.
    Reset,
    /// A body that never ends.
    Endless,
    /// These bytes, then the end.
    Raw(Vec<u8>),
}

impl Reply {
    pub fn status(status: u16, html: &str) -> Self {
        Reply::Full {
            status,
            headers: vec![(
                "content-type".to_owned(),
                "text/html; charset=utf-8".to_owned(),
            )],
            body: html.as_bytes().to_vec(),
        }
    }

    pub fn page(html: &str) -> Self {
        Self::status(200, html)
    }

    pub fn typed(kind: &str, body: &str) -> Self {
        Self::page(body).with("content-type", kind)
    }

    pub fn redirect(to: &str) -> Self {
        Self::status(302, "").with("location", to)
    }

    #[must_use]
    pub fn with_status(mut self, wanted: u16) -> Self {
        if let Reply::Full { status, .. } = &mut self {
            *status = wanted;
        }
        self
    }

    /// Replaces or adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if let Reply::Full { headers, .. } = &mut self {
            headers.retain(|(own, _)| own != name || own == "set-cookie");
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

type Routes = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A server on a free port of a loopback address; its threads end with the test process.
#[derive(Debug)]
pub struct Web {
    pub url: String,
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    pub fn start(routes: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let routes: Arc<Routes> = Arc::new(routes);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asking = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (routes, asking) = (Arc::clone(&routes), Arc::clone(&asking));
                std::thread::spawn(move || answer(stream, &*routes, &asking));
            }
        });
        Self {
            url: format!("http://{address}"),
            address,
            asked,
        }
    }

    /// How often a path was asked for.
    pub fn count(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|own| own.path == path).count()
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

fn answer(stream: TcpStream, routes: &Routes, asking: &Mutex<Vec<Asked>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let asked = read(&mut reader)?;
    asking.lock().unwrap().push(asked.clone());
    perform(stream, routes(&asked))
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    let target = words.next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut asked = Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        ..Asked::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        asked
            .headers
            .push((name.to_lowercase(), value.trim().to_owned()));
    }
    asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

fn perform(mut stream: TcpStream, reply: Reply) -> Option<()> {
    match reply {
        Reply::Full {
            status,
            headers,
            body,
        } => {
            let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            let length = body.len();
            head.push_str(&format!(
                "connection: close\r\ncontent-length: {length}\r\n\r\n"
            ));
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(&body).ok()
        }
        Reply::After(wait, reply) => {
            std::thread::park_timeout(wait);
            perform(stream, *reply)
        }
        Reply::Halves(wait, first, second) => {
            let length = first.len() + second.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{first}"
            );
            stream.write_all(head.as_bytes()).ok()?;
            std::thread::park_timeout(wait);
            stream.write_all(second.as_bytes()).ok()
        }
        Reply::Hang => stream.read_exact(&mut [0; 1]).ok(),
        Reply::Close => Some(()),
        Reply::Reset => {
            let socket = socket2::Socket::from(stream);
            socket.set_linger(Some(Duration::ZERO)).ok()
        }
        Reply::Endless => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<title>Endless</title>";
            stream.write_all(head.as_bytes()).ok()?;
            loop {
                stream.write_all(b"<p>more</p>\n").ok()?;
                std::thread::park_timeout(Duration::from_millis(50));
            }
        }
        Reply::Raw(bytes) => stream.write_all(&bytes).ok(),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

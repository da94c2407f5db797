//! A real S3 server that checks signatures and keeps objects as files.

use std::{net::TcpListener, path::Path};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;

pub const ACCESS_KEY: &str = "robot-of-the-bucket";
pub const SECRET_KEY: &str = "the-secret-of-the-bucket";

/// Serves until the test process ends.
pub struct S3 {
    pub url: String,
    folder: tempfile::TempDir,
}

impl S3 {
    /// With one empty bucket.
    pub fn start(bucket: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(bucket)).unwrap();
        let service = {
            let mut builder = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
            builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            builder.build()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let connections = Builder::new(TokioExecutor::new());
                while let Ok((socket, _)) = listener.accept().await {
                    let served = connections
                        .serve_connection(TokioIo::new(socket), service.clone())
                        .into_owned();
                    tokio::spawn(served);
                }
            });
        });
        Self { url, folder }
    }

    /// The variables that name the bucket.
    pub fn variables<'a>(&'a self, bucket: &'a str) -> [(&'a str, &'a str); 4] {
        [
            ("AWS_S3_BUCKET", bucket),
            ("AWS_S3_ACCESS_KEY", ACCESS_KEY),
            ("AWS_S3_SECRET_KEY", SECRET_KEY),
            ("AWS_ENDPOINT_URL_S3", &self.url),
        ]
    }

    /// Where the objects are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

//! Where attachments are kept beside the store: a folder, or a bucket of an S3 server.

use std::{fmt, fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path as Key,
};
use thiserror::Error;
use tokio_stream::StreamExt;

const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One call tries so long; its caller tries again later.
const RETRY_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
pub enum AttachmentError {
    #[error("attachments cannot be kept in {place}: {reason}")]
    Unusable { place: String, reason: String },
    #[error("attachment {key} in {place}: {source}")]
    Access {
        place: String,
        key: String,
        source: Box<object_store::Error>,
    },
}

impl AttachmentError {
    /// Whether trying again may succeed; a bucket that is not there or refuses us does not come by itself.
    pub fn is_temporary(&self) -> bool {
        use object_store::Error;
        match self {
            AttachmentError::Unusable { .. } => false,
            AttachmentError::Access { source, .. } => !matches!(
                **source,
                Error::NotFound { .. }
                    | Error::PermissionDenied { .. }
                    | Error::Unauthenticated { .. }
            ),
        }
    }
}

/// A bucket of an S3 server.
#[derive(Clone)]
pub struct BucketConfig {
    pub bucket: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    /// `https://HOST:PORT` of a server that is not Amazon's; its buckets are addressed by path.
    pub endpoint: Option<String>,
}

impl fmt::Debug for BucketConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BucketConfig")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl BucketConfig {
    /// Where the bucket is reached; `<this>/<uuid>/<name>` is an attachment.
    fn url(&self) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}/{}", endpoint.trim_end_matches('/'), self.bucket),
            None => format!("https://{}.s3.{}.amazonaws.com", self.bucket, self.region),
        }
    }
}

/// Attachments of runs, as `<uuid>/<name>`.
#[derive(Clone)]
pub struct AttachmentStore {
    objects: Arc<dyn ObjectStore>,
    /// A folder's path or a bucket's address, for messages.
    place: String,
    /// None of a folder.
    url: Option<String>,
}

impl fmt::Debug for AttachmentStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("AttachmentStore")
            .field(&self.place)
            .finish()
    }
}

impl AttachmentStore {
    /// In a folder of this machine, made if need be.
    pub fn folder(path: &Path) -> Result<Self, AttachmentError> {
        let place = path.display().to_string();
        let opened = fs::create_dir_all(path)
            .map_err(|error| error.to_string())
            .and_then(|()| {
                LocalFileSystem::new_with_prefix(path).map_err(|error| error.to_string())
            });
        match opened {
            Ok(objects) => Ok(Self {
                objects: Arc::new(objects.with_automatic_cleanup(true)),
                place,
                url: None,
            }),
            Err(reason) => Err(AttachmentError::Unusable { place, reason }),
        }
    }

    /// In a bucket. Nothing is sent yet.
    pub fn bucket(config: &BucketConfig) -> Result<Self, AttachmentError> {
        let url = config.url();
        let mut options = ClientOptions::new()
            .with_timeout(TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_http(url.starts_with("http://"));
        for suffix in ["png", "jpg", "html", "har", "json"] {
            options =
                options.with_content_type_for_suffix(suffix, content_type(&format!(".{suffix}")));
        }
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(&config.secret_key)
            .with_virtual_hosted_style_request(config.endpoint.is_none())
            .with_client_options(options)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: 3,
                retry_timeout: RETRY_LIMIT,
            });
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        match builder.build() {
            Ok(objects) => Ok(Self {
                objects: Arc::new(objects),
                place: url.clone(),
                url: Some(url),
            }),
            Err(error) => Err(AttachmentError::Unusable {
                place: url,
                reason: error.to_string(),
            }),
        }
    }

    /// What the addresses of attachments begin with; none of a folder.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    pub async fn put(&self, uuid: &str, name: &str, content: Bytes) -> Result<(), AttachmentError> {
        let key = key(uuid, name);
        match self.objects.put(&key, content.into()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&key, error)),
        }
    }

    /// None when it is not there.
    pub async fn get(&self, uuid: &str, name: &str) -> Result<Option<Bytes>, AttachmentError> {
        let key = key(uuid, name);
        let content = async { self.objects.get(&key).await?.bytes().await };
        match content.await {
            Ok(content) => Ok(Some(content)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&key, error)),
        }
    }

    /// Removes what is older than `age` and answers how many; what is not named like an attachment stays.
    pub async fn remove_older(&self, age: Duration) -> Result<usize, AttachmentError> {
        let root = Key::default();
        let mut listed = self.objects.list(None);
        let mut removed = 0;
        while let Some(object) = listed.next().await {
            let object = object.map_err(|error| self.failed(&root, error))?;
            let modified = std::time::SystemTime::from(object.last_modified);
            let is_old = modified.elapsed().is_ok_and(|elapsed| elapsed > age);
            if !is_old || !is_attachment(&object.location) {
                continue;
            }
            match self.objects.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => removed += 1,
                Err(error) => return Err(self.failed(&object.location, error)),
            }
        }
        Ok(removed)
    }

    fn failed(&self, key: &Key, source: object_store::Error) -> AttachmentError {
        AttachmentError::Access {
            place: self.place.clone(),
            key: key.to_string(),
            source: Box::new(source),
        }
    }
}

fn key(uuid: &str, name: &str) -> Key {
    Key::from_iter([uuid, name])
}

/// A run id, then a name.
fn is_attachment(key: &Key) -> bool {
    let mut parts = key.parts();
    let is_run = parts.next().is_some_and(|part| {
        let part = part.as_ref();
        part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    is_run && parts.next().is_some() && parts.next().is_none()
}

pub(crate) fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("html") => "text/html",
        Some("har" | "json") => "application/json",
        Some("ndjson") => "application/x-ndjson",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0123456789abcdef0123456789abcdef";

    #[tokio::test]
    async fn a_folder_keeps_attachments_and_lets_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = AttachmentStore::folder(folder.path()).unwrap();
        let content = Bytes::from_static(b"picture");
        store.put(RUN, "a.png", content.clone()).await.unwrap();
        fs::write(folder.path().join("note.txt"), "of somebody else").unwrap();
        assert_eq!(store.get(RUN, "a.png").await.unwrap(), Some(content));
        assert_eq!(store.get(RUN, "b.png").await.unwrap(), None);
        assert_eq!(
            store.remove_older(Duration::from_secs(60)).await.unwrap(),
            0
        );
        assert_eq!(store.remove_older(Duration::ZERO).await.unwrap(), 1);
        assert_eq!(store.get(RUN, "a.png").await.unwrap(), None);
        assert!(!folder.path().join(RUN).exists());
        assert!(folder.path().join("note.txt").exists());
    }

    #[test]
    fn a_bucket_has_an_address() {
        let mut config = BucketConfig {
            bucket: "shots".to_owned(),
            region: "eu-central-1".to_owned(),
            access_key: "id".to_owned(),
            secret_key: "secret-of-bucket".to_owned(),
            endpoint: None,
        };
        assert_eq!(config.url(), "https://shots.s3.eu-central-1.amazonaws.com");
        config.endpoint = Some("http://127.0.0.1:9000/".to_owned());
        assert_eq!(config.url(), "http://127.0.0.1:9000/shots");
        assert!(!format!("{config:?}").contains("secret-of-bucket"));
    }
}

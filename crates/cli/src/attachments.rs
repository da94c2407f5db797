//! Where attachments are kept: the bucket that the established variables name, behind the server as well.

use async_trait::async_trait;
use bytes::Bytes;
use canarytrace_evidence::{AttachmentStore, BucketConfig};
use canarytrace_server::Attachments;

use crate::{failure::Failure, variables::Variables};

const DEFAULT_REGION: &str = "eu-central-1";

/// The bucket of `AWS_S3_BUCKET`; none when that is not set.
pub(crate) fn bucket(variables: &Variables) -> Result<Option<AttachmentStore>, Failure> {
    let Some(bucket) = variables.get("AWS_S3_BUCKET") else {
        return Ok(None);
    };
    let first = |names: [&str; 2]| names.into_iter().find_map(|name| variables.get(name));
    let needed = |names: [&str; 2]| {
        first(names).map(str::to_owned).ok_or_else(|| {
            Failure::with_hint(
                format!("AWS_S3_BUCKET is `{bucket}`, but {} is not set", names[0]),
                format!("set {} or {}, or unset AWS_S3_BUCKET", names[0], names[1]),
            )
        })
    };
    let config = BucketConfig {
        bucket: bucket.to_owned(),
        region: first(["AWS_S3_REGION", "AWS_DEFAULT_REGION"])
            .unwrap_or(DEFAULT_REGION)
            .to_owned(),
        access_key: needed(["AWS_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])?,
        secret_key: needed(["AWS_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"])?,
        endpoint: first(["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]).map(str::to_owned),
    };
    AttachmentStore::bucket(&config).map(Some).map_err(|error| {
        Failure::with_hint(
            error.to_string(),
            "see AWS_S3_BUCKET and AWS_ENDPOINT_URL_S3",
        )
    })
}

/// The attachments that the server takes and shows.
pub(crate) struct ServedAttachments(pub(crate) AttachmentStore);

#[async_trait]
impl Attachments for ServedAttachments {
    async fn put(&self, uuid: &str, name: &str, content: Bytes) -> std::io::Result<()> {
        let stored = self.0.put(uuid, name, content).await;
        stored.map_err(std::io::Error::other)
    }

    async fn get(&self, uuid: &str, name: &str) -> std::io::Result<Option<Bytes>> {
        self.0.get(uuid, name).await.map_err(std::io::Error::other)
    }
}

//! The run directory: documents and attachments written ahead, secrets masked, delivered to a store, and the record of a
//! dead run closed.
//!
//! [`RunDirectory`] appends; [`Delivery`] sends what is there and remembers how far it got; [`recover`] finishes what a
//! killed supervisor left. Sending is at least once, the effect exactly once: ids are deterministic and a conflict means
//! delivered.
//!
//! Invariants: nothing reaches the disk before [`Secrets`] has masked it; a document is on disk before it is sent; a
//! torn last line is cut, never sent.

mod attachments;
mod bodies;
mod delivery;
mod directory;
mod har;
mod mask;
mod recover;

pub use attachments::{AttachmentError, AttachmentStore, BucketConfig};
pub use bodies::ResponseBody;
pub use delivery::{Delivery, DeliveryError, Destination};
pub use directory::{EvidenceError, LogStream, RunDirectory, store_record};
pub use har::har;
pub use mask::{SHORT as SHORT_SECRET, Secrets};
pub use recover::{RunExtras, Unfinished, close_documents, find_unfinished, recover};

//! The DevTools connection: one socket, flat sessions, events in types of our own.
//!
//! [`DevTools::connect`] attaches to every page, out-of-process iframe, worker and popup. A new target waits until its
//! domains are enabled, so that its first request is not lost. Queues are bounded; what overflows is counted in
//! [`DevTools::dropped_events`].

mod caller;
mod connection;
mod emulation;
mod envelope;
mod event;
mod interception;
mod navigations;
mod questions;
mod wire;

pub use caller::{Caller, DevToolsError};
pub(crate) use caller::{NEW_DOCUMENT, Page, new_document};
pub use connection::DevTools;
pub use emulation::{Emulation, NetworkConditions};
pub use envelope::{Envelope, read_envelope};
pub use event::{
    BrowserEvent, Certificate, ConsoleEvent, ConsoleKind, CookiesSet, Dialog, NetworkFailed,
    NetworkFinished, NetworkRequest, NetworkResponse, ScreencastFrame, ServedFromCache,
    SocketOpening, StyleSheet, TargetKind,
};
pub use interception::{InterceptedCall, InterceptionAnswer, Interceptions, RequestFilter};
pub use navigations::{Navigation, NavigationResponse, Navigations};
pub use questions::Question;
pub use wire::decode;

//! Lines that a person types while a run goes on.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};

/// Shared by who may ask for the next line; one asks at a time.
pub type TypedLines = Arc<Mutex<mpsc::Receiver<String>>>;

/// Lines as they come.
pub fn typed_lines(lines: mpsc::Receiver<String>) -> TypedLines {
    Arc::new(Mutex::new(lines))
}

/// The next line; none when nobody can type any more.
pub(crate) async fn next_typed(lines: &TypedLines) -> Option<String> {
    lines.lock().await.recv().await
}

//! Bodies of responses, kept until the archive of the run is made.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{EvidenceError, Secrets};

const BODIES: &str = "bodies.ndjson";

/// The text of one response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResponseBody {
    pub request_id: String,
    /// Bytes of the whole text.
    pub size: usize,
    /// Its beginning, when it is long.
    pub text: String,
}

pub(crate) fn append(
    folder: &Path,
    bodies: &[ResponseBody],
    secrets: &Secrets,
) -> Result<(), EvidenceError> {
    let path = folder.join(BODIES);
    let failed = |source| EvidenceError::Write {
        path: path.clone(),
        source,
    };
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(failed)?;
    for body in bodies {
        let masked = ResponseBody {
            text: secrets.mask(&body.text).into_owned(),
            ..body.clone()
        };
        let mut line = serde_json::to_vec(&masked).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(failed)?;
    }
    Ok(())
}

/// By request id; a torn last line is left out.
pub(crate) fn read(folder: &Path) -> HashMap<String, ResponseBody> {
    let Ok(file) = File::open(folder.join(BODIES)) else {
        return HashMap::new();
    };
    BufReader::new(file)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<ResponseBody>(&line).ok())
        .map(|body| (body.request_id.clone(), body))
        .collect()
}

/// The archive has them, or none is wanted.
pub(crate) fn remove(folder: &Path) {
    if let Err(error) = fs::remove_file(folder.join(BODIES))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "response bodies beside an archive cannot be removed");
    }
}

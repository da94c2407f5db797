//! The company's name, logo and colors, read once when the server starts.

use std::path::Path;

use bytes::Bytes;
use canarytrace_model::branding::Branding;
use canarytrace_server::{Logo, ServedBranding};

use crate::failure::Failure;

/// The branding of a configuration file; a logo that cannot be shown is an error with its path.
pub(crate) fn read(branding: &Branding, file: &Path) -> Result<ServedBranding, Failure> {
    let logo = branding
        .logo
        .as_ref()
        .map(|path| logo(&file.parent().unwrap_or(Path::new(".")).join(path)))
        .transpose()?;
    Ok(ServedBranding {
        name: branding.name.clone(),
        accent: branding.accent.clone(),
        footer: branding.footer.clone(),
        logo,
    })
}

fn logo(path: &Path) -> Result<Logo, Failure> {
    std::fs::read(path)
        .map_err(|error| format!("cannot be read: {error}"))
        .and_then(|content| Logo::new(Bytes::from(content)).map_err(str::to_owned))
        .map_err(|reason| {
            Failure::with_hint(
                format!("the logo {} {reason}", path.display()),
                "branding.logo is an SVG or PNG file of at most 512 kB",
            )
        })
}

//! Hashes for a script's `crypto`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// Of a hash by its name in lower case without dashes; none for a name that is not known. `key` makes it an HMAC.
pub(crate) fn digest(algorithm: &str, key: Option<&[u8]>, data: &[u8]) -> Option<Vec<u8>> {
    macro_rules! with {
        ($hash:ty) => {
            match key {
                None => <$hash>::digest(data).to_vec(),
                Some(key) => {
                    let mut mac = Hmac::<$hash>::new_from_slice(key).ok()?;
                    mac.update(data);
                    mac.finalize().into_bytes().to_vec()
                }
            }
        };
    }
    Some(match algorithm {
        "md5" => with!(md5::Md5),
        "sha1" => with!(sha1::Sha1),
        "sha256" => with!(sha2::Sha256),
        "sha384" => with!(sha2::Sha384),
        "sha512" => with!(sha2::Sha512),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: Option<Vec<u8>>) -> String {
        bytes
            .unwrap()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[test]
    fn hashes_are_the_known_ones() {
        assert_eq!(
            hex(digest("md5", None, b"abc")),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(
            hex(digest("sha1", None, b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        // RFC 4231, test case 2.
        assert_eq!(
            hex(digest(
                "sha256",
                Some(b"Jefe"),
                b"what do ya want for nothing?"
            )),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(digest("sha3", None, b""), None);
    }
}

//! Static bearer keys: who may call.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::api::status::{Reason, Refusal};

/// Shorter keys can be guessed.
const KEY_MIN_BYTES: usize = 16;

/// Keys of one file; every call is compared with all of them.
const KEYS_MAX_COUNT: usize = 1_000;

/// The keys of a server: only their hashes stay in memory.
pub(crate) struct ApiKeys {
    keys: Vec<(Caller, blake3::Hash)>,
}

/// The name of the key that a call carried; among the request's extensions where keys are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) Arc<str>);

impl ApiKeys {
    /// Reads a file of keys: `name:key` a line; empty lines and lines that begin with # are skipped.
    ///
    /// Errors: the file cannot be read, or lines are wrong; the error names all of them and quotes none.
    pub(crate) fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyFileError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|faults| KeyFileError::Faulty {
            path: path.to_owned(),
            faults,
        })
    }

    fn parse(text: &str) -> Result<Self, Faults> {
        let (mut keys, mut faults) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match parse_line(line) {
                Ok((name, hash))
                    if seen.insert(name.as_bytes().to_vec()) & seen.insert(hash.as_bytes().to_vec()) =>
                {
                    keys.push((Caller(name.into()), hash));
                }
                Ok(_) => faults.push((number, "repeats a name or a key of a line above")),
                Err(fault) => faults.push((number, fault)),
            }
        }
        if keys.is_empty() && faults.is_empty() {
            faults.push((1, "holds no key, and so nobody could call"));
        }
        if keys.len() > KEYS_MAX_COUNT {
            faults.push((KEYS_MAX_COUNT + 1, "is one key too many: 1,000 are the limit"));
        }
        if faults.is_empty() {
            Ok(ApiKeys { keys })
        } else {
            Err(Faults(faults))
        }
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Err(Refusal::new(
                Reason::ApiKeyMissing,
                "this server asks for an API key: send the header authorization: Bearer <key>",
            ));
        };
        let key = bearer(header.as_bytes()).unwrap_or_default();
        let hash = blake3::hash(key);
        // Every key is compared, in constant time: how long this takes tells nobody how close a guess came.
        let mut caller = None;
        for (name, known) in &self.keys {
            if bool::from(known.as_bytes().ct_eq(hash.as_bytes())) {
                caller = Some(name);
            }
        }
        caller.cloned().ok_or_else(|| {
            Refusal::new(
                Reason::ApiKeyInvalid,
                "the API key of this call is none of the server's",
            )
        })
    }
}

fn parse_line(line: &str) -> Result<(&str, blake3::Hash), &'static str> {
    let (name, key) = line.split_once(':').ok_or("is not name:key")?;
    let (name, key) = (name.trim(), key.trim());
    let slug = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(slug) {
        return Err("needs a name of 1 to 64 letters, digits, dots, dashes and underscores");
    }
    if key.len() < KEY_MIN_BYTES {
        return Err("has a key of less than 16 characters: draw one with `openssl rand -hex 32`");
    }
    if !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("has a key that does not fit into a header: use visible ASCII without blanks");
    }
    Ok((name, blake3::hash(key.as_bytes())))
}

/// The token of a bearer header. Source: RFC 6750, section 2.1; the scheme's name is case-insensitive.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// Lines of a key file that are wrong, by number.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(Vec<(usize, &'static str)>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(line, fault)| write!(f, "\n  line {line} {fault}"))
    }
}

/// Why the keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file is not there or not ours.
    #[error("cannot read the API keys in {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Lines are wrong.
    #[error("the API keys in {path} cannot be used:{faults}")]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Its lines.
        faults: Faults,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";

    fn header(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    fn reason(keys: &ApiKeys, headers: &HeaderMap) -> Reason {
        keys.authenticate(headers).unwrap_err().reason()
    }

    #[test]
    fn keys_name_their_callers() {
        let text = format!("# staff\n\n ann : {KEY}-ann \r\nbob:{KEY}:bob\n");
        let keys = ApiKeys::parse(&text).unwrap();
        let caller = |value: &str| keys.authenticate(&header(value)).unwrap().0;
        assert_eq!(&*caller(&format!("Bearer {KEY}-ann")), "ann");
        assert_eq!(&*caller(&format!("bearer   {KEY}:bob")), "bob");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let keys = ApiKeys::parse(&format!("ann:{KEY}")).unwrap();
        assert_eq!(reason(&keys, &HeaderMap::new()), Reason::ApiKeyMissing);
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic YTpi",
            KEY,
            "Bearer 0123456789abcdeF",
            "Bearer ann",
        ] {
            assert_eq!(reason(&keys, &header(value)), Reason::ApiKeyInvalid, "{value}");
        }
        let almost = format!("Bearer {KEY} {KEY}");
        assert_eq!(reason(&keys, &header(&almost)), Reason::ApiKeyInvalid);
    }

    #[test]
    fn every_faulty_line_is_told_and_none_quoted() {
        let text = format!(
            "nokey\n:{KEY}\na b:{KEY}\nshort:secret\nblank:0123456789 abcdef\nann:{KEY}\nann:{KEY}2\nbob:{KEY}\n"
        );
        let faults = ApiKeys::parse(&text).err().unwrap();
        let lines: Vec<usize> = faults.0.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 7, 8]);
        let told = faults.to_string();
        assert!(!told.contains("secret") && !told.contains(KEY), "{told}");
    }

    #[test]
    fn a_file_without_keys_is_refused() {
        assert!(ApiKeys::parse("# nobody\n").is_err());
        let many: String = (0..=KEYS_MAX_COUNT).map(|i| format!("n{i}:{KEY}{i}\n")).collect();
        assert!(ApiKeys::parse(&many).is_err());
        assert!(matches!(
            ApiKeys::read(Path::new("/nonexistent")),
            Err(KeyFileError::Unreadable { .. })
        ));
    }
}

//! Any text as a token, and any bytes as the claims of one that is signed well.

use std::fmt::Debug;
use std::sync::LazyLock;

use baton_server::token::{Claims, Key, Keyring, MAX_TOKEN_CHARS, PageToken, Purpose, ResumeToken};

/// The seeds are signed with this key.
static KEYS: LazyLock<Keyring> = LazyLock::new(|| Keyring::new(Key::new(&[1; 32]), Vec::new()));

/// With header and signature, and written in base64, still no longer than a token may be.
const MAX_CLAIMS_BYTES: usize = MAX_TOKEN_CHARS / 4 * 3 - 38;

/// Panics where a token is taken that should not be, or the other way round.
pub(crate) fn check(data: &[u8]) {
    if let Ok(token) = std::str::from_utf8(data) {
        check_token::<PageToken>(token);
        check_token::<ResumeToken>(token);
    }
    let claims = &data[..data.len().min(MAX_CLAIMS_BYTES)];
    let token = KEYS.encode(&AnyPage(claims.to_vec()));
    check_claims::<PageToken>(&token);
    if let [low, high, other, ..] = *data {
        check_change(token, u16::from_le_bytes([low, high]).into(), other);
    }
    check_claims::<ResumeToken>(&KEYS.encode(&AnyResume(claims.to_vec())));
}

/// What is accepted is what this service makes, to the last character: nothing in a token is free to choose.
fn check_token<C: Claims>(token: &str) {
    if let Ok(claims) = KEYS.decode::<C>(token) {
        assert_eq!(KEYS.encode(&claims), token);
    }
}

fn check_claims<C: Claims + PartialEq + Debug>(token: &str) {
    if let Ok(claims) = KEYS.decode::<C>(token) {
        assert_eq!(KEYS.decode(&KEYS.encode(&claims)), Ok(claims));
    }
}

/// One other character anywhere is noticed, also where it stands for the same bytes.
fn check_change(mut token: String, at: usize, other: u8) {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (at, other) = (at % token.len(), usize::from(other) % ALPHABET.len());
    let other = &ALPHABET[other..=other];
    if &token[at..=at] != other {
        token.replace_range(at..=at, other);
        assert!(KEYS.decode::<AnyPage>(&token).is_err(), "{token} at {at}");
    }
}

/// Bytes that stand where the claims of a page token do.
struct AnyPage(Vec<u8>);

/// Bytes that stand where the claims of a resume token do.
struct AnyResume(Vec<u8>);

impl Claims for AnyPage {
    const PURPOSE: Purpose = Purpose::Page;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.to_vec()))
    }
}

impl Claims for AnyResume {
    const PURPOSE: Purpose = Purpose::Resume;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.to_vec()))
    }
}

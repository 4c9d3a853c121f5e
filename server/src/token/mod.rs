//! Opaque tokens that clients carry back: where a list goes on, where a watch resumes.
//!
//! ```text
//! token = base64url without padding of: version (1 byte), purpose (1), key id (4), claims (protobuf), HMAC-SHA-256 (32)
//! ```
//! The signature covers all that stands before it. Claims are protobuf so that a field can be added while tokens of
//! the version before are still about. The token of a lease lets its bearer speak for a task; the others are no secret
//! and no permission: they say where to go on, no more.

mod claims;
mod lease;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

pub use claims::{PageToken, ResumeToken, SnapshotCursor};
pub use lease::{HOLDER_ID_BYTES, LeaseToken};

/// Longest token, in characters: fits a URL, a header and a log line. Longer ones are refused unread.
pub const MAX_TOKEN_CHARS: usize = 1_024;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 2 + KEY_ID_BYTES;
const KEY_ID_BYTES: usize = 4;
const MAC_BYTES: usize = 32;

/// What a token is for. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The next page of a list.
    Page = 1,
    /// Where a watch goes on.
    Resume = 2,
    /// Who may speak for a leased task.
    Lease = 3,
}

/// What a token of one [`Purpose`] says.
pub trait Claims: Sized {
    /// Signed with the claims, so that no token passes for one of another kind.
    const PURPOSE: Purpose;

    /// Encodes the claims.
    fn to_bytes(&self) -> Vec<u8>;

    /// Decodes the claims; `None` where these bytes are none.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Why a token was refused. The caller of the API starts over without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too long, no base64url, of another version, or not such claims.
    #[error("this is not a token of this service")]
    Malformed,
    /// Changed on its way, or signed with a key that this service does not hold.
    #[error("the token was changed, or comes from another service")]
    BadSignature,
    /// A good token for another kind of call.
    #[error("the token belongs to another kind of call")]
    WrongPurpose,
}

/// A signing key. Its id is derived from its secret, so there is nothing to name when keys rotate.
#[derive(Debug, Clone)]
pub struct Key {
    id: [u8; KEY_ID_BYTES],
    /// Ready to sign; holds no plain secret, and its `Debug` shows nothing.
    mac: Hmac<Sha256>,
}

impl Key {
    /// Makes a key of 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros to its block; padded here, no length can be wrong.
        let mut block = [0; 64];
        block[..secret.len()].copy_from_slice(secret);
        let mac = Hmac::new(&block.into());
        let id = blake3::derive_key("baton 2026-11-22 token key id", secret);
        Self {
            id: [id[0], id[1], id[2], id[3]],
            mac,
        }
    }

    fn signer(&self, signed: &[u8]) -> Hmac<Sha256> {
        self.mac.clone().chain_update(signed)
    }
}

/// The keys of the service. A rotation moves the current key to the others, where its tokens stay good until it is
/// taken out.
#[derive(Debug, Clone)]
pub struct Keyring {
    current: Key,
    others: Vec<Key>,
}

impl Keyring {
    /// Signs with `current`; accepts that and `others`.
    pub const fn new(current: Key, others: Vec<Key>) -> Self {
        Self { current, others }
    }

    /// Signs `claims`. They must be small enough for [`MAX_TOKEN_CHARS`]: names, hashes and a sort key are.
    pub fn encode<C: Claims>(&self, claims: &C) -> String {
        let claims = claims.to_bytes();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + claims.len() + MAC_BYTES);
        bytes.extend([VERSION, C::PURPOSE as u8]);
        bytes.extend(self.current.id);
        bytes.extend(claims);
        let signature = self.current.signer(&bytes).finalize().into_bytes();
        bytes.extend(signature);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        debug_assert!(
            token.len() <= MAX_TOKEN_CHARS,
            "{:?} claims are too large",
            C::PURPOSE
        );
        token
    }

    /// Checks `token` and reads its claims. The signature is compared in constant time, before anything is parsed.
    ///
    /// What the claims say is the caller's to compare: a token is good for the call it was given by only.
    pub fn decode<C: Claims>(&self, token: &str) -> Result<C, TokenError> {
        if token.len() > MAX_TOKEN_CHARS {
            return Err(TokenError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Malformed)?;
        let (signed, signature) = bytes
            .split_last_chunk::<MAC_BYTES>()
            .ok_or(TokenError::Malformed)?;
        let (header, claims) = signed
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(TokenError::Malformed)?;
        let [version, purpose, key_id @ ..] = *header;
        if version != VERSION {
            return Err(TokenError::Malformed);
        }
        let is_signed_by = |key: &Key| key.id == key_id && key.signer(signed).verify_slice(signature).is_ok();
        if !std::iter::once(&self.current)
            .chain(&self.others)
            .any(is_signed_by)
        {
            return Err(TokenError::BadSignature);
        }
        if purpose != C::PURPOSE as u8 {
            return Err(TokenError::WrongPurpose);
        }
        C::from_bytes(claims).ok_or(TokenError::Malformed)
    }
}

/// A short digest of something that a token is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; Digest::BYTES]);

impl Digest {
    /// 128 bits: who found two filters of one digest would only confuse their own list.
    const BYTES: usize = 16;

    /// Digests the canonical text of a filter or an order.
    pub fn of(canonical: &str) -> Self {
        let mut digest = [0; Self::BYTES];
        digest.copy_from_slice(&blake3::hash(canonical.as_bytes()).as_bytes()[..Self::BYTES]);
        Self(digest)
    }
}

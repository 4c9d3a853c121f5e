//! Page tokens: where a list goes on, and for which list.

use super::status::{Reason, Refusal};
use crate::token::{Digest, Keyring, PageToken, TokenError};

/// What a page token is bound to: it goes on with the list that it was given by, and with no other.
pub(super) struct Listing<'a> {
    /// The name of the call.
    pub(super) method: &'a str,
    /// The namespace, or the task whose events are listed.
    pub(super) scope: &'a str,
    /// What is listed, as canonical text.
    pub(super) filter: String,
    /// How it is listed, and all else of the request that must stay as it is.
    pub(super) order: String,
}

impl Listing<'_> {
    /// Reads where the page before ended; nothing for the first page.
    pub(super) fn open(&self, keyring: &Keyring, token: &str) -> Result<Option<Vec<u8>>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        let read: PageToken = keyring.decode(token).map_err(refuse)?;
        let PageToken {
            method,
            namespace,
            filter_hash,
            order_hash,
            last_key,
        } = read;
        let same = method == self.method
            && namespace == self.scope
            && filter_hash == Digest::of(&self.filter)
            && order_hash == Digest::of(&self.order);
        if !same {
            return Err(other_list());
        }
        Ok(Some(last_key))
    }

    /// The token of the page after the one that ended with `last_key`.
    pub(super) fn next(&self, keyring: &Keyring, last_key: Vec<u8>) -> String {
        keyring.encode(&PageToken {
            method: self.method.to_owned(),
            namespace: self.scope.to_owned(),
            filter_hash: Digest::of(&self.filter),
            order_hash: Digest::of(&self.order),
            last_key,
        })
    }
}

fn refuse(error: TokenError) -> Refusal {
    invalid(&format!("page_token cannot be used: {error}"))
}

/// The refusal of a token whose list is another one.
pub(super) fn other_list() -> Refusal {
    invalid("page_token belongs to another list: everything but page_size must be as it was")
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(Reason::PageTokenInvalid, message).field("page_token", message)
}

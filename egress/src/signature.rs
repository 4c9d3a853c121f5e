//! Signatures by Standard Webhooks: the receiver can tell who sent a message, that it was not changed, and when.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

/// The header that names a message; the same for every time that it is sent.
pub const ID: &str = "webhook-id";
/// The header that says when a message was sent, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures, one for each secret, with spaces between.
pub const SIGNATURE: &str = "webhook-signature";

const SECRET_PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";
/// The lengths that the standard gives to a secret, in bytes.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// So many signatures of one message are looked at.
const SIGNATURES_MAX_COUNT: usize = 16;

/// What sender and receiver know and nobody else: written `whsec_` and then 24 to 64 bytes in base64.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

/// Does not show it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a text is no secret. It does not say the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `whsec_` and then 24 to 64 bytes in base64")]
pub struct BadSecret;

impl Secret {
    /// Reads a secret.
    ///
    /// Errors: a text of another form.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(BadSecret)?;
        Self::of(STANDARD.decode(encoded).map_err(|_| BadSecret)?)
    }

    /// A secret of these bytes.
    ///
    /// Errors: fewer than 24 or more than 64.
    pub fn of(bytes: Vec<u8>) -> Result<Self, BadSecret> {
        let fits = SECRET_BYTES.contains(&bytes.len());
        fits.then(|| Secret(SecretSlice::from(bytes))).ok_or(BadSecret)
    }

    fn mac(&self, message: &Message<'_>) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(self.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(message.id.as_bytes());
        mac.update(b".");
        mac.update(message.timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(message.body);
        mac
    }
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Names the message, so that a receiver who got it before can tell: the same for every try. Without a full stop.
    pub id: &'a str,
    /// When it is sent, in seconds since 1970: of this try, not of the first.
    pub timestamp: u64,
    /// The body as it is sent, byte for byte.
    pub body: &'a [u8],
}

/// An id that would make two messages look alike, or that no header can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a message is made of visible ASCII characters, without a full stop")]
pub struct BadId;

impl Message<'_> {
    /// The three headers of the message, signed by each secret: more than one while a secret is being replaced.
    ///
    /// Errors: an id with a full stop, or that no header can hold.
    pub fn headers(&self, secrets: &[Secret]) -> Result<HeaderMap, BadId> {
        if self.id.is_empty()
            || !self
                .id
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'.')
        {
            return Err(BadId);
        }
        let signatures: Vec<_> = secrets
            .iter()
            .map(|secret| {
                let code = secret.mac(self).finalize().into_bytes();
                format!("{VERSION}{}", STANDARD.encode(code))
            })
            .collect();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| BadId);
        let mut headers = HeaderMap::new();
        headers.insert(ID, value(self.id)?);
        headers.insert(TIMESTAMP, value(&self.timestamp.to_string())?);
        headers.insert(SIGNATURE, value(&signatures.join(" "))?);
        Ok(headers)
    }
}

/// Why a message is not taken for genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// One of the three headers is missing or cannot be read.
    #[error("the header {0} is missing or cannot be read")]
    Header(&'static str),
    /// It was sent too long ago, or is said to be sent in the future: it may be sent again by somebody who saw it.
    #[error("the message is too old or too new")]
    Time,
    /// No signature is by one of the secrets.
    #[error("no signature fits")]
    Signature,
}

/// What a receiver does: says whether a message was signed with one of `secrets`, and not longer than `tolerance` before or
/// after `now` (seconds since 1970; five minutes is usual). The comparison takes the same time whatever it finds.
///
/// Errors: see [`NotGenuine`].
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: u64,
    tolerance: Duration,
) -> Result<(), NotGenuine> {
    let text = |name: &'static str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or(NotGenuine::Header(name))
    };
    let timestamp = text(TIMESTAMP)?;
    let message = Message {
        id: text(ID)?,
        timestamp: timestamp.parse().map_err(|_| NotGenuine::Header(TIMESTAMP))?,
        body,
    };
    if now.abs_diff(message.timestamp) > tolerance.as_secs() {
        return Err(NotGenuine::Time);
    }
    let given = text(SIGNATURE)?.split(' ').take(SIGNATURES_MAX_COUNT);
    let codes = given.filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok());
    for code in codes {
        let fits = |secret: &Secret| secret.mac(&message).verify_slice(&code).is_ok();
        if secrets.iter().any(fits) {
            return Ok(());
        }
    }
    Err(NotGenuine::Signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    /// The example of the standard.
    const TOLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn secret(byte: u8) -> Secret {
        Secret::of(vec![byte; 32]).unwrap()
    }

    fn message(body: &[u8]) -> Message<'_> {
        Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body,
        }
    }

    #[test]
    fn the_signature_is_that_of_the_standard() {
        let headers = message(br#"{"test": 2432232314}"#)
            .headers(&[Secret::parse(TOLD).unwrap()])
            .unwrap();
        assert_eq!(headers[ID], "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(headers[TIMESTAMP], "1614265330");
        assert_eq!(
            headers[SIGNATURE],
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_message_is_genuine_by_either_secret_while_one_is_replaced() {
        let headers = message(b"{}").headers(&[secret(1), secret(2)]).unwrap();
        for known in [secret(1), secret(2)] {
            assert_eq!(
                verify(&headers, b"{}", &[known], 1_614_265_330, FIVE_MINUTES),
                Ok(())
            );
        }
        let both = [secret(3), secret(2)];
        assert_eq!(
            verify(&headers, b"{}", &both, 1_614_265_330, FIVE_MINUTES),
            Ok(())
        );
    }

    #[test]
    fn what_is_changed_late_or_by_another_is_not_genuine() {
        let secrets = [secret(1)];
        let headers = message(b"{}").headers(&secrets).unwrap();
        let judge =
            |headers: &HeaderMap, body: &[u8], now| verify(headers, body, &secrets, now, FIVE_MINUTES);
        let now = 1_614_265_330;
        assert_eq!(judge(&headers, b"{} ", now), Err(NotGenuine::Signature));
        assert_eq!(judge(&headers, b"{}", now + 300), Ok(()));
        assert_eq!(judge(&headers, b"{}", now + 301), Err(NotGenuine::Time));
        assert_eq!(judge(&headers, b"{}", now - 301), Err(NotGenuine::Time));
        assert_eq!(
            verify(&headers, b"{}", &[secret(9)], now, FIVE_MINUTES),
            Err(NotGenuine::Signature)
        );
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut less = headers.clone();
            less.remove(name);
            assert_eq!(judge(&less, b"{}", now), Err(NotGenuine::Header(name)));
            let mut other = headers.clone();
            other.insert(name, HeaderValue::from_static("1614265331"));
            assert!(judge(&other, b"{}", now).is_err(), "{name}");
        }
        let mut garbled = headers;
        garbled.insert(SIGNATURE, HeaderValue::from_static("v1, v1,* v2,AAAA v1,AAAA"));
        assert_eq!(judge(&garbled, b"{}", now), Err(NotGenuine::Signature));
    }

    #[test]
    fn a_secret_has_the_form_of_the_standard_and_is_not_shown() {
        let short = format!("whsec_{}", STANDARD.encode([1; 23]));
        let long = format!("whsec_{}", STANDARD.encode([1; 65]));
        for text in ["", "whsec_", "whsec_***", &TOLD[6..], &short, &long] {
            assert_eq!(Secret::parse(text).unwrap_err(), BadSecret, "{text}");
        }
        assert_eq!(format!("{:?}", Secret::parse(TOLD).unwrap()), "Secret(..)");
    }

    #[test]
    fn an_id_cannot_move_the_place_where_the_time_begins() {
        for id in ["", "a.1", "a b", "a\nb", "ü"] {
            let message = Message {
                id,
                timestamp: 1,
                body: b"",
            };
            assert_eq!(message.headers(&[secret(1)]).unwrap_err(), BadId, "{id:?}");
        }
    }
}

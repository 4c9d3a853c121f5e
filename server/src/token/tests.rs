use super::*;
use baton_domain::TaskId;
use uuid::Uuid;

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn key(fill: u8) -> Key {
    Key::new(&[fill; 32])
}

fn ring() -> Keyring {
    Keyring::new(key(1), Vec::new())
}

fn page() -> PageToken {
    PageToken {
        method: "ListTasks".to_owned(),
        namespace: "default".to_owned(),
        filter_hash: Digest::of("state = QUEUED"),
        order_hash: Digest::of("create_time desc"),
        last_key: vec![0, 255, 1],
    }
}

fn resume() -> ResumeToken {
    ResumeToken {
        epoch: Uuid::from_u128(7),
        namespace: "default".to_owned(),
        position: i64::MAX,
        filter_hash: Digest::of(""),
        snapshot: Some(SnapshotCursor {
            last_task: TaskId(Uuid::from_u128(8)),
            position: 41,
        }),
    }
}

/// Claims that no token of today has: what a later version of this service might sign.
struct Other(Vec<u8>);

impl Claims for Other {
    const PURPOSE: Purpose = Purpose::Page;

    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.to_vec()))
    }
}

#[test]
fn claims_come_back_as_they_were() {
    assert_eq!(ring().decode(&ring().encode(&page())), Ok(page()));
    assert_eq!(ring().decode(&ring().encode(&resume())), Ok(resume()));

    let plain = ResumeToken {
        snapshot: None,
        position: 0,
        ..resume()
    };
    assert_eq!(ring().decode(&ring().encode(&plain)), Ok(plain));
}

#[test]
fn the_largest_claims_fit() {
    let largest = PageToken {
        namespace: "n".repeat(64),
        last_key: vec![255; 256],
        ..page()
    };
    assert!(ring().encode(&largest).len() <= MAX_TOKEN_CHARS);
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = URL_SAFE_NO_PAD.decode(ring().encode(&page())).unwrap();
    for index in 0..good.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[index] ^= flip;
            let changed = ring().decode::<PageToken>(&URL_SAFE_NO_PAD.encode(bytes));
            let expected = if index == 0 {
                TokenError::Malformed
            } else {
                TokenError::BadSignature
            };
            assert_eq!(changed, Err(expected), "byte {index} ^ {flip}");
        }
    }
}

#[test]
fn every_changed_character_is_noticed() {
    // Of a length whose last character has bits that no byte needs: those too must not be free to choose.
    for claims in [
        page(),
        PageToken {
            last_key: vec![1],
            ..page()
        },
        PageToken {
            last_key: vec![1, 2],
            ..page()
        },
    ] {
        let good = ring().encode(&claims);
        for index in 0..good.len() {
            for other in ALPHABET.chars().filter(|c| !good[index..].starts_with(*c)) {
                let changed = format!("{}{other}{}", &good[..index], &good[index + 1..]);
                assert!(
                    ring().decode::<PageToken>(&changed).is_err(),
                    "character {index} as {other}"
                );
            }
        }
    }
}

#[test]
fn a_longer_or_shorter_token_is_refused() {
    let good = ring().encode(&page());
    for end in 0..good.len() {
        assert!(ring().decode::<PageToken>(&good[..end]).is_err(), "cut at {end}");
    }
    for tail in ["A", "AA", "AAAA", "=", "==", " ", "\n"] {
        assert!(
            ring().decode::<PageToken>(&format!("{good}{tail}")).is_err(),
            "with {tail:?}"
        );
    }
    let long = "A".repeat(MAX_TOKEN_CHARS + 1);
    assert_eq!(ring().decode::<PageToken>(&long), Err(TokenError::Malformed));
}

#[test]
fn a_token_of_another_key_is_refused() {
    let foreign = Keyring::new(key(2), Vec::new()).encode(&page());
    assert_eq!(
        ring().decode::<PageToken>(&foreign),
        Err(TokenError::BadSignature)
    );

    // Also where it claims to be of ours.
    let mut bytes = URL_SAFE_NO_PAD.decode(foreign).unwrap();
    bytes[2..6].copy_from_slice(&key(1).id);
    let renamed = ring().decode::<PageToken>(&URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(renamed, Err(TokenError::BadSignature));
}

#[test]
fn a_token_of_another_purpose_is_refused() {
    let refused = ring().decode::<ResumeToken>(&ring().encode(&page()));
    assert_eq!(refused, Err(TokenError::WrongPurpose));
    let refused = ring().decode::<PageToken>(&ring().encode(&resume()));
    assert_eq!(refused, Err(TokenError::WrongPurpose));
}

#[test]
fn signed_bytes_that_are_no_such_claims_are_malformed() {
    for claims in [vec![0xff], resume().to_bytes(), Vec::new()] {
        let token = ring().encode(&Other(claims));
        assert_eq!(ring().decode::<PageToken>(&token), Err(TokenError::Malformed));
    }
}

#[test]
fn a_rotated_key_stays_good_until_it_is_taken_out() {
    let before = ring().encode(&page());
    let rotated = Keyring::new(key(2), vec![key(3), key(1)]);
    assert_eq!(rotated.decode(&before), Ok(page()));

    let after = rotated.encode(&page());
    assert_ne!(after, before);
    assert_eq!(
        ring().decode::<PageToken>(&after),
        Err(TokenError::BadSignature),
        "signed with the new key"
    );
    let without = Keyring::new(key(2), vec![key(3)]);
    assert_eq!(
        without.decode::<PageToken>(&before),
        Err(TokenError::BadSignature)
    );
    assert_eq!(without.decode(&after), Ok(page()));
}

#[test]
fn nothing_shows_a_secret() {
    let shown = format!(
        "{:?}",
        Keyring::new(Key::new(b"correct horse battery staple 123"), Vec::new())
    );
    assert!(
        !shown.contains("correct") && !shown.contains("99, 111, 114"),
        "{shown}"
    );
}

#[test]
fn digests_tell_texts_apart() {
    assert_ne!(Digest::of("state = QUEUED"), Digest::of("state = DEAD"));
}

#[test]
fn a_lease_with_the_longest_holder_is_a_token_of_no_other_kind() {
    let lease = LeaseToken {
        task_id: TaskId(Uuid::from_u128(9)),
        fence: i64::MAX,
        holder: baton_domain::Actor {
            kind: baton_domain::ActorType::Agent,
            id: "x".repeat(HOLDER_ID_BYTES),
            name: String::new(),
        },
    };
    let token = ring().encode(&lease);
    assert!(token.len() <= MAX_TOKEN_CHARS, "{} characters", token.len());
    assert_eq!(ring().decode(&token), Ok(lease));
    assert_eq!(ring().decode::<PageToken>(&token), Err(TokenError::WrongPurpose));
    let page = ring().encode(&page());
    assert_eq!(ring().decode::<LeaseToken>(&page), Err(TokenError::WrongPurpose));
}

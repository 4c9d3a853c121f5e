//! What docs/webhooks.md shows, done.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use baton_egress::{Message, SIGNATURE, Secret};

const PAGE: &str = include_str!("../../../../docs/webhooks.md");

/// The line of the page's example that begins with `name`.
fn line(name: &str) -> &'static str {
    let line = PAGE.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("the page has no line {name}"))
        .trim()
}

#[test]
fn the_signature_of_the_example_is_right() {
    let secret = line("secret:");
    let body = line("body:");
    let message = Message {
        id: line("webhook-id:"),
        timestamp: line("webhook-timestamp:").parse().unwrap(),
        body: body.as_bytes(),
    };
    let headers = message.headers(&[Secret::parse(secret).unwrap()]).unwrap();
    assert_eq!(headers[SIGNATURE], line("webhook-signature:"));
    let key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    assert_eq!(key.len(), 24);
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(event["type"], "task.dead");
}

//! The sender against sockets of this machine.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod addresses;
mod answers;
mod secure;
mod stub;

use std::time::Duration;

use baton_egress::{EgressPolicy, Sender};

/// So long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A policy that lets requests go to one address of this machine, at any of these ports.
fn local(ports: &[u16]) -> EgressPolicy {
    EgressPolicy {
        allow_private: vec!["127.0.0.1/32".parse().unwrap()],
        allow_http: true,
        ports: ports.to_vec(),
        ..EgressPolicy::default()
    }
}

fn sender(ports: &[u16]) -> Sender {
    Sender::new(local(ports)).unwrap()
}

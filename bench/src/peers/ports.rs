//! Ports for programs that cannot tell which one they were given.

use std::net::{Ipv4Addr, TcpListener};

/// So many ports of the loopback that are free now, all different.
///
/// Errors: there are none left.
pub(super) fn free<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut ports = [0; N];
    // Held until all are known, so that none is given twice.
    let mut listeners = Vec::with_capacity(N);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_can_be_taken() {
        let [one, other] = free().unwrap();
        assert_ne!(one, other);
        TcpListener::bind((Ipv4Addr::LOCALHOST, one)).unwrap();
    }
}

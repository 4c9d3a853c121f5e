//! Secure connections: to whom the URL names, or to nobody.

use std::path::PathBuf;
use std::sync::Arc;

use baton_egress::{EgressPolicy, SendError, Sender};
use bytes::Bytes;
use http::HeaderMap;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::local;
use super::stub::{Stub, beside, request};

/// Answers one request over TLS, as `name`; or is refused.
async fn serve(stub: &Stub, acceptor: &TlsAcceptor) {
    let stream = stub.accept().await;
    if let Ok(mut stream) = acceptor.accept(stream).await {
        request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    }
}

/// Somebody who can show to be `name` to those who trust the file.
fn identity(name: &str) -> (TlsAcceptor, tempfile::TempDir, PathBuf) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), folder, file)
}

async fn post(stub: &Stub, acceptor: &TlsAcceptor, ca_file: Option<PathBuf>) -> Result<(), SendError> {
    let policy = EgressPolicy {
        allow_http: false,
        ca_file,
        ..local(&[stub.port()])
    };
    let sender = Sender::new(policy).unwrap();
    let url = format!("https://localhost:{}/", stub.port());
    let post = sender.post(&url, HeaderMap::new(), Bytes::new());
    beside(post, serve(stub, acceptor)).await.map(drop)
}

#[tokio::test]
async fn whom_the_file_names_is_trusted_and_nobody_else() {
    let stub = Stub::start().await;
    let (acceptor, _folder, file) = identity("localhost");
    post(&stub, &acceptor, Some(file)).await.unwrap();
    let error = post(&stub, &acceptor, None).await.unwrap_err();
    assert!(matches!(error, SendError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let stub = Stub::start().await;
    let (acceptor, _folder, file) = identity("elsewhere.example");
    let error = post(&stub, &acceptor, Some(file)).await.unwrap_err();
    assert!(matches!(error, SendError::Tls { .. }), "{error:?}");
}

#[test]
fn a_file_without_certificates_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "").unwrap();
    for path in [file, folder.path().join("missing.pem")] {
        let policy = EgressPolicy {
            ca_file: Some(path.clone()),
            ..EgressPolicy::default()
        };
        let error = Sender::new(policy).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

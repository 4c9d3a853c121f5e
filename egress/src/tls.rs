//! Whom to trust.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::SetupError;

/// Trusts what the system trusts (its store, or the files named by `SSL_CERT_FILE` and `SSL_CERT_DIR`), and what is in
/// `ca_file`.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, SetupError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "cannot read a certificate that the system trusts");
    }
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        add(&mut roots, path)?;
    }
    if roots.is_empty() {
        tracing::warn!(
            "no certificate is trusted, so https reaches nobody: install the system's certificates"
        );
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), SetupError> {
    let wrong = |why: String| SetupError::Certificates {
        path: path.to_owned(),
        why,
    };
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.len() == before {
        return Err(wrong("there is none in it".to_owned()));
    }
    Ok(())
}

//! TLS to the broker: certificates in PEM become what the library takes.

use super::config::{Config, ConfigError, wrong};
use rumqttc::TlsConfiguration;
use rumqttc::tokio_rustls::rustls;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::sync::Arc;

/// Whom to trust, and who we are. Certificates of the system are read here, where none are configured.
pub(super) fn client(config: &Config) -> Result<Arc<rustls::ClientConfig>, ConfigError> {
    let Some(ca) = &config.ca else {
        return system_roots(config.identity.is_some());
    };
    let mut roots = rustls::RootCertStore::empty();
    // A system's bundle may hold a certificate too old to be read; one that is missing shows when connecting.
    roots.add_parsable_certificates(certificates("ca_file", ca)?);
    if roots.is_empty() {
        return Err(wrong("ca_file", "holds no certificate that can be used"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong("url", error.to_string()))?
        .with_root_certificates(roots);
    let tls = match &config.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(&identity.key)
                .map_err(|error| wrong("key_file", format!("holds no key in PEM: {error}")))?;
            builder
                .with_client_auth_cert(certificates("cert_file", &identity.certificate)?, key)
                .map_err(|error| wrong("cert_file", error.to_string()))?
        }
    };
    Ok(Arc::new(tls))
}

fn system_roots(with_identity: bool) -> Result<Arc<rustls::ClientConfig>, ConfigError> {
    if with_identity {
        let detail = "missing; mqtt.cert_file needs it (the system's is often /etc/ssl/certs/ca-certificates.crt)";
        return Err(wrong("ca_file", detail));
    }
    match TlsConfiguration::try_default_rustls() {
        Ok(TlsConfiguration::Rustls(config)) => Ok(config),
        Ok(_) => Err(wrong("url", "the system's certificates are of another kind")),
        Err(error) => Err(wrong("ca_file", format!("missing, and the system's certificates cannot be read: {error}"))),
    }
}

fn certificates(key: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(wrong(key, "holds no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(key, format!("is not PEM: {error}"))),
    }
}

//! The HTTP client: redirects, retries, connection pooling and decompression of the HTTP library are off.
//!
//! A redirect would send the key to another host. A hidden retry or a pooled connection would be a second request
//! without a permit of the gate. Gzip is decoded by this program, because an empty or truncated gzip body must not
//! count as complete. Proxies and certificate roots are the system's, or those of the settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, redirect, retry};
use secrecy::ExposeSecret;

use crate::error::{Error, Exit, Result};
use crate::files::read_stream;
use crate::safe_name;
use crate::settings::Settings;

/// The largest `ca_bundle` that is read, in bytes.
const BUNDLE_LIMIT: u64 = 16 * 1024 * 1024;
/// The longest connect timeout, for TCP and TLS together.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connect timeout. It ends before the request timeout, so that a request that was never sent is known as such.
pub(super) fn connect_timeout(settings: &Settings) -> Duration {
    MAX_CONNECT_TIMEOUT.min(settings.request_timeout / 2)
}

/// Builds the client. Every request carries the four headers of the API.
pub fn build(settings: &Settings) -> Result<Client> {
    let secure = settings.is_secure();
    let builder = Client::builder()
        .default_headers(headers(settings)?)
        .user_agent(&settings.user_agent)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .http1_only()
        .pool_max_idle_per_host(0)
        .referer(false)
        .https_only(secure)
        .connect_timeout(connect_timeout(settings))
        .tls_backend_preconfigured(tls(settings, secure)?);
    let builder = if secure { builder } else { builder.no_proxy() };
    builder.build().map_err(|failed| {
        Error::new(Exit::Usage, format!("cannot set up the HTTP client: {}", cause(&failed)))
            .hint("check the proxy settings (`HTTPS_PROXY`) and `user_agent`")
    })
}

fn headers(settings: &Settings) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let secret = |name: &str, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            Error::new(
                Exit::Usage,
                format!("cannot send `{name}`: it has a character that an HTTP header cannot carry"),
            )
        })?;
        value.set_sensitive(true);
        Ok::<_, Error>(value)
    };
    headers.insert("organization-id", secret("organization_id", &settings.organization_id)?);
    headers.insert("client-id", secret("client_id", &settings.client_id)?);
    headers.insert("api-key", secret("api_key", settings.api_key.expose_secret())?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(headers)
}

/// The certificate roots: the operator's `ca_bundle`, else the system's, else Mozilla's where an image has none.
pub(super) fn tls(settings: &Settings, secure: bool) -> Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    if !secure {
        // On loopback nothing is encrypted, and nothing needs to be trusted.
    } else if let Some(path) = &settings.ca_bundle {
        for certificate in bundle(path)? {
            roots.add(certificate).map_err(|cause| bundle_error(path, &cause.to_string()))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::new(Exit::Bug, format!("cannot set up TLS: {cause}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn bundle(path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>> {
    use rustls::pki_types::pem::PemObject;
    let pem = read_stream(path, BUNDLE_LIMIT).map_err(|cause| bundle_error(path, &cause.to_string()))?;
    // reqwest's reader is the stricter one: it refuses a file without any PEM section.
    Certificate::from_pem_bundle(&pem).map_err(|_| bundle_error(path, "it is not in PEM form"))?;
    let found: Vec<_> =
        rustls::pki_types::CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if found.is_empty() {
        return Err(bundle_error(path, "it holds no certificate"));
    }
    Ok(found)
}

fn bundle_error(path: &Path, what: &str) -> Error {
    Error::new(Exit::Usage, format!("cannot use `ca_bundle` at {}: {what}", safe_name::path(path)))
        .hint("name a PEM file with one or more CA certificates")
}

/// The innermost cause of an error. The outer errors name our own layers, and the outermost names the URL.
pub fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

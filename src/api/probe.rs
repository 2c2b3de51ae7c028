//! Probes the route to the API without a request: DNS, the connection, the TLS handshake.
//!
//! The route is the client's: the same proxies, certificate roots and connect timeout. It ends at a proxy, because the
//! next step would be a request to the proxy.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::attempt::refuses_certificate;
use super::client::{self, cause, connect_timeout, tls};
use super::failure::FailureKind;
use crate::error::{Error, Exit, Result};
use crate::settings::Settings;

/// The first host on the route: the API, or a proxy.
pub struct Route {
    /// A name or an address.
    pub host: String,
    port: u16,
    pub is_proxy: bool,
    timeout: Duration,
}

impl Route {
    /// The route that requests take.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let url = &settings.base_url;
        let timeout = connect_timeout(settings);
        let proxy = url.as_str().parse().ok().filter(|_| settings.is_secure());
        if let Some(proxy) = proxy.and_then(|url| Matcher::from_system().intercept(&url)) {
            let proxy = proxy.uri();
            let usual = if proxy.scheme_str() == Some("https") { 443 } else { 80 };
            let port = proxy.port_u16().unwrap_or(usual);
            return Self { host: bare(proxy.host()), port, is_proxy: true, timeout };
        }
        let port = url.port_or_known_default().unwrap_or_default();
        Self { host: bare(url.host_str()), port, is_proxy: false, timeout }
    }

    /// Resolves the host.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>> {
        match self.with_timeout(lookup_host((self.host.as_str(), self.port))).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(failed) => Err(unreachable(&format!("cannot find `{}`", self.host), &failed)),
        }
    }

    /// Opens a connection to the first address that accepts one.
    pub async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream> {
        let connected = self.with_timeout(TcpStream::connect(addresses)).await;
        connected.map_err(|failed| unreachable(&format!("cannot connect to {self}"), &failed))
    }

    /// Does the TLS handshake and closes the connection.
    pub async fn handshake(&self, settings: &Settings, stream: TcpStream) -> Result<()> {
        let name = ServerName::try_from(self.host.clone()).map_err(|_| {
            Error::new(
                Exit::Usage,
                format!("cannot verify a certificate for `{}`: it is not a DNS name", self.host),
            )
            .hint("check `base_url`")
        })?;
        let connector = TlsConnector::from(Arc::new(tls(settings, true)?));
        match self.with_timeout(connector.connect(name, stream)).await {
            Ok(mut stream) => {
                // The server may have closed the connection already.
                let _ = self.with_timeout(stream.shutdown()).await;
                Ok(())
            }
            Err(failed) if refuses_certificate(&failed) => {
                Err(refused(FailureKind::Certificate, "the server's certificate is refused", &failed))
            }
            Err(failed) => Err(unreachable("the TLS handshake failed", &failed)),
        }
    }

    async fn with_timeout<T>(&self, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let late = |_| Err(io::Error::other(format!("no answer within {} s", self.timeout.as_secs_f64())));
        timeout(self.timeout, step).await.unwrap_or_else(late)
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` port {}", self.host, self.port)
    }
}

/// Checks that the client can be built: headers, certificate roots and proxies.
pub fn client(settings: &Settings) -> Result<()> {
    client::build(settings).map(drop)
}

/// A host without the brackets of an IPv6 address in a URL.
fn bare(host: Option<&str>) -> String {
    host.unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

fn unreachable(what: &str, failed: &io::Error) -> Error {
    refused(FailureKind::Unreachable, what, failed)
}

fn refused(kind: FailureKind, what: &str, failed: &io::Error) -> Error {
    Error::new(kind.exit(), format!("{what}: {}", cause(failed))).hint(kind.hint())
}

//! TLS and proxies: whom the tap trusts, and what it says when it does not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tap::{Run, Tap, finish};

const BODY: &str = r#"{"report":"a,b\n1,2\n"}"#;

/// How the server's certificate is.
pub struct Certificate<'a> {
    pub host: &'a str,
    pub last_year: i32,
}

pub const GOOD: Certificate = Certificate { host: "localhost", last_year: 4000 };

/// A server on loopback that gives one answer after the other; returns its port and its CA in PEM form.
/// Without `close_notify` the end of the connection proves nothing.
pub fn serve(
    certificate: &Certificate,
    answers: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>,
    close_notify: bool,
) -> (u16, String) {
    let (port, authority, _) = watched(certificate, answers, close_notify);
    (port, authority)
}

/// The same, and how many clients sent something after the handshake.
pub fn watched(
    certificate: &Certificate,
    answers: impl IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>,
    close_notify: bool,
) -> (u16, String, Arc<AtomicUsize>) {
    let mut answers = answers.into_iter();
    let mut authority = CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let mut params = CertificateParams::new([certificate.host.to_owned()]).unwrap();
    params.not_after = date_time_ymd(certificate.last_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let chain = vec![params.signed_by(&key, &authority).unwrap().der().clone()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    std::thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let mut tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket);
            // A client that refuses the certificate ends the handshake here.
            let Ok(sent) = tls.read(&mut [0; 8192]) else { continue };
            counter.fetch_add(sent.min(1), Ordering::SeqCst);
            let Some(answer) = answers.next() else { break };
            if tls.write_all(&answer).is_ok() && close_notify {
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    (port, authority.pem(), requests)
}

/// The same whole answer for ever.
fn whole() -> impl Iterator<Item = Vec<u8>> + Send {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", BODY.len());
    std::iter::repeat((head + BODY).into_bytes())
}

/// One attempt at the server, with its CA trusted or not, in an environment.
fn run(port: u16, trusted: Option<&str>, variables: &[(&str, &str)]) -> Run {
    let mut tap = Tap::new()
        .set("base_url", format!("https://localhost:{port}").into())
        .set("max_attempts", 1.into())
        .args(&["--assume-idle"]);
    if let Some(pem) = trusted {
        let path = tap.file("ca.pem", pem);
        tap = tap.set("ca_bundle", path.into());
    }
    let server = tap.serve();
    finish(tap.command(&server).envs(variables.iter().copied()).spawn().unwrap(), &server)
}

#[test]
fn tls_trusted_certificate_delivers_the_report() {
    let (port, authority) = serve(&GOOD, whole(), true);
    assert_eq!(run(port, Some(&authority), &[]).records("user_report").len(), 1);
}

#[test]
fn tls_untrusted_certificate_ends_the_run() {
    let (port, _) = serve(&GOOD, whole(), true);
    let (_, stranger) = serve(&GOOD, whole(), true);
    let (elsewhere, elsewhere_authority) = serve(&Certificate { host: "example.com", ..GOOD }, whole(), true);
    let (expired, expired_authority) = serve(&Certificate { last_year: 2001, ..GOOD }, whole(), true);
    for (port, authority, words) in [
        (port, None, "UnknownIssuer"),
        (port, Some(stranger), "invalid peer certificate"),
        (elsewhere, Some(elsewhere_authority), "not valid for name \"localhost\""),
        (expired, Some(expired_authority), "expired"),
    ] {
        let run = run(port, authority.as_deref(), &[]);
        assert_eq!((run.code, run.stdout.lines().count()), (69, 1), "{}", run.stderr);
        let line = run.critical();
        assert!(line.contains("the server's certificate is refused") && line.contains(words), "{line}");
        assert!(line.contains("; hint: set `ca_bundle`"), "{line}");
    }
}

#[test]
fn tls_end_without_close_notify_is_truncated() {
    let open = std::iter::repeat(
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".iter().chain(BODY.as_bytes()).copied().collect(),
    );
    for (server, code) in [
        (serve(&GOOD, open.clone(), true), 0),
        (serve(&GOOD, open, false), 69),
        (serve(&GOOD, whole(), false), 0),
    ] {
        let (port, authority) = server;
        let run = run(port, Some(&authority), &[]);
        assert_eq!(run.code, code, "{}", run.stderr);
        assert_eq!(run.stdout.contains(r#""type":"RECORD""#), code == 0, "{}", run.stdout);
    }
}

#[test]
fn tls_to_a_plain_port_fails_with_a_hint() {
    let tap = Tap::new();
    let server = tap.serve();
    let port = server.sandbox.url().rsplit(':').next().unwrap().parse().unwrap();
    let run = run(port, None, &[]);
    assert_eq!(run.code, 69);
    assert!(run.critical().contains("cannot connect"), "{}", run.stderr);
}

/// A proxy that answers every CONNECT with `status`.
fn proxy(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            refuse(&mut socket, status);
        }
    });
    port
}

fn refuse(socket: &mut TcpStream, status: &str) {
    let _ = socket.read(&mut [0; 4096]);
    let _ = socket.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes());
}

#[test]
fn proxy_is_used_and_its_refusal_is_named() {
    let (port, authority) = serve(&GOOD, whole(), true);
    for status in ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"] {
        let address = format!("http://127.0.0.1:{}", proxy(status));
        let run = run(port, Some(&authority), &[("HTTPS_PROXY", &address)]);
        assert_eq!(run.code, 69, "{}", run.stderr);
        let line = run.critical();
        assert!(line.contains("cannot connect") && line.contains("proxy"), "{status}: {line}");
    }
    let run =
        run(port, Some(&authority), &[("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "localhost")]);
    assert_eq!(run.records("user_report").len(), 1);
}

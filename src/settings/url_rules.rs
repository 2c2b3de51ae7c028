//! Which addresses the key may be sent to: https, or http on loopback, and nothing hidden in the URL.

use url::{Host, Url};

use super::env::Environment;
use super::problem::Problem;

/// The API's address from the two settings that can name it.
pub fn base_url(region: Option<&str>, base_url: Option<&str>) -> Result<Url, Problem> {
    let usage = |message: &str| Problem::new(message).hint("as in `https://api.togetherplatform.com`");
    let text = match (region, base_url) {
        (Some(_), Some(_)) => return Err(usage("`region` and `base_url` exclude each other")),
        (Some(region), None) => format!("https://api.{region}.togetherplatform.com"),
        (None, Some(url)) => url.to_owned(),
        (None, None) => "https://api.togetherplatform.com".to_owned(),
    };
    let url = Url::parse(&text).map_err(|cause| usage(&format!("`base_url` is no URL: {cause}")))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(usage("`base_url` must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(usage("`base_url` must not hold a query or fragment"));
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(usage("`base_url` must be https (http is for loopback only)")),
    }
}

/// Refuses a proxy that cannot be understood: the client would pass it over and take the key another way.
pub fn check_proxy(environment: &Environment) -> Result<(), Problem> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let Some((name, text)) = names.iter().find_map(|name| Some((name, environment.get(name)?))) else {
        return Ok(());
    };
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let fits = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fits && !text.contains(char::is_whitespace) {
        return Ok(());
    }
    Err(Problem::new(format!("`{name}` is not the address of an http or https proxy"))
        .hint("as in `http://proxy.example.com:8080`; unset it if there is no proxy"))
}

/// Whether the host is this machine, by its spelling alone.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

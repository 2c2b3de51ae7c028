//! Where the API key may be sent: https, or http on loopback; no credentials or query in the URL; a proxy that is used.
//!
//! It decides by the spelling of the address alone: no name is resolved.

use url::{Host, Url};

use super::env::Environment;
use super::problem::Problem;

/// The address of the API by `region` or `base_url`.
pub fn base_url(region: Option<&str>, base_url: Option<&str>) -> Result<Url, Problem> {
    let invalid = |message: &str| Problem::new(message).hint("as in `https://api.togetherplatform.com`");
    let text = match (region, base_url) {
        (Some(_), Some(_)) => return Err(invalid("`region` and `base_url` exclude each other")),
        (Some(region), None) => format!("https://api.{region}.togetherplatform.com"),
        (None, Some(url)) => url.to_owned(),
        (None, None) => "https://api.togetherplatform.com".to_owned(),
    };
    let url = Url::parse(&text).map_err(|cause| invalid(&format!("`base_url` is not a URL: {cause}")))?;
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(invalid("`base_url` must not hold a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("`base_url` must not hold a query or fragment"));
    }
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(invalid("`base_url` must be https (http is for loopback only)")),
    }
}

/// The variables that name a proxy for https, or the hosts that are reached without one.
pub const PROXY_VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// Refuses proxy variables that the HTTP client would ignore without a word: it would send the key by another route.
pub fn check_proxy(environment: &Environment) -> Result<(), Problem> {
    for [upper, lower] in
        [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"], ["NO_PROXY", "no_proxy"]]
    {
        // The client takes the first that is set, even if it is empty.
        if environment.is_set(upper) && environment.get(upper).is_none() && environment.get(lower).is_some() {
            return Err(Problem::new(format!("`{upper}` is empty and hides `{lower}`"))
                .hint("unset one of them, or give both the same value"));
        }
    }
    let proxies = PROXY_VARIABLES.into_iter().take(4);
    let Some((name, text)) = proxies.into_iter().find_map(|name| Some((name, environment.get(name)?))) else {
        return Ok(());
    };
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let is_proxy = url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !is_proxy || text.contains(char::is_whitespace) {
        return Err(Problem::new(format!("`{name}` is not the address of an http or https proxy"))
            .hint("as in `http://proxy.example.com:8080`; unset it if there is no proxy"));
    }
    if environment.is_set("REQUEST_METHOD") {
        return Err(Problem::new(format!(
            "`REQUEST_METHOD` is set, so the HTTP client would ignore `{name}`"
        ))
        .hint("unset `REQUEST_METHOD`, which belongs to CGI scripts"));
    }
    Ok(())
}

/// Whether the host is a loopback address or `localhost`; no name is resolved.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

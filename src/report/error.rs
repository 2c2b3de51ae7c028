//! Why a response body is not a report.
//!
//! A message has positions and lengths, never a byte of the body.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The number of bytes that arrived.
    #[error("the data ends after {0} bytes, before the JSON object is closed")]
    Truncated(u64),
    /// No byte but white space.
    #[error("the data is empty")]
    Empty,
    /// The body begins with `<`, as HTML and XML do.
    #[error("the data is a web page instead of a report")]
    WebPage,
    /// The position of the byte from 0, and the problem.
    #[error("the data is not JSON: {1} at byte {0}")]
    Syntax(u64, &'static str),
    /// The JSON does not have the shape `{"report": "…"}`; the problem.
    #[error("the data is JSON, but {0}")]
    Shape(&'static str),
    #[error("the report holds a NUL character and `on_nul` is `fail`")]
    Nul,
}

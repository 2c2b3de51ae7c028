//! Why a body is not a report. No message holds a byte of it.

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body was truncated.
    #[error("the answer ends after {0} bytes, before the JSON object is closed")]
    Truncated(u64),
    #[error("the answer is empty")]
    Empty,
    /// The body starts like HTML or XML.
    #[error("the answer is a web page instead of a report")]
    WebPage,
    /// Position and reason.
    #[error("the answer is not JSON: {1} at byte {0}")]
    Syntax(u64, &'static str),
    #[error("the answer is JSON, but {0}")]
    Shape(&'static str),
    #[error("the report holds a NUL character and `on_nul` is `fail`")]
    Nul,
}

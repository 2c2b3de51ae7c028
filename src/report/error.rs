//! What can be wrong with an answer, without a byte of it.

/// Why an answer is not a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It stopped before the JSON object was closed.
    #[error("the answer ends after {0} bytes, before the JSON object is closed")]
    Truncated(u64),
    /// It holds nothing.
    #[error("the answer is empty")]
    Empty,
    /// It begins like HTML or XML.
    #[error("the answer is a web page instead of a report")]
    WebPage,
    /// It is not JSON.
    #[error("the answer is not JSON: {1} at byte {0}")]
    Syntax(u64, &'static str),
    /// It is JSON of another shape.
    #[error("the answer is JSON, but {0}")]
    Shape(&'static str),
    /// The report holds NUL characters, and the settings refuse them.
    #[error("the report holds a NUL character and `on_nul` is `fail`")]
    Nul,
}

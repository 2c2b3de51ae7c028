//! What a test prints: counts of runs, and the end of a history that failed.

/// Counts of runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub runs: usize,
    /// Refused as expected.
    pub refused: usize,
    /// No records were sent of a report that the table had.
    pub unchanged: usize,
    /// Only the rows that changed were sent.
    pub changes: usize,
    /// Those of them that nothing had disturbed.
    pub exact: usize,
    pub killed: usize,
    /// Killed after the first message.
    pub killed_late: usize,
}

impl Figures {
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.refused += other.refused;
        self.unchanged += other.unchanged;
        self.changes += other.changes;
        self.exact += other.exact;
        self.killed += other.killed;
        self.killed_late += other.killed_late;
    }
}

/// For the message of a failure.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

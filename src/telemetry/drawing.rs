//! Draws the live line on the terminal that stderr is: at each change, and five times a second.
//!
//! The line takes the place of the last one and goes before log lines are written. Where few bytes can wait, or another
//! writer uses the terminal, nothing is drawn: drawing never blocks the run. Names in it have passed the redactor.

use std::time::Duration;

use super::{CLEAR_LINE, FLUSH, Inner, Level, Progress, Telemetry, page};
use crate::clock;
use crate::terminal::{Screen, escape_controls};

/// The shortest time between two redraws.
const REDRAW: Duration = Duration::from_millis(100);

/// The longest time between two redraws, so that a countdown shows each second.
const TICK: Duration = Duration::from_millis(200);

impl Telemetry {
    /// Shows on the live line what happened.
    pub fn progress(&self, progress: Progress) {
        if let Some(screen) = self.live_screen() {
            let mut inner = self.lock();
            let Inner { live, redactor, .. } = &mut *inner;
            // Redact before truncating; otherwise half a secret could survive.
            live.update(progress, clock::now(), |name| redactor.foreign(name).into_owned());
            drop(inner);
            self.redraw(screen);
        }
    }

    /// Runs the work, and meanwhile redraws the live line, so that its countdown goes on.
    pub async fn animate<F: Future + Unpin>(&self, mut work: F) -> F::Output {
        let Some(screen) = self.live_screen() else { return work.await };
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep(TICK) => self.redraw(screen),
            }
        }
    }

    /// Whether the live line is drawn, so that no other process should write to stderr.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.live_screen().is_some()
    }

    /// Writes lines of another program as they are.
    pub fn pass_on(&self, lines: &str) {
        self.push(lines);
    }

    /// Removes the live line while another writer uses the same terminal, until the result is dropped.
    pub fn pause(&self) -> Pause<'_> {
        self.lock().pauses += 1;
        if self.live_screen().is_some() {
            self.erase();
            self.writer.flush(FLUSH);
        }
        Pause(self)
    }

    /// Removes the live line for the rest of the run.
    pub fn end_live_line(&self) {
        self.lock().is_over = true;
        self.erase();
    }

    fn erase(&self) {
        let mut inner = self.lock();
        let clear = inner.clear();
        if !clear.is_empty() {
            self.writer.push(clear);
        }
    }

    /// The terminal for the live line; `None` if none is drawn.
    fn live_screen(&self) -> Option<Screen> {
        self.screen.filter(|screen| screen.has_cursor && Level::Info >= self.level)
    }

    /// Draws the live line if it has changed; only on a terminal that keeps up.
    fn redraw(&self, screen: Screen) {
        let mut inner = self.lock();
        let now = clock::now();
        let is_early = inner.drawn.as_ref().is_some_and(|(_, at)| now.saturating_sub(*at) < REDRAW);
        if inner.pauses > 0 || inner.is_over || is_early {
            return;
        }
        // The last column stays free: some terminals begin a new line after it.
        let text = inner.live.render(page(screen).width - 1, now);
        let text = text.map(|text| escape_controls(&text));
        if text.as_ref() == inner.drawn.as_ref().map(|(text, _)| text) {
            return;
        }
        let drawn = format!("{CLEAR_LINE}{}", text.as_deref().unwrap_or_default());
        if self.writer.push_if_short(drawn) {
            inner.drawn = text.map(|text| (text, now));
        }
    }
}

/// The live line is drawn again when this is dropped.
pub struct Pause<'a>(&'a Telemetry);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.lock().pauses -= 1;
    }
}

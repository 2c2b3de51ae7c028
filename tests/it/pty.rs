//! A pseudo-terminal of any width, and what a person sees on it: the live line as it changes, and the lines that stay.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What the tap writes before it draws the live line, and to remove it.
const CLEAR: &str = "\r\u{1b}[2K";

/// The end of a terminal that a person looks at.
pub struct Pty {
    master: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// Everything that was written to the terminal.
pub struct Shown(pub String);

impl Pty {
    /// A terminal, and a thread that reads it until the last process has closed it.
    pub fn open(columns: u16) -> (File, Self) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal = OpenOptions::new().write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
        let (master, shown) = (File::from(master), Arc::new(Mutex::default()));
        let (mut reading, collected) = (master.try_clone().unwrap(), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // The end of a terminal is an error.
            while let Ok(read @ 1..) = reading.read(&mut piece) {
                let mut collected: std::sync::MutexGuard<Vec<u8>> = collected.lock().unwrap();
                collected.extend_from_slice(&piece[..read]);
            }
        });
        let pty = Self { master, shown, reader };
        pty.resize(columns);
        (terminal, pty)
    }

    /// Changes the width, as a person does with the mouse.
    pub fn resize(&self, columns: u16) {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).unwrap();
    }

    /// What was shown so far.
    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// Waits until the terminal shows a text.
    pub fn until(&self, text: &str) {
        while !self.so_far().contains(text) {
            assert!(!self.reader.is_finished(), "the terminal never showed {text:?}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What was shown, after the last process has closed the terminal.
    pub fn shown(self) -> Shown {
        self.reader.join().unwrap();
        Shown(String::from_utf8(std::mem::take(&mut self.shown.lock().unwrap())).unwrap())
    }
}

impl Shown {
    /// The texts of the live line, in order.
    pub fn live(&self) -> Vec<String> {
        let parts = self.0.split(CLEAR).map(without_colour);
        parts.filter(|part| !part.is_empty() && !part.contains('\n')).collect()
    }

    /// The lines that stay on the terminal.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.0.split("\r\n").map(|line| line.rsplit(CLEAR).next().unwrap());
        let mut lines: Vec<String> = lines.map(without_colour).collect();
        assert_eq!(lines.pop().as_deref(), Some(""), "the live line was left behind: {:?}", self.0);
        lines
    }
}

fn without_colour(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

//! A server of exact bytes, and of exact silences: what no script of the sandbox can say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server on loopback; its threads end with the test process.
pub struct Wire {
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Wire {
    /// Lets `talk` have every connection, without having read anything of it.
    pub fn new(talk: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, talk) = (Arc::clone(&connections), Arc::new(talk));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::Relaxed);
                let talk = Arc::clone(&talk);
                // A client that goes away ends the talk.
                std::thread::spawn(move || stream.and_then(|mut stream| talk(&mut stream)));
            }
        });
        Self { port, connections }
    }

    /// Answers every request with these pieces, one after the other.
    pub fn saying(pieces: Vec<Vec<u8>>) -> Self {
        Self::new(move |stream| {
            hear(stream)?;
            stream.set_nodelay(true)?;
            pieces.iter().try_for_each(|piece| {
                stream.write_all(piece)?;
                pause(5);
                Ok(())
            })
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// Reads a request's head.
pub fn hear(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(())
}

/// Says nothing more until the client is gone.
pub fn hold(stream: &mut TcpStream) -> std::io::Result<()> {
    while stream.read(&mut [0; 64])? > 0 {}
    Ok(())
}

/// Says the same again and again until the client is gone.
pub fn repeat(stream: &mut TcpStream, text: &str, milliseconds: u64) -> std::io::Result<()> {
    loop {
        stream.write_all(text.as_bytes())?;
        pause(milliseconds);
    }
}

fn pause(milliseconds: u64) {
    std::thread::park_timeout(Duration::from_millis(milliseconds));
}

//! What goes into a program and what comes out.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;

/// So much is read at once: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1_024;

/// A line is cut into pieces of this length.
const LINE_MAX_BYTES: usize = 8 * 1_024;

/// What a program wrote to its standard output.
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    limit: usize,
    pub(crate) is_over: bool,
}

impl Output {
    pub(crate) fn new(limit: usize) -> Self {
        Output {
            bytes: Vec::new(),
            limit,
            is_over: false,
        }
    }

    /// Reads to the end. What is beyond the limit is read and forgotten, so that the program can end in order; `over` is
    /// told once.
    pub(crate) async fn read(&mut self, mut from: impl AsyncRead + Unpin, over: &Notify) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let room = self.limit - self.bytes.len();
            self.bytes.extend_from_slice(&chunk[..count.min(room)]);
            if count > room && !self.is_over {
                self.is_over = true;
                over.notify_one();
            }
        }
    }
}

/// Hands over the payload and closes. A program that does not read it may end well all the same.
pub(crate) async fn feed(to: Option<impl AsyncWrite + Unpin>, payload: &[u8]) {
    if let Some(mut to) = to {
        let written = to.write_all(payload).await;
        if let Err(error) = written {
            tracing::debug!(%error, "a program did not read its payload");
        }
    }
}

/// Lines of a program's standard error, as they come, and the last of them.
pub(crate) struct Lines<F> {
    line: Vec<u8>,
    /// How much may still be told, in bytes.
    room: usize,
    tell: F,
    pub(crate) last: String,
}

impl<F: FnMut(&str)> Lines<F> {
    pub(crate) fn new(limit: usize, tell: F) -> Self {
        Lines {
            line: Vec::new(),
            room: limit,
            tell,
            last: String::new(),
        }
    }

    /// Reads to the end.
    pub(crate) async fn read(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            for byte in &chunk[..count] {
                if *byte == b'\n' {
                    self.end();
                } else {
                    self.line.push(*byte);
                    if self.line.len() == LINE_MAX_BYTES {
                        self.end();
                    }
                }
            }
        }
        self.end();
    }

    fn end(&mut self) {
        let line = plain(&String::from_utf8_lossy(&self.line));
        self.line.clear();
        if line.trim().is_empty() {
            return;
        }
        if let Some(left) = self.room.checked_sub(line.len()) {
            self.room = left;
            (self.tell)(&line);
        } else if self.room > 0 {
            self.room = 0;
            (self.tell)("it writes more to its standard error than is logged");
        }
        self.last = line;
    }
}

/// Without what moves a terminal's cursor or begins a line that another has not written.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    line.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], limit: usize) -> (Vec<String>, String) {
        let mut told = Vec::new();
        let mut lines = Lines::new(limit, |line: &str| told.push(line.to_owned()));
        lines.read(text).await;
        let last = lines.last.clone();
        (told, last)
    }

    #[tokio::test]
    async fn lines_are_told_one_by_one_without_what_moves_a_cursor() {
        let (told, last) = lines(b"one\r\n\n\x1b[2Jtwo\xff\nthree", 1_000).await;
        assert_eq!(told, ["one", "\u{fffd}[2Jtwo\u{fffd}", "three"]);
        assert_eq!(last, "three");
    }

    #[tokio::test]
    async fn what_is_too_much_is_left_out_and_said_once() {
        let (told, last) = lines(b"12345\n12345\n12345\n12\n", 12).await;
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[2].contains("more"), "{told:?}");
        assert_eq!(last, "12");
        let (told, _) = lines(&[b'x'; 3 * LINE_MAX_BYTES], 1 << 20).await;
        assert_eq!(
            told.iter().map(String::len).collect::<Vec<_>>(),
            [LINE_MAX_BYTES; 3]
        );
    }

    #[tokio::test]
    async fn an_output_is_kept_to_its_limit_and_read_to_its_end() {
        let over = Notify::new();
        let mut output = Output::new(5);
        output.read(&b"12345"[..], &over).await;
        assert!(!output.is_over);
        let mut output = Output::new(5);
        output.read(&b"123456789"[..], &over).await;
        assert_eq!((&*output.bytes, output.is_over), (&b"12345"[..], true));
        over.notified().await;
    }
}

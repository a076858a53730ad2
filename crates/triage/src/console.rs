//! The two voices: results on standard output, prose on standard error.

use std::io::{BufWriter, IsTerminal, Stdout, Write, stderr, stdout};

use serde_json::{Value, json};

use crate::exit;

/// How the program speaks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Console {
    /// Results are JSON lines.
    pub(crate) json: bool,
    /// Only errors are said.
    pub(crate) quiet: bool,
}

impl Console {
    /// Writes a result in words; nothing in JSON mode.
    pub(crate) fn line(self, text: &str) {
        if !self.json {
            out(text);
        }
    }

    /// Writes a result as a JSON line; nothing otherwise.
    pub(crate) fn record(self, value: &Value) {
        if !self.json {
            return;
        }
        let mut line = value.clone();
        // The last line says its exit code in words, whoever wrote it.
        if line["type"] == "summary" {
            let code = line["exit"].as_u64().and_then(|code| u8::try_from(code).ok());
            line["exit_name"] = json!(exit::name(code.unwrap_or(exit::INTERNAL)));
        }
        out(&line.to_string());
    }

    /// Says something beside the results.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }
}

/// Writes a line to standard output. A reader that went away ends the program without a word, as
/// it does for every tool in a pipe.
pub(crate) fn out(text: &str) {
    let mut stdout = stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n"));
    gone_if(written.is_err());
}

/// Many results, written in large pieces; what was written is complete when it is dropped.
pub(crate) struct Results(BufWriter<Stdout>);

impl Results {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(1 << 16, stdout()))
    }

    /// Writes what is gathered, before something else writes to the same place.
    pub(crate) fn flush(&mut self) {
        gone_if(self.0.flush().is_err());
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &[u8]) {
        let written = self.0.write_all(text).and_then(|()| self.0.write_all(b"\n"));
        gone_if(written.is_err());
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        gone_if(self.0.flush().is_err());
    }
}

fn gone_if(reader_is_gone: bool) {
    if reader_is_gone {
        std::process::exit(i32::from(exit::INTERNAL));
    }
}

/// Writes a line to standard error, whatever `-q` says.
pub(crate) fn complain(text: &str) {
    // There is nobody left to tell if this fails.
    let _untold = writeln!(stderr().lock(), "{text}");
}

/// Says whether prose goes to a terminal.
pub(crate) fn prose_is_seen() -> bool {
    stderr().is_terminal()
}

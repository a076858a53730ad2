//! What the XML formats share: a pull parser without entities of its own, with limits.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::sink::{Place, Sink};
use crate::Error;

/// Deepest nesting: real lists nest six deep.
const MAX_DEPTH: usize = 64;
/// Longest text of one element that is kept, in bytes: a digest or a number is far shorter.
const MAX_TEXT: usize = 4096;

/// Longest tag, comment or text, in bytes: the parser holds it in memory.
const MAX_PIECE: usize = 1 << 20;

/// Lets XML through and stops at a piece that is too long.
struct BoundedMarkup<'a> {
    input: &'a mut dyn BufRead,
    len: usize,
}

impl Read for BoundedMarkup<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buf)?;
        for byte in buf.iter().take(length) {
            self.len = if matches!(byte, b'<' | b'>') { 0 } else { self.len.saturating_add(1) };
            if self.len > MAX_PIECE {
                let words = format!("a tag or text is longer than {MAX_PIECE} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, words));
            }
        }
        Ok(length)
    }
}

/// What a reader of elements is told.
pub(super) enum Token<'a> {
    /// An element begins; its local name, and the value of the attribute that was asked for.
    Begin(&'a str, Option<String>),
    /// An element ends, with the text directly in it.
    End(&'a str, &'a str),
}

/// Returns the local name of the first element of a text, if it is XML.
pub(super) fn root(text: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(text);
    let mut buffer = Vec::new();
    // A prolog is a declaration, a few comments and perhaps a document type.
    for _ in 0..64 {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(start) | Event::Empty(start) => return Some(local_name(&start)),
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

fn local_name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

/// Reads a whole document and tells `each` of every element. `attribute` is the one attribute
/// whose value is wanted.
///
/// # Errors
/// [`Error::Damaged`] if the XML is broken, breaks off, or nests too deep.
pub(super) fn read_elements(
    input: &mut dyn BufRead,
    sink: &mut Sink<'_>,
    attribute: &str,
    each: &mut dyn FnMut(&mut Sink<'_>, Token<'_>, Place) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = Reader::from_reader(BufReader::new(BoundedMarkup { input, len: 0 }));
    let mut buffer = Vec::new();
    let mut open: Vec<(String, String)> = Vec::new();
    loop {
        buffer.clear();
        // XML has no lines that mean anything: the place is the byte.
        let at = Place { line: 1, column: reader.buffer_position().saturating_add(1) };
        let event = reader.read_event_into(&mut buffer);
        match event.map_err(|error| sink.damaged(&error, at))? {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(sink.damaged(&"elements nest too deep", at));
                }
                let name = local_name(&start);
                let value = value_of(&start, attribute);
                each(sink, Token::Begin(&name, value), at)?;
                open.push((name, String::new()));
            }
            Event::Empty(start) => {
                let name = local_name(&start);
                let value = value_of(&start, attribute);
                each(sink, Token::Begin(&name, value), at)?;
                each(sink, Token::End(&name, ""), at)?;
            }
            Event::End(_) => {
                let closed = open.pop();
                let (name, text) = closed.ok_or_else(|| sink.damaged(&"a stray end tag", at))?;
                each(sink, Token::End(&name, text.trim()), at)?;
            }
            Event::Text(text) => {
                let text: &str = &text;
                if let Some((_, kept)) = open.last_mut()
                    && kept.len().saturating_add(text.len()) <= MAX_TEXT
                {
                    kept.push_str(text);
                }
            }
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err(sink.damaged(&"the document breaks off", at)),
            _ => {}
        }
    }
}

fn value_of(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = start.try_get_attribute(name).ok()??;
    Some(attribute.value.into_owned())
}

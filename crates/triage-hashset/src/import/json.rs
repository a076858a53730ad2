//! Pull reading of JSON with every limit set: nesting, length of strings and numbers.

use std::io::{self, BufRead, Read};

use struson::reader::{JsonReader, JsonStreamReader, ReaderError, ReaderSettings, ValueType};

use super::sink::{Place, Sink};
use crate::Error;

/// Deepest nesting: case files nest six deep.
const MAX_DEPTH: u32 = 32;
/// Longest string that is read, in bytes: a comment or an embedded thumbnail fits.
const MAX_STRING: usize = 16 << 20;

/// A pull reader over a list.
pub(super) type Reader<'a> = JsonStreamReader<BoundedStrings<'a>>;

/// Returns a reader of the JSON document in `input`.
pub(super) fn reader(input: &mut dyn BufRead) -> Reader<'_> {
    let settings = ReaderSettings {
        track_path: false,
        max_nesting_depth: Some(MAX_DEPTH),
        ..ReaderSettings::default()
    };
    let bounded = BoundedStrings { input, in_string: false, escaped: false, len: 0 };
    JsonStreamReader::new_custom(bounded, settings)
}

/// Lets JSON through and stops at a string that is too long: the reader would hold it in memory.
pub(super) struct BoundedStrings<'a> {
    input: &'a mut dyn BufRead,
    in_string: bool,
    escaped: bool,
    len: usize,
}

impl Read for BoundedStrings<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.input.read(buf)?;
        for byte in buf.iter().take(len) {
            if !self.in_string {
                self.in_string = *byte == b'"';
                self.len = 0;
                continue;
            }
            self.len += 1;
            if self.escaped {
                self.escaped = false;
            } else if *byte == b'\\' {
                self.escaped = true;
            } else if *byte == b'"' {
                self.in_string = false;
            }
        }
        if self.len > MAX_STRING {
            let words = format!("a JSON string is longer than {MAX_STRING} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(len)
    }
}

/// Why reading stops.
pub(super) enum Stop {
    /// The JSON is broken or breaks off.
    Json(ReaderError),
    /// The sink refuses to go on.
    Sink(Error),
}

impl From<ReaderError> for Stop {
    fn from(error: ReaderError) -> Self {
        Self::Json(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Sink(error)
    }
}

impl Stop {
    /// Returns the error to report; `place` is where the reader stood.
    pub(super) fn into_error(self, sink: &Sink<'_>, place: Place) -> Error {
        match self {
            Self::Sink(error) => error,
            Self::Json(ReaderError::IoError { error, .. })
                if error.kind() != io::ErrorKind::InvalidData =>
            {
                sink.io(error)
            }
            Self::Json(error) => sink.damaged(&error, place),
        }
    }
}

/// Returns where the reader stands.
pub(super) fn place(reader: &Reader<'_>) -> Place {
    let at = reader.current_position(false).line_pos;
    at.map_or(Place { line: 1, column: 1 }, |at| Place {
        line: at.line.saturating_add(1),
        column: at.column.saturating_add(1),
    })
}

/// One value that is no object and no array.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar {
    /// A string or a number as it is written.
    Text(String),
    /// `null`.
    Null,
    /// Anything else, which was skipped.
    Other,
}

/// Reads the next value; an object or array is skipped.
pub(super) fn scalar(reader: &mut Reader<'_>) -> Result<Scalar, ReaderError> {
    Ok(match reader.peek()? {
        ValueType::String => Scalar::Text(reader.next_string()?),
        ValueType::Number => Scalar::Text(reader.next_number_as_string()?),
        ValueType::Null => {
            reader.next_null()?;
            Scalar::Null
        }
        ValueType::Boolean | ValueType::Object | ValueType::Array => {
            reader.skip_value()?;
            Scalar::Other
        }
    })
}

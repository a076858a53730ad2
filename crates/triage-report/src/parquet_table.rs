//! Every entry as a row of Apache Parquet: for databases that read a lab's manifests together.
//!
//! The row groups are bounded, so that memory is. Integers above 2^63-1 do not occur in sizes that
//! a file system can hold; such a damaged size is left empty, and the manifest has it. Times are
//! the texts of the manifest: they keep nanoseconds and years that no timestamp type holds.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use triage_case::{CaseDir, Error, Record};
use triage_evidence::Time;
use triage_hash::Algorithm;

use crate::redact::Redaction;
use crate::report::{category, listed};

/// How many rows are held and written together: about 40 MB of the longest usual names.
const LIMIT_GROUP_ROWS: usize = 32_768;
/// How many bytes of texts are held at most, whatever the number of rows.
const LIMIT_GROUP_BYTES: usize = 48 << 20;

/// The columns in order: their names, and whether they hold texts, numbers or truth.
const TEXTS: [&str; 19] = [
    "path",
    "path_hex",
    "type",
    "status",
    "recovered",
    "modified",
    "accessed",
    "changed",
    "born",
    "target",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "sha3_256",
    "blake3",
    "matches",
    "rule",
    "problem",
];

/// The bytes that were encoded and not yet written.
#[derive(Clone, Default)]
struct Encoded(Arc<Mutex<Vec<u8>>>);

impl Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoded {
    /// Writes what was encoded so far.
    fn drain(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut held = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        out.write_all(&held)?;
        held.clear();
        Ok(())
    }
}

/// The rows of one group, column by column.
#[derive(Default)]
struct Group {
    seq: Vec<i64>,
    size: Vec<Option<i64>>,
    is_hit: Vec<bool>,
    is_deleted: Vec<bool>,
    texts: [Vec<Option<ByteArray>>; TEXTS.len()],
    leaf: Vec<Option<ByteArray>>,
    bytes: usize,
}

/// Renders the table.
pub(crate) fn render(case: &CaseDir, redact: &Redaction, out: &mut dyn Write) -> io::Result<()> {
    let encoded = Encoded::default();
    let schema = schema().map_err(io::Error::other)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("triage ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut file = SerializedFileWriter::new(encoded.clone(), schema, Arc::new(properties))
        .map_err(io::Error::other)?;
    let group = RefCell::new(Group::default());
    let mut flush = |out: &mut dyn Write| -> io::Result<()> {
        let rows = std::mem::take(&mut *group.borrow_mut());
        let mut writer = file.next_row_group().map_err(io::Error::other)?;
        rows.write(&mut writer).map_err(io::Error::other)?;
        writer.close().map_err(io::Error::other)?;
        encoded.drain(out)
    };
    case.for_each_record(&mut |record| {
        group.borrow_mut().add(&record, redact);
        let full = group.borrow().is_full();
        let done = if full { flush(out) } else { Ok(()) };
        done.map_err(|error| Error::Damaged {
            document: "the Parquet table".to_owned(),
            reason: error.to_string(),
        })
    })
    .map_err(io::Error::other)?;
    flush(out)?;
    file.close().map_err(io::Error::other)?;
    encoded.drain(out)
}

fn schema() -> Result<Arc<Type>, ParquetError> {
    let mut message = "message entry { required int64 seq; optional int64 size; required boolean \
                       is_hit; required boolean is_deleted;"
        .to_owned();
    for name in TEXTS.iter().chain(&["leaf_sha256"]) {
        message.push_str(&format!(" optional binary {name} (UTF8);"));
    }
    message.push('}');
    parse_message_type(&message).map(Arc::new)
}

impl Group {
    fn is_full(&self) -> bool {
        self.seq.len() >= LIMIT_GROUP_ROWS || self.bytes >= LIMIT_GROUP_BYTES
    }

    fn add(&mut self, record: &Record, redact: &Redaction) {
        let signed = |number: u64| i64::try_from(number).ok();
        self.seq.push(signed(record.seq).unwrap_or(i64::MAX));
        self.size.push(redact.size(record).and_then(signed));
        self.is_hit.push(record.is_hit());
        self.is_deleted.push(record.entry.recovery.is_some());
        let texts = texts(record, redact);
        for (column, text) in self.texts.iter_mut().zip(texts) {
            let text = Some(text).filter(|text| !text.is_empty());
            self.bytes += text.as_ref().map_or(0, String::len);
            column.push(text.map(|text| ByteArray::from(text.into_bytes())));
        }
        let leaf = redact.leaf(record);
        self.leaf.push(leaf.map(|leaf| ByteArray::from(leaf.into_bytes())));
    }

    fn write(self, writer: &mut SerializedRowGroupWriter<'_, Encoded>) -> Result<(), ParquetError> {
        write_column::<Int64Type>(writer, &self.seq, None)?;
        write_optional::<Int64Type>(writer, self.size)?;
        write_column::<BoolType>(writer, &self.is_hit, None)?;
        write_column::<BoolType>(writer, &self.is_deleted, None)?;
        for column in self.texts {
            write_optional::<ByteArrayType>(writer, column)?;
        }
        write_optional::<ByteArrayType>(writer, self.leaf)
    }
}

fn texts(record: &Record, redact: &Redaction) -> [String; TEXTS.len()] {
    let entry = &record.entry;
    let times = redact.times(record);
    let digests = redact.digests(record);
    let time = |time: Option<Time>| time.map(|time| time.to_string()).unwrap_or_default();
    let digest =
        |algorithm| digests.get(algorithm).map(|digest| digest.to_string()).unwrap_or_default();
    let path = redact.path(record);
    let raw = entry.location.path();
    let is_shown = redact.hides_names() || entry.location.is_root() || raw == path.as_bytes();
    let hex =
        if is_shown { "" } else { &raw.iter().map(|b| format!("{b:02x}")).collect::<String>() };
    let matches: Vec<String> = record
        .matches
        .iter()
        .map(|found| {
            format!(
                "{}: {} [{}] by {}",
                found.disposition,
                listed(found).set,
                category(found),
                found.algorithm
            )
        })
        .collect();
    let rule = match &record.rule {
        Some(_) if redact.hides_names() => "left out".to_owned(),
        rule => triage_evidence::escape(rule.as_deref().unwrap_or_default().as_bytes()),
    };
    [
        path.clone(),
        hex.to_owned(),
        entry.kind.name().to_owned(),
        record.status.name().to_owned(),
        entry.recovery.map_or("", triage_evidence::Recovery::name).to_owned(),
        time(times.modified),
        time(times.accessed),
        time(times.changed),
        time(times.born),
        redact.target(record),
        digest(Algorithm::Md5),
        digest(Algorithm::Sha1),
        digest(Algorithm::Sha256),
        digest(Algorithm::Sha512),
        digest(Algorithm::Sha3_256),
        digest(Algorithm::Blake3),
        matches.join("; "),
        rule,
        record.problem.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

fn write_optional<T: parquet::data_type::DataType>(
    writer: &mut SerializedRowGroupWriter<'_, Encoded>,
    cells: Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    write_column::<T>(writer, &values, Some(&levels))
}

fn write_column<T: parquet::data_type::DataType>(
    writer: &mut SerializedRowGroupWriter<'_, Encoded>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("a column too many".to_owned());
    let mut column = writer.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

//! SQLite databases of digests: NSRL RDSv3 (minimal and full), The Sleuth Kit's `.kdb`, IPED.
//!
//! Opened read-only and immutable, so that nothing is written beside it, and only tables are read:
//! a view or a virtual table of a hostile file would run code of its own. Digests are read in one
//! pass in the order of the table; nothing is sorted or joined on a table of 10^8 rows.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use triage_hash::{Algorithm, Digest};

use super::Grammar;
use super::sample::Sample;
use super::sink::{Place, Sink};
use super::text::{Bad, named_digest};
use crate::{Disposition, Error, PerceptualKind, Reason, Row, RowCategory};

pub(super) static NSRL: Grammar = Grammar {
    name: "nsrl",
    about: "NSRL RDSv3 database, minimal or full (SQLite)",
    fits: |sample, _| {
        table_is_there(sample, "METADATA") || (table_is_there(sample, "FILE") && has_nsrl(sample))
    },
    read: |_, _, sink| read_nsrl(sink),
};

pub(super) static TSK: Grammar = Grammar {
    name: "tsk",
    about: "hash database of The Sleuth Kit and Autopsy (.kdb, SQLite)",
    fits: |sample, _| table_is_there(sample, "db_properties"),
    read: |_, _, sink| read_tsk(sink),
};

pub(super) static IPED: Grammar = Grammar {
    name: "iped",
    about: "IPED hash database (SQLite)",
    fits: |sample, _| table_is_there(sample, "HASHES_PROPERTIES"),
    read: |_, _, sink| read_iped(sink),
};

/// The first bytes of every database (SQLite, "Database File Format", 1.3).
pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";
/// The fewest bytes that a row with one digest takes. More rows than fit the file mean that its
/// pages refer to each other in circles.
const LEAST_ROW_BYTES: u64 = 16;

/// Says whether the first pages, which hold the schema as text, create a table of that name.
fn table_is_there(sample: &Sample, name: &str) -> bool {
    let text = sample.text();
    let has =
        |statement: &str| text.windows(statement.len()).any(|part| part == statement.as_bytes());
    let forms = ["CREATE TABLE ", "CREATE TABLE \"", "CREATE TABLE IF NOT EXISTS "];
    let ends = [" ", "(", "\"", "\n"];
    text.starts_with(MAGIC)
        && forms.iter().any(|form| ends.iter().any(|end| has(&format!("{form}{name}{end}"))))
}

/// The table `FILE` of the NSRL is beside one of packages.
fn has_nsrl(sample: &Sample) -> bool {
    table_is_there(sample, "PKG") || table_is_there(sample, "MFG")
}

fn open(sink: &Sink<'_>) -> Result<Connection, Error> {
    sink.open_database(|path, size| open_at(sink, path, size))
}

fn open_at(sink: &Sink<'_>, absolute: &Path, size: u64) -> Result<Connection, Error> {
    let failed = |error: &rusqlite::Error| sink.damaged(error, super::TOP);
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                uri.push(char::from(*byte));
            }
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(|error| failed(&error))?;
    let settings = "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA query_only=ON;";
    connection.execute_batch(settings).map_err(|error| failed(&error))?;
    // SQLite takes a file that ends inside its last page, and the missing bytes for zeros.
    let page: i64 = connection
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .map_err(|error| failed(&error))?;
    let page = u64::try_from(page).unwrap_or_default();
    if size.checked_rem(page) != Some(0) {
        return Err(sink.damaged(&"the file breaks off inside a page", super::TOP));
    }
    Ok(connection)
}

/// Says whether there is an ordinary table of that name.
fn is_table(connection: &Connection, sink: &Sink<'_>, name: &str) -> Result<bool, Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1 \
               AND upper(sql) NOT LIKE 'CREATE VIRTUAL%'";
    let count: Result<i64, _> = connection.query_row(sql, [name], |row| row.get(0));
    count.map(|count| count > 0).map_err(|error| sink.damaged(&error, super::TOP))
}

/// What a column of a query holds.
#[derive(Clone, Copy)]
enum Column {
    /// A digest: text in hex, or its bytes.
    Digest(Algorithm),
    Size,
    Category,
    /// Perceptual digests; several are separated by `|`.
    Perceptual(PerceptualKind),
    /// What the list says that its row is: `known`, `pedo`.
    Status,
}

/// Runs a query over a table and takes each row.
fn read_rows(
    sink: &mut Sink<'_>,
    connection: &Connection,
    sql: &str,
    columns: &[Column],
) -> Result<(), Error> {
    let most = sink.database_bytes()? / LEAST_ROW_BYTES;
    let failed = |sink: &Sink<'_>, number: u64, error: &rusqlite::Error| {
        sink.damaged(error, Place { line: number, column: 1 })
    };
    let mut statement = connection.prepare(sql).map_err(|error| failed(sink, 1, &error))?;
    let mut rows = statement.query([]).map_err(|error| failed(sink, 1, &error))?;
    let mut number = 0_u64;
    loop {
        number = number.saturating_add(1);
        let Some(values) = rows.next().map_err(|error| failed(sink, number, &error))? else {
            return Ok(());
        };
        let place = Place { line: number, column: 1 };
        if number > most {
            let reason = "its pages hold more rows than the file is large";
            return Err(sink.damaged(&reason, place));
        }
        let wanted = sink.options().description.disposition.unwrap_or_default();
        match row(values, columns, wanted) {
            Ok(row) => sink.accept(row, place)?,
            Err((reason, column)) => {
                let column = (column as u64).saturating_add(1);
                sink.reject(reason, Place { column, ..place })?;
            }
        }
    }
}

/// Reads one row; the place of what is bad is its column.
fn row(values: &rusqlite::Row<'_>, columns: &[Column], wanted: Disposition) -> Result<Row, Bad> {
    let mut row = Row::default();
    for (place, column) in columns.iter().enumerate() {
        let value = values.get_ref(place).unwrap_or(ValueRef::Null);
        match (column, value) {
            (_, ValueRef::Null) => {}
            (Column::Digest(algorithm), value) => {
                if let Some(digest) = digest(value, *algorithm).map_err(|why| (why, place))? {
                    row.add(digest).map_err(|why| (why, place))?;
                }
            }
            (Column::Size, value) => {
                let size = match value {
                    ValueRef::Integer(size) => u64::try_from(size).ok(),
                    ValueRef::Text(text) => {
                        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok())
                    }
                    _ => None,
                };
                row.size_bytes = Some(size.ok_or((Reason::BadSize, place))?);
            }
            (Column::Category, ValueRef::Text(text)) => {
                let text = std::str::from_utf8(text).unwrap_or("\0");
                let category = RowCategory::from_text(text);
                row.category = category.map_err(|_| (Reason::BadCategory, place))?;
            }
            (Column::Category, _) => return Err((Reason::BadCategory, place)),
            (Column::Perceptual(kind), ValueRef::Text(text)) => {
                let texts = std::str::from_utf8(text).unwrap_or("?").split('|');
                texts.for_each(|text| row.add_perceptual(*kind, text));
            }
            (Column::Perceptual(kind), _) => row.add_perceptual(*kind, "?"),
            (Column::Status, ValueRef::Text(status)) => {
                let mut parts = status.split(|byte| *byte == b'|');
                let is_known = parts.all(|part| part.eq_ignore_ascii_case(b"known"));
                if is_known == (wanted == Disposition::Alert)
                    && wanted != Disposition::Informational
                {
                    return Err((Reason::OtherDisposition, place));
                }
            }
            (Column::Status, _) => {}
        }
    }
    Ok(row)
}

fn digest(value: ValueRef<'_>, algorithm: Algorithm) -> Result<Option<Digest>, Reason> {
    match value {
        ValueRef::Text([]) | ValueRef::Blob([]) => Ok(None),
        ValueRef::Text(hex) => {
            named_digest(hex.trim_ascii(), algorithm).map(Some).map_err(|(reason, _)| reason)
        }
        ValueRef::Blob(bytes) => {
            Digest::from_bytes(algorithm, bytes).map(Some).map_err(|_| Reason::WrongLength)
        }
        _ => Err(Reason::NotHex),
    }
}

const THREE: [Column; 4] = [
    Column::Digest(Algorithm::Sha256),
    Column::Digest(Algorithm::Sha1),
    Column::Digest(Algorithm::Md5),
    Column::Size,
];

fn read_nsrl(sink: &mut Sink<'_>) -> Result<(), Error> {
    let connection = open(sink)?;
    // In the full database `FILE` is a view that joins; its digests are those of `METADATA`.
    if is_table(&connection, sink, "METADATA")? {
        let sql = "SELECT sha256, sha1, md5, bytes FROM METADATA";
        return read_rows(sink, &connection, sql, &THREE);
    }
    if is_table(&connection, sink, "FILE")? {
        let sql = "SELECT sha256, sha1, md5, file_size FROM FILE";
        return read_rows(sink, &connection, sql, &THREE);
    }
    Err(sink.damaged(&"neither a table METADATA nor a table FILE", super::TOP))
}

fn read_tsk(sink: &mut Sink<'_>) -> Result<(), Error> {
    let connection = open(sink)?;
    if !is_table(&connection, sink, "hashes")? {
        return Err(sink.damaged(&"no table hashes", super::TOP));
    }
    let columns = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256].map(Column::Digest);
    read_rows(sink, &connection, "SELECT md5, sha1, sha2_256 FROM hashes", &columns)
}

/// Reads IPED's database, which mixes known and alerting files: those that are not what the set
/// is imported as are rejected rows.
fn read_iped(sink: &mut Sink<'_>) -> Result<(), Error> {
    let connection = open(sink)?;
    for table in ["HASHES", "PROPERTIES", "HASHES_PROPERTIES"] {
        if !is_table(&connection, sink, table)? {
            return Err(sink.damaged(&format!("no table {table}"), super::TOP));
        }
    }
    let property = |name: &str| {
        format!(
            "(SELECT VALUE FROM HASHES_PROPERTIES p WHERE p.HASH_ID = h.HASH_ID AND p.PROPERTY_ID \
             = (SELECT PROPERTY_ID FROM PROPERTIES WHERE PROPERTY_NAME = '{name}'))"
        )
    };
    let (status, category) = (property("status"), property("vicCategory"));
    let photodna = property("photoDna");
    let sql =
        format!("SELECT MD5, SHA1, SHA256, SHA512, {status}, {category}, {photodna} FROM HASHES h");
    let columns = [
        Column::Digest(Algorithm::Md5),
        Column::Digest(Algorithm::Sha1),
        Column::Digest(Algorithm::Sha256),
        Column::Digest(Algorithm::Sha512),
        Column::Status,
        Column::Category,
        Column::Perceptual(PerceptualKind::PhotoDna),
    ];
    read_rows(sink, &connection, &sql, &columns)
}

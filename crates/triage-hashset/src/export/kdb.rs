//! The hash database of The Sleuth Kit and Autopsy (`.kdb`, SQLite, schema version 1), with the
//! tables that `hfind -c` makes. The Sleuth Kit reads MD5 only, so that nothing else is written; a
//! category becomes the comment of its row, which Autopsy shows with a hit.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};
use triage_hash::Algorithm;

use super::{Exporting, Form, Writing};
use crate::{Category, Error};

pub(super) static FORMAT: Form = Form {
    name: "tsk",
    about: "hash database of The Sleuth Kit and Autopsy (.kdb, MD5)",
    writing: Writing::Database(write),
};

/// The tables of `hfind -c`. The place is exclusively ours and written in one go: no journal, and
/// no file of SQLite's beside it.
const TABLES: &str = "
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = MEMORY;
BEGIN;
CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT);
CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, \
sha1 BINARY(20), sha2_256 BINARY(32));
CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL, PRIMARY KEY(name, hash_id));
CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL, \
PRIMARY KEY(comment, hash_id));
CREATE INDEX md5_index ON hashes(md5);
INSERT INTO db_properties VALUES ('Schema Version', '1');
";

fn write(out: &mut Exporting<'_>, place: &Path) -> Result<(), Error> {
    if !out.index.algorithms().contains(Algorithm::Md5) {
        let set = out.index.identity().name.clone();
        let reason = "has no MD5, and databases of The Sleuth Kit hold MD5".to_owned();
        return Err(Error::Unfit { set, reason });
    }
    let target = out.path.to_owned();
    let failed = move |error: rusqlite::Error| Error::Io {
        action: "write",
        path: target.clone(),
        source: std::io::Error::other(error),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place, flags).map_err(&failed)?;
    connection.execute_batch(TABLES).map_err(&failed)?;
    let mut hash =
        connection.prepare("INSERT INTO hashes (id, md5) VALUES (?1, ?2)").map_err(&failed)?;
    let mut comment = connection
        .prepare("INSERT OR IGNORE INTO comments (comment, hash_id) VALUES (?1, ?2)")
        .map_err(&failed)?;
    let (mut last, mut id) = (None, 0_i64);
    for record in out.index.records() {
        let record = record?;
        out.report.rows += 1;
        let Some(md5) = record.digests.get(Algorithm::Md5) else {
            out.lose("rows without MD5");
            continue;
        };
        if record.digests.iter().count() > 1 {
            out.lose("further digests");
        }
        if record.size_bytes.is_some() {
            out.lose("sizes");
        }
        // Rows of one MD5 follow each other: one hash, and the comments of all of them.
        if last == Some(md5) {
            out.lose("further rows of a digest");
        } else {
            id += 1;
            hash.execute(params![id, md5.as_bytes()]).map_err(&failed)?;
            out.report.written += 1;
            last = Some(md5);
        }
        if let Some(category) = &record.category {
            comment.execute(params![words(category), id]).map_err(&failed)?;
        }
    }
    drop((hash, comment));
    connection.execute_batch("COMMIT").map_err(&failed)?;
    connection.close().map_err(|(_, error)| failed(error))
}

/// Returns a category in words: scheme, number, label.
fn words(category: &Category) -> String {
    let number = category.number.map(|number| format!(" {number}")).unwrap_or_default();
    let label = category.label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
    format!("{}{number}{label}", category.scheme)
}

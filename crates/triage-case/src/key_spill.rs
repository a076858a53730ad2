//! The keys of a running scan: held in memory while they are few, then in a file of the journal.
//!
//! The file is no record: a resumed run makes it anew from the lines.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use triage_custody::{KEY_BYTES, Key, Salter};

use crate::error::failed;
use crate::index::{Index, Keys};
use crate::journal::Gathered;
use crate::{Error, write};

/// How many keys are held: 16 MiB, those of a quarter of a million files with three digests.
const LIMIT_HELD: usize = 1 << 20;
/// How much of the file is read at once.
const READ_BYTES: usize = 1 << 20;

/// The keys of the lines, one after the other, until they are sorted at the end.
pub(crate) struct KeySpill {
    path: PathBuf,
    keys: Keys,
    file: Option<Gathered>,
}

impl KeySpill {
    /// Begins anew; the file is made when it is needed.
    pub(crate) fn new(path: PathBuf) -> Result<Self, Error> {
        write::remove_if_there(&path)?;
        Ok(Self { path, keys: Keys::new(LIMIT_HELD), file: None })
    }

    pub(crate) fn push(&mut self, key: Key) -> Result<(), Error> {
        if self.file.is_none() && self.keys.held().len() == LIMIT_HELD {
            let mut file = Gathered::open(self.path.clone(), 0)?;
            self.keys.held().iter().try_for_each(|key| file.put(&key.0))?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            file.put(&key.0)?;
        }
        self.keys.push(key);
        Ok(())
    }

    /// Sorts the keys, a part at a time if they are many.
    pub(crate) fn into_index(self, salter: &Salter) -> Result<Index, Error> {
        if let Some(mut file) = self.file {
            file.flush()?;
        }
        let expected = self.keys.total();
        self.keys.into_index(salter, &|take| {
            let mut read = 0;
            for_each_key(&self.path, &mut |key| {
                read += 1;
                take(key)
            })?;
            if read == expected {
                return Ok(());
            }
            let reason = format!("{read} keys were read back, expected {expected}");
            Err(Error::Damaged { document: "the journal's keys".to_owned(), reason })
        })
    }
}

fn for_each_key(path: &Path, take: &mut dyn FnMut(Key) -> Result<(), Error>) -> Result<(), Error> {
    let file = File::open(path).map_err(failed("open", path))?;
    let mut reader = BufReader::with_capacity(READ_BYTES, file);
    let mut key = [0; KEY_BYTES];
    loop {
        match reader.read_exact(&mut key) {
            Ok(()) => take(Key(key))?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(failed("read", path)(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use triage_custody::ValueKind;

    #[test]
    fn a_file_gives_the_same_index_as_memory() {
        let dir = tempfile::tempdir().unwrap();
        let count = LIMIT_HELD as u64 + 5_000;
        let mut spill = KeySpill::new(dir.path().join("keys")).unwrap();
        let mut held = Keys::new(usize::MAX);
        for n in 0..count {
            let key = Key::of(ValueKind::Path, &n.to_le_bytes());
            spill.push(key).unwrap();
            held.push(key);
        }
        assert!(dir.path().join("keys").exists());
        let salter = Salter::new(&[1; 32]);
        let expected = held.into_index(&salter, &|_| unreachable!("all are held")).unwrap();
        assert_eq!(expected.size, count);
        assert_eq!(spill.into_index(&salter).unwrap(), expected);
    }
}

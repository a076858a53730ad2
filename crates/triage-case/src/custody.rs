//! What is added to a closed package: events of the custody log.
//!
//! An event is one line, appended in one write and made durable. A kill or a loss of power leaves
//! the log as it was, with the event, or with a torn last line: that is named by every reader,
//! nothing is appended to it, and only [`CaseDir::repair_custody`] ends it, with an event that
//! says so. Two runs never write at once: the log itself is locked.

use std::fs::File;
use std::io::Write;

use serde_json::json;
use triage_custody::{Action, CustodyLog, Event, sha256_hex};

use crate::error::failed;
use crate::seals::read_seals;
use crate::{CaseDir, Error, write};

/// The log of a package.
pub(crate) const LOG: &str = "custody.ndjson";
/// How much of a removed torn line the repair records; an event has about a kilobyte.
const LIMIT_REMOVED_BYTES: usize = 4096;

/// A closed package whose custody goes on: held, so that one run at a time adds to it.
#[derive(Debug)]
pub struct Custody<'a> {
    pub(crate) case: &'a CaseDir,
    file: File,
    log: CustodyLog,
}

impl CaseDir {
    /// Reads the custody log; its chain holds.
    ///
    /// # Errors
    /// [`Error`] if it cannot be read or its chain is broken.
    pub fn custody_log(&self) -> Result<CustodyLog, Error> {
        Ok(CustodyLog::parse(&crate::case_dir::read(&self.path(LOG))?)?)
    }

    /// Opens the custody log to add to it, after checking its chain and every sealed head.
    ///
    /// # Errors
    /// [`Error::Custody`] if the chain is broken or torn, [`Error::Damaged`] if it is not what a
    /// seal pins, [`Error::Locked`] if another run adds to it.
    pub fn hold_custody(&self) -> Result<Custody<'_>, Error> {
        let file = write::open_held(&self.path(LOG))?;
        let log = self.custody_log()?;
        for sealed in read_seals(self)? {
            let custody = &sealed.seal.custody;
            if log.head_at(custody.events) != Some(custody.head_sha256.as_str()) {
                let reason = format!(
                    "it has {} events and does not hold the {} that seal {} pins",
                    log.len(),
                    custody.events,
                    sealed.number
                );
                return Err(Error::Damaged { document: LOG.to_owned(), reason });
            }
        }
        Ok(Custody { case: self, file, log })
    }

    /// Ends a torn last line of the custody log: an event that lacks only its line end is
    /// completed, any other rest is removed. `event` is appended and says what was done. Returns
    /// `None` if nothing is torn.
    ///
    /// # Errors
    /// [`Error`] if a whole line is broken, or the log cannot be written.
    pub fn repair_custody(&self, mut event: Event) -> Result<Option<Event>, Error> {
        let path = self.path(LOG);
        let mut file = write::open_held(&path)?;
        let bytes = crate::case_dir::read(&path)?;
        let (mut log, torn) = CustodyLog::parse_whole_lines(&bytes)?;
        if torn.is_empty() {
            return Ok(None);
        }
        event.action = Action::Repaired.name().to_owned();
        let completed = [bytes.as_slice(), b"\n"].concat();
        if let Ok(whole) = CustodyLog::parse(&completed) {
            log = whole;
            event.result = Some(format!("the line end of event {} was completed", log.len() - 1));
            let line = log.append(event)?;
            let added = [b"\n".as_slice(), &line].concat();
            append(&mut file, &path, &added)?;
        } else {
            let kept = torn.get(..LIMIT_REMOVED_BYTES).unwrap_or(torn);
            let hex: String = triage_evidence::hex(kept);
            event.result = Some(format!("a torn end of {} bytes was removed", torn.len()));
            event.output = Some(json!({
                "removed_bytes": torn.len(), "removed_sha256": sha256_hex(torn),
                "removed_hex": hex,
            }));
            let line = log.append(event)?;
            let whole = bytes.strip_suffix(torn).unwrap_or(&bytes);
            write::write_file(&path, &mut |out| {
                out.write_all(whole)?;
                out.write_all(&line)
            })?;
        }
        Ok(log.events().last().cloned())
    }
}

impl Custody<'_> {
    /// Returns the log.
    #[must_use]
    pub fn log(&self) -> &CustodyLog {
        &self.log
    }

    /// Appends an event and returns it as it stands in the log.
    ///
    /// # Errors
    /// [`Error::Event`] if the event lacks a field, [`Error::Io`] if it cannot be written.
    pub fn append(&mut self, event: Event) -> Result<Event, Error> {
        let unfit = |error: triage_custody::Error| Error::Event { reason: error.to_string() };
        Action::check(&event).map_err(unfit)?;
        if let Some(wrong) = event.corrects.filter(|&number| number >= self.log.len()) {
            let reason = format!("it corrects event {wrong}, which there is not");
            return Err(Error::Event { reason });
        }
        let mut log = self.log.clone();
        let line = log.append(event).map_err(unfit)?;
        append(&mut self.file, &self.case.path(LOG), &line)?;
        self.log = log;
        Ok(self.log.events().last().cloned().unwrap_or_else(|| unreachable!("one was appended")))
    }
}

/// Appends bytes whole; what a full drive did not take is cut off again.
fn append(file: &mut File, path: &std::path::Path, bytes: &[u8]) -> Result<(), Error> {
    let length = file.metadata().map_err(failed("examine", path))?.len();
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _torn = write::cut(file, length);
        failed("append to", path)(error)
    })
}

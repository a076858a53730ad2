//! Time-stamps of a closed package (RFC 3161): a query goes out as a file, a reply comes in as one.
//!
//! What is stamped is a signature of the newest seal, so that the stamp shows that the signature
//! existed then; of a seal that nobody signed, the seal itself. The query is kept beside the reply:
//! its nonce shows that the reply was made for it.

use triage_custody::{Certificates, Stamp, StampQuery, utc_text};

use crate::bag::{Bag, is_tag};
use crate::case_dir::read;
use crate::seals::signature_files;
use crate::{Custody, Error};

/// A query that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampRequest {
    /// What is to be stamped, in the package.
    pub path: String,
    /// The bytes of the query.
    pub query: Vec<u8>,
}

/// A time-stamp that was taken into the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampStored {
    /// What is stamped, in the package.
    pub path: String,
    /// The time that the stamp states: RFC 3339, in UTC.
    pub time: String,
    /// The subject of the authority's certificate.
    pub authority: String,
}

impl Custody<'_> {
    /// Makes the query for a time-stamp of the newest seal: of its own signature, of the one with
    /// a certificate if it has no other, else of the seal itself; or of `file`, one of these.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a file of the bag's own was changed, or `file` is not of the newest
    /// seal.
    pub fn stamp_request(&self, file: Option<&str>, nonce: [u8; 8]) -> Result<StampRequest, Error> {
        let stampable = self.stampable()?;
        let path = match file {
            None => stampable.first().cloned(),
            Some(file) => stampable.iter().find(|path| path.as_str() == file).cloned(),
        };
        let path = path.ok_or_else(|| Error::Damaged {
            document: file.unwrap_or("the newest seal").to_owned(),
            reason: format!("only these can be stamped: {}", stampable.join(", ")),
        })?;
        let query = StampQuery::new(&read(&self.case.path(&path))?, nonce)?.to_bytes()?;
        Ok(StampRequest { path, query })
    }

    /// Checks an authority's reply to a query and keeps both beside what is stamped.
    ///
    /// # Errors
    /// [`Error::Custody`] with the reason if the reply is refused, [`Error::Damaged`] if the query
    /// is for nothing of the newest seal, [`Error::Exists`] if that has a stamp already.
    pub fn take_stamp(
        &mut self,
        query: &[u8],
        reply: &[u8],
        roots: &Certificates,
    ) -> Result<StampStored, Error> {
        let parsed = StampQuery::parse(query)?;
        let mut found = None;
        for path in self.stampable()? {
            let bytes = read(&self.case.path(&path))?;
            if parsed.is_for(&bytes) {
                found = Some((path, bytes));
                break;
            }
        }
        let (path, bytes) = found.ok_or_else(|| Error::Damaged {
            document: "the query".to_owned(),
            reason: "it is for no file of the newest seal of this package".to_owned(),
        })?;
        let stamp = Stamp::check(reply, &parsed, &bytes, Some(roots))?;
        self.first_free(std::iter::once(format!("{path}.tsr")))?;
        self.write(&format!("{path}.tsq"), query)?;
        self.write(&format!("{path}.tsr"), reply)?;
        self.finish()?;
        let authority = stamp.authority.subject();
        Ok(StampStored { path, time: utc_text(stamp.seconds), authority })
    }

    /// Returns what of the newest seal can be stamped, what is best stamped first.
    fn stampable(&self) -> Result<Vec<String>, Error> {
        let (sealed, _) = self.newest_for(None)?;
        let bag = Bag::read(self.case.folder(), &is_tag)?;
        let of = |kind: &str| signature_files(sealed.number, kind, &bag).collect::<Vec<_>>();
        let mut paths = [of("sig"), of("p7s")].concat();
        paths.push(sealed.path);
        Ok(paths)
    }
}

//! A seal as those see it who check its signatures, of whatever kind, and what both kinds ask of a
//! key or a certificate whose time has ended.

use triage_custody::{unix_seconds, utc_text};

use crate::bag::Bag;
use crate::case_dir::read;
use crate::seals::{SealFile, seal_path, signature_files};
use crate::verify::Verification;
use crate::{CaseDir, Trust};

/// One seal, and what its signatures are over.
pub(crate) struct Signing<'a> {
    /// The seal.
    pub(crate) sealed: &'a SealFile,
    /// Its file in the package.
    pub(crate) name: String,
    /// The bytes of that file, which are signed.
    pub(crate) message: Vec<u8>,
    /// When the seal says that it was made, in seconds since 1970; none if it says no time.
    pub(crate) at: Option<i64>,
    /// Whether it is the newest seal.
    pub(crate) is_newest: bool,
}

impl<'a> Signing<'a> {
    /// Gathers it for every seal of a package.
    pub(crate) fn all(case: &CaseDir, seals: &'a [SealFile]) -> Vec<Self> {
        let newest = seals.last().map(|sealed| sealed.number);
        let of = |sealed: &'a SealFile| {
            let name = seal_path(sealed.number, ".json");
            let message = read(&case.path(&name)).unwrap_or_default();
            let at = unix_seconds(&sealed.seal.time);
            Self { sealed, name, message, at, is_newest: Some(sealed.number) == newest }
        };
        seals.iter().map(of).collect()
    }

    /// Returns the file of the seal's own signature of one kind, `sig` or `p7s`.
    pub(crate) fn own(&self, kind: &str) -> String {
        format!("{}.{kind}", self.name)
    }

    /// Returns the files of its further signatures of one kind.
    pub(crate) fn others(&self, kind: &str, bag: &Bag) -> impl Iterator<Item = String> {
        let own = self.own(kind);
        signature_files(self.sealed.number, kind, bag).filter(move |name| *name != own)
    }
}

/// What signed must still be valid, or a trusted authority must have stamped the signature while it
/// was: a stamp from after the end shows nothing that a forger of the time could not have made.
pub(crate) fn check_ended(
    what: &str,
    name: &str,
    is_valid_at: impl Fn(i64) -> bool,
    trust: &Trust<'_>,
    out: &mut Verification,
) {
    let Some(now) = trust.now.filter(|&now| !is_valid_at(now)) else { return };
    let stamps = out.stamps.iter().filter(|stamp| stamp.is_trusted && stamp.path == name);
    let mut late = None;
    for stamp in stamps {
        if is_valid_at(stamp.seconds) {
            return;
        }
        late = Some(stamp.time.clone());
    }
    let stamped = match late {
        Some(time) => format!("its time-stamp is of {time}, when it was not valid either, so that"),
        None => "without a time-stamp by a trusted authority".to_owned(),
    };
    out.warnings.push(format!(
        "the {what} of {name} is not valid at {} any more; {stamped} only the computer's clock says \
         that it was when the seal was made",
        utc_text(now)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify_stamps::Stamped;

    /// What is said at 200 of a certificate that ended at 100, with stamps of these times.
    fn said(stamps: &[(i64, bool)]) -> Vec<String> {
        let mut out = Verification::default();
        let stamp = |&(seconds, is_trusted): &(i64, bool)| Stamped {
            path: "seals/0001.json.p7s".to_owned(),
            time: utc_text(seconds),
            seconds,
            authority: String::new(),
            is_trusted,
        };
        out.stamps = stamps.iter().map(stamp).collect();
        let trust = Trust { now: Some(200), ..Trust::default() };
        check_ended("certificate", "seals/0001.json.p7s", |at| at <= 100, &trust, &mut out);
        out.warnings
    }

    #[test]
    fn only_a_trusted_stamp_from_before_the_end_shows_that_a_signature_is_older() {
        assert_eq!(said(&[(90, true)]), <[String; 0]>::default());
        assert_eq!(said(&[(150, true), (90, true)]), <[String; 0]>::default());
        for stamps in [&[][..], &[(90, false)], &[(150, true)]] {
            let warnings = said(stamps);
            assert!(warnings[0].contains("is not valid at 1970-01-01T00:03:20Z any more"));
        }
        assert!(said(&[(150, true)])[0].contains("its time-stamp is of 1970-01-01T00:02:30Z"));
    }
}

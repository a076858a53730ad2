//! What a laboratory wants done: a question, and the exhibits that it is asked of.
//!
//! TOML holds both. CSV holds exhibits only; the question comes from the command line.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The most exhibits of one batch: far more than any laboratory has, few enough for memory.
pub(crate) const LIMIT_EXHIBITS: usize = 1_000_000;
/// The most parts of one exhibit.
const LIMIT_SPLIT: u32 = 10_000;

/// What is asked of every exhibit. Paths are as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Question {
    /// The digests to compute, as `scan --algorithms` takes them.
    pub algorithms: Option<String>,
    /// Hash sets whose matches alert.
    pub sets: Vec<String>,
    /// Hash sets of files known to be good.
    pub known_good: Vec<String>,
    /// Hash sets whose matches are only noted.
    pub informational: Vec<String>,
    /// A file that says what may be read.
    pub scope: Option<String>,
    /// Larger files are not opened, in bytes.
    pub max_size_bytes: Option<u64>,
}

/// One exhibit that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The exhibit's number; no two jobs share one.
    pub exhibit: String,
    /// Where the evidence is.
    pub source: String,
    /// The case number.
    #[serde(default)]
    pub case_number: String,
    /// The examiner's name.
    #[serde(default)]
    pub examiner: String,
    /// The examiner's organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The warrant, order or consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Higher comes first. A child at risk is a reason.
    #[serde(default)]
    pub priority: i64,
    /// The storage that it is read from, as the engine names its licences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Whether the storage spins; asked of the kernel if not said. It is then never split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spinning: Option<bool>,
    /// Into how many parts it may be split.
    #[serde(default = "one")]
    pub split: u32,
}

const fn one() -> u32 {
    1
}

/// The jobs of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// The name of the batch.
    #[serde(default)]
    pub name: String,
    /// What is asked.
    #[serde(default)]
    pub question: Question,
    /// Of which exhibits, in the order of the file.
    #[serde(rename = "exhibit", default)]
    pub exhibits: Vec<Job>,
}

impl Jobs {
    /// Reads jobs from TOML.
    ///
    /// # Errors
    /// [`Error::Jobs`] for text that is no TOML or has an unknown key; [`Error::Job`] for an
    /// exhibit that contradicts itself or stands there twice.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let jobs: Self =
            toml::from_str(text).map_err(|error| Error::Jobs { reason: error.to_string() })?;
        jobs.checked()
    }

    /// Checks what no reader can.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        if self.exhibits.is_empty() {
            return Err(Error::Jobs { reason: "there is no exhibit in them".to_owned() });
        }
        if self.exhibits.len() > LIMIT_EXHIBITS {
            let reason = format!("there are more than {LIMIT_EXHIBITS} exhibits in them");
            return Err(Error::Jobs { reason });
        }
        let mut seen = BTreeSet::new();
        for job in &self.exhibits {
            let wrong = |reason: String| Err(Error::Job { exhibit: job.exhibit.clone(), reason });
            if job.exhibit.trim().is_empty() {
                return wrong("it has no number".to_owned());
            }
            if job.source.is_empty() {
                return wrong("it has no source".to_owned());
            }
            if !(1..=LIMIT_SPLIT).contains(&job.split) {
                return wrong(format!("split is {}, expected 1 to {LIMIT_SPLIT}", job.split));
            }
            if job.spinning == Some(true) && job.split > 1 {
                return wrong("a spinning disk is read by one reader: it cannot be split".into());
            }
            if job.storage.as_deref().is_some_and(|name| !is_plain(name)) {
                return wrong("storage is a name of letters, digits, `-` and `_`".to_owned());
            }
            if !seen.insert(job.exhibit.as_str()) {
                return wrong("it stands there twice".to_owned());
            }
        }
        Ok(self)
    }
}

/// Says whether a name can stand in a script without quoting.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_and_what_contradicts_itself_is_refused() {
        let jobs = Jobs::from_toml(
            "name = 'w'\n[question]\nsets = ['a.thx']\n[[exhibit]]\nexhibit = 'A/1'\n\
             source = '/e/1'\npriority = 9\n[[exhibit]]\nexhibit = 'A/2'\nsource = '/e/2'\nsplit = 4",
        )
        .unwrap();
        assert_eq!(jobs.exhibits[0].priority, 9);
        assert_eq!((jobs.exhibits[0].split, jobs.exhibits[1].split), (1, 4));
        let exhibit = |rest: &str| format!("[[exhibit]]\nexhibit = 'A'\nsource = '/a'\n{rest}\n");
        for (text, says) in [
            (String::new(), "no exhibit"),
            (exhibit("split = 0"), "split is 0"),
            (exhibit("split = 2\nspinning = true"), "cannot be split"),
            (exhibit("storage = '$(x)'"), "storage is a name"),
            (exhibit("") + &exhibit(""), "stands there twice"),
            (exhibit("prioritty = 1"), "prioritty"),
        ] {
            let error = Jobs::from_toml(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}

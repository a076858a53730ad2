//! Jobs as a table, one exhibit a row, columns by the names that TOML has too.

use crate::jobs::LIMIT_EXHIBITS;
use crate::{Error, Job, Jobs, Question};

impl Jobs {
    /// Reads exhibits from CSV with a header line; a field that is empty was not said.
    ///
    /// # Errors
    /// [`Error::Jobs`] with the line for a row that cannot be read or an unknown column;
    /// [`Error::Job`] as for TOML.
    pub fn from_csv(text: &str) -> Result<Self, Error> {
        let wrong = |error: csv::Error| Error::Jobs { reason: error.to_string() };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let columns: Vec<String> =
            reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
        let mut exhibits = Vec::new();
        for row in reader.records() {
            let row = row.map_err(wrong)?;
            let line = row.position().map_or(0, csv::Position::line);
            let mut job = Job { split: 1, ..Job::default() };
            for (column, field) in columns.iter().zip(&row).filter(|(_, field)| !field.is_empty()) {
                put(&mut job, column, field).map_err(|reason| Error::Jobs {
                    reason: format!("line {line}, column {column}: {reason}"),
                })?;
            }
            exhibits.push(job);
            if exhibits.len() > LIMIT_EXHIBITS {
                break;
            }
        }
        Self { name: String::new(), question: Question::default(), exhibits }.checked()
    }
}

fn put(job: &mut Job, column: &str, field: &str) -> Result<(), String> {
    let number = |expected: &str| format!("{field:?} is no {expected}");
    match column {
        "exhibit" => field.clone_into(&mut job.exhibit),
        "source" => field.clone_into(&mut job.source),
        "case_number" => field.clone_into(&mut job.case_number),
        "examiner" => field.clone_into(&mut job.examiner),
        "organisation" => job.organisation = Some(field.to_owned()),
        "authority" => job.authority = Some(field.to_owned()),
        "storage" => job.storage = Some(field.to_owned()),
        "priority" => job.priority = field.parse().map_err(|_| number("whole number"))?,
        "split" => job.split = field.parse().map_err(|_| number("whole number"))?,
        "spinning" => {
            job.spinning = Some(match field {
                "true" | "yes" => true,
                "false" | "no" => false,
                _ => return Err(number("`yes` or `no`")),
            });
        }
        _ => {
            return Err(
                "there is no such column; known are exhibit, source, case_number, examiner, \
                        organisation, authority, priority, storage, spinning, split"
                    .to_owned(),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_gives_the_same_jobs_as_toml() {
        let table = "exhibit,source,priority,spinning,split\nA/1,/e/1,9,yes,\n\"A,2\",/e/2,,no,3\n";
        let toml = "[[exhibit]]\nexhibit='A/1'\nsource='/e/1'\npriority=9\nspinning=true\n\
                    [[exhibit]]\nexhibit='A,2'\nsource='/e/2'\nspinning=false\nsplit=3";
        assert_eq!(Jobs::from_csv(table).unwrap(), Jobs::from_toml(toml).unwrap());
        for (table, says) in [
            ("exhibit,sauce\nA,x\n", "column sauce"),
            ("exhibit,source,priority\nA,x,high\n", "line 2, column priority"),
            ("exhibit,source\nA\n", "line: 2"),
        ] {
            let error = Jobs::from_csv(table).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}

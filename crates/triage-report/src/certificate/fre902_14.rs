//! United States: certification of data identified by digests. Federal Rules of Evidence 902(14)
//! and 902(11), 28 U.S.C. 1746.
//!
//! Paragraph 5, the comparison, is written as done only if the log of custody holds a comparison
//! with the result "equal" made by the same person.

use super::facts::{Facts, blank};
use crate::document::{Block, Document};

pub(super) fn write(facts: &Facts<'_>, document: &mut Document) {
    "Certification of data copied from an electronic device (FRE 902(14))"
        .clone_into(&mut document.title);
    document.facts(vec![
        ("Case", facts.particular("case", "case number and court")),
        ("Exhibit", facts.particular("exhibit", "exhibit number")),
    ]);
    person(facts, document);
    document.heading("2  The device");
    document.paragraph(format!(
        "On {} I received from {} the exhibit named above: {}, make {}, model {}, serial number {}, \
         in a bag with seal number {}.",
        facts.of_event("received", "/time", "date, time and zone"),
        facts.of_event("received", "/from/name", "from whom"),
        facts.particular("description", "what it is"),
        facts.device("make", "make"),
        facts.device("model", "model"),
        facts.device("serial", "serial number"),
        facts.device("seal_no", "seal number"),
    ));
    document.heading("3  What was done");
    document.paragraph(format!(
        "Between {} and {}, with this protection against writing: {}, I read the exhibit with {}. \
         The digests {} were computed over the content of each file. {}",
        facts.run("/clock/start", "begin"),
        facts.run("/clock/end", "end"),
        facts.device("write_protection", "how writing was prevented, and how that was checked"),
        facts.program(),
        facts.run("/plan/algorithms", "which"),
        facts.counts(),
    ));
    document.paragraph(format!(
        "The laboratory's own validation of this program: {}.",
        blank("number and date of the validation record")
    ));
    document.heading("4  Why a digest identifies data");
    document.paragraph(
        "SHA-256 computes a value of 256 bits from the content of a file. The same content always \
         gives the same value. No two different contents with the same SHA-256 value are known. \
         Two equal values therefore identify the two contents as the same.",
    );
    comparison(facts, document);
    document.heading("6  The seal");
    document.paragraph(
        "The list of all entries and digests is the file data/manifest.ndjson of the package. It is \
         sealed, so that any later change shows:",
    );
    document.facts(facts.seal());
    document.heading("7  Exceptions");
    document.blocks.push(Block::Items(facts.exceptions()));
    document.heading("Declaration");
    document.paragraph(
        "I declare under penalty of perjury under the laws of the United States of America that the \
         foregoing is true and correct.",
    );
    document.paragraph(format!("Executed on {}.", blank("date, and place if outside the US")));
    document.blocks.push(Block::Line("Signature, name".to_owned()));
    document.paragraph(
        "For counsel: Rule 902(11) asks for reasonable written notice to the other side, with the \
         record and this certification, before trial.",
    );
}

fn person(facts: &Facts<'_>, document: &mut Document) {
    document.heading("1  The person");
    document.paragraph(format!(
        "I am {}, {}, employed by {}, {}. My training and experience in computing and comparing \
         digests: {}.",
        facts.particular("examiner", "name"),
        blank("post"),
        facts.particular("organisation", "employer"),
        blank("address"),
        blank("training and experience"),
    ));
}

fn comparison(facts: &Facts<'_>, document: &mut Document) {
    document.heading("5  The comparison");
    match facts.compared() {
        Some((event, left, right)) => {
            document.paragraph(format!(
                "On {} I compared the value computed from the original, {left}, with the value \
                 computed from the data offered in evidence, {right}. They are identical.",
                crate::summary::text(&event["time"]),
            ));
        }
        None => document.flag(
            "NOT DONE. The log of custody holds no comparison of original and copy by this person. \
             Rule 902(14) asks for one: compare, record it with `triage custody add`, and draft \
             this again.",
        ),
    }
}

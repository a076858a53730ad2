//! England and Wales: witness statement that produces an exhibit, section 9 of the Criminal Justice
//! Act 1967 and Criminal Procedure Rule 16.2, with the short facts of a streamlined report.
//!
//! Facts of a witness only: an expert's opinion needs a report under Rule 19.4, which no program
//! drafts.

use super::facts::{Facts, blank};
use crate::document::{Block, Document};

pub(super) fn write(facts: &Facts<'_>, document: &mut Document) {
    "Witness statement (section 9, Criminal Justice Act 1967)".clone_into(&mut document.title);
    document.facts(vec![
        ("Case", facts.particular("case", "URN or case number")),
        ("Statement of", facts.particular("examiner", "name")),
        ("Age if under 18", blank("age, or \"over 18\"")),
        ("Occupation", blank("occupation")),
    ]);
    document.paragraph(format!(
        "This statement (consisting of {} page(s) each signed by me) is true to the best of my \
         knowledge and belief and I make it knowing that, if it is tendered in evidence, I shall \
         be liable to prosecution if I have wilfully stated in it anything which I know to be \
         false, or do not believe to be true.",
        blank("number")
    ));
    document.paragraph(
        "(The wording of the declaration is prescribed; compare it with the rule in force.)",
    );
    document.blocks.push(Block::Line("Signature, date".to_owned()));
    document.heading("1  Who I am");
    document.paragraph(format!(
        "I am employed by {} as {}. My qualifications and experience: {}.",
        facts.particular("organisation", "employer"),
        blank("post"),
        blank("qualifications and experience"),
    ));
    received(facts, document);
    document.heading("3  What I did");
    document.paragraph(format!(
        "Between {} and {}, with this protection against writing: {}, I read the exhibit with {}. \
         I asked it to compare the digest of each file with {}. {}",
        facts.run("/clock/start", "begin"),
        facts.run("/clock/end", "end"),
        facts.device("write_protection", "how writing was prevented, and how that was checked"),
        facts.program(),
        sets(facts),
        facts.counts(),
    ));
    document.heading("4  Result, in short");
    document.paragraph(facts.report.answer());
    document.paragraph(
        "A match says that the content of a file is, byte for byte, that of a file whose digest \
         stands in the list. I have not stated here what the content shows.",
    );
    document.paragraph("Not examined in full:");
    document.blocks.push(Block::Items(facts.exceptions()));
    document.heading("5  What I produce");
    document.paragraph(format!(
        "I produce the sealed package as my exhibit {}, and the printed list of entries that were not \
         examined in full as my exhibit {}.",
        blank("your initials / number"),
        blank("your initials / number"),
    ));
    document.facts(facts.seal());
    document.heading("6  Limits");
    document.blocks.push(Block::Items(facts.report.limits()));
    document.heading("7  Forensic Science Regulator");
    document.paragraph(blank(
        "the declaration of compliance or non-compliance with the Regulator's Code, in the wording \
         of the guidance in force, with its mitigation",
    ));
    document.blocks.push(Block::Line("Signature, date".to_owned()));
    document.blocks.push(Block::Line("Signature witnessed by".to_owned()));
}

fn received(facts: &Facts<'_>, document: &mut Document) {
    document.heading("2  What I received");
    document.paragraph(format!(
        "On {} at {} I received from {} a sealed exhibit bag, number {}, containing {}, which I refer \
         to as {}.",
        facts.of_event("received", "/time", "date and time"),
        facts.of_event("received", "/location", "place"),
        facts.of_event("received", "/from/name", "from whom"),
        facts.device("seal_no", "seal number"),
        facts.particular("description", "what was in it"),
        facts.particular("exhibit", "exhibit number"),
    ));
}

fn sets(facts: &Facts<'_>) -> String {
    let sets = facts.report.run["plan"]["sets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<String> = sets.iter().map(|set| crate::summary::text(&set["name"])).collect();
    match names.as_slice() {
        [] => "no list (digests were recorded only)".to_owned(),
        [one] => format!("the list {one}"),
        many => format!("the lists {}", many.join(", ")),
    }
}

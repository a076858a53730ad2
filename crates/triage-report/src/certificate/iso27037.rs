//! Note of an acquisition and examination, with the particulars that ISO/IEC 27037 asks a first
//! responder or specialist to write down: identification, collection, acquisition, preservation.

use super::facts::{Facts, blank};
use crate::document::{Block, Document};

pub(super) fn write(facts: &Facts<'_>, document: &mut Document) {
    "Note of acquisition and examination (after ISO/IEC 27037)".clone_into(&mut document.title);
    document.heading("1  Identification");
    document.facts(vec![
        ("Case", facts.particular("case", "case number")),
        ("Exhibit", facts.particular("exhibit", "exhibit number")),
        ("Description", facts.particular("description", "what it is, its condition")),
        ("Make", facts.device("make", "make")),
        ("Model", facts.device("model", "model")),
        ("Serial number", facts.device("serial", "serial number")),
        ("Capacity", facts.device("capacity", "capacity as printed")),
        ("Found at", blank("place, position, state: on, off, connected to what")),
    ]);
    document.heading("2  Collection");
    document.facts(vec![
        ("Authority", facts.particular("authority", "warrant, order or consent")),
        ("Received", facts.of_event("received", "/time", "date, time and zone")),
        ("From", facts.of_event("received", "/from/name", "from whom")),
        ("Seal of the bag", facts.device("seal_no", "seal number, its condition")),
        ("Photographs", blank("numbers, or none")),
        ("Clock of the device", blank("shown time, true time, how compared")),
    ]);
    document.heading("3  Acquisition and examination");
    document.facts(vec![
        ("Person", facts.particular("examiner", "name")),
        ("Organisation", facts.particular("organisation", "organisation")),
        ("Competence", blank("qualification for this kind of device")),
        ("Request", facts.particular("request", "what was asked for")),
        ("Read as", facts.report.source_words()),
        ("Write protection", facts.device("write_protection", "device, how it was checked")),
        ("Begun", facts.run("/clock/start", "begin")),
        ("Ended", facts.run("/clock/end", "end")),
        ("Program", facts.program()),
        ("Digests", facts.run("/plan/algorithms", "which")),
        ("Changes to the original", blank("none, or which, why unavoidable, by whom")),
    ]);
    document.blocks.push(Block::Items(facts.report.method()));
    document.heading("4  Result");
    document.paragraph(facts.report.answer());
    document.paragraph(facts.counts());
    document.paragraph("Not examined in full, or left out:");
    document.blocks.push(Block::Items(facts.exceptions()));
    document.heading("5  Preservation");
    document.facts(facts.seal());
    document.facts(vec![
        ("Original stored at", blank("place, seal number")),
        ("Copies of the package", blank("how many, where, digest of the seal noted elsewhere")),
    ]);
    document.heading("6  Limits");
    document.blocks.push(Block::Items(facts.report.limits()));
    document.blocks.push(Block::Line("Signature, name, date, time and zone".to_owned()));
    document.blocks.push(Block::Line("Reviewed by, date".to_owned()));
}

//! Hash triage of seized evidence: scan, match, record, seal, report.

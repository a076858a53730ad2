//! The digests that an image stores of its medium, computed again.

use std::sync::mpsc::sync_channel;

use triage_evidence::Problem;
use triage_hash::{Algorithm, Algorithms, Hasher};
use triage_walk::Evidence;

use crate::Watch;

/// How much is read at once: enough chunks of an image for all processors.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// One stored digest and what the medium has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediumCheck {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The digest that the image stores, lower-case hex.
    pub stored: String,
    /// The digest of the medium as the image gives it, lower-case hex.
    pub computed: String,
}

impl MediumCheck {
    /// Says whether the two agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.stored == self.computed
    }
}

/// Reads the whole medium of an image and computes every digest that the image stores of it. Empty
/// if the evidence is no image, or stores none.
///
/// # Errors
/// The [`Problem`] of the first place that could not be read: there is no digest of the whole then.
pub fn check_medium(evidence: &Evidence, watch: &dyn Watch) -> Result<Vec<MediumCheck>, Problem> {
    let Some(image) = evidence.image().filter(|image| !image.stored.is_empty()) else {
        return Ok(Vec::new());
    };
    let wanted: Vec<(Algorithm, String)> = image
        .stored
        .iter()
        .filter_map(|stored| {
            let hex = stored.digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Some((stored.algorithm.parse().ok()?, hex))
        })
        .collect();
    let names: Vec<&str> = wanted.iter().map(|(algorithm, _)| algorithm.name()).collect();
    let Ok(algorithms) = names.join(",").parse::<Algorithms>() else { return Ok(Vec::new()) };
    let source = &image.plain;
    let digests = std::thread::scope(|scope| {
        // One thread reads and decodes, this one hashes; two buffers are under way at most.
        let (filled, receive) = sync_channel::<Result<Vec<u8>, Problem>>(1);
        scope.spawn(move || {
            let mut at = 0;
            loop {
                let mut buffer = vec![0; READ_BYTES];
                let read = source.read_at(at, &mut buffer).map(|read| {
                    buffer.truncate(read);
                    buffer
                });
                let ended = read.as_ref().map_or(true, Vec::is_empty);
                at += read.as_ref().map_or(0, Vec::len) as u64;
                if filled.send(read).is_err() || ended {
                    return;
                }
            }
        });
        let mut hasher = Hasher::new(algorithms);
        for buffer in receive {
            let buffer = buffer?;
            hasher.update(&buffer);
            watch.read(buffer.len() as u64);
        }
        Ok(hasher.finish())
    })?;
    let check = |(algorithm, stored): (Algorithm, String)| MediumCheck {
        algorithm,
        stored,
        computed: digests.get(algorithm).map_or_else(String::new, |digest| digest.to_string()),
    };
    Ok(wanted.into_iter().map(check).collect())
}

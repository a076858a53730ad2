//! Damage: no panic, no hang, and every byte stays in a volume or a gap.

use std::sync::Arc;

use triage_evidence::ByteSource;
use triage_volume::{identify, read_volumes};

use crate::limits::{Draw, ROUNDS, within_limits};
use crate::scene::disk;
use crate::special::by_hand;
use crate::tables::covers;

/// Flips bits or replaces bytes at some of these places.
fn damage(bytes: &mut [u8], places: &[usize], draw: &mut Draw) {
    for _ in 0..=draw.next(8) {
        let at = places[draw.next(places.len())];
        match draw.next(3) {
            0 => bytes[at] ^= 1 << draw.next(8),
            1 => bytes[at] = 0xff,
            _ => bytes[at] = draw.next(256) as u8,
        }
    }
}

#[test]
fn damaged_tables_are_survived_and_every_byte_has_its_place() {
    for (name, sector) in [("mbr", 512), ("gpt", 512), ("gpt4k", 4096)] {
        let whole = disk(name);
        // What is not zero in the first sectors, the records of the chain, and the copy at the end.
        let is_table = |at: &usize| {
            let from_end = whole.len() - at;
            let in_chain = at % (1 << 20) < 512 && name == "mbr";
            (*at < 6 * sector || from_end < 34 * sector || in_chain) && whole[*at] != 0
        };
        let places: Vec<usize> = (0..whole.len()).filter(is_table).collect();
        assert!(places.len() > 30, "{name}");
        let mut hurt = whole.clone();
        for seed in 0..ROUNDS {
            let mut draw = Draw(seed);
            damage(&mut hurt, &places, &mut draw);
            let mut bytes = hurt.clone();
            if draw.next(4) == 0 {
                bytes.truncate(draw.next(whole.len()));
            }
            let size_bytes = bytes.len() as u64;
            let source: Arc<dyn ByteSource> = Arc::new(bytes);
            let map = within_limits(name, seed, || read_volumes(&source));
            assert!(covers(&map, size_bytes), "{name}, seed {seed}: {map:#?}");
            for &at in &places {
                hurt[at] = whole[at];
            }
        }
    }
}

#[test]
fn damaged_special_volumes_are_survived_and_never_taken_for_read() {
    for (name, mut source, _) in by_hand() {
        let whole = source.bytes.clone();
        for seed in 0..ROUNDS {
            let mut draw = Draw(seed);
            source.bytes.clone_from(&whole);
            let hurt = (0..1 + draw.next(24)).map(|_| draw.next(256) as u8).collect();
            source.bytes.push((draw.next(70_000) as u64, hurt));
            source.size_bytes = if draw.next(4) == 0 { draw.next(9 << 20) as u64 } else { 8 << 20 };
            // The ring of ZFS and samples take most of the time: every tenth is enough of them.
            source.size_bytes = if seed % 10 == 0 { source.size_bytes } else { 80_000 };
            let content = within_limits(name, seed, || identify(&source));
            assert!(!content.problem().text.is_empty());
        }
    }
}
